#include "platform/server/login_feed.h"

#include <doctest/doctest.h>

#include "platform/registry/test_world.h"

using namespace tercet;
using namespace tercet::server;

namespace {

struct World {
  registry::TestWorld registry_world;
  registry::Registry& registry = registry_world.open();
  store::TestLoop& management = registry_world.management;
  store::TestLoop shard;
  LoginFeed feed{shard, management, registry};
  runtime::Address peer;
  std::string product;

  World() {
    registry::NewProduct wanted;
    wanted.name = "climate";
    product = registry.create_product(wanted)->product.key;
    for (const char* name : {"board_one", "board_two"}) {
      registry::NewDevice device;
      device.product = product;
      device.name = name;
      REQUIRE(registry.register_device(device));
    }
    registry_world.settle();
    peer.ip[10] = peer.ip[11] = 0xff;
    peer.ip[12] = 192, peer.ip[14] = 2, peer.ip[15] = 7;
  }
  std::int64_t activated(const char* name) { return registry.device({"", product, name})->device.activated.ms; }
};

}  // namespace

TEST_CASE("logins of a moment reach the registry in one message") {
  World world;
  for (int i = 0; i < 1000; ++i) world.feed.on_login(1, {1000 + i}, world.peer);
  world.feed.on_first_login(1, {900});
  world.feed.on_first_login(2, {950});
  world.shard.advance(Millis{60});
  CHECK(world.management.run() == 1);
  CHECK(world.activated("board_one") == 900);
  CHECK(world.activated("board_two") == 950);
  CHECK(world.registry.device({"", world.product, "board_one"})->last_online.ms == 1999);
  CHECK(world.registry.device({"", world.product, "board_one"})->last_address == "192.0.2.7");
}

TEST_CASE("while the management thread has no room, logins are kept and handed over later") {
  World world;
  world.management.set_capacity(0);
  world.feed.on_first_login(1, {900});
  world.shard.advance(Seconds{5});
  CHECK(!world.feed.flush());
  world.feed.on_first_login(1, {7000});  // the first one counts
  world.management.set_capacity(100);
  world.shard.advance(Millis{60});
  world.management.settle();
  CHECK(world.activated("board_one") == 900);
}

TEST_CASE("with nothing gathered nothing is posted") {
  World world;
  CHECK(world.feed.flush());
  world.shard.advance(Seconds{1});
  CHECK(world.management.run() == 0);
}
