#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "tercet/base/bytes.h"

namespace tercet::provision {

/// The layout of ESP-IDF's NVS partitions, version 2 (docs/provisioning.md names the sources). All numbers are little
/// endian. A page is: header (32 bytes: state, sequence, version, 19 unused, checksum of bytes 4 to 28), two bits of
/// state per entry (32 bytes), 126 entries. Only entries are encrypted.
inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kEntryBytes = 32;
inline constexpr std::size_t kEntriesPerPage = 126;
inline constexpr std::size_t kStatesOffset = 32;
inline constexpr std::size_t kEntriesOffset = 64;
inline constexpr std::size_t kHeaderCrcOffset = 28;
inline constexpr std::size_t kMaxKeyLength = 15;
inline constexpr std::uint8_t kVersion2 = 0xFE;
inline constexpr std::uint8_t kAnyChunk = 0xFF;
inline constexpr std::size_t kMaxChunks = 127;

/// Bits are only ever cleared, so that a state changes without an erase.
enum class PageState : std::uint32_t {
  blank = 0xFFFFFFFF,
  active = 0xFFFFFFFE,
  full = 0xFFFFFFFC,
  freeing = 0xFFFFFFF8,
};
enum class EntryState : std::uint8_t { erased = 0, illegal = 1, written = 2, empty = 3 };

/// Fields of an entry: namespace, type, span, chunk, checksum (4) of the other bytes, key (16), value (8).
enum EntryField : std::size_t {
  kNamespaceField = 0,
  kTypeField = 1,
  kSpanField = 2,
  kChunkField = 3,
  kCrcField = 4,
  kKeyField = 8,
  kValueField = 24,
  kValueCrcField = 28,   ///< of texts and chunks: checksum of the bytes that follow
  kChunkCountField = 28  ///< of a blob's index; the first chunk's number follows
};
using Entry = std::array<std::uint8_t, kEntryBytes>;

/// CRC-32 of zip files, begun with all bits set, as the chip's ROM and its tools compute it. `before`: the result for
/// the bytes that come before these.
std::uint32_t nvs_crc(Bytes bytes, std::uint32_t before = 0xFFFFFFFF);
/// The checksum an entry must carry.
std::uint32_t entry_crc(const Entry& entry);

std::uint32_t get_u32(Bytes from, std::size_t at);
void put_u32(MutableBytes into, std::size_t at, std::uint32_t value);
EntryState state_of(Bytes page, std::size_t entry);
/// Where an entry begins, from the start of the partition; also its number for the cipher.
constexpr std::size_t entry_offset(std::size_t page, std::size_t entry) {
  return page * kPageBytes + kEntriesOffset + entry * kEntryBytes;
}

}  // namespace tercet::provision
