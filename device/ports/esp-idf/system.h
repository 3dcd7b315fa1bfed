#pragma once
#include <cstdint>

#include "tercet/device/port.h"

namespace tercet::idf {

/// esp_timer (goes on during light sleep) and the system's clock, which mbedTLS judges certificates by.
class SystemClock final : public device::Clock {
 public:
  Instant now() const override;
  UnixMillis wall() const override;
  void set_wall(UnixMillis to) override;
};

/// The hardware's generator. True randomness wants a radio that is on, or the entropy source that Board switches on for
/// boards without one.
class SystemRandom final : public device::Random {
 public:
  void fill(MutableBytes into) override;
};

/// esp_log, under the tag `tercet`.
class SystemLog final : public device::Log {
 public:
  void line(device::LogLevel level, std::string_view text) override;
};

/// The task watchdog of ESP-IDF. Only the task that called watch_this_task() may feed it.
class TaskWatchdog final : public device::Watchdog {
 public:
  /// Sets the time limit for all tasks that the watchdog watches and adds the calling one. A limit that is passed
  /// resets the board. False: ESP-IDF refused; the board runs unwatched.
  bool watch_this_task(Seconds limit);
  void feed() override;

 private:
  bool watching_ = false;
};

}  // namespace tercet::idf
