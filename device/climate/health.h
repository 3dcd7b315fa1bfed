#pragma once
#include <cstdint>
#include <string_view>

namespace tercet::climate {

/// How a board is, as it tells the platform: once after each start, then once an hour.
struct Health {
  std::string_view reset_reason;  ///< why it started: "power_on", "brown_out", "task_watchdog"; lives for ever
  std::int32_t boot_count = 0;    ///< this start included
  std::int32_t heap_low = 0;      ///< least free heap since the start, bytes
  std::int32_t heap_block = 0;    ///< largest block that can be had now, bytes
  std::int32_t stack_low = 0;     ///< least free stack of the client's task since the start, bytes
};

/// Who knows: the board's port. One task: the client's.
class HealthSource {
 public:
  virtual Health look() = 0;

 protected:
  ~HealthSource() = default;
};

}  // namespace tercet::climate
