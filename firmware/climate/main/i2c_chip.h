#pragma once
#include <cstdint>

#include "climate/drivers/i2c.h"

namespace tercet::firmware {

/// The board's one I2C bus and one chip on it. A chip that does not answer is an ordinary failure.
class I2cChip final : public climate::I2cDevice {
 public:
  /// Opens the bus on the pins of the Kconfig menu. Lives for ever.
  explicit I2cChip(std::uint8_t address);
  Result<void> write(Bytes bytes) override;
  Result<void> read(MutableBytes into) override;
  Result<void> write_read(Bytes bytes, MutableBytes into) override;

 private:
  std::uint8_t address_;
  void* chip_ = nullptr;  ///< ESP-IDF's handle; null: the bus could not be opened
};

}  // namespace tercet::firmware
