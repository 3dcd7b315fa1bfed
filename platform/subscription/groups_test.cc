#include "platform/subscription/groups.h"

#include <doctest/doctest.h>

#include "platform/rule/destinations.h"
#include "platform/store/test_folder.h"
#include "platform/store/test_loop.h"

namespace tercet::subscription {
namespace {

struct World {
  World() { open(); }
  void open() {
    groups.reset();
    auto opened = Groups::open(folder.path() / "subscriptions.db",
                               {loop, [](std::string_view product) { return product == "a1" || product == "a2"; },
                                [this](std::string_view group) { return group == used; }, [this] { ++changes; }});
    REQUIRE(opened);
    groups = std::move(*opened);
  }
  std::string make(const std::string& name) {
    const auto made = groups->create(name);
    REQUIRE(made);
    return made->id;
  }
  store::TestFolder folder;
  store::TestLoop loop;
  std::string used;
  int changes = 0;
  std::unique_ptr<Groups> groups;
};
std::string code(const Answer<void>& answer) { return answer ? "" : std::string(answer.problem().code); }

}  // namespace

TEST_CASE("the default group is there from the start, and stays") {
  World world;
  const auto found = world.groups->group("DEFAULT_GROUP");
  REQUIRE(found);
  CHECK(found->destination() == rule::Destinations::kFirstGroup + 1);
  CHECK(code(world.groups->erase("DEFAULT_GROUP")) == "iot.consumergroup.DefaultGroupCannotBeDeleted");
  world.open();
  CHECK(world.groups->group("DEFAULT_GROUP")->number == 1);
}

TEST_CASE("a group's name has 4 to 30 letters, digits or _, and is its own") {
  World world;
  for (const char* name : {"abcd", "a_1Z", "消费组", "abcdefghijklmnopqrstuvwxyz0123"}) {
    CAPTURE(name);
    CHECK(world.groups->create(name));
  }
  for (const char* name :
       {"", "abc", "abcdefghijklmnopqrstuvwxyz01234", "with space", "dash-ed", "消", "\xff\xff\xff\xff"}) {
    CAPTURE(name);
    CHECK(!world.groups->create(name));
  }
  CHECK(world.groups->create("abcd").problem().code == "iot.consumergroup.GroupNameExisted");
}

TEST_CASE("a number is never used again, so a new group does not get an old one's messages") {
  World world;
  const std::string first = world.make("first");
  const std::uint64_t number = world.groups->group(first)->number;
  REQUIRE(world.groups->erase(first));
  const std::string second = world.make("second");
  CHECK(world.groups->group(second)->number > number);
}

TEST_CASE("groups are listed, newest first, and found by name") {
  World world;
  for (int i = 0; i < 5; ++i) world.make("kitchen_" + std::to_string(i));
  world.make("cellar");
  const auto all = world.groups->groups("", false, {1, 3});
  REQUIRE(all);
  CHECK(all->total == 7);
  CHECK(all->items.front().name == "cellar");
  CHECK(all->items.size() == 3);
  CHECK(world.groups->groups("kitchen", true, {1, 10})->total == 5);
  CHECK(world.groups->groups("kitchen", false, {1, 10})->total == 0);
  CHECK(world.groups->groups("kitchen_3", false, {1, 10})->total == 1);
}

TEST_CASE("a group is renamed, and an unknown one is refused") {
  World world;
  const std::string id = world.make("before");
  CHECK(world.groups->rename(id, "after"));
  CHECK(world.groups->group(id)->name == "after");
  CHECK(code(world.groups->rename(id, "x")) == "iot.consumergroup.InvalidGroupName");
  CHECK(code(world.groups->rename(id, "DEFAULT_GROUP")) == "iot.consumergroup.GroupNameExisted");
  CHECK(code(world.groups->rename("nobody", "after2")) == "iot.consumergroup.NotExistedGroup");
}

TEST_CASE("a subscription says who gets which messages of a product, over a restart too") {
  World world;
  const std::string one = world.make("group_one"), two = world.make("group_two");
  CHECK(world.groups->create_relation({"a1", bit(Wish::device_data) | bit(Wish::status), {one, two}}));
  CHECK(world.changes == 3);
  world.open();
  const auto all = world.groups->subscriptions();
  REQUIRE(all.size() == 2);
  CHECK(all[0].product == "a1");
  CHECK(all[0].sources ==
        (thing::bit(thing::Source::custom) | thing::bit(thing::Source::property) | thing::bit(thing::Source::event) |
         thing::bit(thing::Source::reply) | thing::bit(thing::Source::status)));
  CHECK(all[0].destination != all[1].destination);
  CHECK(world.groups->relation("a1")->groups == std::vector<std::string>{one, two});
  CHECK(code(world.groups->create_relation({"a1", 1, {one}})) == "iot.subscribe.RelationAlreadyExisted");
  CHECK(world.groups->update_relation({"a1", bit(Wish::tags), {two}}));
  CHECK(world.groups->subscriptions().size() == 1);
  CHECK(world.groups->subscriptions()[0].sources == thing::bit(thing::Source::tags));
  CHECK(world.groups->erase_relation("a1"));
  CHECK(world.groups->subscriptions().empty());
  CHECK(code(world.groups->erase_relation("a1")) == "iot.subscribe.NotExistedRelation");
  CHECK(code(world.groups->update_relation({"a1", 1, {one}})) == "iot.subscribe.NotExistedRelation");
}

TEST_CASE("a subscription without product, flag or group is refused, and nothing is half written") {
  World world;
  const std::string one = world.make("group_one");
  CHECK(code(world.groups->create_relation({"b9", 1, {one}})) == "iot.prod.NotExistedProduct");
  CHECK(code(world.groups->create_relation({"a1", 0, {one}})) == "iot.subscribe.NoMessageType");
  CHECK(code(world.groups->create_relation({"a1", 1, {}})) == "iot.subscribe.InvalidConsumerGroups");
  CHECK(code(world.groups->create_relation({"a1", 1, {one, "nobody"}})) == "iot.consumergroup.NotExistedGroup");
  CHECK(code(world.groups->create_relation({"a1", 1, std::vector<std::string>(11, one)})) ==
        "iot.subscribe.InvalidConsumerGroups");
  CHECK(!world.groups->relation("a1"));
}

TEST_CASE("groups join a subscription and leave it, the last one does not") {
  World world;
  const std::string one = world.make("group_one"), two = world.make("group_two");
  CHECK(!world.groups->add_group("a1", one));
  REQUIRE(world.groups->create_relation({"a1", 1, {one}}));
  CHECK(world.groups->add_group("a1", two));
  CHECK(world.groups->add_group("a1", two));
  CHECK(world.groups->relation("a1")->groups.size() == 2);
  CHECK(world.groups->remove_group("a1", one));
  CHECK(code(world.groups->remove_group("a1", one)) == "iot.subscribe.NotExistedRelation");
  CHECK(code(world.groups->remove_group("a1", two)) == "iot.subscribe.InvalidConsumerGroups");
}

TEST_CASE("a group that is in use is not deleted") {
  World world;
  const std::string one = world.make("group_one"), two = world.make("group_two");
  REQUIRE(world.groups->create_relation({"a1", 1, {one}}));
  CHECK(code(world.groups->erase(one)) == "iot.consumergroup.GroupHasSubscribeRelation");
  world.used = two;
  CHECK(code(world.groups->erase(two)) == "iot.consumergroup.GroupHasSubscribeRelation");
  world.used = "";
  CHECK(world.groups->erase(two));
  CHECK(code(world.groups->erase(two)) == "iot.consumergroup.NotExistedGroup");
}

TEST_CASE("every flag has its parameter and its sources") {
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < kWishes; ++i) {
    const std::uint32_t sources = sources_of(bit(static_cast<Wish>(i)));
    CHECK(sources != 0);
    CHECK((all & sources) == 0);
    all |= sources;
    CHECK(parameter(static_cast<Wish>(i)).ends_with("Flag"));
  }
  CHECK(all == (std::uint32_t{1} << thing::kSources) - 1);
}

}  // namespace tercet::subscription
