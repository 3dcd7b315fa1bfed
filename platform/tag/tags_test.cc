#include "platform/tag/tags.h"

#include <doctest/doctest.h>

#include "platform/registry/test_world.h"

namespace tercet::tag {
namespace {

using registry::Tag;
using thing::TagMessage;
using List = std::vector<Tag>;

struct Journal final : broker::Journal {
  void record(broker::Refusal refusal) override { entries.push_back(std::move(refusal)); }
  std::vector<broker::Refusal> entries;
};

struct World : registry::TestWorld {
  World() {
    limits.tags = 3;
    open();
    registry::NewProduct wanted;
    wanted.name = "lamps";
    product = registry->create_product(wanted)->product.key;
    number = registry->register_device({product, "lamp_1", {}, {}})->device.number;
    tags = std::make_unique<Tags>(Tags::Parts{management, *registry, journal,
                                              [this](Letter letter) { letters.push_back(std::move(letter)); },
                                              [this](thing::Announcement one) { told.push_back(std::move(one)); }});
  }
  std::string say(TagMessage::Kind kind, List list) {
    letters.clear();
    TagMessage message;
    message.kind = kind;
    message.device = number;
    message.product = product, message.name = "lamp_1";
    message.id = "7", message.method = "m", message.topic = "t_reply";
    message.tags = std::move(list);
    tags->on_message(message);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].topic == "t_reply");
    return letters[0].payload;
  }
  registry::DeviceRef ref() const { return {{}, product, "lamp_1"}; }
  std::string value_told() const {
    const std::string& payload = told.back().payload;
    const auto from = payload.find("\"value\":") + 8;
    return payload.substr(from, payload.find(",\"messageCreateTime\"") - from);
  }

  Journal journal;
  std::string product;
  std::uint64_t number = 0;
  std::vector<Letter> letters;
  std::vector<thing::Announcement> told;
  std::unique_ptr<Tags> tags;
};

constexpr auto kUpdate = TagMessage::Kind::update;
constexpr auto kRemove = TagMessage::Kind::remove;
constexpr auto kGet = TagMessage::Kind::get;

std::string answer(int code, std::string_view text, std::string_view data = "{}") {
  return R"({"id":"7","code":)" + std::to_string(code) + R"(,"message":")" + std::string(text) + R"(","data":)" +
         std::string(data) + R"(,"method":"m","version":"1.0"})";
}

}  // namespace

TEST_CASE("a device sets its tags, asks for them and takes them away; applications hear of what has changed") {
  World world;
  CHECK(world.say(kUpdate, {{"room", "hall"}, {"floor", "2"}, {"SYS_SDK_LANGUAGE", "C", true}}) ==
        answer(200, "success"));
  REQUIRE(world.told.size() == 1);
  CHECK(world.value_told() == R"([{"attrKey":"room","attrValue":"hall"},{"attrKey":"floor","attrValue":"2"}])");
  CHECK(world.say(kGet, {}) ==
        answer(200, "success", R"([{"attrKey":"floor","attrValue":"2"},{"attrKey":"room","attrValue":"hall"}])"));
  CHECK(world.say(kGet, {{"room", ""}, {"colour", ""}}) ==
        answer(200, "success", R"([{"attrKey":"room","attrValue":"hall"}])"));
  CHECK(world.say(kUpdate, {{"room", "hall"}}) == answer(200, "success"));
  CHECK(world.say(kUpdate, {{"SYS_SDK_LANGUAGE", "C++", true}}) == answer(200, "success"));
  CHECK(world.told.size() == 1);
  CHECK(world.say(kRemove, {{"room", ""}, {"colour", ""}}) == answer(200, "success"));
  REQUIRE(world.told.size() == 2);
  CHECK(world.value_told() == R"([{"attrKey":"room","attrValue":""}])");
  CHECK(world.say(kGet, {}) == answer(200, "success", R"([{"attrKey":"floor","attrValue":"2"}])"));
  CHECK(world.journal.entries.empty());
}

TEST_CASE("more tags than a device may have are refused, noted and not told of") {
  World world;
  CHECK(world.say(kUpdate, {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}}) == answer(460, "request parameter error"));
  REQUIRE(world.journal.entries.size() == 1);
  CHECK(world.journal.entries[0].cause == "tag.too_many");
  CHECK(world.told.empty());
  CHECK(world.say(kGet, {}) == answer(200, "success", "[]"));
}

TEST_CASE("a device that is gone is answered, without a trace") {
  World world;
  REQUIRE(world.registry->delete_device(world.ref()));
  CHECK(world.say(kUpdate, {{"a", "1"}}) == answer(6100, "device not found"));
  CHECK(world.told.empty());
}

TEST_CASE("applications save and delete tags, and are told what is wrong") {
  World world;
  REQUIRE(world.tags->save(world.ref(), {{"room", "hall"}}));
  CHECK(world.value_told() == R"([{"attrKey":"room","attrValue":"hall"}])");
  REQUIRE(world.tags->save(world.ref(), {{"room", "hall"}}));
  CHECK(world.told.size() == 1);
  CHECK(world.tags->save(world.ref(), {}).problem().code == "iot.device.NoneDeviceProperties");
  CHECK(world.tags->save(world.ref(), {{"two words", "v"}}).problem().code ==
        "iot.device.InvalidFormattedDevicePropertyKey");
  CHECK(world.tags->save(world.ref(), {{"k", ""}}).problem().code == "iot.device.SaveOrUpdateDevicePropertiesFailed");
  CHECK(world.tags->save({{}, world.product, "lamp_9"}, {{"k", "v"}}).problem().code == "iot.device.NotExistedDevice");
  CHECK(world.tags->remove(world.ref(), "").problem().code == "iot.device.NullDevicePropertyKey");
  CHECK(world.tags->remove(world.ref(), "colour").problem().code == "iot.device.DeleteDevicePropertyFailed");
  REQUIRE(world.tags->remove(world.ref(), "room"));
  CHECK(world.value_told() == R"([{"attrKey":"room","attrValue":""}])");
  CHECK(world.registry->tags(world.number)->empty());
}

}  // namespace tercet::tag
