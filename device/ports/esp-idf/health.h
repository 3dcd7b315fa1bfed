#pragma once
#include <cstdint>
#include <string_view>

#include "climate/health.h"
#include "tercet/device/port.h"

namespace tercet::idf {

/// Why the board started, as Health::reset_reason has it: "power_on", "panic".
std::string_view reset_reason();

/// The board's own state: why it started, how often it has, and how near its memory came to its end.
class BoardHealth final : public climate::HealthSource {
 public:
  /// Counts this boot in the store. Call once, after open_nvs().
  explicit BoardHealth(device::KeyValueStore& store);
  /// Call from the client's task: the stack is the caller's.
  climate::Health look() override;

 private:
  std::int32_t boots_ = 0;
};

}  // namespace tercet::idf
