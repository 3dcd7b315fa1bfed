#include "tercet/mqtt/backoff.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::mqtt;

TEST_CASE("the ceiling doubles from the first wait to the limit and stays there") {
  Backoff backoff{Millis{1'000}, Millis{60'000}};
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60, 60}) CHECK(backoff.next(0xFFFFFFFF) == Seconds{seconds});
  for (int i = 0; i < 100; ++i) CHECK(backoff.next(0xFFFFFFFF) == Seconds{60});
  backoff.reset();
  CHECK(backoff.next(0xFFFFFFFF) == Seconds{1});
}

TEST_CASE("the jitter is full: anything from nothing to the ceiling") {
  Backoff backoff{Millis{1'000}, Millis{60'000}};
  CHECK(backoff.next(0) == Millis{0});
  CHECK(backoff.next(0x80000000) == Millis{1'000});
}
