#pragma once
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::climate {

/// One look at the air.
struct Reading {
  float temperature = 0;  ///< degrees Celsius
  float humidity = 0;     ///< percent, relative
};

/// Whatever measures: SHT3x, DHT22, a hwmon chip, a model. One task.
class Sensor {
 public:
  virtual ~Sensor() = default;
  /// Never blocks for more than 50 ms. Errors: would_block, a conversion is under way, ask again at the next pass;
  /// io_failed, no answer or a bad checksum; not_found, there is no sensor.
  virtual Result<Reading> sample(UnixMillis now) = 0;
  /// "sht3x at hwmon3", "diurnal model": for people.
  virtual std::string_view description() const = 0;
};

}  // namespace tercet::climate
