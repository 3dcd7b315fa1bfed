#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "climate/sensor.h"

namespace tercet::climate {

/// What is wrong with a sensor, as the event `sensor_fault` says it.
enum class SensorFault : std::uint8_t {
  none,
  absent,        ///< no answer, or only answers with broken checksums
  out_of_range,  ///< answers that no air has
  stuck,         ///< the very same answer for hours: a chip that has hung itself up, or a model without noise
};
std::string_view name(SensorFault fault);

/// Watches a sensor's answers.
///
///   none --5 failures or impossible answers in a row, of any mixture--> absent or out_of_range, as the last of them
///   absent, out_of_range --5 of the other kind in a row--> the other
///   none --one answer for 6 hours--> stuck      any --a good, or another, answer--> none
///
/// A stuck sensor's answers are still used, they may be right; of the others there is none to use.
class FaultWatch {
 public:
  static constexpr int kInARow = 5;
  static constexpr Millis kStuckAfter = Seconds{6 * 3600};

  /// One sample came to this. Errors count as failures except would_block, which counts as nothing.
  void see(const Result<Reading>& sample, Instant now);
  SensorFault fault() const { return fault_; }
  /// Whether such air exists: -40 to 125 degrees, 0 to 100 percent.
  static bool is_possible(const Reading& reading);

 private:
  void count(SensorFault kind);
  void accept(const Reading& reading, Instant now);
  SensorFault fault_ = SensorFault::none, counting_ = SensorFault::none;
  int in_a_row_ = 0, of_a_kind_ = 0;  ///< failures of any kind since the last good answer; the latest, of one kind
  std::optional<Reading> last_;
  Instant same_since_{};
};

}  // namespace tercet::climate
