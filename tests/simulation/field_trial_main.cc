// A month of a fleet in one program: field_trial --boards 1000 --days 30 --seed 1 --interval 600 --keep-alive 300
// Seconds for the last two. Prints what docs/reliability.md quotes; fails when a reading is lost or a board stays away.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/simulation/field_trial.h"

using namespace tercet;
using namespace tercet::simulation;

namespace {

bool read(TrialOptions& into, std::string_view option, const char* text) {
  const std::int64_t number = std::strtoll(text, nullptr, 10);
  if (number <= 0) return false;
  if (option == "--boards")
    into.boards = static_cast<std::size_t>(number);
  else if (option == "--days")
    into.span = std::chrono::hours{24 * number};
  else if (option == "--seed")
    into.seed = static_cast<std::uint64_t>(number);
  else if (option == "--interval")
    into.report_every = std::chrono::seconds{number};
  else if (option == "--keep-alive")
    into.keep_alive = Seconds{number};
  else
    return false;
  return true;
}

void print(const TrialFigures& f, double wall_seconds) {
  std::printf("boards %zu, online at the end %zu, nothing left to send %zu\n", f.boards, f.online, f.drained);
  std::printf("readings taken %zu, in history %zu, acknowledged %zu\n", f.taken, f.stored, f.acknowledged);
  std::printf("dropped and counted %zu, in RAM at a loss of supply %zu\n", f.dropped, f.in_ram);
  std::printf("acknowledged and lost %zu, missing %zu, refused by the platform %zu\n", f.lost, f.missing, f.refusals);
  std::printf("boots %zu, of them after brown-outs %zu; passes that did not feed the watchdog %zu of %zu\n", f.boots,
              f.brown_outs, f.unfed, f.runs);
  std::printf("allocations of the SDK after start %zu, sessions %zu, flash erasures %zu\n", f.sdk_allocations,
              f.sessions, f.erasures);
  std::printf("server restarts %zu, disks that take nothing %zu\n", f.restarts, f.slow_disks);
  for (std::size_t i = 0; i < kFaults; ++i)
    std::printf("%s%s %zu", i == 0 ? "faults: " : ", ", name(static_cast<Fault>(i)).data(), f.faults[i]);
  std::printf("\ntrace %016llx, wall time %.0f s\n%s\n", static_cast<unsigned long long>(f.trace), wall_seconds,
              f.first.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  TrialOptions options;
  options.boards = 1000;
  options.span = std::chrono::hours{24 * 30};
  options.report_every = std::chrono::seconds{600};
  options.keep_alive = Seconds{300};
  options.fault_every = std::chrono::hours{6};
  options.outage_limit = std::chrono::hours{72};
  options.restart_every = std::chrono::hours{8};
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && read(options, argv[i], argv[i + 1])) continue;
    std::fprintf(stderr, "usage: field_trial [--boards N] [--days N] [--seed N] [--interval s] [--keep-alive s]\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  options.progress = [&](Millis passed) {
    std::fprintf(stderr, "day %lld, %.0f s\n", static_cast<long long>(passed.count() / 86'400'000), seconds());
  };
  const TrialFigures figures = live_in_the_field(options);
  print(figures, seconds());
  const bool is_well = figures.lost == 0 && figures.missing == 0 && figures.online == figures.boards &&
                       figures.sdk_allocations == 0 && figures.unfed == 0 &&
                       figures.boots == figures.boards + figures.brown_outs;
  return is_well ? 0 : 1;
}
