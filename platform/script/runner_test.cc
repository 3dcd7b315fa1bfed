#include "platform/script/runner.h"

#include <doctest/doctest.h>

#include "platform/runtime/epoll_loop.h"
#include "platform/runtime/test_party.h"
#include "platform/script/test_scripts.h"

namespace tercet::script {
namespace {

using alink::Code;

/// A loop with a runner on it, that runs until so many answers are there.
struct Bench {
  explicit Bench(RunnerSettings settings = {}) : loop(std::move(*runtime::EpollLoop::open())) {
    if (settings.program.empty()) settings.program = SCRIPT_WORKER;
    runner = std::make_unique<Runner>(*loop, settings);
  }
  void ask(std::string_view script, std::string input, std::string product = "p") {
    runner->run({Function::raw_to_protocol,
                 std::move(product),
                 std::make_shared<const std::string>(script),
                 {},
                 std::move(input)},
                [this](Outcome outcome) { outcomes.push_back(std::move(outcome)); });
  }
  void wait_for(std::size_t count) {
    REQUIRE(runtime::run_until(*loop, [&] { return outcomes.size() >= count; }));
  }
  std::unique_ptr<runtime::EpollLoop> loop;
  std::unique_ptr<Runner> runner;
  std::vector<Outcome> outcomes;
};

constexpr std::string_view kEcho = "function rawDataToProtocol(b) { return {n: b[0]}; }";
constexpr std::string_view kLoop = "function rawDataToProtocol(b) { for (;;) try { for (;;); } catch (e) {} }";

TEST_CASE("scripts run in one worker, in order, and take no loop's time") {
  Bench bench;
  for (char i = 0; i < 100; ++i) bench.ask(kEcho, std::string(1, i));
  CHECK(bench.outcomes.empty());
  bench.wait_for(100);
  for (std::size_t i = 0; i < 100; ++i) CHECK(bench.outcomes[i].output == "{\"n\":" + std::to_string(i) + "}");
  CHECK(bench.runner->starts() == 1);
  CHECK(bench.runner->waiting() == 0);
}

TEST_CASE("a script that loops is cut off, its product rests, and others go on with a new worker") {
  Bench bench;
  bench.ask(kLoop, "x", "bad");
  bench.ask(kEcho, "A", "good");
  bench.wait_for(2);
  CHECK(bench.outcomes[0].code == Code::script_error);
  CHECK(bench.outcomes[0].is_cut_off);
  CHECK(bench.outcomes[0].detail.find("200 ms of processor time") != std::string::npos);
  CHECK(bench.outcomes[1].output == R"({"n":65})");
  CHECK(bench.runner->starts() == 2);
  bench.ask(kEcho, "A", "bad");
  bench.wait_for(3);
  CHECK(bench.outcomes[2].code == Code::script_throttled);
}

TEST_CASE("a regular expression that never ends is cut off as well") {
  Bench bench;
  bench.ask("function rawDataToProtocol(b) { return {m: /^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')}; }",
            "x");
  bench.wait_for(1);
  CHECK(bench.outcomes[0].code == Code::script_error);
}

TEST_CASE("a worker that cannot be started is said, for every request") {
  RunnerSettings settings;
  settings.program = "/nonexistent/worker";
  Bench bench(settings);
  bench.ask(kEcho, "A");
  bench.ask(kEcho, "B");
  bench.wait_for(2);
  CHECK(bench.outcomes[0].detail.find("/nonexistent/worker") != std::string::npos);
  CHECK(bench.outcomes[1].code == Code::script_error);
}

TEST_CASE("a program that is no worker is given up") {
  RunnerSettings settings;
  settings.program = "/bin/true";
  Bench bench(settings);
  bench.ask(kEcho, "A");
  bench.wait_for(1);
  CHECK(bench.outcomes[0].detail == "the script worker does not start");
}

TEST_CASE("more than may wait is refused at once, but not inside of the call") {
  RunnerSettings settings;
  settings.max_waiting = 1;
  Bench bench(settings);
  bench.ask(kEcho, "A");
  bench.ask(kEcho, "B");
  CHECK(bench.outcomes.empty());
  bench.wait_for(2);
  CHECK(bench.outcomes[0].code == Code::script_throttled);
  CHECK(bench.outcomes[1].output == R"({"n":65})");
}

}  // namespace
}  // namespace tercet::script
