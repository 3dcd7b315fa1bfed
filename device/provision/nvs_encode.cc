#include <openssl/crypto.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "provision/nvs_image.h"

namespace tercet::provision {
namespace {

/// Appends entries to pages in the order and with the page breaks of ESP-IDF's own generator.
class PageWriter {
 public:
  PageWriter(std::size_t size, const NvsKeys* keys) : image_(size, 0xFF), pages_(size / kPageBytes - 1) {
    if (keys != nullptr) cipher_.emplace(*keys);
    open_page();
  }

  bool write_number(std::uint8_t in, const NvsEntry& entry) {
    if (entry_ == kEntriesPerPage && !next_page()) return false;
    Entry made = header(in, entry.key, static_cast<std::uint8_t>(entry.type), 1);
    for (std::size_t i = 0; i < number_bytes(entry.type); ++i)
      made[kValueField + i] = static_cast<std::uint8_t>(entry.number >> (8 * i));
    append(made);
    return true;
  }

  bool write_text(std::uint8_t in, const NvsEntry& entry) {
    std::string data = entry.bytes;
    data += '\0';
    const std::size_t span = 1 + entries_for(data.size());
    // The generator leaves a page's last entry alone rather than end a text on it.
    if (entry_ != 0 && entry_ + span >= kEntriesPerPage && !next_page()) return false;
    append(with_value(header(in, entry.key, static_cast<std::uint8_t>(NvsType::text), span), as_bytes(data)));
    append_value(as_bytes(data));
    OPENSSL_cleanse(data.data(), data.size());
    return true;
  }

  /// A blob is chunks, each within its page, and behind them the index that makes them one.
  bool write_blob(std::uint8_t in, const NvsEntry& entry) {
    constexpr std::uint8_t kIndexType = 0x48;
    if (entry_ == kEntriesPerPage && !next_page()) return false;
    Bytes rest = as_bytes(entry.bytes);
    std::size_t chunks = 0;
    do {
      const std::size_t room = (kEntriesPerPage - entry_ - 1) * kEntryBytes;
      const Bytes chunk = rest.first(std::min(room, rest.size()));
      rest = rest.subspan(chunk.size());
      Entry made = header(in, entry.key, static_cast<std::uint8_t>(NvsType::blob), 1 + entries_for(chunk.size()));
      made[kChunkField] = static_cast<std::uint8_t>(chunks++);
      append(with_value(made, chunk));
      append_value(chunk);
      if ((!rest.empty() || room - chunk.size() < kEntryBytes) && !next_page()) return false;
    } while (!rest.empty() && chunks < kMaxChunks);
    if (!rest.empty()) return false;
    Entry index = header(in, entry.key, kIndexType, 1);
    put_u32(index, kValueField, static_cast<std::uint32_t>(entry.bytes.size()));
    index[kChunkCountField] = static_cast<std::uint8_t>(chunks);
    index[kChunkCountField + 1] = 0;
    append(index);
    return true;
  }

  std::vector<std::uint8_t> take() { return std::move(image_); }

 private:
  static std::size_t entries_for(std::size_t bytes) { return (bytes + kEntryBytes - 1) / kEntryBytes; }

  static Entry header(std::uint8_t in, const std::string& key, std::uint8_t type, std::size_t span) {
    Entry made;
    made.fill(0xFF);
    made[kNamespaceField] = in;
    made[kTypeField] = type;
    made[kSpanField] = static_cast<std::uint8_t>(span);
    made[kChunkField] = kAnyChunk;
    std::fill_n(made.begin() + kKeyField, kMaxKeyLength + 1, std::uint8_t{0});
    std::copy(key.begin(), key.end(), made.begin() + kKeyField);
    return made;
  }

  static Entry with_value(Entry made, Bytes value) {
    made[kValueField] = static_cast<std::uint8_t>(value.size());
    made[kValueField + 1] = static_cast<std::uint8_t>(value.size() >> 8);
    put_u32(made, kValueCrcField, nvs_crc(value));
    return made;
  }

  MutableBytes page() { return MutableBytes{image_}.subspan(page_ * kPageBytes, kPageBytes); }

