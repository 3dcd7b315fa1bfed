#pragma once
#include <optional>
#include <string_view>

#include "tercet/base/time.h"

namespace tercet::thing {

/// "2020-03-06T15:15:27.464+0800", as devices write the time of a log entry (device-protocol 8.6): the fraction and the
/// zone (`Z`, `+0800`, `+08:00`; UTC without one) may be missing. Nothing for anything else.
std::optional<UnixMillis> parse_collect_time(std::string_view text);

}  // namespace tercet::thing
