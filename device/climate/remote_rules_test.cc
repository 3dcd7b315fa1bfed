#include "climate/remote_rules.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/file_server.h"
#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::climate;

namespace {

struct Chip final : Sensor {
  Result<Reading> sample(UnixMillis) override { return Reading{22, 50}; }
  std::string_view description() const override { return "test chip"; }
};

std::string rules_of(int version, std::string_view name = "warm") {
  return R"({"format":1,"version":)" + std::to_string(version) + R"(,"rules":[{"name":")" + std::string(name) +
         R"(","when":{"property":"temperature","op":">","value":30},"enter":[{"set":"report_interval","value":10}]}]})";
}

/// The fields of a configuration that names this file.
std::string naming(std::string_view text) {
  std::array<char, 64> hex{};
  const auto digest = crypto::hash(crypto::Algorithm::sha256, as_bytes(text));
  return R"("configId":"c1","configSize":)" + std::to_string(text.size()) + R"(,"sign":")" +
         std::string(*crypto::encode_hex(digest.view(), hex)) +
         R"(","signMethod":"Sha256","url":"https://files.example/r.json?t=1","getType":"file")";
}

struct Bench final : device::DeviceEvents, RemoteRulesEvents {
  explicit Bench(fake::Store* kept = nullptr) : store(kept != nullptr ? *kept : board.store) {
    device::Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example"}, options));
    rules.start(edge::Boot::ordinary, board.clock.now());
    REQUIRE(remote.start(id));
    pass(Millis{3'000});
    REQUIRE(device.is_online());
  }
  void pass(Millis time) {
    for (const Instant until = board.clock.now() + time; board.clock.now() < until; board.clock.advance(Millis{50})) {
      monitor.run(board.clock.now(), board.clock.wall());
      rules.run(board.clock.now());
      remote.run(board.clock.now());
      device.run();
    }
  }
  void send(std::string_view end, const std::string& payload) {
    board.platform.push("/sys/a1B2c3D4e5F/sensor_01/thing/config/" + std::string(end), payload,
                        mqtt::Qos::at_least_once);
    pass(Millis{1'000});
  }
  void push(std::string_view text) {
    send("push", R"({"id":"77","version":"1.0","params":{)" + naming(text) + R"(},"method":"thing.config.push"})");
  }
  void reply(std::string_view text) { send("get_reply", R"({"id":"1","code":200,"data":{)" + naming(text) + "}}"); }
  bool was_answered(int code) const {
    return board.platform.last_config_reply.str().find(R"("id":"77","code":)" + std::to_string(code)) !=
           std::string_view::npos;
  }
  void on_set(device::PropertySet& set) override { monitor.on_set(set); }
  void on_message(std::string_view topic, Bytes payload) override {
    remote.on_message(topic, payload, board.clock.now());
  }
  bool has_room() override { return room; }
  void on_fetch_failed(const device::FetchFailure& failure, std::string_view, Millis retry_in) override {
    failures.push_back(failure.fault), retries.push_back(retry_in);
  }
  void on_offered(const edge::Problem& problem) override { offered.push_back(problem.fault); }
  std::uint32_t running() const { return rules.keeper().running(); }

  fake::Board board;
  fake::Store& store;
  device::DeviceBuffers<1024, 2048, 512, 4, 2> buffers;
  device::Device device{board.port(), buffers.storage(), *this};
  Chip chip;
  Monitor monitor{device, chip, &store};
  Rules rules{device, monitor, *this, &store, {}};
  fake::FileServer files;
  RemoteRules remote{device, rules, files, &store, this};
  bool room = true;
  std::vector<device::FetchFault> failures;
  std::vector<Millis> retries;
  std::vector<edge::Fault> offered;
};

}  // namespace

TEST_CASE("a set that the platform pushes is fetched, verified, taken, and answered with 200") {
  Bench bench;
  bench.files.body = rules_of(3);
  bench.push(bench.files.body);
  CHECK(bench.running() == 3);
  CHECK(bench.files.host == "files.example");
  CHECK(bench.files.request.find("GET /r.json?t=1 HTTP/1.1\r\n") == 0);
  CHECK(bench.was_answered(200));
  CHECK(bench.offered == std::vector{edge::Fault::none});
  CHECK(!bench.remote.is_fetching());
}

TEST_CASE("a text that is no rule set, and one of an older version, are answered with 460 and change nothing") {
  Bench bench;
  bench.files.body = rules_of(3);
  bench.push(bench.files.body);
  bench.files.body = rules_of(4, "no blanks in names");
  bench.push(bench.files.body);
  CHECK(bench.was_answered(460));
  CHECK(bench.running() == 3);
  bench.files.body = rules_of(2);
  bench.push(bench.files.body);
  CHECK(bench.was_answered(460));
  CHECK(bench.running() == 3);
  CHECK(bench.offered == std::vector{edge::Fault::none, edge::Fault::bad_name, edge::Fault::older_version});
}

TEST_CASE("the board asks after each login, and fetches what it has dealt with once only, over restarts too") {
  fake::Store kept;
  {
    Bench bench(&kept);
    bench.files.body = rules_of(3);
    bench.reply(bench.files.body);
    CHECK(bench.running() == 3);
    CHECK(bench.files.opened == 1);
    bench.reply(bench.files.body);
    CHECK(bench.files.opened == 1);
    bench.push(bench.files.body);  // wanted explicitly
    CHECK(bench.files.opened == 2);
    CHECK(bench.was_answered(200));
  }
  Bench again(&kept);
  CHECK(again.running() == 3);
  again.reply(rules_of(3));
  CHECK(again.files.opened == 0);
  again.files.body = rules_of(4);
  again.reply(again.files.body);
  CHECK(again.running() == 4);
}

TEST_CASE("without memory for a TLS session, or when the server fails, the platform is asked again, ever more seldom") {
  Bench bench;
  CHECK(bench.board.platform.config_gets == 1);  // after the login
  bench.room = false;
  bench.push(rules_of(3));
  CHECK(bench.files.opened == 0);
  CHECK(bench.failures == std::vector{device::FetchFault::no_memory});
  bench.room = true;
  bench.files.breaks = Error::tls_untrusted;
  bench.pass(Seconds{58});
  CHECK(bench.board.platform.config_gets == 1);
  bench.pass(Seconds{3});
  CHECK(bench.board.platform.config_gets == 2);
  bench.reply(rules_of(3));
  CHECK(bench.files.opened == 1);
  CHECK(bench.failures.back() == device::FetchFault::tls);
  bench.files.breaks.reset();
  bench.files.status = "503 Busy";
  bench.reply(rules_of(3));
  CHECK(bench.failures.back() == device::FetchFault::busy);
  CHECK(bench.retries == std::vector{Millis{60'000}, Millis{120'000}, Millis{240'000}});
  bench.files.status = "200 OK", bench.files.body = rules_of(3);
  bench.reply(bench.files.body);
  CHECK(bench.running() == 3);
  CHECK(bench.was_answered(200));  // the push that it began with
}

TEST_CASE("other bytes than the platform meant are never offered") {
  Bench bench;
  bench.files.body = rules_of(3, "cold");
  bench.push(rules_of(3, "warm"));
  CHECK(bench.running() == 0);
  CHECK(bench.offered.empty());
  REQUIRE(bench.failures.size() == 1);
  bench.files.body = rules_of(3, "warm") + " ";
  bench.push(rules_of(3, "warm"));
  CHECK(bench.failures.back() == device::FetchFault::wrong_size);
  CHECK(bench.running() == 0);
}

TEST_CASE("a file that is too long for the board is refused at once, and not asked for again") {
  Bench bench;
  const std::string large = rules_of(3) + std::string(Rules::kMostText, ' ');
  bench.push(large);
  CHECK(bench.files.opened == 0);
  CHECK(bench.was_answered(460));
  CHECK(bench.retries == std::vector{Millis{0}});
  bench.reply(large);
  CHECK(bench.failures.size() == 1);
  CHECK(bench.board.platform.config_gets == 1);
}
