#include "tercet/device/tags.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

constexpr const char* kHead = "/sys/a1B2c3D4e5F/sensor_01/thing/deviceinfo/";

struct Board final : DeviceEvents, TagEvents {
  Board() {
    Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    CHECK(tags.get().error() == Error::bad_state);
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    REQUIRE(tags.start(device, id));
    for (int i = 0; i < 20'000 && device.ladder().standing() < Rung::suback; ++i) pass();
    REQUIRE(device.is_online());
    board.platform.record_all = true;
  }
  void pass() { device.run(), board.clock.advance(Millis{10}); }
  void on_message(std::string_view topic, Bytes payload) override {
    if (!tags.on_message(topic, payload)) ++others;
  }
  void on_tag(const Tag& tag) override { heard += std::string(tag.key) + "=" + std::string(tag.value) + ";"; }
  void on_tags_answered(MessageId id, std::int32_t with) override { answered = id, code = with; }
  void hear(const char* verb, std::string_view payload) {
    board.platform.push(kHead + std::string(verb), payload, mqtt::Qos::at_least_once);
    for (int i = 0; i < 5; ++i) pass();
  }
  std::string said(const char* verb) {
    for (int i = 0; i < 5; ++i) pass();
    std::string last;
    for (const auto& [topic, payload] : board.platform.messages)
      if (topic == kHead + std::string(verb)) last = payload;
    return last;
  }

  fake::Board board{1};
  DeviceBuffers<> buffers;
  Device device{board.port(), buffers.storage(), *this};
  std::array<std::uint8_t, 256> scratch{};
  Tags tags{*this, scratch};
  std::string heard;
  MessageId answered = 0;
  std::int32_t code = 0;
  int others = 0;
};

}  // namespace

TEST_CASE("a board sets, takes away and asks for its tags") {
  Board board;
  const auto set = board.tags.update({{"room", "\xE5\x8E\xA8"}, {"floor", "2"}});
  REQUIRE(set);
  CHECK(
      board.said("update") ==
      R"({"id":"1","version":"1.0","params":[{"attrKey":"room","attrValue":"厨"},{"attrKey":"floor","attrValue":"2"}],"method":"thing.deviceinfo.update"})");
  board.hear("update_reply", R"({"id":"1","code":200,"data":{}})");
  CHECK(board.answered == *set);
  CHECK(board.code == 200);
  REQUIRE(board.tags.remove({"floor"}));
  CHECK(board.said("delete") ==
        R"({"id":"2","version":"1.0","params":[{"attrKey":"floor"}],"method":"thing.deviceinfo.delete"})");
  board.hear("delete_reply", R"({"id":"2","code":460,"data":{}})");
  CHECK(board.answered == 2);
  CHECK(board.code == 460);
  REQUIRE(board.tags.get());
  CHECK(board.said("get") == R"({"id":"3","version":"1.0","params":[],"method":"thing.deviceinfo.get"})");
  REQUIRE(board.tags.get({"room"}));
  CHECK(board.said("get") ==
        R"({"id":"4","version":"1.0","params":[{"attrKey":"room"}],"method":"thing.deviceinfo.get"})");
}

TEST_CASE("the tags that were asked for come one by one, escapes resolved, and then the answer") {
  Board board;
  REQUIRE(board.tags.get());
  board.hear(
      "get_reply",
      R"({"id":"1","code":200,"data":[{"attrKey":"r\u006fom","attrValue":"\u53a8"},{"attrValue":"x"},7,{"attrKey":"floor","attrValue":"2"}]})");
  CHECK(board.heard == "room=\xE5\x8E\xA8;floor=2;");
  CHECK(board.code == 200);
  CHECK(board.others == 0);
}

TEST_CASE("a refused get tells no tags, and rubbish tells nothing at all") {
  Board board;
  for (const std::string_view text : {"", "{", "[]", "{}", R"({"id":"1"})"}) board.hear("get_reply", text);
  CHECK(board.code == 0);
  board.hear("get_reply", R"({"id":"1","code":460,"data":[{"attrKey":"a","attrValue":"b"}]})");
  CHECK(board.heard.empty());
  CHECK(board.code == 460);
  CHECK(!board.tags.on_message("/sys/a1B2c3D4e5F/other/thing/deviceinfo/get_reply", as_bytes(std::string_view("{}"))));
  CHECK(!board.tags.on_message("/sys/a1B2c3D4e5F/sensor_01/thing/config/get_reply", as_bytes(std::string_view("{}"))));
}

TEST_CASE("tags that do not fit the buffer are not sent in part") {
  Board board;
  const std::string value(100, 'v');
  CHECK(board.tags.update({{"a", value}, {"b", value}, {"c", value}}).error() == Error::too_large);
  CHECK(board.said("update").empty());
}
