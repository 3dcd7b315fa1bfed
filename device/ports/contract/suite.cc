#include "ports/contract/suite.h"

namespace tercet::contract {

Score run(std::span<const Promise> promises, Bench& bench, Reporter& reporter) {
  Score score;
  for (const Promise& promise : promises) {
    reporter.begin(promise.sentence);
    Check check{reporter};
    promise.test(bench, check);
    ++score.promises;
    if (check.failures() != 0) ++score.failed;
    reporter.end();
  }
  return score;
}

Score run_all(Bench& bench, Reporter& reporter) {
  Score all;
  for (const auto group : {board_promises(), store_promises(), flash_promises(), datagram_promises(),
                           transport_promises(), trust_promises(), byte_promises()}) {
    const Score score = run(group, bench, reporter);
    all.promises += score.promises;
    all.failed += score.failed;
  }
  return all;
}

}  // namespace tercet::contract
