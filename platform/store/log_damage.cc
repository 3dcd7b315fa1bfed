#include "platform/store/log_damage.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "rocksdb/env.h"

namespace tercet::store {
namespace {

// The log's format: blocks of 32 KiB, cut into fragments that do not cross a block's end. A fragment is a masked
// CRC-32C of type and content (4 bytes), the content's length (2), the type (1), the content. All little endian. A
// record begins with the sequence number of its first operation (8 bytes) and their count (4).
constexpr std::size_t kBlock = 32 * 1024;
constexpr std::size_t kHeader = 7;
constexpr std::size_t kBatchHeader = 12;
enum Type : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrcTable = crc_table();

std::uint32_t masked_crc(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

struct Fragment {
  std::uint8_t type = 0;
  std::string_view content;
  bool begins() const { return (type == kFull || type == kFirst) && content.size() >= kBatchHeader; }
  std::uint64_t sequence() const { return little_endian(content.substr(0, 8)); }
  std::uint64_t next_sequence() const { return sequence() + little_endian(content.substr(8, 4)); }
};

/// The fragment at `at`, when it is whole.
std::optional<Fragment> fragment_at(std::string_view log, std::size_t at) {
  const std::size_t end = std::min(log.size(), at / kBlock * kBlock + kBlock);
  if (at + kHeader > end) return std::nullopt;
  const auto type = static_cast<std::uint8_t>(log[at + 6]);
  const auto length = static_cast<std::size_t>(little_endian(log.substr(at + 4, 2)));
  if (type < kFull || type > kLast || at + kHeader + length > end) return std::nullopt;
  if (masked_crc(log.substr(at + 6, 1 + length)) != little_endian(log.substr(at, 4))) return std::nullopt;
  return Fragment{type, log.substr(at + kHeader, length)};
}

/// How far one log can be replayed, and whether anything newer follows.
struct Extent {
  std::size_t end = 0;                 ///< behind the last whole record
  std::uint64_t sequence = 0;          ///< of the last whole record; 0: there is none
  std::uint64_t next = 0;              ///< that a record behind it begins with
  std::optional<std::uint64_t> first;  ///< of the first record that begins here
  bool damaged = false;                ///< what is behind `end` had been whole once
};

/// Whether the last record, all of which should be there, has a sector that was never written.
bool has_unwritten_sector(std::string_view log, std::size_t from) {
  constexpr std::size_t kSector = 512;
  while (from < log.size()) {
    const std::size_t end = std::min(log.size(), from / kSector * kSector + kSector);
    if (log.substr(from, end - from).find_first_not_of('\0') == std::string_view::npos) return true;
    from = end;
  }
  return false;
}

/// Whether the fragment at `at`, which is not whole, is the end of its record and has its full length in the file.
bool is_all_there(std::string_view log, std::size_t at) {
  if (at + kHeader > log.size()) return false;
  const auto type = static_cast<std::uint8_t>(log[at + 6]);
  const auto length = static_cast<std::size_t>(little_endian(log.substr(at + 4, 2)));
  const bool last = type != kFirst && type != kMiddle;
  return last && at + kHeader + length <= log.size() && !has_unwritten_sector(log, at);
}

/// Whether a record newer than `sequence` begins at or behind `at`, on whatever byte. Device data in a damaged record
/// may look like a fragment; its number would have to fit, too.
bool begins_behind(std::string_view log, std::size_t at, std::uint64_t sequence) {
  constexpr std::uint64_t kFar = std::uint64_t{1} << 32;
  for (; at + kHeader <= log.size(); ++at) {
    const auto found = fragment_at(log, at);
    if (found && found->begins() && found->sequence() > sequence && found->sequence() - sequence < kFar) return true;
  }
  return false;
}

Extent extent_of(std::string_view log, const Extent& before) {
  Extent extent;
  extent.sequence = before.sequence, extent.next = before.next;
  std::uint64_t begun = 0, next = 0;  // of the record whose fragments are being read
  bool inside = false;
  std::size_t at = 0;
  while (at < log.size()) {
    if (const std::size_t left = kBlock - at % kBlock; left < kHeader) {  // a filler
      at += left;
      continue;
    }
    const auto found = fragment_at(log, at);
    const bool fits = found && inside == (found->type == kMiddle || found->type == kLast);
    if (!fits) {
      extent.damaged = found || is_all_there(log, at) || begins_behind(log, at + 1, inside ? begun : extent.sequence);
      return extent;
    }
    if (!inside && found->begins()) {
      begun = found->sequence(), next = found->next_sequence();
      if (!extent.first) extent.first = begun;
    }
    inside = found->type == kFirst || found->type == kMiddle;
    at += kHeader + found->content.size();
    if (inside) continue;
    extent.end = at;
    extent.sequence = begun, extent.next = next;
  }
  return extent;
}

std::vector<std::pair<std::uint64_t, std::string>> logs_in(rocksdb::Env& env, const std::string& folder,
                                                           std::uint64_t oldest) {
  std::vector<std::string> names;
  static_cast<void>(env.GetChildren(folder, &names));  // no folder, no logs
  std::vector<std::pair<std::uint64_t, std::string>> logs;
  for (const std::string& name : names) {
    if (!name.ends_with(".log")) continue;
    std::uint64_t number = 0;
    const char* end = name.data() + name.size() - 4;
    const auto read = std::from_chars(name.data(), end, number);
    if (read.ec == std::errc{} && read.ptr == end && number >= oldest) logs.emplace_back(number, name);
  }
  std::sort(logs.begin(), logs.end());
  return logs;
}

}  // namespace

LogFindings find_log_damage(rocksdb::Env& env, const std::filesystem::path& folder, std::uint64_t oldest) {
  LogFindings findings;
  Extent before;
  for (const auto& [number, name] : logs_in(env, folder.string(), oldest)) {
    const std::string path = (folder / name).string();
    std::string log;
    if (const auto read = rocksdb::ReadFileToString(&env, path, &log); !read.ok()) {
      findings.problem = "cannot read " + path + ": " + read.ToString();
      return findings;
    }
    const Extent extent = extent_of(log, before);
    const LogDamage here{path, extent.end};
    // Behind a torn tail that was left out at an earlier start the numbers go on as if it had never been.
    if (findings.tail && extent.first == before.next) findings.tail.reset();
    if (findings.tail && extent.first)  // the tail of an earlier log was not the last record after all
      findings.damage = findings.tail;
    else if (extent.damaged)
      findings.damage = here;
    if (findings.damage) return findings;
    // A log without one whole record never had anything acknowledged.
    if (extent.end > 0 && extent.end < log.size()) findings.tail = here;
    before = extent;
  }
  return findings;
}

}  // namespace tercet::store
