#pragma once
#include <array>
#include <cstdint>

#include "climate/drivers/i2c.h"
#include "climate/sensor.h"

namespace tercet::climate {

/// What Bosch's factory wrote into the chip; the names are the datasheet's.
struct Bme280Calibration {
  std::uint16_t t1 = 0;
  std::int16_t t2 = 0, t3 = 0;
  std::uint8_t h1 = 0, h3 = 0;
  std::int16_t h2 = 0, h4 = 0, h5 = 0;
  std::int8_t h6 = 0;

  /// From the registers 0x88 to 0xA1 and 0xE1 to 0xE7.
  static Bme280Calibration decode(const std::array<std::uint8_t, 26>& low, const std::array<std::uint8_t, 7>& high);
};

/// The datasheet's compensation, in double precision. raw_temperature: 20 bits; raw_humidity: 16 bits.
Reading compensate_bme280(const Bme280Calibration& calibration, std::int32_t raw_temperature,
                          std::int32_t raw_humidity);

/// BME280 (address 0x76, or 0x77 with SDO high), forced mode: one measurement, then sleep, which keeps the chip from
/// warming itself. Pressure is not measured. A BMP280, which has no humidity, is refused.
class Bme280 final : public Sensor {
 public:
  static constexpr std::uint8_t kAddress = 0x76;
  explicit Bme280(I2cDevice& chip) : chip_(chip) {}

  /// Errors: also not_found, the chip at this address is another.
  Result<Reading> sample(UnixMillis now) override;
  std::string_view description() const override { return "BME280"; }

 private:
  enum class State : std::uint8_t { unknown, idle, converting };
  Result<void> identify();
  Result<void> begin();
  Result<Reading> finish();
  Result<void> set(std::uint8_t reg, std::uint8_t value);
  Result<void> get(std::uint8_t reg, MutableBytes into);

  static constexpr int kMostLooks = 10;
  I2cDevice& chip_;
  State state_ = State::unknown;
  int looks_ = 0;
  Bme280Calibration calibration_;
};

}  // namespace tercet::climate
