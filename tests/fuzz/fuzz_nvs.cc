// A byte that chooses, then either the beginning of a partition or what one is made of. Nothing read ends outside the
// image; what decodes without a problem can be encoded and decodes to the same.
#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "provision/nvs_image.h"

using namespace tercet;
using namespace tercet::provision;

namespace {

constexpr std::size_t kSize = kMinImageBytes;

NvsKeys keys() {
  std::array<std::uint8_t, NvsKeys::kBytes> bytes;
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return *NvsKeys::from(bytes);
}

void seal(std::vector<std::uint8_t>& image) {
  MutableBytes page = MutableBytes{image}.first(kPageBytes);
  put_u32(page, kHeaderCrcOffset, nvs_crc(Bytes{page}.subspan(4, kHeaderCrcOffset - 4)));
  for (std::size_t i = 0; i < kEntriesPerPage; ++i) {
    if (state_of(page, i) != EntryState::written) continue;
    Entry entry;
    const auto at = image.begin() + static_cast<std::ptrdiff_t>(entry_offset(0, i));
    std::copy_n(at, kEntryBytes, entry.begin());
    put_u32(entry, kCrcField, entry_crc(entry));
    std::copy(entry.begin(), entry.end(), at);
  }
}

void decode(std::vector<std::uint8_t> image, const NvsKeys* with) {
  const NvsImage decoded = decode_nvs(image, with);
  if (!decoded.problems.empty()) return;
  std::string problem;
  const auto again = encode_nvs(decoded.entries, image.size(), with, problem);
  if (!again) return;  // an image may be fuller than the generator would make it
  const NvsImage twice = decode_nvs(*again, with);
  if (!twice.problems.empty() || !(twice.entries == decoded.entries)) std::abort();
}

/// Type, lengths of key and value, then these; until nothing is left.
void encode(Bytes from, const NvsKeys* with) {
  std::vector<NvsEntry> entries;
  while (from.size() >= 3) {
    const std::size_t key = std::min<std::size_t>(from[1] % 18, from.size() - 3);
    const std::size_t value = std::min<std::size_t>(from[2] * std::size_t{16}, from.size() - 3 - key);
    NvsEntry entry(from[0] % 2 == 0 ? "one" : "two", std::string(as_text(from.subspan(3, key))), "");
    constexpr NvsType kTypes[] = {NvsType::text, NvsType::blob, NvsType::u16, NvsType::u64, NvsType::i64};
    entry.type = kTypes[from[0] / 2 % 5];
    if (number_bytes(entry.type) == 0) entry.bytes = as_text(from.subspan(3 + key, value));
    if (number_bytes(entry.type) != 0) entry.number = from[2];
    from = from.subspan(3 + key + value);
    entries.push_back(std::move(entry));
  }
  std::string problem;
  const auto image = encode_nvs(entries, kSize, with, problem);
  if (!image) return;
  const NvsImage decoded = decode_nvs(*image, with);
  if (!decoded.problems.empty() || !(decoded.entries == entries)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const NvsKeys kKeys = keys();
  const std::uint8_t choice = data[0];
  const Bytes rest{data + 1, size - 1};
  const NvsKeys* with = (choice & 1) != 0 ? &kKeys : nullptr;
  if ((choice & 2) != 0) {
    encode(rest, with);
    return 0;
  }
  std::vector<std::uint8_t> image(kSize, 0xFF);
  std::copy(rest.begin(), rest.end(), image.begin());
  if ((choice & 4) != 0) seal(image);
  decode(std::move(image), with);
  std::string problem;
  (void)NvsKeys::parse(rest, problem);
  return 0;
}
