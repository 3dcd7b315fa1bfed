#include "tercet/device/network_report.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

struct Board final : DeviceEvents {
  Board() {
    Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    CHECK(network.post({}).error() == Error::bad_state);
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    REQUIRE(network.start(device, id));
    for (int i = 0; i < 20'000 && device.ladder().standing() < Rung::suback; ++i) pass();
    REQUIRE(device.is_online());
    board.platform.record_all = true;
  }
  void pass() { device.run(), board.clock.advance(Millis{10}); }
  void on_message(std::string_view topic, Bytes payload) override {
    const auto reply = network.on_message(topic, payload);
    if (!reply) return;
    code = reply->code, answered = reply->id;
  }
  void hear(std::string_view topic, std::string_view payload) {
    board.platform.push(topic, payload, mqtt::Qos::at_least_once);
    for (int i = 0; i < 5; ++i) pass();
  }
  std::string said() {
    for (int i = 0; i < 5; ++i) pass();
    for (const auto& [topic, payload] : board.platform.messages)
      if (topic == "/sys/a1B2c3D4e5F/sensor_01/_thing/diag/post") last = payload;
    return last;
  }

  fake::Board board{1};
  DeviceBuffers<> buffers;
  Device device{board.port(), buffers.storage(), *this};
  std::array<std::uint8_t, 400> scratch{};
  NetworkReport network{scratch};
  std::string last;
  std::int32_t code = 0;
  MessageId answered = 0;
};

}  // namespace

TEST_CASE("a board tells how its network is, as the cloud's sample has it, and hears the answer") {
  Board board;
  const NetworkError errors[] = {{10, 2, 1}, {10, 5, 1}};
  const auto id =
      board.network.post({.rssi = -40, .snr = 20, .per = 1, .errors = errors, .at = UnixMillis{1'524'448'722'000}});
  REQUIRE(id);
  const std::string expected =
      R"({"id":")" + std::to_string(*id) +
      R"(","version":"1.0","params":{"p":{"wifi":{"rssi":-40,"snr":20,"per":1,"err_stats":"10,02,01;10,05,01"},)"
      R"("_time":1524448722000},"model":"format=simple|quantity=single|time=now"},"method":"_thing.diag.post"})";
  CHECK(board.said() == expected);
  board.hear("/sys/a1B2c3D4e5F/sensor_01/_thing/diag/post_reply",
             R"({"id":")" + std::to_string(*id) + R"(","code":200,"data":{}})");
  CHECK(board.code == 200);
  CHECK(board.answered == *id);
}

TEST_CASE("a board tells how its network was while it was away") {
  Board board;
  REQUIRE(board.network.post_history({{.rssi = -71, .snr = 8, .per = 3, .at = UnixMillis{1}}, {.rssi = -70}}));
  const std::string said = board.said();
  CHECK(said.find(R"("p":[{"wifi":{"rssi":-71,"snr":8,"per":3,"err_stats":""},"_time":1},{"wifi":{"rssi":-70,)") !=
        std::string::npos);
  CHECK(said.find(R"(}}],"model":"format=simple|quantity=batch|time=history"})") != std::string::npos);
}

TEST_CASE("what does not fit is not sent in part, and a history has one state at least") {
  Board board;
  const std::array<NetworkState, 101> many{};
  CHECK(board.network.post_history(std::span(many).first(9)).error() == Error::too_large);
  CHECK(board.network.post_history(many).error() == Error::bad_argument);
  CHECK(board.network.post_history(std::span<const NetworkState>{}).error() == Error::bad_argument);
  CHECK(board.said().empty());
}

TEST_CASE("another's topic and rubbish are no answers to a report") {
  Board board;
  for (const std::string_view text : {"", "{", "[]", "{}", R"({"id":"1"})"})
    board.hear("/sys/a1B2c3D4e5F/sensor_01/_thing/diag/post_reply", text);
  CHECK(board.code == 0);
  CHECK(!board.network.on_message("/sys/a1B2c3D4e5F/other/_thing/diag/post_reply",
                                  as_bytes(std::string_view(R"({"id":"1","code":200})"))));
}
