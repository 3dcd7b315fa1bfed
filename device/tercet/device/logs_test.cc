#include "tercet/device/logs.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

constexpr const char* kHead = "/sys/a1B2c3D4e5F/sensor_01/thing/";

struct Board final : DeviceEvents {
  explicit Board(bool gets_online = true, std::size_t ring_bytes = 2048) : ring(ring_bytes) {
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    board.platform.record_all = true;
    if (gets_online) start();
  }
  void start() {
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    REQUIRE(logs.start(device, id));
    pass(Millis{5'000});
    REQUIRE(device.is_online());
  }
  void pass(Millis time) {
    for (Millis at{0}; at < time; at += Millis{50}) device.run(), logs.run(), board.clock.advance(Millis{50});
  }
  void on_message(std::string_view topic, Bytes payload) override {
    if (!logs.on_message(topic, payload)) ++others;
  }
  void hear(const char* end, std::string_view payload) {
    board.platform.push(kHead + std::string(end), payload, mqtt::Qos::at_least_once);
    pass(Millis{200});
  }
  void want(bool yes = true) {
    hear("config/log/get_reply", std::string(R"({"id":"1","code":200,"data":{"getType":"content","content":{"mode":)") +
                                     (yes ? "1" : "0") + "}}}");
  }
  void answer(int message, const char* code = "200") {
    hear("log/post_reply", R"({"id":")" + number_of(sent().at(static_cast<std::size_t>(message))) + R"(","code":)" +
                               code + R"(,"data":{}})");
  }
  static std::string number_of(const std::string& request) { return request.substr(7, request.find('"', 7) - 7); }
  std::vector<std::string> sent(const std::string& end = "log/post") const {
    std::vector<std::string> found;
    for (const auto& message : board.platform.messages)
      if (message.first == kHead + end) found.push_back(message.second);
    return found;
  }

  const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
  fake::Board board{1};
  DeviceBuffers<1024, 2048, 1024, 4, 2> buffers;
  std::vector<std::uint8_t> ring;
  std::array<std::uint8_t, 1024> scratch{};
  Options options;
  Device device{board.port(), buffers.storage(), *this};
  Logs logs{board.clock, ring, scratch, &board.log};
  int others = 0;
};

}  // namespace

TEST_CASE("a board asks after its login whether its log is wanted, and says nothing while it is not") {
  Board board;
  REQUIRE(board.sent("config/log/get").size() == 1);
  CHECK(
      board.sent("config/log/get")[0] ==
      R"({"id":"1","version":"1.0","params":{"configScope":"device","getType":"content"},"method":"thing.config.log.get"})");
  board.logs.add({.module = "main", .content = "up"});
  board.want(false);
  board.pass(Millis{20'000});
  CHECK(board.sent().empty());
  CHECK(!board.logs.is_wanted());
  CHECK(board.logs.counters().waiting == 1);
  CHECK(board.others == 0);
}

TEST_CASE(
    "what was written before anyone wanted it is uploaded when it is wanted, with the time at which it happened") {
  Board board(false);
  board.logs.add({LogEntry::Level::error, "wifi", "no route to \"host\"", 4103, "123456"});
  board.board.clock.advance(Millis{2'000});
  board.logs.add({.level = LogEntry::Level::debug, .module = "main", .content = "up"});
  board.start();
  board.hear("config/log/push", R"({"id":"7","version":"1.0","params":{"getType":"content","content":{"mode":1}}})");
  CHECK(board.logs.is_wanted());
  board.pass(Millis{1'500});
  REQUIRE(board.sent().size() == 1);
  const std::string expected =
      R"({"id":"2","version":"1.0","params":[{"utcTime":"2027-01-15T07:59:57.950+0000","logLevel":"ERROR","module":"wifi",)"
      R"("code":"4103","traceContext":"123456","logContent":"no route to \"host\""},{"utcTime":"2027-01-15T07:59:59.950+0000",)"
      R"("logLevel":"DEBUG","module":"main","code":"0","logContent":"up"}],"method":"thing.log.post"})";
  CHECK(board.sent()[0] == expected);
  CHECK(board.logs.counters().sent == 0);
  board.answer(0);
  CHECK(board.logs.counters().sent == 2);
  CHECK(board.logs.counters().waiting == 0);
}

TEST_CASE("a message has forty entries at most, and the next one waits for the answer") {
  Board board(true, 8192);
  board.want();
  for (int i = 0; i < 41; ++i) board.logs.add({.module = "m", .content = "x"});
  board.pass(Millis{1'500});
  REQUIRE(board.sent().size() == 1);
  CHECK(board.sent()[0].size() <= board.scratch.size());
  const std::uint32_t first = 41 - (board.logs.counters().waiting - board.logs.counters().sent);
  CHECK(first == 0);
  for (int i = 0; board.logs.counters().waiting > 0 && i < 20; ++i) {
    board.answer(i);
    board.pass(Millis{500});
  }
  CHECK(board.logs.counters().sent == 41);
  CHECK(board.logs.counters().dropped == 0);
  for (const auto& message : board.sent()) {
    std::size_t entries = 0;
    for (std::size_t at = message.find("logLevel"); at != std::string::npos; at = message.find("logLevel", at + 1))
      ++entries;
    CHECK(entries <= Logs::kMostEntries);
  }
}

TEST_CASE("the oldest entries make room for newer ones, and are counted") {
  Board board(true, 256);
  for (int i = 0; i < 100; ++i) board.logs.add({.module = "m", .content = std::string("entry ") + std::to_string(i)});
  const auto counters = board.logs.counters();
  CHECK(counters.taken == 100);
  CHECK(counters.dropped > 90);
  CHECK(counters.dropped + counters.waiting == 100);
  board.want();
  board.pass(Millis{1'500});
  REQUIRE(board.sent().size() == 1);
  CHECK(board.sent()[0].find("entry 99") != std::string::npos);
  CHECK(board.sent()[0].find("entry 0\"") == std::string::npos);
}

TEST_CASE("an answer that does not come makes the message go again, three times, and then it is given up") {
  Board board;
  board.want();
  board.logs.add({.module = "m", .content = "x"});
  board.pass(Millis{22'000});
  REQUIRE(board.sent().size() == 3);
  CHECK(board.sent()[0] == board.sent()[2]);
  board.pass(Millis{20'000});
  CHECK(board.sent().size() == 3);
  CHECK(board.logs.counters().dropped == 1);
  CHECK(board.logs.counters().waiting == 0);
}

TEST_CASE("a message that the platform refuses is dropped, one for which it is too busy goes again") {
  Board board;
  board.want();
  board.logs.add({.module = "m", .content = "x"});
  board.pass(Millis{1'500});
  board.answer(0, "429");
  CHECK(board.logs.counters().waiting == 1);
  board.pass(Millis{10'000});
  REQUIRE(board.sent().size() == 2);
  board.answer(1, "460");
  CHECK(board.logs.counters().dropped == 1);
  CHECK(board.logs.counters().waiting == 0);
  board.answer(1);  // late
  CHECK(board.logs.counters().sent == 0);
}

TEST_CASE("what was not answered when the connection broke goes again, and it is asked anew whether it is wanted") {
  Board board;
  board.want();
  board.logs.add({.module = "m", .content = "x"});
  board.pass(Millis{1'500});
  REQUIRE(board.sent().size() == 1);
  board.board.platform.hang_up();
  board.pass(Millis{8'000});
  REQUIRE(board.device.is_online());
  CHECK(board.sent("config/log/get").size() == 2);
  CHECK(board.sent().size() >= 2);
  board.answer(1);
  CHECK(board.logs.counters().sent == 1);
  board.want(false);
  board.logs.add({.module = "m", .content = "y"});
  const auto before = board.sent().size();
  board.pass(Millis{30'000});
  CHECK(board.sent().size() == before);
}

TEST_CASE("what the SDK says itself is in the log too, and is handed on") {
  Board board;
  board.want();
  board.logs.line(LogLevel::warning, "post refused: x");
  REQUIRE(!board.board.log.lines.empty());
  CHECK(board.board.log.lines.back() == "post refused: x");
  board.pass(Millis{1'500});
  REQUIRE(board.sent().size() == 1);
  CHECK(board.sent()[0].find(R"("logLevel":"WARN","module":"sdk")") != std::string::npos);
}

TEST_CASE("long texts are cut between characters, and what fits no message is counted as dropped") {
  Board board;
  board.want();
  std::string text;
  while (text.size() < 5'000) text += "\xE4\xBD\xA0";  // three bytes each
  board.logs.add({.module = text, .content = text, .trace = text});
  board.pass(Millis{1'500});
  REQUIRE(board.sent().size() == 1);
  CHECK(board.sent()[0].find("\xEF\xBF\xBD") == std::string::npos);
  board.answer(0);
  board.logs.add({.module = "m", .content = std::string(500, '\x01')});  // six bytes each
  board.logs.add({.module = "m", .content = "after"});
  board.pass(Millis{1'500});
  CHECK(board.logs.counters().dropped == 1);
  REQUIRE(board.sent().size() == 2);
  CHECK(board.sent()[1].find("after") != std::string::npos);
  board.logs.add({.module = "m", .content = "x"});
}

TEST_CASE("rubbish on the log's topics changes nothing") {
  Board board;
  board.want();
  for (const std::string_view text :
       {"", "{", "[]", "{}", R"({"params":7})", R"({"params":{"content":{}}})", R"({"code":200})",
        R"({"code":200,"data":{"content":{"mode":"x"}}})", R"({"id":"9","code":460,"data":{"content":{"mode":0}}})"}) {
    board.hear("config/log/push", text);
    board.hear("config/log/get_reply", text);
    board.hear("log/post_reply", text);
  }
  CHECK(board.logs.is_wanted());
  CHECK(board.device.is_online());
  CHECK(!board.logs.on_message("/sys/a1B2c3D4e5F/other/thing/log/post_reply", as_bytes(std::string_view("{}"))));
  CHECK(!board.logs.on_message("/a1B2c3D4e5F/sensor_01/user/get", as_bytes(std::string_view("{}"))));
}

TEST_CASE("the next deadline of a log is when there is something to do") {
  Board board;
  CHECK(board.logs.next_deadline() == Instant::never());
  board.logs.add({.module = "m", .content = "x"});
  CHECK(board.logs.next_deadline() == Instant::never());
  board.want();
  CHECK(board.logs.next_deadline() <= board.board.clock.now() + Logs::kGather);
  board.pass(Millis{1'500});
  CHECK(board.logs.next_deadline() > board.board.clock.now() + Millis{5'000});
  board.answer(0);
  CHECK(board.logs.next_deadline() == Instant::never());
}
