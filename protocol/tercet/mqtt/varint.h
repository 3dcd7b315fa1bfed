#pragma once
#include <cstdint>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::mqtt {

/// Largest variable byte integer, and so the largest Remaining Length: a packet is at most this and five bytes.
inline constexpr std::uint32_t kMaxRemainingLength = 268'435'455;

/// How many bytes a variable byte integer takes: 1..4 up to kMaxRemainingLength.
constexpr std::size_t varint_size(std::uint32_t value) {
  return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}

/// Reads one; refuses the reader if it is not whole, over four bytes, or longer than it need be [MQTT-1.5.5-1].
inline std::uint32_t read_varint(Reader& in) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint8_t byte = in.u8();
    value |= static_cast<std::uint32_t>(byte & 0x7F) << (7 * i);
    if (byte >= 0x80) continue;
    if (byte == 0 && i > 0) break;
    return value;
  }
  in.refuse();
  return 0;
}

/// Writes one and returns the place after it. value <= kMaxRemainingLength.
inline std::uint8_t* write_varint(std::uint8_t* out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<std::uint8_t>(value | 0x80);
  *out++ = static_cast<std::uint8_t>(value);
  return out;
}

/// Writes one, or makes the writer fail if the value is over kMaxRemainingLength.
inline void put_varint(Writer& out, std::uint32_t value) {
  if (value > kMaxRemainingLength) return out.refuse();
  for (; value >= 0x80; value >>= 7) out.u8(static_cast<std::uint8_t>(value | 0x80));
  out.u8(static_cast<std::uint8_t>(value));
}

}  // namespace tercet::mqtt
