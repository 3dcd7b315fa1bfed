#include "tercet/mqtt/utf8.h"

namespace tercet::mqtt {
namespace {

/// How long the character at `at` is, or 0 if it is not one that MQTT allows (table 3-7 of the Unicode standard, less
/// U+0000).
std::size_t character_bytes(const unsigned char* at, std::size_t left) {
  const auto tail = [&](std::size_t i) { return i < left && (at[i] & 0xC0) == 0x80; };
  const unsigned lead = at[0];
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead < 0xC2) return 0;  // a stray tail, or two bytes for what fits in one
  if (lead < 0xE0) return tail(1) ? 2 : 0;
  if (!tail(1) || !tail(2)) return 0;
  if (lead < 0xF0) {
    if (lead == 0xE0 && at[1] < 0xA0) return 0;   // too long a form
    if (lead == 0xED && at[1] >= 0xA0) return 0;  // surrogates
    return 3;
  }
  if (lead > 0xF4 || !tail(3)) return 0;
  if (lead == 0xF0 && at[1] < 0x90) return 0;   // too long a form
  if (lead == 0xF4 && at[1] >= 0x90) return 0;  // beyond U+10FFFF
  return 4;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  if (is_ascii_without<>(text)) return true;
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t left = text.size(); left > 0;) {
    const std::size_t bytes = character_bytes(at, left);
    if (bytes == 0) return false;
    at += bytes;
    left -= bytes;
  }
  return true;
}

}  // namespace tercet::mqtt
