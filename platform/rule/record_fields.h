#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace tercet::rule {

/// Fields of stored records: integers and doubles big-endian, texts with their length in four bytes in front.
template <typename T>
requires std::is_arithmetic_v<T>
void append_field(std::string& out, T value) {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t,
                                  std::conditional_t<sizeof(T) == 4, std::uint32_t,
                                                     std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint8_t>>>;
  const Bits bits = std::bit_cast<Bits>(value);
  for (std::size_t i = sizeof(T); i-- > 0;) out += static_cast<char>(bits >> (8 * i) & 0xFF);
}

/// False: there are not so many bytes.
template <typename T>
requires std::is_arithmetic_v<T>
bool take_field(std::string_view& in, T& value) {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t,
                                  std::conditional_t<sizeof(T) == 4, std::uint32_t,
                                                     std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint8_t>>>;
  if (in.size() < sizeof(T)) return false;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) bits = bits << 8 | static_cast<unsigned char>(in[i]);
  value = std::bit_cast<T>(static_cast<Bits>(bits));
  in.remove_prefix(sizeof(T));
  return true;
}

inline void append_text_field(std::string& out, std::string_view text) {
  append_field(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

inline bool take_text_field(std::string_view& in, std::string_view& text) {
  std::uint32_t size = 0;
  if (!take_field(in, size) || in.size() < size) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace tercet::rule
