#pragma once

#include "tercet/device/port.h"

namespace tercet::posix {

/// CLOCK_BOOTTIME (goes on while the machine sleeps) and CLOCK_REALTIME plus an offset of this process: setting the
/// machine's clock is its owner's business.
class SystemClock final : public device::Clock {
 public:
  Instant now() const override;
  UnixMillis wall() const override;
  void set_wall(UnixMillis to) override;

 private:
  std::int64_t offset_ms_ = 0;
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
