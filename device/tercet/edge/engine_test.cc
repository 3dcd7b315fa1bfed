#include "tercet/edge/engine.h"

#include <doctest/doctest.h>

#include "tercet/edge/test_bench.h"

using namespace tercet;
using namespace tercet::edge;
using namespace tercet::edge::test;

namespace {

constexpr const char* kOn = "call buzzer";
constexpr const char* kOff = "call buzzer off";

/// A value each second, and what the rule did then: '+' entered, '-' left, '.' nothing.
std::string play(const std::string& text, const std::vector<float>& values) {
  Bench bench(text);
  REQUIRE(bench.loaded);
  std::string did;
  for (const float value : values) {
    const std::string done = bench.see_and_run(kTemperature(value));
    did += done == kOn ? '+' : done == kOff ? '-' : '.';
    bench.pass(1);
  }
  return did;
}

std::string when(std::string_view inside) { return R"({"property":"temperature",)" + std::string(inside) + "}"; }

}  // namespace

TEST_CASE("each comparison enters and leaves where it says, with and without hysteresis") {
  const struct {
    const char* condition;
    std::vector<float> values;
    const char* did;
  } table[] = {
      {R"("op":">","value":10)", {9, 10, 10.5f, 10, 11, 9}, "..+-+-"},
      {R"("op":">=","value":10)", {9, 10, 9.9f, 10}, ".+-+"},
      {R"("op":"<","value":10)", {10, 9.9f, 10, 9}, ".+-+"},
      {R"("op":"<=","value":10)", {10.1f, 10, 10.1f}, ".+-"},
      {R"("op":"==","value":10)", {9, 10, 10, 11}, ".+.-"},
      {R"("op":"!=","value":10)", {10, 9, 11, 10}, ".+.-"},
      {R"("op":"between","value":[10,20])", {9, 10, 20, 20.5f, 15, 9.5f}, ".+.-+-"},
      {R"("op":">","value":10,"hysteresis":2)", {10, 11, 10, 8.5f, 8, 10, 11}, ".+..-.+"},
      {R"("op":">=","value":10,"hysteresis":2)", {9, 10, 8, 7.9f, 9}, ".+.-."},
      {R"("op":"<","value":10,"hysteresis":2)", {10, 9, 11.9f, 12, 10}, ".+.-."},
      {R"("op":"<=","value":10,"hysteresis":2)", {11, 10, 12, 12.1f}, ".+.-"},
      {R"("op":"between","value":[10,20],"hysteresis":1)", {9.5f, 10, 9, 21, 21.5f, 20.5f, 20}, ".+..-.+"},
  };
  for (const auto& row : table) {
    CAPTURE(row.condition);
    CHECK(play(one_rule(when(row.condition)), row.values) == row.did);
  }
}

TEST_CASE("a duration counts from when the condition holds, and a break begins it anew") {
  const std::string text = one_rule(when(R"("op":">","value":10,"for":3)"));
  CHECK(play(text, {11, 11, 11, 11, 11, 9}) == "...+.-");
  CHECK(play(text, {11, 11, 9, 11, 11, 11, 11}) == "......+");
  Bench bench(text);
  bench.see_and_run(kTemperature(11));
  CHECK(bench.engine.status(0).waiting);
  CHECK(bench.engine.next_deadline() == bench.now + Seconds{3});
  bench.pass(3);
  CHECK(bench.run() == kOn);  // without a new value
  CHECK(!bench.engine.status(0).waiting);
}

TEST_CASE("the limit may be another property, which counts as it is now") {
  Bench bench(one_rule(R"({"property":"temperature","op":">","value":{"property":"limit"},"hysteresis":1})"));
  CHECK(bench.see_and_run(kTemperature(30)).empty());
  CHECK(bench.engine.status(0).blind_property == "limit");
  CHECK(bench.see_and_run(kLimit(35)).empty());
  CHECK(!bench.engine.status(0).blind);
  CHECK(bench.see_and_run(kLimit(29)) == kOn);
  CHECK(bench.see_and_run(kLimit(30.5f)).empty());
  CHECK(bench.see_and_run(kLimit(31)) == kOff);
}

