#pragma once
#include <memory>
#include <string>

#include "climate/sensor.h"

namespace tercet::posix {

/// A chip that the kernel drives and that measures both temperature and humidity: hwmon (`temp1_input`,
/// `humidity1_input`, thousandths: SHT2x, SHT3x, SHT4x, Si70xx, HTU21) or IIO (`in_temp_*`,
/// `in_humidityrelative_*`: DHT11/22, HDC100x, BME280). A processor's own thermometer is not the air and not taken.
class AirSensor final : public climate::Sensor {
 public:
  /// The first such chip below `sys`. Nothing when the machine has none.
  static std::unique_ptr<AirSensor> find(const std::string& sys = "/sys");

  /// A DHT22 needs up to 30 ms for a reading. Errors: io_failed.
  Result<climate::Reading> sample(UnixMillis now) override;
  std::string_view description() const override { return description_; }

 private:
  /// value = (raw + offset) * scale
  struct Channel {
    std::string path;
    double offset = 0, scale = 1;
  };
  static bool find_hwmon(const std::string& directory, AirSensor& into);
  static bool find_iio(const std::string& directory, AirSensor& into);
  static bool find_iio_channel(const std::string& stem, Channel& into);

  Channel temperature_, humidity_;
  std::string description_;
};

}  // namespace tercet::posix
