#include "platform/registry/throttle.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::registry;

namespace {

runtime::Address v4(std::uint32_t ip) {
  runtime::Address made;
  made.ip[10] = made.ip[11] = 0xff;
  for (int i = 0; i < 4; ++i) made.ip[12 + i] = static_cast<std::uint8_t>(ip >> (24 - 8 * i));
  return made;
}

constexpr Instant at(std::int64_t seconds) { return {Seconds{seconds}}; }

}  // namespace

TEST_CASE("five bad logins of a name are free, then each answer waits twice as long, up to the longest delay") {
  Throttle throttle;
  for (std::uint32_t i = 0; i < 5; ++i) CHECK(throttle.failed("p/d", v4(i), at(i)) == Millis{0});
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60})
    CHECK(throttle.failed("p/d", v4(99), at(10)) == Millis{Seconds{seconds}});
  CHECK(throttle.failed("p/other", v4(7), at(10)) == Millis{0});
}

TEST_CASE("twenty bad logins of an address are free, whatever the names") {
  Throttle throttle;
  for (int i = 0; i < 20; ++i) CHECK(throttle.failed("p/" + std::to_string(i), v4(1), at(1)) == Millis{0});
  CHECK(throttle.failed("p/20", v4(1), at(1)) == Seconds{1});
  CHECK(throttle.failed("p/21", v4(2), at(1)) == Millis{0});
}

TEST_CASE("bad logins that are spread over more than a minute never add up") {
  Throttle throttle;
  for (int i = 0; i < 100; ++i) CHECK(throttle.failed("p/d", v4(1), at(13 * i)) == Millis{0});
}

TEST_CASE("a delayed name is forgiven after a minute of silence beyond its delay") {
  Throttle throttle;
  for (int i = 0; i < 6; ++i) static_cast<void>(throttle.failed("p/d", v4(1), at(0)));
  CHECK(throttle.failed("p/d", v4(1), at(60)) == Seconds{2});
  CHECK(throttle.failed("p/d", v4(1), at(60 + 62)) == Millis{0});
}

TEST_CASE("a right login of the name starts its count again, the address keeps its own") {
  Throttle throttle;
  for (int i = 0; i < 19; ++i) static_cast<void>(throttle.failed("p/d", v4(1), at(0)));
  throttle.succeeded("p/d");
  CHECK(throttle.failed("p/d", v4(1), at(0)) == Millis{0});
  CHECK(throttle.failed("p/d", v4(1), at(0)) == Seconds{1});  // the address's twenty-first
}

TEST_CASE("a name is slowed only while its delay runs") {
  Throttle throttle;
  CHECK(!throttle.is_slowed("u", v4(1), at(0)));
  for (int i = 0; i < 7; ++i) static_cast<void>(throttle.failed("u", v4(1), at(0)));
  CHECK(throttle.is_slowed("u", v4(2), at(1)));
  CHECK(!throttle.is_slowed("u", v4(2), at(2)));
  CHECK(!throttle.is_slowed("other", v4(2), at(1)));
}

TEST_CASE("a million names change neither the size of the tables nor the delay of one who guesses on") {
  Throttle throttle({.table_entries = 1024}, 42);
  for (std::uint32_t i = 0; i < 8; ++i) static_cast<void>(throttle.failed("p/victim", v4(0x01000000), at(0)));
  for (std::uint32_t i = 0; i < 1'000'000; ++i)
    static_cast<void>(throttle.failed("p/x" + std::to_string(i), v4(0x02000000 + i), at(1)));
  CHECK(throttle.failed("p/victim", v4(0x03000000), at(2)) == Seconds{8});
}

TEST_CASE("an IPv6 network counts as one address, IPv4 addresses count each") {
  Throttle throttle({.per_address = 1});
  runtime::Address a, b, c;
  a.ip[0] = b.ip[0] = c.ip[0] = 0x20;
  a.ip[15] = 1, b.ip[15] = 2, c.ip[7] = 1;
  static_cast<void>(throttle.failed("1", a, at(0)));
  CHECK(throttle.failed("2", b, at(0)) == Seconds{1});
  CHECK(throttle.failed("3", c, at(0)) == Millis{0});
  CHECK(throttle.failed("4", v4(1), at(0)) == Millis{0});
  CHECK(throttle.failed("5", v4(2), at(0)) == Millis{0});
}

TEST_CASE("another shard's reports count for the address") {
  Throttle here({}, 1), there({}, 2);
  for (int i = 0; i < 20; ++i) static_cast<void>(there.failed("p/" + std::to_string(i), v4(1), at(0)));
  const auto reports = there.take_reports();
  CHECK(reports.size() == 20);
  CHECK(there.take_reports().empty());
  here.heard(reports, at(0));
  CHECK(here.failed("p/d", v4(1), at(0)) == Seconds{1});
  CHECK(here.failed("p/d", v4(2), at(0)) == Millis{0});
  for (int i = 0; i < 5000; ++i) static_cast<void>(there.failed("n", v4(1), at(0)));
  CHECK(there.take_reports().size() == 1024);
}
