#pragma once
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/device/client.h"
#include "tercet/device/port.h"

namespace tercet::arduino {

/// What a TercetDevice stands on. board() gives the one there is: an ESP32 (board_esp32.cc), or a test's.
class Board {
 public:
  virtual ~Board() = default;
  /// Once, from setup(). Errors: io_failed, the store for settings cannot be read.
  virtual Result<void> open() = 0;
  /// The parts, after open(). Its secrets are the provisioned ones.
  virtual device::Port port() = 0;
  /// Whom to believe: certificates in PEM and pins; "": what was provisioned, else the public roots. Errors:
  /// bad_argument, the text cannot be read.
  virtual Result<void> trust(std::string_view text) = 0;

  using HostName = FixedString<128>;
  /// Errors: not_found, malformed.
  virtual Result<DeviceId> provisioned_device() = 0;
  virtual Result<HostName> provisioned_host() = 0;
  virtual Result<std::uint16_t> provisioned_port() = 0;

  /// Why it started: "power_on", "panic", "task_watchdog".
  virtual std::string_view reset_reason() = 0;
};
Board& board();

}  // namespace tercet::arduino
