#include "climate/indicator.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::climate;

namespace {

int flashes(Condition condition, std::int64_t for_ms) {
  int count = 0;
  for (std::int64_t ms = 1; ms <= for_ms; ++ms)
    count += is_lit(condition, {Millis{ms}}) && !is_lit(condition, {Millis{ms - 1}});
  return count;
}

}  // namespace

TEST_CASE("each condition of the board has a rhythm of its own") {
  CHECK(flashes(Condition::unprovisioned, 60'000) == 300);
  CHECK(flashes(Condition::no_network, 60'000) == 60);
  CHECK(flashes(Condition::connecting, 60'000) == 80);
  CHECK(flashes(Condition::online, 60'000) == 12);
  CHECK(flashes(Condition::sensor_fault, 60'000) == 45);
  CHECK(is_lit(Condition::online, {Millis{2'500}}));
}

TEST_CASE("a button held for five seconds counts once, and a shorter press never") {
  LongPress button;
  CHECK(!button.see(true, {Millis{0}}));
  CHECK(!button.see(true, {Millis{4'999}}));
  CHECK(!button.see(false, {Millis{5'001}}));
  CHECK(!button.see(true, {Millis{5'100}}));
  CHECK(!button.see(true, {Millis{10'099}}));
  CHECK(button.see(true, {Millis{10'100}}));
  CHECK(!button.see(true, {Millis{60'000}}));
  CHECK(!button.see(false, {Millis{60'100}}));
  CHECK(!button.see(true, {Millis{60'200}}));
  CHECK(button.see(true, {Millis{65'200}}));
}