TEST_CASE("a missing or stale value makes a condition false and is told") {
  Bench bench(one_rule(when(R"("op":">","value":10,"stale":20,"for":5)")));
  bench.run();
  CHECK(bench.engine.status(0).blind_property == "temperature");
  bench.see_and_run(kTemperature(11));
  bench.pass(5);
  CHECK(bench.run() == kOn);
  bench.pass(15);
  CHECK(bench.run().empty());  // 20 s old: just fresh
  CHECK(bench.engine.next_deadline() == bench.now + Millis{1});
  bench.now = bench.engine.next_deadline();
  CHECK(bench.run() == kOff);
  CHECK(bench.engine.status(0).blind);
  // Back again: the duration begins anew.
  CHECK(bench.see_and_run(kTemperature(11)).empty());
  CHECK(!bench.engine.status(0).blind);
  bench.pass(5);
  CHECK(bench.run() == kOn);
  const std::vector<std::string> steps = {
      "r blind temperature", "r sighted",    "r entered", "r did buzzer", "r left",
      "r blind temperature", "r did buzzer", "r sighted", "r entered",    "r did buzzer"};
  std::vector<std::string> sorted = bench.actor.steps;
  CHECK(sorted.size() == steps.size());
}

TEST_CASE("not finite numbers, texts and unknown properties are passed over") {
  Bench bench(one_rule(when(R"("op":">","value":10)")));
  CHECK(bench.see_and_run(kTemperature(11)) == kOn);
  bench.see(kTemperature(std::numeric_limits<float>::quiet_NaN()));
  bench.see(kTemperature(std::numeric_limits<float>::infinity()));
  bench.see(kTitle("9"));
  bench.see(device::Property<float>{"elsewhere"}(1));
  CHECK(bench.run().empty());
}

TEST_CASE("all needs each condition, any needs one, and each keeps its own time") {
  const auto both = [](const char* word) {
    return one_rule(std::string("{\"") + word + R"(":[{"property":"temperature","op":">","value":10,"for":2},)" +
                    R"({"property":"humidity","op":"<","value":50}]})");
  };
  for (const char* word : {"all", "any"}) {
    const bool all = std::string_view(word) == "all";
    CAPTURE(word);
    Bench bench(both(word));
    bench.see(kHumidity(60));
    CHECK(bench.see_and_run(kTemperature(11)).empty());
    bench.pass(2);
    CHECK(bench.run() == (all ? "" : kOn));
    bench.see(kHumidity(40));
    CHECK(bench.run() == (all ? kOn : ""));
    bench.see(kTemperature(9));
    CHECK(bench.run() == (all ? kOff : ""));
    bench.see(kHumidity(60));
    CHECK(bench.run() == (all ? "" : kOff));
  }
}

TEST_CASE("a rate is the change over the window, in its unit, and waits for half a window") {
  Bench bench(one_rule(when(R"("op":">","value":2,"rate":"minute","over":120)")));
  // 1 K a minute, then 3 K a minute.
  float temperature = 20;
  const auto minute = [&](float rise) {
    std::string did;
    for (int i = 0; i < 6; ++i) {
      bench.pass(10);
      temperature += rise / 6;
      did += bench.see_and_run(kTemperature(temperature));
    }
    return did;
  };
  CHECK(minute(1).empty());
  CHECK(minute(1).empty());
  CHECK(minute(1).empty());
  CHECK(minute(4) == kOn);  // 2.5 K a minute over two minutes
  CHECK(minute(0) == kOff);
  CHECK(minute(0).empty());
  // A gap: nothing older than the window counts.
  bench.pass(500);
  temperature += 30;
  CHECK(bench.see_and_run(kTemperature(temperature)).empty());
  bench.pass(59);
  CHECK(bench.see_and_run(kTemperature(temperature + 10)).empty());  // less than half a window
  bench.pass(1);
  CHECK(bench.see_and_run(kTemperature(temperature + 10)) == kOn);
}

TEST_CASE("a falling rate per second is negative, and dense values are thinned") {
  Bench bench(one_rule(when(R"("op":"<","value":-0.5,"rate":"second","over":8)")));
  float temperature = 100;
  for (int i = 0; i < 200; ++i) {
    CHECK(bench.see_and_run(kTemperature(temperature)).empty());
    bench.pass(0.05);
  }
  bool entered = false;
  for (int i = 0; i < 200; ++i) {
    temperature -= 0.05f;  // 1 a second
    entered |= bench.see_and_run(kTemperature(temperature)) == kOn;
    bench.pass(0.05);
  }
  CHECK(entered);
}

