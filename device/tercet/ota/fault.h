#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/ota/fault_table.h"

namespace tercet::ota {

/// Why an update was refused, or did not succeed.
enum class Fault : std::uint8_t {
  none,
#define TERCET_ROW(name, ...) name,
  TERCET_OTA_FAULTS(TERCET_ROW)
#undef TERCET_ROW
};
#define TERCET_ROW(...) +1
inline constexpr std::size_t kFaults = 1 TERCET_OTA_FAULTS(TERCET_ROW);
#undef TERCET_ROW

/// The codes of 7.3.
enum class Step : std::int8_t {
#define TERCET_ROW(name, number, ...) name = number,
  TERCET_OTA_STEPS(TERCET_ROW)
#undef TERCET_ROW
};

std::string_view name(Fault fault);  ///< "wrong_digest": what the platform is told; never localised
Step step_of(Fault fault);

}  // namespace tercet::ota
