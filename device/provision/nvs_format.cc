#include "provision/nvs_format.h"

namespace tercet::provision {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
    table[i] = value;
  }
  return table;
}
constexpr auto kTable = make_table();

}  // namespace

std::uint32_t nvs_crc(Bytes bytes, std::uint32_t before) {
  std::uint32_t value = ~before;
  for (const std::uint8_t byte : bytes) value = (value >> 8) ^ kTable[(value ^ byte) & 0xFF];
  return ~value;
}

std::uint32_t entry_crc(const Entry& entry) {
  const Bytes all{entry};
  return nvs_crc(all.subspan(kKeyField), nvs_crc(all.first(kCrcField)));
}

std::uint32_t get_u32(Bytes from, std::size_t at) {
  return static_cast<std::uint32_t>(from[at]) | static_cast<std::uint32_t>(from[at + 1]) << 8 |
         static_cast<std::uint32_t>(from[at + 2]) << 16 | static_cast<std::uint32_t>(from[at + 3]) << 24;
}

void put_u32(MutableBytes into, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) into[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

EntryState state_of(Bytes page, std::size_t entry) {
  const std::uint8_t four = page[kStatesOffset + entry / 4];
  return static_cast<EntryState>((four >> (entry % 4 * 2)) & 3);
}

}  // namespace tercet::provision
