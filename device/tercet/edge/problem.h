#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/writer.h"
#include "tercet/device/ladder.h"

namespace tercet::edge {

using device::Language;

/// Why a rule set was refused.
enum class Fault : std::uint8_t {
  none,
  not_json,
  too_large,
  not_an_object,
  unknown_member,
  repeated_member,
  missing_member,
  format_version,
  set_version,
  older_version,
  version_in_use,
  version_failed,
  version_differs,
  no_room,
  bad_name,
  repeated_name,
  bad_number,
  bad_text,
  not_a_list,
  too_many,
  empty_list,
  unknown_property,
  property_type,
  unknown_operator,
  operator_type,
  bad_value,
  value_out_of_range,
  hysteresis_unused,
  bad_rate,
  unknown_action,
  not_settable,
  unknown_handler,
  unknown_event,
  unknown_output,
  output_type,
  over_budget,
  busy,
  store_failed,
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::store_failed) + 1;

/// What is wrong and where. `subject` is a view into the refused text (or static), valid as long as that.
struct Problem {
  Fault fault = Fault::none;
  std::uint32_t line = 0, column = 0;  ///< from 1, column in bytes; 0: the text as a whole
  std::string_view subject;            ///< what stands there, or which member is missing; may be empty
};

/// "bad_value": stable, for programs. Never empty.
std::string_view name(Fault fault);
/// What it means and what to change, for a person. Empty with TERCET_NO_REMEDY_TEXT.
std::string_view explain(Fault fault, Language language);
std::string_view remedy(Fault fault, Language language);

/// `line 3, column 14: "humdity": there is no such property (name one of the thing model's)`, in one line.
void write_problem(Writer& out, const Problem& problem, Language language);

}  // namespace tercet::edge
