#include "platform/runtime/random.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace tercet;
using namespace tercet::runtime;

TEST_CASE("strong random numbers do not repeat, across refills too") {
  StrongRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next());
  CHECK(seen.size() == 1000);
  std::vector<std::uint8_t> much(2000);
  random.fill(much);
  CHECK(std::set<std::uint8_t>(much.begin(), much.end()).size() > 200);
}

TEST_CASE("seeded random numbers follow from the seed") {
  SeededRandom a{7}, b{7}, c{8};
  const auto first = a.next();
  CHECK(b.next() == first);
  CHECK(c.next() != first);
  for (int i = 0; i < 1000; ++i) CHECK(a.below(10) < 10);
  CHECK(a.chance(1.0));
  CHECK(!a.chance(0.0));
}
