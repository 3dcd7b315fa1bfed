#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::rule {

/// A sliding window in sixtieths of its length: sums of what came in each.
struct Window {
  static constexpr std::size_t kSlots = 60;
  struct Slot {
    std::int64_t at = -1;  ///< which sixtieth since 1970
    std::uint32_t count = 0;
    double sum = 0, least = 0, most = 0;
  };
  std::array<Slot, kSlots> slots;

  void add(std::int64_t now_ms, std::int64_t length_ms, double value);
  struct Sums {
    std::uint64_t count = 0;
    double sum = 0, least = 0, most = 0;
  };
  Sums sums(std::int64_t now_ms, std::int64_t length_ms) const;
};

/// What one function with a memory remembers of one device.
struct Memory {
  std::int64_t since = 0;      ///< DURATION: when the condition began to hold; 0: it does not
  bool is_on = false;          ///< HYSTERESIS
  std::vector<Window> window;  ///< at most one; empty until it is used
};

/// What one rule remembers of one device. Times are the platform's, so that a board without a clock cannot confuse
/// them.
struct DeviceMemory {
  std::vector<Memory> memories;
  // Of a rule with an alarm (alarm.h).
  bool is_raised = false;
  std::int64_t raised_at = 0, told_at = 0, changed_at = 0;
};

/// For the disk. Version 1.
void append_memory(std::string& out, const DeviceMemory& memory);
/// False: damaged, or of a newer version; `memory` is then as new.
bool read_memory(std::string_view in, DeviceMemory& memory);

}  // namespace tercet::rule
