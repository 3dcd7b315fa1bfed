#include "platform/thing/record.h"

#include <bit>
#include <cstring>

namespace tercet::thing {

namespace {

template <std::size_t N>
void append_big(std::string& out, std::uint64_t value) {
  char text[N];
  for (std::size_t i = 0; i < N; ++i) text[i] = static_cast<char>(value >> (8 * (N - 1 - i)));
  out.append(text, N);
}

std::uint64_t big(std::string_view in) {
  std::uint64_t value = 0;
  for (const char c : in) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void append_varint(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

/// A text with its length in front, off the front of `rest`.
std::optional<std::string_view> take_field(std::string_view& rest) {
  std::size_t size = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    if (rest.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    size |= static_cast<std::size_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      if (size > rest.size()) return std::nullopt;
      const auto field = rest.substr(0, size);
      rest.remove_prefix(size);
      return field;
    }
  }
  return std::nullopt;
}

std::optional<UnixMillis> take_time(std::string_view& rest) {
  if (rest.size() < 8) return std::nullopt;
  const auto time = static_cast<std::int64_t>(big(rest.substr(0, 8)));
  rest.remove_prefix(8);
  if (time < 0) return std::nullopt;
  return UnixMillis{time};
}

bool is_kind(std::uint8_t byte) { return byte == 'p' || byte == 'e' || byte == 's' || byte == 'l' || byte == 'n'; }

}  // namespace

void append_key(std::string& out, const HistoryKey& key) {
  append_big<8>(out, key.device);
  out.push_back(static_cast<char>(key.kind));
  append_big<8>(out, static_cast<std::uint64_t>(key.time.ms));
  append_big<4>(out, key.hash);
}

Result<HistoryKey> decode_history_key(std::string_view key) {
  if (key.size() != HistoryKey::kBytes || !is_kind(static_cast<std::uint8_t>(key[8]))) return fail(Error::malformed);
  const auto time = static_cast<std::int64_t>(big(key.substr(9, 8)));
  if (time < 0) return fail(Error::malformed);
  return HistoryKey{big(key.substr(0, 8)), static_cast<RecordKind>(key[8]), UnixMillis{time},
                    static_cast<std::uint32_t>(big(key.substr(17)))};
}

/// Eight bytes at a time, little-endian, multiplied and folded. Part of the format: it decides which records are one.
std::uint32_t content_hash(std::string_view record) {
  std::uint64_t h = record.size() * 0x9E3779B97F4A7C15u;
  while (!record.empty()) {
    std::uint64_t word = 0;
    const std::size_t n = record.size() < 8 ? record.size() : 8;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&word, record.data(), n);
    } else {
      for (std::size_t i = 0; i < n; ++i) word |= std::uint64_t{static_cast<unsigned char>(record[i])} << (8 * i);
    }
    record.remove_prefix(n);
    h = (h ^ word) * 0xFF51AFD7ED558CCDu;
    h ^= h >> 32;
  }
  h *= 0xC4CEB9FE1A85EC53u;
  return static_cast<std::uint32_t>(h >> 32);
}

void append_values_key(std::string& out, std::uint64_t device, std::uint16_t chunk) {
  append_big<8>(out, device);
  out.push_back('v');
  append_big<2>(out, chunk);
}

void append_presence_key(std::string& out, std::uint64_t device) {
  append_big<8>(out, device);
  out.push_back('s');
}

void append_desired_key(std::string& out, std::uint64_t device) {
  append_big<8>(out, device);
  out.push_back('d');
}

void append_log_upload_key(std::string& out, std::uint64_t device) {
  append_big<8>(out, device);
  out.push_back('l');
}

void append_shadow_key(std::string& out, std::uint64_t device) {
  append_big<8>(out, device);
  out.push_back('h');
}

Result<StateKey> decode_state_key(std::string_view key) {
  if (key.size() == 9 && key[8] == 's') return StateKey{big(key.substr(0, 8)), std::nullopt};
  if (key.size() == 9 && key[8] == 'h') return StateKey{big(key.substr(0, 8)), std::nullopt, false, false, true};
  if (key.size() == 9 && key[8] == 'd') return StateKey{big(key.substr(0, 8)), std::nullopt, true};
  if (key.size() == 9 && key[8] == 'l') {
    StateKey found{big(key.substr(0, 8)), std::nullopt};
    found.is_log_upload = true;
    return found;
  }
  if (key.size() == 11 && key[8] == 'v')
    return StateKey{big(key.substr(0, 8)), static_cast<std::uint16_t>(big(key.substr(9)))};
  return fail(Error::malformed);
}

