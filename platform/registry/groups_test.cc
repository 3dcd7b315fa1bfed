#include <doctest/doctest.h>

#include "platform/registry/test_world.h"

namespace tercet::registry {
namespace {

struct Fleet : TestWorld {
  Fleet() {
    open();
    NewProduct wanted;
    wanted.name = "climate";
    product = registry->create_product(wanted)->product.key;
    for (const char* name : {"board_1", "board_2", "board_3"}) {
      NewDevice one;
      one.product = product, one.name = name;
      devices.push_back(registry->register_device(one)->device);
    }
  }
  std::string make(const std::string& name, const std::string& parent = "") {
    const auto made = registry->create_group(name, "", parent);
    REQUIRE(made);
    return made->id;
  }
  std::string product;
  std::vector<Device> devices;
};

template <typename T>
std::string code(const Answer<T>& answer) {
  return answer ? "" : std::string(answer.problem().code);
}

TEST_CASE("a group keeps its devices, its tags and its place over a restart") {
  Fleet fleet;
  const std::string site = fleet.make("Shanghai"), hall = fleet.make("hall_1", site);
  REQUIRE(fleet.registry->join_group(hall, {fleet.devices[0], fleet.devices[1]}));
  REQUIRE(fleet.registry->set_group_tags(hall, {{"floor", "2"}, {"kind", "cold"}}));
  REQUIRE(fleet.registry->describe_group(hall, "the cold one"));
  fleet.open();
  const auto group = fleet.registry->group(std::string_view(hall));
  REQUIRE(group);
  CHECK(group->description == "the cold one");
  CHECK(fleet.registry->group(group->parent)->id == site);
  CHECK(fleet.registry->group_tags(hall)->size() == 2);
  CHECK(fleet.registry->group_devices(hall, {1, 10})->total == 2);
  CHECK(fleet.registry->group_devices(hall, {2, 1})->items.at(0).device.name == "board_2");
  CHECK(fleet.registry->group_members(site)->empty());
  CHECK(fleet.registry->is_in_group(fleet.devices[0].number, hall));
  CHECK(!fleet.registry->is_in_group(fleet.devices[2].number, hall));
  CHECK(fleet.registry->groups_of(fleet.devices[1].number).at(0).name == "hall_1");
}

TEST_CASE("a device comes to a group once, leaves it once, and is in ten groups at most") {
  Fleet fleet;
  fleet.limits.groups_of_device = 2;
  fleet.open();
  const std::string a = fleet.make("group_a"), b = fleet.make("group_b"), c = fleet.make("group_c");
  const auto first = fleet.registry->join_group(a, {fleet.devices[0]});
  CHECK(first->done == 1);
  const auto again = fleet.registry->join_group(a, {fleet.devices[0], fleet.devices[1]});
  CHECK((again->already == 1 && again->done == 1));
  CHECK(fleet.registry->join_group(b, {fleet.devices[0]})->done == 1);
  CHECK(fleet.registry->join_group(c, {fleet.devices[0]})->full == 1);
  CHECK(fleet.registry->leave_group(a, {fleet.devices[0], fleet.devices[2]})->done == 1);
  CHECK(fleet.registry->join_group(c, {fleet.devices[0]})->done == 1);
}

TEST_CASE("groups have three levels, names of their own, and go only when nothing is below") {
  Fleet fleet;
  const std::string one = fleet.make("level_1"), two = fleet.make("level_2", one), three = fleet.make("level_3", two);
  CHECK(code(fleet.registry->create_group("level_4", "", three)) == "iot.group.GroupLevelExceedingLimitError");
  CHECK(code(fleet.registry->create_group("level_1", "", "")) == "iot.group.GroupNameExisted");
  CHECK(code(fleet.registry->create_group("abc", "", "")) == "iot.group.InvalidGroupName");
  CHECK(code(fleet.registry->create_group("an orphan", "", "nowhere")) == "iot.group.NotExistedGroup");
  CHECK(code(fleet.registry->delete_group(two)) == "iot.group.SubGroupNotNull");
  CHECK(fleet.registry->delete_group(three));
  CHECK(fleet.registry->delete_group(two));
  CHECK(code(fleet.registry->delete_group(two)) == "iot.group.NotExistedGroup");
  CHECK(code(fleet.registry->group(std::string_view())) == "iot.group.NullGroupId");
  fleet.limits.groups = 1;
  fleet.open();
  CHECK(code(fleet.registry->create_group("level_2", "", "")) == "iot.group.GroupCountExceedMax");
}

TEST_CASE("groups are found by a part of the name, by the group above, and by all of some tags") {
  Fleet fleet;
  const std::string site = fleet.make("Shanghai"), hall = fleet.make("hall_1", site), yard = fleet.make("yard_1", site);
  CHECK(fleet.registry->groups("", "", {1, 2})->total == 3);
  CHECK(fleet.registry->groups("", "", {1, 2})->items.at(0).name == "yard_1");
  CHECK(fleet.registry->groups("all", "", {1, 10})->items.at(0).id == hall);
  CHECK(fleet.registry->groups("", site, {1, 10})->total == 2);
  REQUIRE(fleet.registry->set_group_tags(hall, {{"floor", "2"}, {"kind", "cold"}}));
  REQUIRE(fleet.registry->set_group_tags(yard, {{"floor", "2"}}));
  CHECK(fleet.registry->groups_with({{"floor", "2"}}, {1, 10})->total == 2);
  CHECK(fleet.registry->groups_with({{"floor", "2"}, {"kind", "cold"}}, {1, 10})->items.at(0).id == hall);
  CHECK(fleet.registry->groups_with({{"floor", "2"}}, {2, 1})->items.size() == 1);
  REQUIRE(fleet.registry->set_group_tags(hall, {}));
  CHECK(fleet.registry->groups_with({{"kind", "cold"}}, {1, 10})->total == 0);
  CHECK(code(fleet.registry->set_group_tags(hall, {{"a", "1"}, {"a", "2"}})) == "iot.group.InvalidFormattedTagString");
  CHECK(fleet.registry->group_tags(hall)->empty());
}

TEST_CASE("a deleted device is in no group any more, and a deleted group leaves its devices") {
  Fleet fleet;
  const std::string group = fleet.make("Shanghai");
  REQUIRE(fleet.registry->join_group(group, fleet.devices));
  REQUIRE(fleet.registry->delete_device({"", fleet.product, "board_1"}));
  CHECK(fleet.registry->group_members(group)->size() == 2);
  REQUIRE(fleet.registry->delete_group(group));
  CHECK(fleet.registry->groups_of(fleet.devices[1].number).empty());
  CHECK(fleet.registry->is_known(fleet.product, "board_2"));
}

}  // namespace
}  // namespace tercet::registry
