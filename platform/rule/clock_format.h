#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tercet::rule {

/// Writes a moment as a pattern of Java's SimpleDateFormat says: y M d H h m s S a E z Z X, texts in single quotes.
/// ms: since 1970; ahead: of the zone, milliseconds. A letter that is not offered stands for itself.
void append_clock(std::string& out, std::int64_t ms, std::int64_t ahead, std::string_view pattern);

}  // namespace tercet::rule
