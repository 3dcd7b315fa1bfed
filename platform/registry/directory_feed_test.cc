#include "platform/registry/directory_feed.h"

#include <doctest/doctest.h>

#include "platform/registry/test_world.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

std::vector<Device> boards(int count) {
  std::vector<Device> made;
  for (int i = 0; i < count; ++i) {
    Device device;
    device.number = static_cast<std::uint64_t>(i + 1);
    device.product = "pk";
    device.name = "board" + std::to_string(i);
    device.secret = "secret" + std::to_string(i);
    made.push_back(std::move(device));
  }
  return made;
}

}  // namespace

TEST_CASE("a device goes to its home only, its name and secret to every shard") {
  TestWorld world;
  bool applied = false;
  world.feed->put(boards(20), [&] { applied = true; });
  world.settle();
  CHECK(applied);
  CHECK(world.directories[0]->device_count() > 0);
  CHECK(world.directories[1]->device_count() > 0);
  CHECK(world.directories[0]->device_count() + world.directories[1]->device_count() == 20);
  for (const Device& device : boards(20)) {
    CHECK(world.home("pk", device.name).device("pk", device.name)->secret == device.secret);
    CHECK(world.directories[0]->has_sibling("pk", device.name));
    CHECK(world.directories[1]->has_sibling("pk", device.name));
  }
  world.feed->remove_devices(boards(20));
  world.settle();
  CHECK(world.directories[0]->device_count() + world.directories[1]->device_count() == 0);
  CHECK(!world.directories[0]->has_sibling("pk", "board1"));
}

TEST_CASE("a product goes to every shard, and so does its end") {
  TestWorld world;
  auto product = std::make_shared<Product>();
  product->key = "pk";
  world.feed->put(product);
  world.settle();
  CHECK(world.directories[0]->product("pk") == world.directories[1]->product("pk"));
  world.feed->remove_product("pk");
  world.settle();
  CHECK(world.directories[0]->product("pk") == nullptr);
  CHECK(world.directories[1]->product("pk") == nullptr);
}

TEST_CASE("applied means by the last shard, and is told on the management loop") {
  TestWorld world;
  bool applied = false;
  world.feed->put(boards(3), [&] { applied = true; });
  world.shards.loops[0]->settle();
  world.management.settle();
  CHECK(!applied);
  world.shards.loops[1]->settle();
  CHECK(!applied);
  world.management.settle();
  CHECK(applied);
}

TEST_CASE("a shard whose queue is full gets the changes later, in order") {
  TestWorld world;
  world.shards.loops[1]->set_capacity(0);
  int applied = 0;
  for (std::uint64_t version = 1; version <= 5; ++version) {
    auto product = std::make_shared<Product>();
    product->key = "pk";
    product->version = version;
    world.feed->put(product, [&] { ++applied; });
  }
  world.settle();
  CHECK(world.feed->waiting() == 5);
  CHECK(applied == 0);
  CHECK(world.directories[0]->product("pk")->version == 5);
  world.shards.loops[1]->set_capacity(2);
  world.management.advance(Millis{1});
  CHECK(world.feed->waiting() == 3);
  world.settle();
  CHECK(world.directories[1]->product("pk")->version == 2);
  world.shards.loops[1]->set_capacity(100);
  world.management.advance(Millis{1});
  world.settle();
  CHECK(world.feed->waiting() == 0);
  CHECK(world.directories[1]->product("pk")->version == 5);
  CHECK(applied == 5);
}

TEST_CASE("a management loop whose queue is full hears of it later") {
  TestWorld world;
  int applied = 0;
  world.feed->put(boards(1), [&] { ++applied; });
  world.management.set_capacity(0);
  for (auto& loop : world.shards.loops) loop->run();
  for (auto& loop : world.shards.loops) loop->run();
  CHECK(applied == 0);
  world.management.set_capacity(100);
  world.settle();
  CHECK(applied == 1);
}
