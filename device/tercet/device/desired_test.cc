#include "tercet/device/desired.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"
#include "tercet/device/client.h"

using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<std::int32_t> kInterval{"interval", Access::read_write, 1, 60};
inline constexpr Property<bool> kLed{"led", Access::read_write};

/// A board that asks for its wishes whenever it comes online, and sees to the interval.
struct Board final : DeviceEvents {
  explicit Board(bool desired = true) {
    options.desired = desired;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    CHECK(device.get_desired({"interval"}).error() == Error::bad_state);
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    for (int i = 0; i < 20'000 && device.ladder().standing() < Rung::suback; ++i) {
      device.run();
      board.clock.advance(Millis{10});
    }
    REQUIRE(device.is_online());
  }
  void on_online() override { asked = device.get_desired({"interval", "led"}).has_value(); }
  void on_desired(DesiredValues& desired) override {
    ++answers;
    has_led = desired.get(kLed).has_value();
    const auto wish = desired.get(kInterval);
    if (!wish) return;
    interval = wish->value;
    REQUIRE(device.clear_desired("interval", wish->version));
  }
  void on_message(std::string_view, Bytes) override { ++messages; }
  void hear(std::string_view payload) {
    board.platform.push("/sys/a1B2c3D4e5F/sensor_01/thing/property/desired/get_reply", payload,
                        mqtt::Qos::at_most_once);
    for (int i = 0; i < 5; ++i) device.run();
  }

  fake::Board board{1};
  DeviceBuffers<> buffers;
  Options options;
  Device device{board.port(), buffers.storage(), *this};
  std::int32_t interval = 0;
  bool asked = false, has_led = false;
  int answers = 0, messages = 0;
};

}  // namespace

TEST_CASE("a board asks for its wishes, sees to one, and tells so with its version") {
  Board board;
  CHECK(board.asked);
  const auto get = board.board.platform.last_desired_get.str();
  CHECK(get.find(R"("params":["interval","led"],"method":"thing.property.desired.get")") != std::string_view::npos);
  board.hear(
      R"({"id":"1","code":200,"message":"success","data":{"interval":{"value":30,"version":7},"led":{"value":1,"version":1}}})");
  CHECK(board.answers == 1);
  CHECK(board.interval == 30);
  CHECK(board.has_led);
  const auto gone = board.board.platform.last_desired_delete.str();
  CHECK(gone.find(R"("params":{"interval":{"version":7}},"method":"thing.property.desired.delete")") !=
        std::string_view::npos);
}

TEST_CASE("a wish out of range or of another type is none, and a refusal asks nothing of the board") {
  Board board;
  board.hear(R"({"id":"1","code":200,"data":{"interval":{"value":61,"version":7}}})");
  board.hear(R"({"id":"1","code":200,"data":{"interval":{"value":"30","version":7}}})");
  board.hear(R"({"id":"1","code":200,"data":{}})");
  CHECK(board.answers == 3);
  board.hear(R"({"id":"1","code":6661,"data":{}})");
  board.hear("no JSON");
  CHECK(board.answers == 3);
  CHECK(board.interval == 0);
  CHECK(board.board.platform.last_desired_delete.str().empty());
  CHECK(board.device.is_online());
}

TEST_CASE("without the option the answer is an ordinary message") {
  Board board(false);
  board.hear(R"({"id":"1","code":200,"data":{"interval":{"value":30,"version":7}}})");
  CHECK(board.answers == 0);
  CHECK(board.messages == 1);
}
