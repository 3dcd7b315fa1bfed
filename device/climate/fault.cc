#include "climate/fault.h"

namespace tercet::climate {

std::string_view name(SensorFault fault) {
  switch (fault) {
    case SensorFault::none:
      return "none";
    case SensorFault::absent:
      return "absent";
    case SensorFault::out_of_range:
      return "out_of_range";
    case SensorFault::stuck:
      return "stuck";
  }
  return "none";
}

/// Written so that a value that is no number fails.
bool FaultWatch::is_possible(const Reading& reading) {
  return reading.temperature >= -40 && reading.temperature <= 125 && reading.humidity >= 0 && reading.humidity <= 100;
}

void FaultWatch::see(const Result<Reading>& sample, Instant now) {
  if (!sample) {
    if (sample.error() != Error::would_block) count(SensorFault::absent);
    return;
  }
  if (!is_possible(*sample)) return count(SensorFault::out_of_range);
  accept(*sample, now);
}

void FaultWatch::count(SensorFault kind) {
  if (kind != counting_) of_a_kind_ = 0;
  counting_ = kind;
  if (in_a_row_ < kInARow) ++in_a_row_;
  if (of_a_kind_ < kInARow) ++of_a_kind_;
  const bool is_named = fault_ == SensorFault::absent || fault_ == SensorFault::out_of_range;
  if (of_a_kind_ == kInARow || (in_a_row_ == kInARow && !is_named)) fault_ = kind;
}

void FaultWatch::accept(const Reading& reading, Instant now) {
  counting_ = SensorFault::none;
  in_a_row_ = of_a_kind_ = 0;
  const bool same = last_ && last_->temperature == reading.temperature && last_->humidity == reading.humidity;
  if (!same) same_since_ = now;
  last_ = reading;
  fault_ = now - same_since_ >= kStuckAfter ? SensorFault::stuck : SensorFault::none;
}

}  // namespace tercet::climate
