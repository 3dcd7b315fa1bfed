#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace tercet::rule {

/// The functions of the rules engine's SQL (cloud-side reference 3.2), then our extensions.
enum class Function : std::uint8_t {
  abs,
  acos,
  asin,
  atan,
  cos,
  cosh,
  sin,
  sinh,
  tan,
  tanh,
  exp,
  floor,
  power,
  mod,
  rand,
  log,
  concat,
  lower,
  upper,
  replace,
  substring,
  endswith,
  crypto,
  nanvl,
  newuuid,
  message_id,
  device_name,
  product_key,
  attribute,
  topic,
  payload,
  timestamp,
  timestamp_utc,
  to_base64,
  to_hex,
  flat_map,
  // Extensions.
  isnull,
  duration,
  hysteresis,
  window_avg,
  window_min,
  window_max,
  window_count,
};

/// How a function is called.
struct FunctionSpec {
  std::string_view name;  ///< as it is documented; any case is understood
  Function function;
  std::uint8_t least, most;  ///< arguments; most 255: any number
  bool takes_star;           ///< `*` may be its argument
  bool has_memory;           ///< its result depends on what the device sent before
  bool is_extension;         ///< not offered by the real cloud
  std::string_view usage;    ///< "substring(target, start[, end])"
};

/// Nothing when there is none of that name, in any case.
std::optional<FunctionSpec> find_function(std::string_view name);
/// The documented name that is nearest to a wrong one; "" when none is near.
std::string_view nearest_function(std::string_view name);
const FunctionSpec& spec_of(Function function);

}  // namespace tercet::rule
