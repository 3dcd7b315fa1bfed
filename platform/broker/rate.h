#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

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

/// Measures what cannot be refused any more against so much a second, saving up at most one second's worth. Starts
/// full; what has begun may finish, and leaves a debt.
class Meter {
 public:
  /// How long until something more may begin; zero: now. per_second 0: no limit.
  Millis wait(std::uint32_t per_second, Instant now) {
    if (per_second == 0) return Millis{0};
    refill(per_second, now);
    if (credit_ >= 1000) return Millis{0};
    return Millis{(1000 - credit_ + per_second - 1) / per_second};
  }
  void spend(std::uint32_t per_second, std::uint64_t amount, Instant now) {
    if (per_second == 0) return;
    refill(per_second, now);
    credit_ -= static_cast<std::int64_t>(amount) * 1000;
  }

 private:
  void refill(std::int64_t per_second, Instant now) {
    const std::int64_t ms = now.since_start.count();
    credit_ = at_ms_ < 0 ? per_second * 1000 : std::min(per_second * 1000, credit_ + (ms - at_ms_) * per_second);
    at_ms_ = ms;
  }
  std::int64_t at_ms_ = -1;
  std::int64_t credit_ = 0;  ///< thousandths
};

/// How often each of many names may come in a minute; that many at once, then one at a time as the minute passes.
class NameRates {
 public:
  explicit NameRates(std::uint64_t seed) : seed_(seed) {}
  /// False: too often, and it does not count. per_minute 0: no limit.
  bool take(std::string_view name, std::uint32_t per_minute, Instant now);
  std::size_t size() const { return names_.size(); }

 private:
  static constexpr std::int64_t kMinute = 60'000;
  struct Credit {
    std::int64_t at_ms = 0;
    std::int64_t credit = 0;  ///< of kMinute each
  };
  void sweep(std::int64_t ms);
  std::uint64_t seed_;
  std::unordered_map<std::uint64_t, Credit> names_;  ///< by hash; who has not come for a minute is not in it
  std::size_t sweep_at_ = 1024;
};

}  // namespace tercet::broker
