#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/simulation/scenario.h"

using namespace tercet::simulation;

namespace {
std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}
}  // namespace

TEST_CASE(
    "through loss, half-open links, clock jumps, full disks and restarts every acknowledged reading is in history and "
    "every board ends online") {
  const std::uint64_t first = number_from("TERCET_SEED", 1);
  const std::uint64_t count = number_from("TERCET_SEEDS", 200);
  std::size_t taken = 0, acknowledged = 0, kills = 0, faults = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Outcome outcome = live_through(seed);
    CHECK_MESSAGE(outcome.online == outcome.boards, "seed ", seed, ": ", outcome.online, " of ", outcome.boards,
                  " boards online");
    CHECK_MESSAGE(outcome.lost == 0, "seed ", seed, ": ", outcome.lost, " acknowledged readings lost, first ",
                  outcome.first_loss);
    CHECK_MESSAGE(outcome.missing == 0, "seed ", seed, ": ", outcome.missing, " readings went missing on the way");
    taken += outcome.taken, acknowledged += outcome.acknowledged;
    kills += outcome.kills, faults += outcome.faults;
  }
  MESSAGE(count, " seeds from ", first, ": ", taken, " readings taken, ", acknowledged, " acknowledged, ", faults,
          " faults, ", kills, " server restarts");
  CHECK(acknowledged * 10 > taken * 7);  // the worlds were not dead
}

TEST_CASE("the same seed gives the same trace, another seed another") {
  const std::uint64_t seed = number_from("TERCET_SEED", 1);
  const Outcome once = live_through(seed);
  CHECK(live_through(seed).trace == once.trace);
  CHECK(live_through(seed + 1).trace != once.trace);
}
