#include "climate/rules.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::climate;

namespace {

constexpr std::string_view kAlarmRule = R"({"format":1,"version":1,"rules":[{"name":"too_warm",
  "when":{"property":"temperature","op":">","value":{"property":"alarm_threshold"},"hysteresis":0.5},
  "enter":[{"event":"alarm","output":{"temperature":"temperature","alarm_threshold":"alarm_threshold"}}]}]})";

struct Chip final : Sensor {
  Reading air{22, 50};
  std::optional<Error> broken;
  Result<Reading> sample(UnixMillis) override {
    if (broken) return fail(*broken);
    return air;
  }
  std::string_view description() const override { return "test chip"; }
};

/// The board with rules, as an application puts it together.
struct Bench final : device::DeviceEvents {
  explicit Bench(std::string_view own = {}, edge::Boot boot = edge::Boot::ordinary)
      : rules(device, monitor, *this, &board.store, {.own = own, .handlers = handlers}) {
    board.platform.record_posts = true;
    device::Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example"}, options));
    rules.start(boot, board.clock.now());
  }
  void on_set(device::PropertySet& set) override { monitor.on_set(set); }
  void run_for(Millis by) {
    for (const Instant until = board.clock.now() + by; board.clock.now() < until; board.clock.advance(Millis{100})) {
      monitor.run(board.clock.now(), board.clock.wall());
      rules.run(board.clock.now());
      device.run();
    }
  }
  bool offer(std::string_view text) {
    edge::Problem problem;
    return rules.offer(text, 0, board.clock.now(), problem).has_value();
  }
  fake::Board board;
  device::DeviceBuffers<> buffers;
  device::Device device{board.port(), buffers.storage(), *this};
  Chip chip;
  Monitor monitor{device, chip, &board.store, {.report_interval_s = 5, .alarm_threshold = 30}};
  int called = 0;
  edge::Handler handlers[1] = {{"fan",
                                [](void* context, const edge::Cause& cause) -> Result<void> {
                                  *static_cast<int*>(context) += cause.entered ? 1 : -1;
                                  return {};
                                },
                                &called}};
  Rules rules;
};

}  // namespace

