#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "provision/nvs_image.h"

namespace tercet::provision {
namespace {

constexpr std::uint8_t kOldBlob = 0x41;  ///< of version 1: like a text
constexpr std::uint8_t kBlobIndex = 0x48;

bool is_blank(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0xFF; });
}

bool is_number(std::uint8_t type) {
  switch (static_cast<NvsType>(type)) {
    case NvsType::u8:
    case NvsType::i8:
    case NvsType::u16:
    case NvsType::i16:
    case NvsType::u32:
    case NvsType::i32:
    case NvsType::u64:
    case NvsType::i64:
      return true;
    default:
      return false;
  }
}

/// What an entry says, before namespaces have names and chunks are one blob.
struct Raw {
  std::uint8_t in = 0, type = 0, chunk = 0;
  std::string key = {}, where = {};
  std::uint64_t number = 0;
  std::string data = {};
  std::size_t chunks = 0, first_chunk = 0, blob_bytes = 0;  ///< of an index
  ~Raw() { std::fill(data.begin(), data.end(), '\0'); }
};

class Decoder {
 public:
  Decoder(Bytes image, const NvsKeys* keys) : image_(image) {
    if (keys != nullptr) cipher_.emplace(*keys);
  }

  NvsImage decode() {
    if (image_.size() % kPageBytes != 0 || image_.size() < kMinImageBytes || image_.size() > kMaxImageBytes) {
      made_.problems.push_back("an NVS partition is a multiple of 4096 bytes from 12288 to 16 MB; this has " +
                               std::to_string(image_.size()) + " bytes: cut off, or something else");
      return std::move(made_);
    }
    for (const std::size_t page : pages_in_order()) read_entries(page);
    if (raws_.empty() && bad_entries_ != 0)
      made_.problems.insert(made_.problems.begin(),
                            cipher_ ? "no entry can be read: these are the keys of another image"
                                    : "no entry can be read: if the image is encrypted, its keys are needed");
    resolve();
    return std::move(made_);
  }

 private:
  Bytes page_of(std::size_t page) const { return image_.subspan(page * kPageBytes, kPageBytes); }
  void complain(std::size_t page, const std::string& what) {
    made_.problems.push_back("page " + std::to_string(page) + ": " + what);
  }
  void complain(std::size_t page, std::size_t entry, const std::string& what) {
    complain(page, "entry " + std::to_string(entry) + ": " + what);
  }

  /// Pages with a sound header, by sequence number.
  std::vector<std::size_t> pages_in_order() {
    std::map<std::uint32_t, std::size_t> by_sequence;
    std::size_t active = 0;
    for (std::size_t page = 0; page < image_.size() / kPageBytes; ++page) {
      const Bytes bytes = page_of(page);
      const auto state = static_cast<PageState>(get_u32(bytes, 0));
      if (state == PageState::blank) {
        if (!is_blank(bytes)) complain(page, "has no header, but is not blank");
        continue;
      }
      if (state != PageState::active && state != PageState::full && state != PageState::freeing) {
        complain(page, "its state does not exist: damaged, or no NVS partition");
        continue;
      }
      if (get_u32(bytes, kHeaderCrcOffset) != nvs_crc(bytes.subspan(4, kHeaderCrcOffset - 4))) {
        complain(page, "the checksum of its header is wrong");
        continue;
      }
      if (bytes[8] != kVersion2) {
        complain(page, "is of another version of the format; only version 2 is understood");
        continue;
      }
      if (state == PageState::freeing) complain(page, "was being moved when the power went");
      if (state == PageState::active) ++active;
      if (!by_sequence.emplace(get_u32(bytes, 4), page).second) complain(page, "its sequence number is another page's");
    }
    if (active != 1 && !(by_sequence.empty() && made_.problems.empty()))
      made_.problems.push_back(active == 0 ? "no page is active" : "more than one page is active");
    if (by_sequence.empty() && made_.problems.empty()) made_.problems.push_back("every page is blank");
    std::vector<std::size_t> pages;
    for (const auto& [sequence, page] : by_sequence) pages.push_back(page);
    return pages;
  }

  Entry entry_of(std::size_t page, std::size_t entry) {
    Entry read;
    const std::size_t at = entry_offset(page, entry);
    std::copy_n(image_.begin() + static_cast<std::ptrdiff_t>(at), kEntryBytes, read.begin());
    if (cipher_) cipher_->decrypt(at, read);
    return read;
  }