  void open_page() {
    put_u32(page(), 0, static_cast<std::uint32_t>(PageState::active));
    put_u32(page(), 4, static_cast<std::uint32_t>(page_));
    page()[8] = kVersion2;
    put_u32(page(), kHeaderCrcOffset, nvs_crc(Bytes{page()}.subspan(4, kHeaderCrcOffset - 4)));
    entry_ = 0;
  }

  bool next_page() {
    if (page_ + 1 == pages_) return false;
    put_u32(page(), 0, static_cast<std::uint32_t>(PageState::full));
    ++page_;
    open_page();
    return true;
  }

  void append(Entry made) {
    put_u32(made, kCrcField, entry_crc(made));
    append_raw(made);
  }

  void append_value(Bytes value) {
    while (!value.empty()) {
      Entry part;
      part.fill(0xFF);
      const std::size_t size = std::min(value.size(), kEntryBytes);
      std::copy_n(value.begin(), size, part.begin());
      append_raw(part);
      value = value.subspan(size);
    }
  }

  void append_raw(Entry& made) {
    const std::size_t at = entry_offset(page_, entry_);
    if (cipher_) cipher_->encrypt(at, made);
    std::copy(made.begin(), made.end(), image_.begin() + static_cast<std::ptrdiff_t>(at));
    page()[kStatesOffset + entry_ / 4] &= static_cast<std::uint8_t>(~(1U << (entry_ % 4 * 2)));
    ++entry_;
  }

  std::vector<std::uint8_t> image_;
  std::size_t pages_;  ///< that may be written
  std::optional<NvsCipher> cipher_;
  std::size_t page_ = 0, entry_ = 0;
};

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kMaxKeyLength &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

bool is_sound(const NvsEntry& entry, std::string& problem) {
  if (!is_name(entry.name_space) || !is_name(entry.key))
    problem = "a name has 1 to 15 printable characters";
  else if (entry.type == NvsType::text && entry.bytes.size() > kMaxTextBytes)
    problem = "a text has at most 3999 bytes, this has " + std::to_string(entry.bytes.size());
  else if (entry.type == NvsType::text && entry.bytes.find('\0') != std::string::npos)
    problem = "a text has no zero inside";
  else
    return true;
  problem = entry.name_space + "/" + entry.key + ": " + problem;
  return false;
}

}  // namespace

NvsEntry::~NvsEntry() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

Result<std::vector<std::uint8_t>> encode_nvs(std::span<const NvsEntry> entries, std::size_t size, const NvsKeys* keys,
                                             std::string& problem) {
  if (size % kPageBytes != 0 || size < kMinImageBytes || size > kMaxImageBytes) {
    problem = "the size of an NVS partition is a multiple of 0x1000 from 0x3000 to 0x1000000";
    return fail(Error::bad_argument);
  }
  PageWriter writer(size, keys);
  std::map<std::string, std::uint8_t> namespaces;
  std::set<std::pair<std::string, std::string>> seen;
  for (const NvsEntry& entry : entries) {
    if (!is_sound(entry, problem)) return fail(Error::bad_argument);
    if (!seen.emplace(entry.name_space, entry.key).second || (namespaces.size() == 254)) {
      problem = entry.name_space + "/" + entry.key + ": twice, or more than 254 namespaces";
      return fail(Error::bad_argument);
    }
    const auto [at, is_new] = namespaces.emplace(entry.name_space, static_cast<std::uint8_t>(namespaces.size() + 1));
    bool fits = true;
    if (is_new) fits = writer.write_number(0, NvsEntry("", entry.name_space, NvsType::u8, at->second));
    if (fits && entry.type == NvsType::text)
      fits = writer.write_text(at->second, entry);
    else if (fits && entry.type == NvsType::blob)
      fits = writer.write_blob(at->second, entry);
    else if (fits)
      fits = writer.write_number(at->second, entry);
    if (!fits) {
      problem = entry.name_space + "/" + entry.key + " no longer fits into " + std::to_string(size) +
                " bytes; one page of 4096 stays blank: make the partition larger, here and in the partition table";
      return fail(Error::no_space);
    }
  }
  return writer.take();
}

}  // namespace tercet::provision