void begin_record(std::string& out, RecordFlags flags) {
  out.push_back(static_cast<char>(kRecordVersion));
  out.push_back(static_cast<char>(flags));
}

void append_field(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}

Result<RecordReader> RecordReader::open(std::string_view record) {
  if (record.size() < 2 || static_cast<std::uint8_t>(record[0]) != kRecordVersion) return fail(Error::malformed);
  if (static_cast<std::uint8_t>(record[1]) > kPast) return fail(Error::malformed);
  RecordReader reader;
  reader.flags_ = static_cast<RecordFlags>(record[1]);
  reader.rest_ = record.substr(2);
  return reader;
}

std::optional<std::string_view> RecordReader::next() { return take_field(rest_); }

void begin_values(std::string& out) { out.push_back(static_cast<char>(kRecordVersion)); }

void append_value(std::string& out, std::string_view identifier, UnixMillis time, std::string_view value) {
  append_field(out, identifier);
  append_big<8>(out, static_cast<std::uint64_t>(time.ms));
  append_field(out, value);
}

Result<ValuesReader> ValuesReader::open(std::string_view record) {
  if (record.empty() || static_cast<std::uint8_t>(record[0]) != kRecordVersion) return fail(Error::malformed);
  ValuesReader reader;
  reader.rest_ = record.substr(1);
  return reader;
}

std::optional<StoredValue> ValuesReader::next() {
  const auto identifier = take_field(rest_);
  if (!identifier) return std::nullopt;
  const auto time = take_time(rest_);
  if (!time) return std::nullopt;
  const auto value = take_field(rest_);
  if (!value) return std::nullopt;
  return StoredValue{*identifier, *time, *value};
}

void append_desired(std::string& out, const StoredDesired& desired) {
  append_field(out, desired.identifier);
  append_big<8>(out, static_cast<std::uint64_t>(desired.time.ms));
  append_big<8>(out, desired.version);
  append_field(out, desired.value);
}

Result<std::vector<StoredDesired>> read_desired(std::string_view record) {
  if (record.empty() || static_cast<std::uint8_t>(record[0]) != kRecordVersion) return fail(Error::malformed);
  record.remove_prefix(1);
  std::vector<StoredDesired> out;
  while (!record.empty()) {
    const auto identifier = take_field(record);
    const auto time = identifier ? take_time(record) : std::nullopt;
    if (!time || record.size() < 8) return fail(Error::malformed);
    const std::uint64_t version = big(record.substr(0, 8));
    record.remove_prefix(8);
    const auto value = take_field(record);
    if (!value) return fail(Error::malformed);
    out.push_back({*identifier, *time, version, *value});
  }
  return out;
}

void write_shadow(std::string& out, const StoredShadow& shadow) {
  out.push_back(static_cast<char>(kRecordVersion));
  out.push_back(shadow.is_owed ? 1 : 0);
  append_field(out, shadow.document);
}

Result<StoredShadow> read_shadow(std::string_view record) {
  if (record.size() < 2 || static_cast<std::uint8_t>(record[0]) != kRecordVersion) return fail(Error::malformed);
  if (static_cast<std::uint8_t>(record[1]) > 1) return fail(Error::malformed);
  StoredShadow shadow;
  shadow.is_owed = record[1] == 1;
  record.remove_prefix(2);
  const auto document = take_field(record);
  if (!document || !record.empty()) return fail(Error::malformed);
  shadow.document = *document;
  return shadow;
}

void write_presence(std::string& out, const StoredPresence& presence) {
  out.push_back(static_cast<char>(kRecordVersion));
  out.push_back(presence.online ? 1 : 0);
  append_big<8>(out, static_cast<std::uint64_t>(presence.since.ms));
  append_field(out, presence.address);
  append_field(out, presence.client_id);
}

Result<StoredPresence> read_presence(std::string_view record) {
  if (record.size() < 2 || static_cast<std::uint8_t>(record[0]) != kRecordVersion) return fail(Error::malformed);
  StoredPresence out;
  out.online = record[1] == 1;
  record.remove_prefix(2);
  const auto since = take_time(record);
  if (!since) return fail(Error::malformed);
  const auto address = take_field(record);
  if (!address) return fail(Error::malformed);
  const auto client_id = take_field(record);
  if (!client_id || !record.empty()) return fail(Error::malformed);
  out.since = *since, out.address = *address, out.client_id = *client_id;
  return out;
}

}  // namespace tercet::thing
