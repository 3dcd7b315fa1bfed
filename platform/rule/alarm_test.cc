#include "platform/rule/alarm.h"

#include <doctest/doctest.h>

namespace tercet::rule {
namespace {

struct Line {
  AlarmSettings settings;
  DeviceMemory memory;
  bool changed = false;
  AlarmState at(std::int64_t second, Verdict verdict) {
    return advance_alarm(settings, verdict, 1'000'000 + second * 1000, memory, changed);
  }
};
constexpr Verdict kMet = Verdict::met, kNot = Verdict::not_met;

TEST_CASE("an alarm tells its beginning once, and its end") {
  Line line;
  CHECK(line.at(0, kNot) == AlarmState::none);
  CHECK(!line.changed);
  CHECK(line.at(1, kMet) == AlarmState::raised);
  CHECK(line.changed);
  CHECK(line.at(2, kMet) == AlarmState::none);
  CHECK(line.at(3, Verdict::unknown) == AlarmState::none);
  CHECK(line.at(3, Verdict::failed) == AlarmState::none);
  CHECK(!line.changed);
  CHECK(line.at(4, kNot) == AlarmState::recovered);
  CHECK(line.at(5, kNot) == AlarmState::none);
  CHECK(line.at(6, kMet) == AlarmState::raised);
}

TEST_CASE("an alarm without recovery is silent about its end") {
  Line line{{0, 0, false}, {}};
  CHECK(line.at(1, kMet) == AlarmState::raised);
  CHECK(line.at(4, kNot) == AlarmState::none);
  CHECK(!line.memory.is_raised);
}

TEST_CASE("reminders come while it lasts") {
  Line line{{0, 60'000, true}, {}};
  CHECK(line.at(0, kMet) == AlarmState::raised);
  CHECK(line.at(59, kMet) == AlarmState::none);
  CHECK(line.at(60, kMet) == AlarmState::reminder);
  CHECK(line.at(119, kMet) == AlarmState::none);
  CHECK(line.at(120, kMet) == AlarmState::reminder);
}

TEST_CASE("a value that flaps tells once per silence, and no end of what was not told") {
  Line line{{60'000, 0, true}, {}};
  CHECK(line.at(0, kMet) == AlarmState::raised);
  CHECK(line.at(5, kNot) == AlarmState::recovered);
  for (int i = 10; i < 50; i += 10) {
    CHECK(line.at(i, kMet) == AlarmState::none);
    CHECK(line.at(i + 5, kNot) == AlarmState::none);
  }
  CHECK(line.at(61, kMet) == AlarmState::raised);
}

TEST_CASE("one that begins within the silence and outlasts it is told then") {
  Line line{{60'000, 0, true}, {}};
  CHECK(line.at(0, kMet) == AlarmState::raised);
  CHECK(line.at(5, kNot) == AlarmState::recovered);
  CHECK(line.at(10, kMet) == AlarmState::none);
  CHECK(line.at(59, kMet) == AlarmState::none);
  CHECK(line.at(60, kMet) == AlarmState::raised);
  CHECK(line.at(70, kNot) == AlarmState::recovered);
}

}  // namespace
}  // namespace tercet::rule
