#include "tests/simulation/field_trial.h"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace tercet;
using namespace tercet::simulation;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void check(std::uint64_t seed, const TrialFigures& figures) {
  INFO("seed ", seed, ": ", figures.first);
  CHECK(figures.lost == 0);
  CHECK(figures.missing == 0);
  CHECK(figures.online == figures.boards);
  CHECK(figures.drained == figures.boards);
  CHECK(figures.boots == figures.boards + figures.brown_outs);
  CHECK(figures.unfed == 0);
  CHECK(figures.sdk_allocations == 0);
}

}  // namespace

TEST_CASE(
    "in the field every reading is in history, or counted as dropped, or was in RAM when the supply failed; no network "
    "fault reboots a board, the SDK allocates nothing, and all boards end online") {
  const std::uint64_t first = number_from("TERCET_SEED", 1);
  const std::uint64_t count = number_from("TERCET_FIELD_SEEDS", 100);
  TrialFigures all;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    TrialOptions options;
    options.seed = seed;
    const TrialFigures figures = live_in_the_field(options);
    check(seed, figures);
    all.taken += figures.taken, all.stored += figures.stored, all.dropped += figures.dropped;
    all.in_ram += figures.in_ram, all.brown_outs += figures.brown_outs, all.restarts += figures.restarts;
    for (std::size_t i = 0; i < kFaults; ++i) all.faults[i] += figures.faults[i];
  }
  MESSAGE(count, " seeds from ", first, ": ", all.taken, " readings taken, ", all.stored, " in history, ", all.dropped,
          " dropped and counted, ", all.in_ram, " in RAM at one of ", all.brown_outs, " brown-outs, ", all.restarts,
          " server restarts");
  CHECK(all.stored * 10 > all.taken * 9);  // the fields were not dead
  for (std::size_t i = 0; i < kFaults; ++i) CHECK_MESSAGE(all.faults[i] >= count, name(static_cast<Fault>(i)));
}

TEST_CASE("in the field the same seed gives the same trace, another seed another") {
  TrialOptions options;
  options.seed = number_from("TERCET_SEED", 1);
  const TrialFigures once = live_in_the_field(options);
  CHECK(live_in_the_field(options).trace == once.trace);
  ++options.seed;
  CHECK(live_in_the_field(options).trace != once.trace);
}