  void read_entries(std::size_t page) {
    const Bytes bytes = page_of(page);
    if ((bytes[kStatesOffset + 31] & 0xF0) != 0xF0) complain(page, "unused bits of the entries' states are not blank");
    std::size_t span = 1;
    for (std::size_t i = 0; i < kEntriesPerPage; i += span) {
      span = 1;
      const EntryState state = state_of(bytes, i);
      if (state == EntryState::erased) ++made_.erased;
      if (state == EntryState::illegal) complain(page, i, "its state does not exist");
      if (state == EntryState::empty && !is_blank(image_.subspan(entry_offset(page, i), kEntryBytes)))
        complain(page, i, "free, but not blank");
      if (state == EntryState::written) span = read_entry(page, i);
    }
  }

  /// Gives how many entries the value takes; 1 when it cannot be read.
  std::size_t read_entry(std::size_t page, std::size_t at) {
    const Entry entry = entry_of(page, at);
    const std::size_t span = entry[kSpanField];
    const auto refuse = [&](const char* why) {
      complain(page, at, why);
      ++bad_entries_;
      return std::size_t{1};
    };
    if (get_u32(entry, kCrcField) != entry_crc(entry)) return refuse("its checksum is wrong");
    Raw raw{entry[kNamespaceField], entry[kTypeField], entry[kChunkField]};
    const auto* const end = std::find(entry.begin() + kKeyField, entry.begin() + kValueField, std::uint8_t{0});
    raw.key.assign(entry.begin() + kKeyField, end);
    raw.where = "page " + std::to_string(page) + ": entry " + std::to_string(at) + ": ";
    const bool is_printable = std::all_of(raw.key.begin(), raw.key.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    if (raw.key.empty() || raw.key.size() > kMaxKeyLength || !is_printable) return refuse("its key is no name");
    if (raw.type == kBlobIndex || is_number(raw.type)) {
      if (span != 1) return refuse("a number that takes several entries");
      take_fixed(raw, entry);
      return 1;
    }
    const bool is_value = raw.type == static_cast<std::uint8_t>(NvsType::text) ||
                          raw.type == static_cast<std::uint8_t>(NvsType::blob) || raw.type == kOldBlob;
    if (!is_value) return refuse("a kind of value that is not known");
    const std::size_t size = entry[kValueField] | static_cast<std::size_t>(entry[kValueField + 1]) << 8;
    if (span != 1 + (size + kEntryBytes - 1) / kEntryBytes || at + span > kEntriesPerPage)
      return refuse("its length is not what it takes");
    for (std::size_t i = 1; i < span; ++i)
      if (state_of(page_of(page), at + i) != EntryState::written) return refuse("its value is not written whole");
    if (const char* why = take_value(raw, page, at, size, get_u32(entry, kValueCrcField)); why != nullptr) refuse(why);
    return span;
  }

  void take_fixed(Raw& raw, const Entry& entry) {
    if (raw.type == kBlobIndex) {
      raw.blob_bytes = get_u32(entry, kValueField);
      raw.chunks = entry[kChunkCountField], raw.first_chunk = entry[kChunkCountField + 1];
    } else {
      const std::size_t size = number_bytes(static_cast<NvsType>(raw.type));
      for (std::size_t i = 0; i < size; ++i)
        raw.number |= static_cast<std::uint64_t>(entry[kValueField + i]) << (8 * i);
      const bool is_negative = (raw.type & 0x10) != 0 && (entry[kValueField + size - 1] & 0x80) != 0;
      if (is_negative && size < 8) raw.number |= ~std::uint64_t{0} << (8 * size);
    }
    raws_.push_back(std::move(raw));
  }

  const char* take_value(Raw& raw, std::size_t page, std::size_t at, std::size_t size, std::uint32_t crc) {
    std::string data;
    for (std::size_t i = 0; i < (size + kEntryBytes - 1) / kEntryBytes; ++i) {
      const Entry part = entry_of(page, at + 1 + i);
      data.append(part.begin(), part.end());
    }
    const bool is_padded = is_blank(as_bytes(std::string_view(data).substr(size)));
    data.resize(size);
    if (nvs_crc(as_bytes(data)) != crc) return "the checksum of its value is wrong";
    if (!is_padded) return "there is something behind its value";
    if (raw.type == static_cast<std::uint8_t>(NvsType::text)) {
      if (data.empty() || data.find('\0') != data.size() - 1) return "a text that does not end where it should";
      data.pop_back();
    }
    raw.data = std::move(data);
    raws_.push_back(std::move(raw));
    return nullptr;
  }

  void resolve() {
    std::map<std::uint8_t, std::string> namespaces;
    std::map<std::pair<std::uint8_t, std::string>, std::map<std::uint8_t, const Raw*>> chunks;
    for (const Raw& raw : raws_) {
      if (raw.in == 0 && raw.type == static_cast<std::uint8_t>(NvsType::u8)) {
        if (raw.number == 0 || raw.number > 254 ||
            !namespaces.emplace(static_cast<std::uint8_t>(raw.number), raw.key).second)
          made_.problems.push_back(raw.where + "a namespace number that is not free");
      } else if (raw.type == static_cast<std::uint8_t>(NvsType::blob)) {
        if (!chunks[{raw.in, raw.key}].emplace(raw.chunk, &raw).second)
          made_.problems.push_back(raw.where + "the same part of a blob twice");
      }
    }
    std::set<std::pair<std::uint8_t, std::string>> seen;
    for (const Raw& raw : raws_) {
      if (raw.in == 0 || raw.type == static_cast<std::uint8_t>(NvsType::blob)) {
        if (raw.in == 0 && raw.type != static_cast<std::uint8_t>(NvsType::u8))
          made_.problems.push_back(raw.where + "a value in no namespace");
        continue;
      }
      const auto in = namespaces.find(raw.in);
      if (in == namespaces.end()) {
        made_.problems.push_back(raw.where + "its namespace has no name");
        continue;
      }
      if (!seen.emplace(raw.in, raw.key).second)
        made_.problems.push_back(raw.where + "a value of the same name before");
      take(raw, in->second, chunks);
    }
    for (const auto& [name, parts] : chunks)
      for (const auto& [number, part] : parts)
        made_.problems.push_back(part->where + "part of a blob without its index");
  }

  void take(const Raw& raw, const std::string& in,
            std::map<std::pair<std::uint8_t, std::string>, std::map<std::uint8_t, const Raw*>>& chunks) {
    NvsEntry entry;
    entry.name_space = in, entry.key = raw.key, entry.number = raw.number;
    entry.type = raw.type == kOldBlob || raw.type == kBlobIndex ? NvsType::blob : static_cast<NvsType>(raw.type);
    entry.bytes = raw.data;
    if (raw.type == kBlobIndex) {
      auto& parts = chunks[{raw.in, raw.key}];
      for (std::size_t i = raw.first_chunk; i < raw.first_chunk + raw.chunks; ++i) {
        const auto part = parts.find(static_cast<std::uint8_t>(i));
        if (part == parts.end()) continue;  // the length tells
        entry.bytes += part->second->data;
        parts.erase(part);
      }
      if (parts.empty()) chunks.erase({raw.in, raw.key});
      if (entry.bytes.size() != raw.blob_bytes) {
        made_.problems.push_back(raw.where + "a blob of which parts are missing");
        return;
      }
    }
    made_.entries.push_back(std::move(entry));
  }

  Bytes image_;
  std::optional<NvsCipher> cipher_;
  NvsImage made_;
  std::vector<Raw> raws_;
  std::size_t bad_entries_ = 0;
};

}  // namespace

std::string_view name(NvsType type) {
  switch (type) {
    case NvsType::u8:
      return "u8";
    case NvsType::i8:
      return "i8";
    case NvsType::u16:
      return "u16";
    case NvsType::i16:
      return "i16";
    case NvsType::u32:
      return "u32";
    case NvsType::i32:
      return "i32";
    case NvsType::u64:
      return "u64";
    case NvsType::i64:
      return "i64";
    case NvsType::text:
      return "text";
    case NvsType::blob:
      return "blob";
  }
  return "";
}

std::size_t number_bytes(NvsType type) {
  if (type == NvsType::text || type == NvsType::blob) return 0;
  return static_cast<std::size_t>(type) & 0x0F;
}

NvsImage decode_nvs(Bytes image, const NvsKeys* keys) { return Decoder(image, keys).decode(); }

}  // namespace tercet::provision
