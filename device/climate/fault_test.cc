#include "climate/fault.h"

#include <doctest/doctest.h>

#include <limits>

using namespace tercet;
using namespace tercet::climate;

namespace {

constexpr Reading kAir{21.5f, 45};
Instant at(std::int64_t seconds) { return {Seconds{seconds}}; }

}  // namespace

TEST_CASE("a sensor is absent after five failures in a row and back with the first good answer") {
  FaultWatch watch;
  for (int i = 0; i < 4; ++i) watch.see(fail(Error::io_failed), at(i));
  CHECK(watch.fault() == SensorFault::none);
  watch.see(kAir, at(4));
  for (int i = 5; i < 9; ++i) watch.see(fail(Error::not_found), at(i));
  CHECK(watch.fault() == SensorFault::none);
  watch.see(fail(Error::io_failed), at(9));
  CHECK(watch.fault() == SensorFault::absent);
  watch.see(kAir, at(10));
  CHECK(watch.fault() == SensorFault::none);
}

TEST_CASE("a conversion under way is no failure") {
  FaultWatch watch;
  for (int i = 0; i < 100; ++i) watch.see(fail(Error::would_block), at(i));
  CHECK(watch.fault() == SensorFault::none);
}

TEST_CASE("air that does not exist is out of range, and never a reading") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Reading air :
       {Reading{-41, 50}, Reading{126, 50}, Reading{20, -1}, Reading{20, 101}, Reading{nan, 50}, Reading{20, nan}}) {
    CHECK(!FaultWatch::is_possible(air));
    FaultWatch watch;
    for (int i = 0; i < 5; ++i) watch.see(air, at(i));
    CHECK(watch.fault() == SensorFault::out_of_range);
  }
  for (const Reading air : {Reading{-40, 0}, Reading{125, 100}}) CHECK(FaultWatch::is_possible(air));
}

TEST_CASE(
    "a sensor that fails in two ways by turns is faulty after five, under one name until five of the other kind") {
  FaultWatch watch;
  const auto fails = [&](bool is_absent, int second) {
    if (is_absent)
      watch.see(fail(Error::io_failed), at(second));
    else
      watch.see(Reading{200, 50}, at(second));
  };
  for (int i = 0; i < 4; ++i) fails(i % 2 == 0, i);
  CHECK(watch.fault() == SensorFault::none);
  fails(true, 4);
  CHECK(watch.fault() == SensorFault::absent);
  for (int i = 5; i < 25; ++i) {
    fails(i % 2 == 0, i);
    CHECK(watch.fault() == SensorFault::absent);
  }
  for (int i = 25; i < 30; ++i) fails(false, i);
  CHECK(watch.fault() == SensorFault::out_of_range);
  watch.see(kAir, at(30));
  CHECK(watch.fault() == SensorFault::none);
  for (int i = 31; i < 35; ++i) fails(i % 2 == 0, i);
  CHECK(watch.fault() == SensorFault::none);
}

TEST_CASE("the same answer for six hours is a stuck sensor, and another one ends it") {
  FaultWatch watch;
  for (std::int64_t s = 0; s < 6 * 3600; s += 5) watch.see(kAir, at(s));
  CHECK(watch.fault() == SensorFault::none);
  watch.see(kAir, at(6 * 3600));
  CHECK(watch.fault() == SensorFault::stuck);
  watch.see(Reading{kAir.temperature, kAir.humidity + 0.1f}, at(6 * 3600 + 5));
  CHECK(watch.fault() == SensorFault::none);
}
