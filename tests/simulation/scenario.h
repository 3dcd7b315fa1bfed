#pragma once
#include <cstdint>
#include <string>

namespace tercet::simulation {

/// What one simulated world came to.
struct Outcome {
  std::uint64_t trace = 0;  ///< of everything that happened
  std::size_t boards = 0, online = 0;
  std::size_t taken = 0, acknowledged = 0, lost = 0;
  std::size_t missing = 0;  ///< taken, no longer held by their boards, not given up by them, and not in history
  std::size_t kills = 0, faults = 0;
  std::string first_loss;  ///< for a person: which reading of which board
};

/// Some boards with the real SDK and the real platform: readings, loss, reordering between connections, half-open
/// links, resets, partitions, clock jumps, disks that are behind and server restarts as the seed chooses, then peace.
/// Bounded in virtual time.
Outcome live_through(std::uint64_t seed);

}  // namespace tercet::simulation
