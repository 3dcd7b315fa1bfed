#pragma once
#include <chrono>
#include <cstdint>

namespace tercet {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// A point on a clock that only goes forward, milliseconds from an arbitrary start. State machines are handed one and
/// never ask for it. (What the wall says is UnixMillis, and may jump.)
struct Instant {
  Millis since_start{0};

  static constexpr Instant never() { return {Millis::max()}; }
  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant at, Millis by) {
    return at.since_start > Millis::max() - by ? never() : Instant{at.since_start + by};
  }
  friend constexpr Instant operator-(Instant at, Millis by) { return {at.since_start - by}; }
  friend constexpr Millis operator-(Instant a, Instant b) { return a.since_start - b.since_start; }
};

/// Milliseconds since 1970-01-01 UTC, as every timestamp of the protocol is.
struct UnixMillis {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(const UnixMillis&, const UnixMillis&) = default;
};

}  // namespace tercet
