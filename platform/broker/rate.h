#pragma once
#include <algorithm>
#include <cstdint>

#include "tercet/base/time.h"

namespace tercet::broker {

/// Lets through so many a second, saving up at most one second's worth. Starts full.
class Rate {
 public:
  enum class Answer : std::uint8_t { pass, first_drop, drop };
  /// per_second 0: no limit. `first_drop` opens a burst of drops; a message that passes closes it.
  Answer ask(std::uint32_t per_second, Instant now) {
    if (per_second == 0) return Answer::pass;
    const auto ms = static_cast<std::uint32_t>(now.since_start.count());
    const std::uint64_t full = std::uint64_t{per_second} * 1000;
    if (!started_) {
      started_ = true;
      credit_ = static_cast<std::uint32_t>(full);
    } else {
      credit_ = static_cast<std::uint32_t>(std::min(full, credit_ + std::uint64_t{ms - at_ms_} * per_second));
    }
    at_ms_ = ms;
    if (credit_ >= 1000) {
      credit_ -= 1000;
      dropping_ = false;
      return Answer::pass;
    }
    if (dropping_) return Answer::drop;
    dropping_ = true;
    return Answer::first_drop;
  }

 private:
  std::uint32_t at_ms_ = 0;
  std::uint32_t credit_ = 0;  ///< thousandths of a message
  bool started_ = false;
  bool dropping_ = false;
};

}  // namespace tercet::broker
