#pragma once

#include "tercet/device/port.h"

namespace tercet::posix {

/// The machine's clocks at one moment, in milliseconds.
struct ClockReading {
  std::int64_t boot = 0;  ///< CLOCK_BOOTTIME: goes on while the machine sleeps, never jumps
  std::int64_t real = 0;  ///< CLOCK_REALTIME: jumps when somebody sets it
};

/// The time that this process was told, while the machine's clock shows another: setting that one is its owner's
/// business. Counted by the clock that never jumps, so that a step of the machine's clock does not move it. Where that
/// step brings the machine's clock to our time, or was made by a kernel that follows time servers, the machine's clock
/// is right now and is believed again.
class WallCorrection {
 public:
  void set(UnixMillis to, const ClockReading& at);
  /// is_synchronised: whether the kernel follows time servers; asked only when the machine's clock has stepped.
  UnixMillis wall(const ClockReading& at, bool (*is_synchronised)()) const;

 private:
  bool is_set_ = false;
  std::int64_t told_less_boot_ = 0, real_less_boot_ = 0;
};

/// CLOCK_BOOTTIME, and CLOCK_REALTIME as corrected for this process.
class SystemClock final : public device::Clock {
 public:
  Instant now() const override;
  UnixMillis wall() const override;
  void set_wall(UnixMillis to) override;

 private:
  WallCorrection correction_;
};

/// getrandom(2).
class SystemRandom final : public device::Random {
 public:
  void fill(MutableBytes into) override;
};

/// Lines to standard error, with the time.
class StderrLog final : public device::Log {
 public:
  explicit StderrLog(device::LogLevel least = device::LogLevel::warning) : least_(least) {}
  void line(device::LogLevel level, std::string_view text) override;

 private:
  device::LogLevel least_;
};

/// Any interface but loopback that is up; loopback counts too when the host to reach is this machine.
class SystemNetwork final : public device::Network {
 public:
  /// host: where we want to go.
  explicit SystemNetwork(std::string_view host);
  bool has_link() const override;
  bool has_address() const override;

 private:
  bool local_;
};

}  // namespace tercet::posix
