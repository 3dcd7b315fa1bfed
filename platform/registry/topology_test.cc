#include <doctest/doctest.h>

#include "platform/registry/test_world.h"

namespace tercet::registry {
namespace {

struct Yard : TestWorld {
  Yard() {
    open();
    gateways = make("gateways", 1);
    things = make("things", 0);
    near = add(gateways, "gateway_1"), far = add(gateways, "gateway_2");
    first = add(things, "child_1"), second = add(things, "child_2");
  }
  std::string make(const std::string& name, int node_type) {
    NewProduct wanted;
    wanted.name = name;
    wanted.node_type = node_type;
    const auto made = registry->create_product(wanted);
    REQUIRE(made);
    return made->product.key;
  }
  Device add(const std::string& product, const std::string& name) {
    NewDevice wanted;
    wanted.product = product, wanted.name = name;
    const auto made = registry->register_device(wanted);
    REQUIRE(made);
    return made->device;
  }
  Device now(const Device& device) { return registry->device(device.number)->device; }
  std::uint64_t gateway_in_directory(const Device& device) {
    settle();
    const Device* found = home(device.product, device.name).device(device.product, device.name);
    REQUIRE(found != nullptr);
    return found->gateway;
  }
  std::string gateways, things;
  Device near, far, first, second;
};

TEST_CASE("a product of NodeType 1 is one of gateways, for shards too, also after a restart") {
  Yard yard;
  yard.settle();
  for (int round = 0; round < 2; ++round) {
    CHECK(yard.directories[0]->product(yard.gateways)->is_gateway);
    CHECK(!yard.directories[1]->product(yard.things)->is_gateway);
    yard.open();
  }
}

TEST_CASE("devices under a gateway are known to their home shards, also after a restart") {
  Yard yard;
  bool applied = false;
  const auto moved = yard.registry->add_sub_devices(yard.near, {yard.first, yard.second}, [&] { applied = true; });
  REQUIRE(moved);
  REQUIRE(moved->size() == 2);
  CHECK((*moved)[0].from == 0);
  yard.settle();
  CHECK(applied);
  for (int round = 0; round < 2; ++round) {
    CHECK(yard.gateway_in_directory(yard.first) == yard.near.number);
    CHECK(yard.gateway_in_directory(yard.second) == yard.near.number);
    CHECK(yard.gateway_in_directory(yard.far) == 0);
    CHECK(yard.registry->sub_devices(yard.near.number).size() == 2);
    yard.open();
  }
}

TEST_CASE("a device moves from one gateway to another, and twice to the same is nothing new") {
  Yard yard;
  REQUIRE(yard.registry->add_sub_devices(yard.near, {yard.first}));
  const auto again = yard.registry->add_sub_devices(yard.near, {yard.now(yard.first)});
  REQUIRE(again);
  CHECK(again->empty());
  const auto moved = yard.registry->add_sub_devices(yard.far, {yard.now(yard.first)});
  REQUIRE(moved);
  REQUIRE(moved->size() == 1);
  CHECK((*moved)[0].from == yard.near.number);
  CHECK(yard.registry->sub_devices(yard.near.number).empty());
  CHECK(yard.gateway_in_directory(yard.first) == yard.far.number);
}

TEST_CASE("over the limit nothing of the message is added") {
  Yard yard;
  yard.settle();
  yard.limits.sub_devices = 1;
  yard.open();
  const auto refused = yard.registry->add_sub_devices(yard.near, {yard.first, yard.second});
  REQUIRE(!refused);
  CHECK(refused.problem().code == "iot.device.TopoRelationCountExceeded");
  CHECK(yard.registry->sub_devices(yard.near.number).empty());
  CHECK(yard.gateway_in_directory(yard.first) == 0);
  CHECK(yard.registry->add_sub_devices(yard.near, {yard.first}));
}

TEST_CASE("devices leave their gateway, and stay when it is deleted") {
  Yard yard;
  REQUIRE(yard.registry->add_sub_devices(yard.near, {yard.first, yard.second}));
  REQUIRE(yard.registry->remove_sub_devices({yard.now(yard.first)}));
  CHECK(yard.gateway_in_directory(yard.first) == 0);
  CHECK(yard.gateway_in_directory(yard.second) == yard.near.number);
  REQUIRE(yard.registry->delete_device({{}, yard.near.product, yard.near.name}));
  CHECK(yard.gateway_in_directory(yard.second) == 0);
  CHECK(yard.now(yard.second).gateway == 0);
}

TEST_CASE("the topology is given in pages") {
  Yard yard;
  REQUIRE(yard.registry->add_sub_devices(yard.near, {yard.first, yard.second}));
  const auto page = yard.registry->sub_devices(yard.near.number, {2, 1});
  REQUIRE(page);
  CHECK(page->total == 2);
  REQUIRE(page->items.size() == 1);
  CHECK(page->items[0].device.name == "child_2");
  CHECK(yard.registry->sub_devices(yard.near.number, {1, 51}).problem().code == "iot.device.QueryTopoRelationFailed");
}

}  // namespace
}  // namespace tercet::registry
