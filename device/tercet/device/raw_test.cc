#include "tercet/device/raw.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

struct Board final : DeviceEvents {
  Board() {
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    REQUIRE(raw.listen());
    for (int i = 0; i < 20'000 && device.ladder().standing() < Rung::suback; ++i) {
      device.run();
      board.clock.advance(Millis{10});
    }
    REQUIRE(device.is_online());
  }
  void on_message(std::string_view topic, Bytes payload) override {
    last = raw.kind_of(topic);
    last_size = payload.size();
  }
  void hear(std::string_view topic, std::string_view payload) {
    board.platform.push(topic, payload, mqtt::Qos::at_most_once);
    for (int i = 0; i < 5; ++i) device.run();
  }

  const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
  fake::Board board{1};
  DeviceBuffers<> buffers;
  Options options;
  Device device{board.port(), buffers.storage(), *this};
  Raw raw{device, id};
  Raw::Kind last = Raw::Kind::none;
  std::size_t last_size = 0;
};

}  // namespace

TEST_CASE("a board hears commands in bytes and replies to its posts, each for what it is") {
  Board board;
  board.hear("/sys/a1B2c3D4e5F/sensor_01/thing/model/down_raw", "\x01\x02");
  CHECK(board.last == Raw::Kind::command);
  CHECK(board.last_size == 2);
  board.hear("/sys/a1B2c3D4e5F/sensor_01/thing/model/up_raw_reply", "\x01\x02\x03");
  CHECK(board.last == Raw::Kind::reply);
  CHECK(board.last_size == 3);
  CHECK(board.raw.kind_of("/sys/a1B2c3D4e5F/other/thing/model/down_raw") == Raw::Kind::none);
}

TEST_CASE("posts and answers go out while the board is online") {
  Board board;
  const std::uint8_t bytes[] = {0, 255, 10};
  CHECK(board.raw.post(bytes));
  CHECK(board.raw.answer(bytes, mqtt::Qos::at_most_once));
}
