#include <doctest/doctest.h>

#include <optional>

#include "tercet/edge/test_bench.h"

// The engine against a reference that remembers everything and is as simple as the rules read.

using namespace tercet;
using namespace tercet::edge;
using namespace tercet::edge::test;

namespace {

struct Dice {
  std::uint32_t state;
  std::uint32_t next(std::uint32_t below) {
    state = state * 1'664'525u + 1'013'904'223u;
    return (state >> 8) % below;
  }
};

constexpr const char* kOperators[] = {">", ">=", "<", "<=", "==", "!=", "between"};

struct Wanted {  // a condition as it was written
  unsigned op = 0;
  bool on_humidity = false, limit_is_property = false;
  double low = 0, high = 0, hysteresis = 0;
  int for_s = 0, stale_s = 0;
};

struct Plan {
  bool any = false;
  int cooldown_s = 0;
  std::vector<Wanted> conditions;
};

Plan make_plan(Dice& dice) {
  Plan plan;
  plan.any = dice.next(2) != 0;
  plan.cooldown_s = dice.next(2) == 0 ? 0 : static_cast<int>(dice.next(30));
  const std::uint32_t count = 1 + dice.next(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    Wanted one;
    one.op = dice.next(7);
    one.on_humidity = dice.next(2) != 0;
    one.low = dice.next(8), one.high = one.low + dice.next(4);
    one.limit_is_property = one.op < 4 && dice.next(4) == 0;
    if (one.op != 4 && one.op != 5) one.hysteresis = dice.next(3) * 0.5;
    one.for_s = dice.next(2) == 0 ? 0 : static_cast<int>(dice.next(8));
    one.stale_s = 2 + static_cast<int>(dice.next(20));
    plan.conditions.push_back(one);
  }
  return plan;
}

std::string number(double value) {
  std::array<std::uint8_t, 40> buffer{};
  Writer out{buffer};
  json::Writer{out}.number(value);
  return std::string(out.text());
}

std::string text_of(const Plan& plan) {
  std::string list;
  for (const Wanted& one : plan.conditions) {
    list += list.empty() ? "" : ",";
    list += std::string(R"({"property":")") + (one.on_humidity ? "humidity" : "temperature") + R"(","op":")" +
            kOperators[one.op] + R"(","value":)";
    if (one.limit_is_property)
      list += R"({"property":"limit"})";
    else if (one.op == 6)
      list += "[" + number(one.low) + "," + number(one.high) + "]";
    else
      list += number(one.low);
    if (one.hysteresis > 0) list += R"(,"hysteresis":)" + number(one.hysteresis);
    list += R"(,"for":)" + std::to_string(one.for_s) + R"(,"stale":)" + std::to_string(one.stale_s) + "}";
  }
  return one_rule(std::string("{\"") + (plan.any ? "any" : "all") + "\":[" + list + "]}",
                  R"(,"cooldown":)" + std::to_string(plan.cooldown_s));
}

/// The world as it was at each pass.
struct Pass {
  std::int64_t ms = 0;
  std::optional<double> temperature, humidity, limit;  ///< as seen last
  std::int64_t temperature_at = 0, humidity_at = 0, limit_at = 0;
};

/// Whether the condition's level holds at pass `i`, by looking at the passes before when there is a hysteresis.
std::vector<bool> levels(const Wanted& one, const std::vector<Pass>& passes) {
  std::vector<bool> result;
  bool before = false;
  for (const Pass& pass : passes) {
    const auto fresh = [&](const std::optional<double>& value, std::int64_t at) {
      return value && pass.ms - at <= one.stale_s * 1000 ? value : std::nullopt;
    };
    const auto x =
        one.on_humidity ? fresh(pass.humidity, pass.humidity_at) : fresh(pass.temperature, pass.temperature_at);
    const auto limit = one.limit_is_property ? fresh(pass.limit, pass.limit_at) : std::optional<double>(one.low);
    bool holds = false;
    if (x && limit) {
      const double back = before ? one.hysteresis : 0, low = *limit;
      const bool table[] = {*x > low - back,
                            *x >= low - back,
                            *x < low + back,
                            *x <= low + back,
                            *x == low,
                            !(*x == low),
                            *x >= low - back && *x <= one.high + back};
      holds = table[one.op];
    }
    result.push_back(before = holds);
  }
  return result;
}

/// '+' entered, '-' left, '.' neither, for each pass.
std::string reference(const Plan& plan, const std::vector<Pass>& passes) {
  std::vector<std::vector<bool>> all;
  for (const Wanted& one : plan.conditions) all.push_back(levels(one, passes));
  std::string did;
  bool active = false;
  std::optional<std::int64_t> entered;
  for (std::size_t i = 0; i < passes.size(); ++i) {
    std::size_t holding = 0;
    for (std::size_t c = 0; c < all.size(); ++c) {
      std::size_t since = i + 1;
      while (since > 0 && all[c][since - 1]) --since;
      if (since <= i && passes[i].ms - passes[since].ms >= plan.conditions[c].for_s * 1000) ++holding;
    }
    const bool holds = plan.any ? holding > 0 : holding == all.size();
    const bool is_cooling = entered && passes[i].ms - *entered < plan.cooldown_s * 1000;
    if (holds == active || (holds && is_cooling)) {
      did += '.';
      continue;
    }
    active = holds;
    if (active) entered = passes[i].ms;
    did += active ? '+' : '-';
  }
  return did;
}

}  // namespace

TEST_CASE("random rules over random values do what a simple reference says") {
  std::size_t changes = 0;
  for (std::uint32_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    const Plan plan = make_plan(dice);
    Bench bench;
    std::string text = text_of(plan);
    text.replace(text.find("\"rules\""), 0, "\"budget\":240,");
    REQUIRE(bench.load(text));
    bench.actor.record_steps = false;
    std::vector<Pass> passes;
    Pass pass;
    std::string did;
    for (int i = 0; i < 150; ++i) {
      bench.pass(dice.next(10) == 0 ? dice.next(40) : 0.25 * (1 + dice.next(12)));
      pass.ms = bench.now.since_start.count();
      // Halves are exact in binary, so both sides calculate with the same numbers.
      if (dice.next(3) != 0) {
        pass.temperature = dice.next(24) * 0.5, pass.temperature_at = pass.ms;
        bench.see(kTemperature(static_cast<float>(*pass.temperature)));
      }
      if (dice.next(3) != 0) {
        pass.humidity = dice.next(24) * 0.5, pass.humidity_at = pass.ms;
        bench.see(kHumidity(static_cast<float>(*pass.humidity)));
      }
      if (dice.next(5) == 0) {
        pass.limit = dice.next(12), pass.limit_at = pass.ms;
        bench.see(kLimit(static_cast<float>(*pass.limit)));
      }
      passes.push_back(pass);
      const std::string done = bench.run();
      did += done.empty() ? '.' : done == "call buzzer" ? '+' : '-';
      changes += !done.empty();
    }
    CHECK(did == reference(plan, passes));
  }
  CHECK(changes > 5'000);
}
