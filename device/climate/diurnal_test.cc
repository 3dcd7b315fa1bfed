#include "climate/diurnal.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace tercet::climate {
namespace {

struct Extremes {
  float driest = 100, dampest = 0;
  std::int64_t warmest_at = 0;
};

Extremes through(DiurnalModel& room, std::int64_t from_ms, std::int64_t to_ms, std::int64_t step_ms) {
  Extremes seen;
  float warmest = -100;
  for (std::int64_t at = from_ms; at < to_ms; at += step_ms) {
    const auto reading = room.sample({at});
    seen.driest = std::min(seen.driest, reading->humidity);
    seen.dampest = std::max(seen.dampest, reading->humidity);
    if (reading->temperature > warmest) warmest = reading->temperature, seen.warmest_at = at - from_ms;
  }
  return seen;
}

}  // namespace

TEST_CASE("a day lasts as long as it is told to, and is warmest at three in the afternoon of it") {
  constexpr std::int64_t kMidnight = 1'700'006'400'000;  // 00:00 UTC
  for (const std::int32_t day_s : {86'400, 240}) {
    DiurnalModel::Shape shape;
    shape.utc_offset_s = 0;
    shape.day_s = day_s;
    DiurnalModel room(1, shape);
    const std::int64_t day = std::int64_t{day_s} * 1000;
    const Extremes seen = through(room, kMidnight, kMidnight + day, day / 240);
    CHECK(seen.dampest - seen.driest > 20);
    CHECK(seen.warmest_at > day / 2);
    CHECK(seen.warmest_at < day * 3 / 4);
  }
}

TEST_CASE("the same seed and the same times give the same readings") {
  DiurnalModel a(7), b(7), c(8);
  bool differs = false;
  for (std::int64_t at = 0; at < 100'000; at += 1'000) {
    const auto one = a.sample({at});
    CHECK(one->temperature == b.sample({at})->temperature);
    differs |= c.sample({at})->temperature != one->temperature;
  }
  CHECK(differs);
}

}  // namespace tercet::climate
