#include "platform/registry/psk_keys.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "platform/broker/identity.h"

using namespace tercet;
using namespace tercet::registry;
using Kind = runtime::PskAnswer::Kind;

namespace {

Device device(std::uint64_t number, std::string name, bool enabled = true) {
  Device made;
  made.number = number;
  made.product = "a1B2c3D4e5F";
  made.name = std::move(name);
  made.secret = "0123456789abcdef0123456789abcdef";
  made.enabled = enabled;
  return made;
}

std::size_t second_for_odd(std::string_view key) { return key.size() % 2; }

/// Two shards; a device's home follows from the length of its key.
struct World {
  Directory shards[2];
  PskKeys keys{{&shards[0], &shards[1]}, second_for_odd};
  void put(Device device) {
    shards[second_for_odd(broker::device_key(device.product, device.name))].put(std::move(device));
  }
};

constexpr std::string_view kIdentity = "devicename|hmacsha256|a1B2c3D4e5F&sensor_01|2524608000000";

}  // namespace

TEST_CASE("a registered device's key is the one the vendor's SDKs make, on whatever shard it is at home") {
  World world;
  world.put(device(1, "sensor_01"));
  world.put(device(2, "sensor_0002"));
  const auto answer = world.keys.answer(kIdentity);
  CHECK(answer.kind == Kind::known);
  CHECK(answer.key == "1A4412322E8DAA34FBCC95BB5BAB489F9E2E55063602C3F40E94BEABB27F70EB");
  CHECK(answer.name == "a1B2c3D4e5F/sensor_01");
  CHECK(world.keys.answer("devicename|hmacsha256|a1B2c3D4e5F&sensor_0002|1").kind == Kind::known);
}

TEST_CASE("unknown, disabled and removed devices have no key, and the name for the journal is kept") {
  World world;
  CHECK(world.keys.answer(kIdentity).kind == Kind::unknown);
  world.put(device(1, "sensor_01", false));
  const auto disabled = world.keys.answer(kIdentity);
  CHECK(disabled.kind == Kind::unknown);
  CHECK(disabled.key.empty());
  CHECK(disabled.name == "a1B2c3D4e5F/sensor_01");
  world.put(device(1, "sensor_01"));
  CHECK(world.keys.answer(kIdentity).kind == Kind::known);
  for (Directory& shard : world.shards) shard.remove_device("a1B2c3D4e5F", "sensor_01");
  CHECK(world.keys.answer(kIdentity).kind == Kind::unknown);
  CHECK(world.keys.answer("anything").kind == Kind::malformed);
}

TEST_CASE("other threads may ask while the shard changes its devices") {
  World world;
  std::atomic<bool> done = false;
  std::thread asking([&] {
    while (!done) {
      const auto answer = world.keys.answer(kIdentity);
      CHECK((answer.kind == Kind::unknown || answer.key.size() == 64));
    }
  });
  for (std::uint64_t i = 0; i < 2000; ++i) {
    world.put(device(i, "sensor_01", i % 3 != 0));
    if (i % 5 == 0)
      for (Directory& shard : world.shards) shard.remove_device("a1B2c3D4e5F", "sensor_01");
  }
  done = true;
  asking.join();
}
