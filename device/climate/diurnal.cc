#include "climate/diurnal.h"

#include <algorithm>
#include <cmath>

namespace tercet::climate {
namespace {

constexpr float kWarmest = 15.0f / 24;  // three in the afternoon
constexpr float kTwoPi = 6.2831853f;

float hundredths(float value) { return std::round(value * 100) / 100; }

}  // namespace

float DiurnalModel::noise() {
  float sum = 0;
  for (int i = 0; i < 3; ++i) {
    state_ = state_ * 1'664'525u + 1'013'904'223u;
    sum += static_cast<float>(state_ >> 8) / 16'777'216.0f;
  }
  return sum / 1.5f - 1;
}

Reading DiurnalModel::look(UnixMillis now) {
  const std::int64_t local = now.ms + std::int64_t{shape_.utc_offset_s} * 1000;
  const std::int64_t day = std::int64_t{std::max(shape_.day_s, std::int32_t{1})} * 1000;
  const std::int64_t of_day = ((local % day) + day) % day;
  const float phase = std::cos(kTwoPi * (static_cast<float>(of_day) / static_cast<float>(day) - kWarmest));
  drift_ = 0.98f * drift_ + 0.05f * noise();
  Reading reading;
  reading.temperature =
      hundredths(shape_.mean_temperature + shape_.temperature_swing * phase + drift_ + 0.05f * noise());
  const float humidity = shape_.mean_humidity - shape_.humidity_swing * phase - 2 * drift_ + 0.2f * noise();
  reading.humidity = hundredths(std::clamp(humidity, 0.0f, 100.0f));
  return reading;
}

}  // namespace tercet::climate