TEST_CASE("the alarm as a rule does what the board's own alarm does") {
  Bench bench(kAlarmRule);
  bench.run_for(Millis{5'000});
  bench.chip.air.temperature = 31;
  bench.run_for(Millis{20'000});
  CHECK(bench.board.platform.events_received == 1);
  CHECK(bench.monitor.counters().alarms == 0);
  CHECK(bench.board.platform.last_event.str().find(R"("value":{"temperature":31.0,"alarm_threshold":30.0})") !=
        std::string_view::npos);
  bench.chip.air.temperature = 29.8f;
  bench.run_for(Millis{10'000});
  bench.chip.air.temperature = 31;
  bench.run_for(Millis{10'000});
  CHECK(bench.board.platform.events_received == 1);
  bench.chip.air.temperature = 29;
  bench.run_for(Millis{10'000});
  bench.chip.air.temperature = 33;
  bench.run_for(Millis{10'000});
  CHECK(bench.board.platform.events_received == 2);
}

TEST_CASE("air that is too warm at the start is told once, by the rules") {
  Bench bench(kAlarmRule);
  bench.chip.air.temperature = 31;
  bench.run_for(Millis{20'000});
  CHECK(bench.monitor.counters().alarms == 0);
  CHECK(bench.board.platform.events_received == 1);
}

TEST_CASE("without rules the board's own alarm stays") {
  Bench bench;
  bench.chip.air.temperature = 31;
  bench.run_for(Millis{20'000});
  CHECK(bench.monitor.counters().alarms == 1);
  CHECK(bench.board.platform.events_received == 1);
}

TEST_CASE("a rule sets the report interval the platform's way, offline too, and calls a local function") {
  Bench bench;
  bench.run_for(Millis{6'000});
  REQUIRE(bench.offer(R"({"format":1,"version":2,"rules":[{"name":"warm",
    "when":{"property":"temperature","op":">=","value":25,"for":5},
    "enter":[{"set":"report_interval","value":2},{"call":"fan"}],"leave":[{"set":"report_interval","value":5},{"call":"fan"}]}]})"));
  bench.run_for(Millis{2'000});
  CHECK(bench.board.platform.last_event.str().find(
            R"({"version":2,"running":2,"outcome":"accepted","cause":"none"})") != std::string_view::npos);
  bench.board.network.link = false;
  bench.board.platform.hang_up();
  bench.chip.air.temperature = 26;
  bench.run_for(Millis{20'000});
  CHECK(bench.monitor.settings().report_interval_s == 2);
  CHECK(bench.called == 1);
  bench.board.network.link = true;
  bench.run_for(Millis{60'000});
  bool posted = false;
  for (const std::string& post : bench.board.platform.posts)
    posted |= post.find(R"("report_interval":{"value":2,)") != std::string::npos;
  CHECK(posted);
  bench.chip.air.temperature = 20;
  bench.run_for(Millis{20'000});
  CHECK(bench.monitor.settings().report_interval_s == 5);
  CHECK(bench.called == 0);
}

TEST_CASE("a sensor that fails makes its values stale, settings never are") {
  Bench bench(R"({"format":1,"version":1,"stale":30,"rules":[{"name":"warm",
    "when":{"property":"temperature","op":">","value":{"property":"alarm_threshold"}},"enter":[{"call":"fan"}],
    "leave":[{"call":"fan"}]}]})");
  bench.chip.air.temperature = 31;
  bench.run_for(Millis{300'000});
  CHECK(bench.called == 1);
  CHECK(!bench.rules.engine().status(0).blind);
  bench.chip.broken = Error::io_failed;
  bench.run_for(Millis{60'000});
  CHECK(bench.called == 0);
  CHECK(bench.rules.engine().status(0).blind_property == "temperature");
}

TEST_CASE("two rules that chase each other are rolled back and the platform is told") {
  Bench bench(kAlarmRule);
  bench.run_for(Millis{6'000});
  REQUIRE(bench.offer(R"({"format":1,"version":2,"rules":[
    {"name":"up","when":{"property":"report_interval","op":"<","value":50},"enter":[{"set":"report_interval","value":100}]},
    {"name":"down","when":{"property":"report_interval","op":">=","value":50},"enter":[{"set":"report_interval","value":4}]}]})"));
  bench.run_for(Millis{20'000});
  CHECK(bench.rules.keeper().running() == 1);
  CHECK(bench.rules.keeper().condemned() == 2);
  CHECK(bench.board.platform.last_event.str().find(
            R"({"version":2,"running":1,"outcome":"rolled_back","cause":"budget"})") != std::string_view::npos);
}

TEST_CASE("a refused set is told with its cause") {
  Bench bench(kAlarmRule);
  bench.run_for(Millis{6'000});
  CHECK(!bench.offer(
      R"({"format":1,"version":2,"rules":[{"name":"a","when":{"property":"x","op":">","value":1},"enter":[]}]})"));
  bench.run_for(Millis{2'000});
  CHECK(bench.board.platform.last_event.str().find(
            R"({"version":0,"running":1,"outcome":"refused","cause":"unknown_property"})") != std::string_view::npos);
}

TEST_CASE("a reset by a watchdog, a panic or a brown-out is a fault, others are not") {
  for (const char* reason : {"panic", "brown_out", "watchdog", "task_watchdog", "interrupt_watchdog"})
    CHECK(boot_after(reason) == edge::Boot::after_fault);
  for (const char* reason : {"", "power_on", "software", "deep_sleep"})
    CHECK(boot_after(reason) == edge::Boot::ordinary);
}

TEST_CASE("the rules of a climate board take little memory") {
  MESSAGE("Rules ", sizeof(Rules), " bytes, of it ", Rules::kMostText, " for the text");
  CHECK(sizeof(Rules) <= 6 * 1024);
}
