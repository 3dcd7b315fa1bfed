#include "tercet/device/crc32.h"

#include <array>

namespace tercet::device {
namespace {

/// What four bits do to the register; polynomial 0x04C11DB7, reflected.
constexpr std::array<std::uint32_t, 16> make_table() {
  std::array<std::uint32_t, 16> table{};
  for (std::uint32_t i = 0; i < 16; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 4; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xEDB88320 : value >> 1;
    table[i] = value;
  }
  return table;
}
constexpr auto kTable = make_table();

}  // namespace

Crc32& Crc32::add(Bytes bytes) {
  for (const std::uint8_t byte : bytes) {
    state_ ^= byte;
    state_ = kTable[state_ & 15] ^ state_ >> 4;
    state_ = kTable[state_ & 15] ^ state_ >> 4;
  }
  return *this;
}

}  // namespace tercet::device
