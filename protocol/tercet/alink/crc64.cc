#include "tercet/alink/crc64.h"

#include <array>

namespace tercet::alink {
namespace {

/// The remainders of the sixteen values of half a byte; the polynomial of ECMA-182, reflected.
constexpr std::array<std::uint64_t, 16> half_bytes() {
  std::array<std::uint64_t, 16> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::uint64_t value = i;
    for (int bit = 0; bit < 4; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xC96C'5795'D787'0F42 : 0);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint64_t, 16> kHalf = half_bytes();

}  // namespace

Crc64& Crc64::add(Bytes bytes) {
  std::uint64_t crc = remainder_;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    crc = (crc >> 4) ^ kHalf[static_cast<std::size_t>(crc & 15u)];
    crc = (crc >> 4) ^ kHalf[static_cast<std::size_t>(crc & 15u)];
  }
  remainder_ = crc;
  return *this;
}

}  // namespace tercet::alink
