#pragma once
#include <Arduino.h>
#include <Wire.h>

#include <optional>
#include <string>

#include "ports/arduino/board.h"
#include "ports/fake/board.h"
#include "ports/fake/flash.h"

namespace tercet::arduino {

/// The fake board under a sketch. While one lives, board() is it, and the stand-in of the core shows its clock.
class TestBoard final : public Board {
 public:
  explicit TestBoard(std::uint32_t seed = 1);
  ~TestBoard() override;

  fake::Board fake;
  fake::Flash flash{8, 4096, 4};
  std::string trusted;
  std::string_view reason = "power_on";
  bool readable = true;        ///< NVS
  bool good_roots = true;      ///< the text of trust() can be read
  std::optional<DeviceId> id;  ///< provisioned
  std::optional<std::string> host;

  /// Calls `loop` for so long, every 20 ms of the fake clock.
  void run(void (*loop)(), Millis time);
  /// What the stand-in's sensor measures.
  static void measure(float temperature, float humidity);

  Result<void> open() override { return readable ? Result<void>{} : fail(Error::io_failed); }
  device::Port port() override;
  Result<void> trust(std::string_view text) override;
  Result<DeviceId> provisioned_device() override;
  Result<HostName> provisioned_host() override;
  Result<std::uint16_t> provisioned_port() override { return fail(Error::not_found); }
  std::string_view reset_reason() override { return reason; }
};

}  // namespace tercet::arduino
