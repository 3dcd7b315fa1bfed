#include "tercet/device/remote_config.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/file_server.h"
#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::device;

namespace {

/// The fields of a configuration that names this file.
std::string naming(std::string_view text) {
  std::array<char, 64> hex{};
  const auto digest = crypto::hash(crypto::Algorithm::sha256, as_bytes(text));
  return R"("configId":"c1","configSize":)" + std::to_string(text.size()) + R"(,"sign":")" +
         std::string(*crypto::encode_hex(digest.view(), hex)) +
         R"(","signMethod":"Sha256","url":"https://files.example/c.json?t=1","getType":"file")";
}

struct Bench final : DeviceEvents, RemoteConfigEvents {
  explicit Bench(KeyValueStore* kept = nullptr) : config{device, files, buffer, *this, kept} {
    Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example"}, options));
    REQUIRE(config.start(id));
    pass(Millis{3'000});
    REQUIRE(device.is_online());
  }
  void pass(Millis time) {
    for (const Instant until = board.clock.now() + time; board.clock.now() < until; board.clock.advance(Millis{50}))
      device.run(), config.run(board.clock.now());
  }
  void send(std::string_view end, const std::string& payload) {
    board.platform.push("/sys/a1B2c3D4e5F/sensor_01/thing/config/" + std::string(end), payload,
                        mqtt::Qos::at_least_once);
    pass(Millis{1'000});
  }
  void push(std::string_view named) { send("push", R"({"id":"77","params":{)" + naming(named) + "}}"); }
  void reply(std::string_view named) { send("get_reply", R"({"id":"1","code":200,"data":{)" + naming(named) + "}}"); }
  bool was_answered(int code) const {
    return board.platform.last_config_reply.str().find(R"("id":"77","code":)" + std::to_string(code)) !=
           std::string_view::npos;
  }
  void on_message(std::string_view topic, Bytes payload) override {
    config.on_message(topic, payload, board.clock.now());
  }
  MutableBytes room() override { return text; }
  Verdict on_config(Bytes bytes, Instant) override {
    got.emplace_back(as_text(bytes));
    return verdict;
  }
  bool has_memory() override { return memory; }
  void on_fetch_failed(const FetchFailure& failure, std::string_view, Millis retry_in) override {
    failures.push_back(failure.fault), retries.push_back(retry_in);
  }

  fake::Board board;
  DeviceBuffers<1024, 2048, 512, 4, 2> buffers;
  Device device{board.port(), buffers.storage(), *this};
  fake::FileServer files;
  std::array<std::uint8_t, RemoteConfig::kBuffer> buffer{};
  std::array<std::uint8_t, 64> text{};
  RemoteConfig config;
  Verdict verdict = Verdict::taken;
  bool memory = true;
  std::vector<std::string> got;
  std::vector<FetchFault> failures;
  std::vector<Millis> retries;
};

}  // namespace

TEST_CASE("a configuration is asked for after the login, fetched, verified and handed over; a push is answered") {
  Bench bench;
  CHECK(bench.board.platform.config_gets == 1);
  bench.files.body = R"({"interval":7})";
  bench.reply(bench.files.body);
  CHECK(bench.got == std::vector<std::string>{bench.files.body});
  CHECK(bench.files.host == "files.example");
  CHECK(bench.board.platform.last_config_reply.empty());
  bench.files.body = R"({"interval":8})";
  bench.push(bench.files.body);
  CHECK(bench.got.size() == 2);
  CHECK(bench.was_answered(200));
  CHECK(!bench.config.is_fetching());
}

TEST_CASE("a configuration that was taken or refused is not fetched again, one the board was unable to use is") {
  fake::Store kept;
  Bench bench(&kept);
  bench.files.body = "one";
  bench.verdict = RemoteConfigEvents::Verdict::unable;
  bench.push("one");
  CHECK(bench.was_answered(460));
  bench.verdict = RemoteConfigEvents::Verdict::refused;
  bench.reply("one");
  CHECK(bench.got.size() == 2);
  bench.reply("one");
  CHECK(bench.got.size() == 2);
  bench.verdict = RemoteConfigEvents::Verdict::taken;
  bench.push("one");  // wanted explicitly
  CHECK(bench.got.size() == 3);
  CHECK(bench.was_answered(200));
  bench.files.body = "two";
  bench.reply("two");
  CHECK(bench.got.size() == 4);
  bench.reply("two");
  CHECK(bench.got.size() == 4);
}

TEST_CASE("without a store each answer fetches the configuration once more") {
  Bench bench;
  bench.files.body = "one";
  bench.reply("one");
  bench.reply("one");
  CHECK(bench.got.size() == 2);
}

TEST_CASE(
    "other bytes, no memory and a server that fails are no configuration, and it is asked for again, ever later") {
  Bench bench;
  bench.files.body = "two";
  bench.push("one");
  bench.memory = false;
  bench.push("one");
  bench.memory = true;
  bench.files.status = "404 Not Found";
  bench.push("one");
  CHECK(bench.failures ==
        std::vector<FetchFault>{FetchFault::wrong_size, FetchFault::no_memory, FetchFault::not_found});
  CHECK(bench.retries == std::vector<Millis>{Millis{60'000}, Millis{120'000}, Millis{240'000}});
  CHECK(bench.got.empty());
  bench.pass(Seconds{239});
  CHECK(bench.board.platform.config_gets == 1);
  bench.pass(Seconds{3});
  CHECK(bench.board.platform.config_gets == 2);
  bench.files.status = "200 OK", bench.files.body = "one";
  bench.reply("one");
  CHECK(bench.got.size() == 1);
  CHECK(bench.was_answered(200));
}

TEST_CASE("a configuration that is longer than its room is refused at once") {
  Bench bench;
  bench.push(std::string(65, 'x'));
  CHECK(bench.files.opened == 0);
  CHECK(bench.was_answered(460));
  CHECK(bench.retries == std::vector<Millis>{Millis{0}});
}
