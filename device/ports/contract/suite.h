#pragma once
#include <span>
#include <string_view>

#include "ports/contract/bench.h"
#include "ports/contract/reporter.h"

/// What port.h promises, tried on a port. The same code runs in CI and on a board: no test framework, no exceptions, no
/// files. Stack: under 6 KB.
namespace tercet::contract {

struct Promise {
  const char* sentence;  ///< begins with the part: "transport: …"
  void (*test)(Bench&, Check&);
};

std::span<const Promise> transport_promises();
std::span<const Promise> trust_promises();
std::span<const Promise> byte_promises();
std::span<const Promise> datagram_promises();
std::span<const Promise> store_promises();
std::span<const Promise> flash_promises();
std::span<const Promise> board_promises();  ///< clock, random numbers, network, secrets, log, watchdog

struct Score {
  int promises = 0, failed = 0;
};
/// Tries each promise of the group.
Score run(std::span<const Promise> promises, Bench& bench, Reporter& reporter);
Score run_all(Bench& bench, Reporter& reporter);

}  // namespace tercet::contract
