#pragma once
#include <algorithm>
#include <cstdint>

#include "tercet/base/time.h"

namespace tercet::mqtt {

/// Exponential back-off with full jitter: the n-th wait is drawn evenly from nothing to min(limit, first * 2^n), so
/// that a fleet that lost its server together does not come back together. It is the caller's to say what counts as
/// success: a session that ends at once must not, or two devices with one identity would kick each other at full speed.
class Backoff {
 public:
  Backoff(Millis first, Millis limit) : first_(first), limit_(limit) {}

  /// How long to wait after one more failure. random: 32 evenly distributed bits.
  Millis next(std::uint32_t random) {
    const Millis ceiling = std::min(limit_, first_ * (std::int64_t{1} << std::min<std::uint32_t>(attempts_, 16)));
    ++attempts_;
    return Millis{static_cast<std::int64_t>((static_cast<std::uint64_t>(ceiling.count()) + 1) * random >> 32)};
  }
  void reset() { attempts_ = 0; }
  std::uint32_t attempts() const { return attempts_; }

 private:
  Millis first_;
  Millis limit_;
  std::uint32_t attempts_ = 0;
};

}  // namespace tercet::mqtt
