#pragma once
#include <cstdint>

#include "climate/sensor.h"

namespace tercet::climate {

/// A room through the day, for machines without a sensor: warmest at three in the afternoon and driest then, with noise
/// that wanders. The same seed and the same times give the same readings.
class DiurnalModel final : public Sensor {
 public:
  struct Shape {
    float mean_temperature = 22, temperature_swing = 4;
    float mean_humidity = 52, humidity_swing = 12;
    std::int32_t utc_offset_s = 8 * 3600;  ///< where the room is
    std::int32_t day_s = 86'400;           ///< how long a day lasts, from 1: shorter ones are for demonstrations
  };
  explicit DiurnalModel(std::uint32_t seed) : DiurnalModel(seed, Shape{}) {}
  DiurnalModel(std::uint32_t seed, const Shape& shape) : shape_(shape), state_(seed * 2 + 1) {}

  // Inline, so that this class can be used from code built with run-time type information (see PORTABLE).
  Result<Reading> sample(UnixMillis now) override { return look(now); }
  std::string_view description() const override { return "diurnal model"; }

 private:
  Reading look(UnixMillis now);
  float noise();  ///< -1..1, more often near 0
  Shape shape_;
  std::uint32_t state_;
  float drift_ = 0;
};

}  // namespace tercet::climate
