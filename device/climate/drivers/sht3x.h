#pragma once
#include <array>
#include <cstdint>

#include "climate/drivers/i2c.h"
#include "climate/sensor.h"

namespace tercet::climate {

/// Sensirion's checksum: polynomial 0x31, begun with 0xFF.
std::uint8_t sht_crc(Bytes bytes);
/// The six bytes of a measurement: temperature, its checksum, humidity, its checksum. Errors: io_failed, a checksum.
Result<Reading> decode_sht3x(const std::array<std::uint8_t, 6>& frame);

/// SHT30, SHT31, SHT35 (address 0x44, or 0x45 with ADDR high): one measurement at a time, highest repeatability, 15 ms,
/// without clock stretching, so that nobody waits on the bus. The SHT3x, unlike others, does not acknowledge until it
/// has finished, which is how the end of a conversion is seen.
class Sht3x final : public Sensor {
 public:
  static constexpr std::uint8_t kAddress = 0x44;
  explicit Sht3x(I2cDevice& chip) : chip_(chip) {}

  Result<Reading> sample(UnixMillis now) override;
  std::string_view description() const override { return "SHT3x"; }

 private:
  static constexpr int kMostLooks = 5;  ///< after which a conversion is given up
  I2cDevice& chip_;
  bool converting_ = false;
  int looks_ = 0;
};

}  // namespace tercet::climate
