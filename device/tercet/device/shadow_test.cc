#include "tercet/device/shadow.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<std::int32_t> kColor{"color", Access::read_write, 0, 7};
inline constexpr Property<bool> kLed{"led", Access::read_write};
constexpr std::string_view kDown = "/shadow/get/a1B2c3D4e5F/sensor_01";

struct Board final : DeviceEvents, ShadowEvents {
  Board() {
    Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    CHECK(shadow.get().error() == Error::bad_state);
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    REQUIRE(shadow.start(id));
    for (int i = 0; i < 20'000 && device.ladder().standing() < Rung::suback; ++i) {
      device.run();
      board.clock.advance(Millis{10});
    }
    REQUIRE(device.is_online());
  }
  void on_message(std::string_view topic, Bytes payload) override {
    if (!shadow.on_message(topic, payload)) ++others;
  }
  void on_control(const ShadowState& state) override {
    ++controls;
    color = state.desired(kColor);
    version = state.version();
  }
  void on_shadow(const ShadowState& state) override {
    ++shadows;
    color = state.desired(kColor);
    has_led = state.reported(kLed).has_value();
  }
  void on_taken(std::int64_t at) override { version = at; }
  void on_refused(std::int32_t with, std::string_view) override { code = with; }
  void hear(std::string_view payload, std::string_view topic = kDown) {
    board.platform.push(topic, payload, mqtt::Qos::at_least_once);
    run();
  }
  void run() {
    for (int i = 0; i < 5; ++i) device.run();
  }
  std::string_view said() {
    run();
    return board.platform.last_shadow.str();
  }

  fake::Board board{1};
  DeviceBuffers<> buffers;
  Device device{board.port(), buffers.storage(), *this};
  std::array<std::uint8_t, 256> scratch;
  ShadowClient shadow{device, *this, scratch};
  std::optional<std::int32_t> color;
  std::int64_t version = -7;
  std::int32_t code = 0;
  bool has_led = false;
  int controls = 0, shadows = 0, others = 0;
};

}  // namespace

TEST_CASE("a board gets its shadow, reports with the next version, and clears what is desired") {
  Board board;
  REQUIRE(board.shadow.get());
  CHECK(board.said() == R"({"method":"get"})");
  board.hear(
      R"({"method":"reply","payload":{"status":"success","state":{"reported":{"led":1},"desired":{"color":3}},"metadata":{}},"version":41,"timestamp":1})");
  CHECK(board.shadows == 1);
  CHECK(board.color == 3);
  CHECK(board.has_led);
  CHECK(board.shadow.version() == 41);
  REQUIRE(board.shadow.report({kColor(3), kLed(true)}));
  CHECK(board.said() == R"({"method":"update","state":{"reported":{"color":3,"led":1}},"version":42})");
  REQUIRE(board.shadow.clear_desired());
  CHECK(board.said() == R"({"method":"update","state":{"desired":"null"},"version":43})");
  REQUIRE(board.shadow.forget({"led"}));
  CHECK(board.said() == R"({"method":"delete","state":{"reported":{"led":"null"}},"version":44})");
  REQUIRE(board.shadow.forget({}));
  CHECK(board.said() == R"({"method":"delete","state":{"reported":"null"},"version":45})");
  board.hear(R"({"method":"reply","payload":{"status":"success","version":45},"timestamp":1})");
  CHECK(board.version == 45);
}

TEST_CASE("a wish comes once, however often it is delivered, and a version may begin anew") {
  Board board;
  constexpr std::string_view kWish =
      R"({"method":"control","payload":{"status":"success","state":{"desired":{"color":2}},"metadata":{}},"version":5,"timestamp":1})";
  board.hear(kWish);
  board.hear(kWish);
  CHECK(board.controls == 1);
  CHECK(board.color == 2);
  CHECK(board.version == 5);
  board.hear(
      R"({"method":"control","payload":{"status":"success","state":{"desired":{"color":4}},"metadata":{}},"version":0,"timestamp":1})");
  CHECK(board.controls == 2);
  CHECK(board.color == 4);
  board.hear(kWish);  // an old one that was still on its way
  CHECK(board.controls == 2);
}

TEST_CASE("a refusal is told with its code, as text or as a number") {
  Board board;
  board.hear(
      R"({"method":"reply","payload":{"status":"error","content":{"errorcode":"409","errormessage":"version conflict"}},"timestamp":1})");
  CHECK(board.code == 409);
  board.hear(
      R"({"method":"reply","payload":{"status":"error","content":{"errorcode":408,"errormessage":"many"}},"timestamp":1})");
  CHECK(board.code == 408);
}

TEST_CASE("rubbish and other topics do nothing to a board") {
  Board board;
  for (const std::string_view text :
       {"", "{", "[]", "{}", R"({"method":"control"})", R"({"method":7,"payload":{}})",
        R"({"method":"control","payload":{}})", R"({"method":"reply","payload":{"status":3}})",
        R"({"method":"reply","payload":{"status":"error"}})"})
    board.hear(text);
  CHECK(board.controls == 0);
  CHECK(board.shadows == 0);
  CHECK(board.device.is_online());
  std::array<PropertyValue, 1> values{kColor(9)};
  static_cast<void>(values);
  CHECK(!board.shadow.on_message("/a1B2c3D4e5F/sensor_01/user/get", as_bytes("{}")));
}

TEST_CASE("what does not fit the buffer is not sent in part") {
  Board board;
  CHECK(board.shadow
            .forget({"a name of forty characters, more or less, ", "another name of forty characters, or so ",
                     "one more name of forty characters or so ", "and one more name of forty characters .. ",
                     "the last name of forty characters or so "})
            .error() == Error::too_large);
  CHECK(board.said().empty());
}