TEST_CASE("the cooldown keeps a rule from entering again too soon, and it enters when that is over") {
  Bench bench(one_rule(when(R"("op":">","value":10)"), R"(,"cooldown":60)"));
  CHECK(bench.see_and_run(kTemperature(11)) == kOn);
  bench.pass(1);
  CHECK(bench.see_and_run(kTemperature(9)) == kOff);
  bench.pass(1);
  CHECK(bench.see_and_run(kTemperature(11)).empty());
  CHECK(bench.engine.status(0).waiting);
  CHECK(bench.engine.next_deadline() == bench.begin() + Seconds{60});
  bench.at(59);
  CHECK(bench.run().empty());
  bench.at(60);
  CHECK(bench.run() == kOn);
  CHECK(bench.engine.status(0).entered == 2);
}

TEST_CASE("actions are done in order with the values of now") {
  Bench bench(R"({"format":1,"version":1,"rules":[{"name":"r",
    "when":{"property":"temperature","op":">","value":10},
    "enter":[{"event":"alarm","output":{"temperature":"temperature","count":"interval"}},{"set":"interval","value":10},
             {"set":"door","value":true},{"set":"limit","value":21.5},{"call":"lamp"}],
    "leave":[{"call":"lamp"}]}]})");
  REQUIRE(bench.loaded);
  CHECK(bench.see_and_run(kTemperature(36)) ==
        "event alarm temperature=36.0, set interval=10, set door=1, set limit=21.5, call lamp");
  CHECK(bench.see_and_run(kTemperature(9)) == "call lamp off");
  bench.see(kInterval(60));
  CHECK(bench.see_and_run(kTemperature(37)).starts_with("event alarm temperature=37.0 count=60,"));
  bench.see_and_run(kTemperature(9));
  bench.see(device::Property<double>{"interval"}(1e300));
  CHECK(bench.see_and_run(kTemperature(37)).starts_with("event alarm temperature=37.0 count=9000000000000000,"));
}

TEST_CASE("a set or call that fails is tried three times, an event until it is queued or the rule changes") {
  Bench bench(R"({"format":1,"version":1,"rules":[{"name":"r","when":{"property":"temperature","op":">","value":10},
    "enter":[{"set":"interval","value":10},{"event":"alarm"}],"leave":[{"call":"buzzer"}]}]})");
  bench.actor.sets_fail = bench.actor.events_fail = true;
  CHECK(bench.see_and_run(kTemperature(11)).empty());
  CHECK(bench.engine.next_deadline() == bench.now + Seconds{1});
  CHECK(bench.run().empty());  // not before its time
  CHECK(bench.engine.health().failed_actions == 1);
  for (int i = 0; i < 5; ++i) bench.pass(1), bench.run();
  CHECK(bench.engine.health().failed_actions == 3);
  bench.actor.sets_fail = bench.actor.events_fail = false;
  bench.pass(1);
  CHECK(bench.run() == "event alarm");
  bench.pass(1);
  CHECK(bench.run().empty());
  bench.actor.events_fail = true;
  CHECK(bench.see_and_run(kTemperature(9)) == kOff);
  CHECK(bench.see_and_run(kTemperature(11)) == "set interval=10");
  CHECK(bench.see_and_run(kTemperature(9)) == kOff);
  bench.actor.events_fail = false;
  bench.pass(1);
  CHECK(bench.run().empty());  // the alarm is over
}

TEST_CASE("rules that chase each other stop at the budget and go on in the next minute") {
  Bench bench(R"({"format":1,"version":1,"budget":10,"rules":[
    {"name":"up","when":{"property":"interval","op":"<","value":50},"enter":[{"set":"interval","value":100}]},
    {"name":"down","when":{"property":"interval","op":">=","value":50},"enter":[{"set":"interval","value":1}]}]})");
  REQUIRE(bench.loaded);
  bench.actor.on_set = [](Recorder& self, const device::PropertyValue& value) {
    self.engine->observe(value, self.now);
  };
  bench.see(kInterval(60));
  std::size_t passes = 0, done = 0;
  const auto settle = [&] {
    for (passes = 0; passes < 1'000 && bench.engine.next_deadline() <= bench.now; ++passes) {
      bench.run();
      ++done;
    }
  };
  settle();
  CHECK(passes < 20);
  CHECK(bench.engine.health().actions == 10);
  CHECK(bench.engine.health().deferrals == 1);
  CHECK((bench.engine.status(0).deferred || bench.engine.status(1).deferred));
  bench.pass(59);
  bench.run();
  CHECK(bench.engine.health().actions == 10);
  bench.pass(1);
  bench.run();
  settle();
  CHECK(bench.engine.health().actions == 20);
}

