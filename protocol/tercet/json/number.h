#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tercet::json {

/// Numbers as text. The `portable_` pair uses nothing of libstdc++'s floating-point charconv, which boards may lack;
/// the others choose the fastest there is. Both give the same results and are tested against each other.

/// A number that follows the JSON grammar, to the nearest double.
double parse_real(std::string_view number);
double portable_parse_real(std::string_view number);

/// The exact whole number, or nothing if it has a fraction or does not fit.
std::optional<std::int64_t> parse_integer(std::string_view number);

/// Shortest text that reads back as `value` (finite), at most 32 bytes, always with '.', 'e' or both.
std::string_view format_real(double value, std::span<char, 32> buffer);
std::string_view portable_format_real(double value, std::span<char, 32> buffer);

}  // namespace tercet::json
