#pragma once
#include <array>
#include <cstdint>

#include "platform/runtime/loop.h"

namespace tercet::runtime {

/// Cryptographically strong numbers, drawn from OpenSSL's generator (seeded by the kernel) half a kilobyte at a time.
/// Used bytes are wiped. One thread.
class StrongRandom final : public Random {
 public:
  ~StrongRandom() override;
  std::uint64_t next() override;
  void fill(MutableBytes into) override;

 private:
  std::array<std::uint8_t, 512> pool_{};
  std::size_t used_ = 512;
};

/// Numbers that follow from a seed (xoshiro256**), for simulation and tests. Never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  std::uint64_t next() override;
  void fill(MutableBytes into) override;
  /// Uniform in [0, bound); 0 when bound is 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  /// True with this probability.
  bool chance(double probability);

 private:
  std::uint64_t state_[4];
};

}  // namespace tercet::runtime
