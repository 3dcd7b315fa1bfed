#include <doctest/doctest.h>

#include <algorithm>

#include "platform/registry/naming.h"
#include "platform/registry/test_world.h"

namespace tercet::registry {
namespace {

using Keys = std::vector<std::string>;
using Tags = std::vector<Tag>;

struct Labelled : TestWorld {
  Labelled() {
    limits.tags = 3;
    open();
    NewProduct wanted;
    wanted.name = "lamps";
    product = registry->create_product(wanted)->product.key;
    first = add("lamp_1"), second = add("lamp_2");
  }
  std::uint64_t add(const std::string& name) {
    NewDevice wanted;
    wanted.product = product, wanted.name = name;
    return registry->register_device(wanted)->device.number;
  }
  Tags tags(std::uint64_t device) { return *registry->tags(device); }
  std::string found(const Tags& tags) {
    std::string names;
    const auto page = registry->devices_by_tags(tags, {1, 10});
    for (const DeviceRecord& one : page->items) names += one.device.name + " ";
    return names;
  }
  std::string product;
  std::uint64_t first = 0, second = 0;
};

}  // namespace

TEST_CASE("who keeps a copy of the tags reads them all at the start, and is told of every change and of nothing else") {
  Labelled world;
  Registry& registry = *world.registry;
  const std::uint64_t device = world.first;
  std::vector<std::string> told;
  registry.listen_to_tags([&](std::uint64_t number, const std::vector<Tag>& changed) {
    for (const Tag& tag : changed) told.push_back(std::to_string(number) + " " + tag.key + "=" + tag.value);
  });
  REQUIRE(registry.put_tags(device, {{"room", "kitchen"}, {"floor", "2"}}));
  REQUIRE(registry.put_tags(device, {{"room", "kitchen"}, {"floor", "3"}}));
  REQUIRE(registry.delete_tags(device, {"room", "none"}));
  const std::string number = std::to_string(device);
  CHECK(told == std::vector<std::string>{number + " room=kitchen", number + " floor=2", number + " floor=3",
                                         number + " room="});
  std::string all;
  registry.each_tag(
      [&](const Device& one, const Tag& tag) { all += one.name + " " + tag.key + "=" + tag.value + ";"; });
  CHECK(all.find(" floor=3;") != std::string::npos);
  CHECK(all.find("room") == std::string::npos);
}

TEST_CASE("tags are set, changed and taken away, and what has changed is told; after a restart too") {
  Labelled world;
  CHECK(*world.registry->put_tags(world.first, {{"room", "kitchen"}, {"floor", "2"}}) ==
        Tags{{"room", "kitchen"}, {"floor", "2"}});
  CHECK(*world.registry->put_tags(world.first, {{"room", "hall"}, {"floor", "2"}}) == Tags{{"room", "hall"}});
  CHECK(world.tags(world.first) == Tags{{"floor", "2"}, {"room", "hall"}});
  CHECK(world.tags(world.second).empty());
  CHECK(*world.registry->delete_tags(world.first, {"room", "colour"}) == Tags{{"room", "hall"}});
  world.open();
  CHECK(world.tags(world.first) == Tags{{"floor", "2"}});
}

TEST_CASE("a device has so many tags at most: beyond that nothing of a message is kept; those of its SDK count apart") {
  Labelled world;
  REQUIRE(world.registry->put_tags(world.first, {{"a", "1"}, {"b", "1"}}));
  const auto over = world.registry->put_tags(world.first, {{"a", "2"}, {"c", "1"}, {"d", "1"}});
  REQUIRE(!over);
  CHECK(over.problem().code == "iot.device.SaveOrUpdateDevicePropertiesFailed");
  CHECK(over.problem().error == Error::no_space);
  CHECK(world.tags(world.first) == Tags{{"a", "1"}, {"b", "1"}});
  CHECK(world.registry->put_tags(world.first, {{"c", "1"}, {"a", "sdk", true}, {"z", "sdk", true}}));
  CHECK(world.tags(world.first) == Tags{{"a", "1"}, {"b", "1"}, {"c", "1"}, {"a", "sdk", true}, {"z", "sdk", true}});
  CHECK(*world.registry->delete_tags(world.first, {"z"}) == Tags{});
}

TEST_CASE("devices are found by all of the tags that are asked for, with a value or with any") {
  Labelled world;
  REQUIRE(world.registry->put_tags(world.first, {{"room", "kitchen"}, {"floor", "2"}, {"hidden", "1", true}}));
  REQUIRE(world.registry->put_tags(world.second, {{"room", "hall"}, {"floor", "2"}}));
  CHECK(world.found({{"floor", "2"}}) == "lamp_1 lamp_2 ");
  CHECK(world.found({{"room", ""}}) == "lamp_1 lamp_2 ");
  CHECK(world.found({{"room", "hall"}, {"floor", "2"}}) == "lamp_2 ");
  CHECK(world.found({{"room", "hall"}, {"floor", "3"}}).empty());
  CHECK(world.found({{"hidden", ""}}).empty());
  const auto page = world.registry->devices_by_tags({{"floor", ""}}, {2, 1});
  CHECK(page->total == 2);
  REQUIRE(page->items.size() == 1);
  CHECK(page->items[0].device.name == "lamp_2");
  REQUIRE(world.registry->delete_device({{}, world.product, "lamp_2"}));
  CHECK(world.found({{"floor", "2"}}) == "lamp_1 ");
}

TEST_CASE("keys and values of tags are of these characters and lengths") {
  struct Row {
    std::string text;
    bool key, value;
  };
  const Row rows[] = {
      {"room", true, true},
      {"", false, false},
      {"a_-#@%&.", true, true},
      {"a*b", true, false},
      {"39.9:116.3", false, true},
      {"two words", false, false},
      {"\"", false, false},
      {"厨房", false, true},
      {"\xE5\x8E", false, false},
      {std::string(64, 'k'), true, true},
      {std::string(65, 'k'), false, true},
      {std::string(128, 'v'), false, true},
      {std::string(129, 'v'), false, false},
      {std::string(126, 'v') + "厨", false, true},
      {std::string(127, 'v') + "厨", false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(is_tag_key(row.text) == row.key);
    CHECK(is_tag_value(row.text) == row.value);
  }
}

TEST_CASE("who listens hears once of each device that is made, enabled, disabled and deleted") {
  Labelled world;
  std::string heard;
  world.registry->listen([&](const Device& device, Lifecycle change) {
    heard += device.name + ":" + std::to_string(static_cast<int>(change)) + " ";
    CHECK(!device.iot_id.empty());
  });
  world.add("lamp_3");
  const DeviceRef ref{{}, world.product, "lamp_3"};
  REQUIRE(world.registry->set_enabled(ref, true));
  REQUIRE(world.registry->set_enabled(ref, false));
  REQUIRE(world.registry->set_enabled(ref, false));
  REQUIRE(world.registry->set_enabled(ref, true));
  REQUIRE(world.registry->delete_device(ref));
  CHECK(!world.registry->delete_device(ref));
  CHECK(heard == "lamp_3:0 lamp_3:3 lamp_3:2 lamp_3:1 ");
  heard.clear();
  REQUIRE(world.registry->batch_register(world.product, 3));
  CHECK(std::count(heard.begin(), heard.end(), '0') >= 3);
  CHECK(std::count(heard.begin(), heard.end(), ' ') == 3);
}

}  // namespace tercet::registry
