#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "provision/nvs_keys.h"

namespace tercet::provision {

/// Kinds of values, with their numbers in the image. `text` is read with nvs_get_str, `blob` with nvs_get_blob.
enum class NvsType : std::uint8_t {
  u8 = 0x01,
  i8 = 0x11,
  u16 = 0x02,
  i16 = 0x12,
  u32 = 0x04,
  i32 = 0x14,
  u64 = 0x08,
  i64 = 0x18,
  text = 0x21,
  blob = 0x42,
};
/// "u8" ... "text", "blob".
std::string_view name(NvsType type);
/// 1, 2, 4 or 8 for numbers, 0 for text and blob.
std::size_t number_bytes(NvsType type);

/// One value. Its bytes are wiped when it goes out of scope.
struct NvsEntry {
  std::string name_space, key;  ///< 1 to 15 printable ASCII characters each
  NvsType type = NvsType::text;
  std::uint64_t number = 0;  ///< of numbers; negative ones in two's complement of 64 bits
  std::string bytes;         ///< of text (without its final zero, at most 3,999, no zero inside) and of blobs

  NvsEntry() = default;
  NvsEntry(std::string in, std::string named, std::string_view text)
      : name_space(std::move(in)), key(std::move(named)), bytes(text) {}
  NvsEntry(std::string in, std::string named, NvsType kind, std::uint64_t value)
      : name_space(std::move(in)), key(std::move(named)), type(kind), number(value) {}
  NvsEntry(const NvsEntry&) = default;
  NvsEntry(NvsEntry&&) = default;
  NvsEntry& operator=(const NvsEntry&) = default;
  NvsEntry& operator=(NvsEntry&&) = default;
  ~NvsEntry();
  friend bool operator==(const NvsEntry&, const NvsEntry&) = default;
};

inline constexpr std::size_t kMinImageBytes = 3 * kPageBytes;
inline constexpr std::size_t kMaxImageBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxTextBytes = 3'999;

/// The image of a partition of `size` bytes (a multiple of 4,096 from 0x3000) with these entries in this order,
/// encrypted when `keys` are given. The last page stays blank, as the library on the chip needs one to work with.
/// Errors, with `problem` in words: bad_argument (size, a name, a value, two entries of one name), no_space (a larger
/// partition is needed).
Result<std::vector<std::uint8_t>> encode_nvs(std::span<const NvsEntry> entries, std::size_t size, const NvsKeys* keys,
                                             std::string& problem);

/// What an image holds. `problems` names, with page and entry, everything that is not as it should be: wrong checksums,
/// bytes in blank space, states that do not exist; what could be read is in `entries` all the same. Values that a board
/// has replaced are `erased`, and no longer read; they can still be in the image.
struct NvsImage {
  std::vector<NvsEntry> entries;
  std::vector<std::string> problems;
  std::size_t erased = 0;
};
NvsImage decode_nvs(Bytes image, const NvsKeys* keys);

}  // namespace tercet::provision
