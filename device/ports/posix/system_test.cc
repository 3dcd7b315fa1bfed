#include "ports/posix/system.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::posix;

namespace {

bool yes() { return true; }
bool no() { return false; }
constexpr std::int64_t kDay = 86'400'000, kNow = 1'800'000'000'000;

}  // namespace

TEST_CASE("the machine's clock is the wall's until we are told better") {
  const WallCorrection none;
  CHECK(none.wall({5, kNow}, no).ms == kNow);
  WallCorrection told;
  told.set({kNow}, {1'000, kNow - kDay});
  CHECK(told.wall({1'000, kNow - kDay}, no).ms == kNow);
  CHECK(told.wall({4'000, kNow - kDay + 3'000}, yes).ms == kNow + 3'000);
}

TEST_CASE("a later step of the machine's clock does not move what we were told") {
  for (const std::int64_t step : {-400 * kDay, -kDay / 2, std::int64_t{501}, kDay / 2, 400 * kDay}) {
    CAPTURE(step);
    WallCorrection told;
    told.set({kNow}, {1'000, kNow - kDay});
    CHECK(told.wall({4'000, kNow - kDay + 3'000 + step}, no).ms == kNow + 3'000);
  }
}

TEST_CASE("a machine's clock that was put right is believed again") {
  WallCorrection told;
  told.set({kNow}, {1'000, kNow - kDay});
  CHECK(told.wall({4'000, kNow + 3'000 + 2'000}, no).ms == kNow + 5'000);
  CHECK(told.wall({4'000, kNow + 3'000 - 2'000}, no).ms == kNow + 1'000);
  CHECK(told.wall({4'000, kNow + 3'000 + 2'001}, no).ms == kNow + 3'000);
  CHECK(told.wall({4'000, kNow - 7 * kDay}, yes).ms == kNow - 7 * kDay);  // set by time servers: we were told wrong
}

TEST_CASE("a correction holds against a machine's clock that has not stepped, synchronised or not") {
  WallCorrection told;
  told.set({kNow}, {1'000, kNow + 700});
  CHECK(told.wall({2'000, kNow + 1'700}, yes).ms == kNow + 1'000);
  told.set({kNow + 9'000}, {2'000, kNow + 1'700});
  CHECK(told.wall({3'000, kNow + 2'700}, no).ms == kNow + 10'000);
}
