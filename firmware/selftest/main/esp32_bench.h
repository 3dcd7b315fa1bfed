#pragma once
#include "ports/contract/bench.h"
#include "ports/esp-idf/board.h"

namespace tercet::firmware {

/// An ESP32 for the contract suite, against contract_peers on another machine. A board cannot be restarted, nor its
/// store be broken, in the middle of a program: those promises are skipped.
class Esp32Bench final : public contract::Bench {
 public:
  /// A board without a triple is given one for the time of the test.
  explicit Esp32Bench(idf::Board& board);
  ~Esp32Bench() override;
  Esp32Bench(const Esp32Bench&) = delete;
  Esp32Bench& operator=(const Esp32Bench&) = delete;

  device::Port port() override { return board_.port(); }
  void wait(Millis at_most) override { board_.wait(board_.clock().now() + at_most); }
  bool restart() override { return false; }
  std::optional<contract::Peer> peer(contract::PeerKind kind) override;
  UnixMillis good_time() const override { return {1'765'000'000'000}; }
  /// The idle task's time: what the calls compute does not count, as port.h has it.
  std::int64_t waited_us() override;
  std::optional<Triple> provisioned() override;
  bool expose_secret(bool) override { return false; }
  bool break_store(bool) override { return false; }

 private:
  idf::Board& board_;
  bool has_test_triple_ = false;
};

}  // namespace tercet::firmware
