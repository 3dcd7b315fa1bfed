#pragma once
#include <cstdint>

#include "tercet/base/time.h"

namespace tercet::climate {

/// What the board's light says.
enum class Condition : std::uint8_t {
  unprovisioned,  ///< five flashes a second: no triple or no network is set; set it up
  no_network,     ///< one flash a second
  connecting,     ///< two flashes, then a pause
  online,         ///< on, but for a wink every five seconds: the program runs
  sensor_fault,   ///< three long flashes, then a pause
};

/// Whether the light is on at `now`. Pure: call it every 50 ms or so.
constexpr bool is_lit(Condition condition, Instant now) {
  const std::int64_t ms = now.since_start.count();
  switch (condition) {
    case Condition::unprovisioned:
      return ms % 200 < 100;
    case Condition::no_network:
      return ms % 1'000 < 100;
    case Condition::connecting:
      return ms % 1'500 < 500 && ms % 250 < 125;
    case Condition::online:
      return ms % 5'000 >= 100;
    case Condition::sensor_fault:
      return ms % 4'000 < 2'400 && ms % 800 < 500;
  }
  return false;
}

/// A button that does something when it is held: debounced, once per press.
class LongPress {
 public:
  static constexpr Millis kHold = Seconds{5};

  /// pressed: the pin as it is now. True once, when it has been held for kHold.
  constexpr bool see(bool pressed, Instant now) {
    if (!pressed) {
      held_ = told_ = false;
      return false;
    }
    if (!held_) since_ = now;
    held_ = true;
    if (told_ || now - since_ < kHold) return false;
    return told_ = true;
  }

 private:
  bool held_ = false, told_ = false;
  Instant since_{};
};

}  // namespace tercet::climate