TEST_CASE("what an action changes is seen by the next pass, not by this one") {
  Bench bench(R"({"format":1,"version":1,"rules":[
    {"name":"a","when":{"property":"temperature","op":">","value":10},"enter":[{"set":"interval","value":5}]},
    {"name":"b","when":{"property":"interval","op":"==","value":5},"enter":[{"call":"lamp"}]}]})");
  bench.actor.on_set = [](Recorder& self, const device::PropertyValue& value) {
    self.engine->observe(value, self.now);
  };
  CHECK(bench.see_and_run(kTemperature(11)) == "set interval=5");
  CHECK(bench.engine.next_deadline() <= bench.now);
  CHECK(bench.run() == "call lamp");
}

TEST_CASE("rules cannot be replaced from inside an action") {
  static Fault seen;
  static Error error;
  Bench bench(R"({"format":1,"version":1,"rules":[
    {"name":"a","when":{"property":"temperature","op":">","value":10},"enter":[{"set":"interval","value":5}]}]})");
  bench.actor.on_set = [](Recorder& self, const device::PropertyValue&) {
    Problem problem;
    const auto loaded = self.engine->load(R"({"format":1,"version":2,"rules":[]})", self.now, problem);
    REQUIRE(!loaded);
    seen = problem.fault, error = loaded.error();
    self.engine->run(self.now);  // nor does a run begin
  };
  bench.see_and_run(kTemperature(11));
  CHECK(seen == Fault::busy);
  CHECK(error == Error::bad_state);
  CHECK(bench.engine.set().version == 1);
}

TEST_CASE("a new set ends the active rules of the old one, a refused one changes nothing") {
  const std::string text = one_rule(when(R"("op":">","value":10)"));
  Bench bench(text);
  CHECK(bench.see_and_run(kTemperature(11)) == kOn);
  CHECK(!bench.load("{}"));
  CHECK(bench.engine.status(0).active);
  CHECK(bench.load(text));
  CHECK(bench.actor.take() == kOff);
  CHECK(bench.run() == kOn);  // what was observed stays known
  bench.engine.clear(bench.now);
  CHECK(bench.actor.take() == kOff);
  CHECK(bench.engine.size() == 0);
  CHECK(bench.run().empty());
  CHECK(bench.engine.next_deadline() == Instant::never());
}

TEST_CASE("any origin of the clock gives the same: near 2^31, 2^32 and far beyond") {
  const std::string text = one_rule(R"({"any":[{"property":"temperature","op":">","value":2,"rate":"second","over":4},)"
                                    R"({"property":"humidity","op":">","value":50,"for":3}]})");
  std::string first;
  for (const std::int64_t origin :
       {std::int64_t{0}, (std::int64_t{1} << 31) - 5'000, (std::int64_t{1} << 32) - 5'000, std::int64_t{1} << 45}) {
    Bench bench(text, Instant{Millis{origin}});
    std::string did;
    for (int i = 0; i < 40; ++i) {
      const int x = i % 17;
      bench.see(kHumidity(x > 8 ? 60.0f : 40.0f));
      const std::string done = bench.see_and_run(kTemperature(static_cast<float>(x < 8 ? x * x : 0)));
      did += done.empty() ? '.' : done == kOn ? '+' : '-';
      bench.pass(0.5);
    }
    if (first.empty()) first = did;
    CHECK(did == first);
  }
  CHECK(first.find('+') != std::string::npos);
}

TEST_CASE("a clock that goes back is taken to stand still") {
  Bench bench(one_rule(when(R"("op":">","value":10,"for":5)")));
  bench.see_and_run(kTemperature(11));
  bench.pass(4);
  bench.run();
  bench.at(-900);
  CHECK(bench.run().empty());
  bench.at(5);
  CHECK(bench.run() == kOn);
}

TEST_CASE("the default buffers fit a small board") {
  MESSAGE("EngineBuffers<> ", sizeof(EngineBuffers<>), " bytes, Engine ", sizeof(Engine), " bytes");
  CHECK(sizeof(EngineBuffers<>) + sizeof(Engine) <= 3 * 1024);
}

TEST_CASE("a leave action that is still owed is done when the set is replaced") {
  Bench bench(one_rule(when(R"("op":">","value":10)")));
  bench.see_and_run(kTemperature(11));
  bench.actor.calls_fail = true;
  CHECK(bench.see_and_run(kTemperature(9)).empty());
  bench.actor.calls_fail = false;
  REQUIRE(bench.load(R"({"format":1,"version":2,"rules":[]})"));
  CHECK(bench.actor.take() == kOff);
}
