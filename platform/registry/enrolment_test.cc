#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "platform/registry/test_world.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

struct Enrolled : TestWorld {
  std::string product;
  Enrolled() {
    NewProduct wanted;
    wanted.name = "climate";
    wanted.dynamic_register = true;
    product = open().create_product(wanted)->product.key;
  }
  std::string token(const std::string& name) {
    const auto made = registry->register_unlisted(product, name);
    settle();
    return made ? made->client_id : std::string(made.problem().code);
  }
  void allow(bool registration) {
    ProductChange change;
    change.dynamic_register = registration;
    REQUIRE(registry->update_product(product, change));
  }
  DeviceRef ref(const std::string& name) { return {{}, product, name}; }
  std::size_t tokens(const std::string& name) {
    const Device* device = home(product, name).device(product, name);
    return device != nullptr && device->tokens ? device->tokens->size() : 0;
  }
};

}  // namespace

TEST_CASE("a board without pre-registration makes its device, and five boards may share the name") {
  Enrolled world;
  const auto first = world.registry->register_unlisted(world.product, "a4cf1266aabb");
  REQUIRE(first);
  CHECK(first->client_id.size() == 20);
  CHECK(first->token.size() == 32);
  world.settle();
  CHECK(world.registry->device_count(world.product) == 1);
  for (std::size_t board = 2; board <= kMostTokens; ++board) CHECK(world.token("a4cf1266aabb").size() == 20);
  CHECK(world.token("a4cf1266aabb") == "tercet.register.TooManyTokens");
  CHECK(world.registry->device_count(world.product) == 1);
  CHECK(world.tokens("a4cf1266aabb") == 5);

  SUBCASE("and a restart forgets none of it") {
    world.open();
    CHECK(world.registry->product(world.product)->product.dynamic_register);
    REQUIRE(world.tokens("a4cf1266aabb") == 5);
    const Device& device = *world.home(world.product, "a4cf1266aabb").device(world.product, "a4cf1266aabb");
    bool found = false;
    for (const DeviceToken& token : *device.tokens)
      found = found || (token.client_id == first->client_id && token.token == first->token);
    CHECK(found);
  }
  SUBCASE("one of them may be kept, the others signed out, and no further one registers until a reset") {
    REQUIRE(world.registry->keep_token(world.ref("a4cf1266aabb"), first->client_id));
    world.settle();
    const Device& device = *world.home(world.product, "a4cf1266aabb").device(world.product, "a4cf1266aabb");
    CHECK(world.tokens("a4cf1266aabb") == 1);
    CHECK(device.sign_out);
    CHECK(world.token("a4cf1266aabb") == "tercet.register.TooManyTokens");
    REQUIRE(world.registry->reset_registration(world.ref("a4cf1266aabb")));
    CHECK(world.token("a4cf1266aabb").size() == 20);
  }
  SUBCASE("one may be taken away, or all, which makes room") {
    REQUIRE(world.registry->delete_tokens(world.ref("a4cf1266aabb"), first->client_id));
    world.settle();
    CHECK(world.tokens("a4cf1266aabb") == 4);
    CHECK(world.registry->delete_tokens(world.ref("a4cf1266aabb"), first->client_id).problem().code ==
          "tercet.register.NotExistedClientId");
    REQUIRE(world.registry->delete_tokens(world.ref("a4cf1266aabb")));
    world.settle();
    CHECK(world.tokens("a4cf1266aabb") == 0);
    CHECK(world.token("a4cf1266aabb").size() == 20);
  }
  SUBCASE("a change of the device leaves the tokens where they are, and deleting it does not") {
    REQUIRE(world.registry->set_enabled(world.ref("a4cf1266aabb"), false));
    world.settle();
    CHECK(world.tokens("a4cf1266aabb") == 5);
    CHECK(world.token("a4cf1266aabb") == "tercet.register.DeviceActive");
    REQUIRE(world.registry->delete_device(world.ref("a4cf1266aabb")));
    world.settle();
    CHECK(world.token("a4cf1266aabb").size() == 20);
    CHECK(world.tokens("a4cf1266aabb") == 1);
  }
}

TEST_CASE("what may not register without pre-registration is refused, and nothing is made") {
  Enrolled world;
  CHECK(world.token("abc") == "iot.device.InvalidFormattedDeviceName");
  CHECK(world.token("") == "iot.device.NullDeviceName");
  CHECK(world.registry->register_unlisted("a1none", "sensor_01").problem().code == "iot.prod.NotExistedProduct");
  world.allow(false);
  CHECK(world.token("sensor_01") == "tercet.register.SwitchedOff");
  world.allow(true);
  REQUIRE(world.registry->register_device({world.product, "sensor_01", {}, {}}));
  const auto device = world.registry->device(world.ref("sensor_01"));
  world.registry->note_activated(device->device.number, UnixMillis{5});
  CHECK(world.token("sensor_01") == "tercet.register.DeviceActive");
  world.limits.devices_per_product = 1;
  world.open();
  CHECK(world.token("sensor_02") == "iot.device.DeviceCountExceeded");
  CHECK(world.registry->device_count(world.product) == 1);
}

TEST_CASE("a reset lets an active device register until its next login") {
  Enrolled world;
  REQUIRE(world.registry->register_device({world.product, "sensor_01", {}, {}}));
  const auto number = world.registry->device(world.ref("sensor_01"))->device.number;
  world.registry->note_activated(number, UnixMillis{5});
  CHECK(!world.registry->device(number)->device.may_register());
  REQUIRE(world.registry->reset_registration(world.ref("sensor_01")));
  world.open();
  CHECK(world.home(world.product, "sensor_01").device(number)->may_register());
  world.registry->note_activated(number, UnixMillis{9});
  const auto after = world.registry->device(number);
  CHECK(!after->device.may_register());
  CHECK(after->device.activated.ms == 5);
}

TEST_CASE("a token is sealed on disk") {
  Enrolled world;
  const auto made = world.registry->register_unlisted(world.product, "a4cf1266aabb");
  REQUIRE(made);
  world.reset();
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(world.folder.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  CHECK(bytes.find(made->client_id) != std::string::npos);
  CHECK(bytes.find(made->token) == std::string::npos);
}
