#include "tercet/ota/record.h"

#include <cstring>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"
#include "tercet/device/crc32.h"

namespace tercet::ota {
namespace {

constexpr std::uint8_t kFormat = 1;

std::uint32_t checksum_of(Bytes bytes) { return device::Crc32{}.add(bytes).value(); }

void put(Writer& out, Bytes bytes, std::size_t room) {
  out.u8(static_cast<std::uint8_t>(bytes.size()));
  out.bytes(bytes);
  for (std::size_t i = bytes.size(); i < room; ++i) out.u8(0);
}

Bytes take(Reader& in, std::size_t room) {
  const std::size_t size = in.u8();
  const Bytes bytes = in.bytes(room);
  if (size > room) in.refuse();
  return in.ok() ? bytes.first(size) : Bytes{};
}

void take(Reader& in, crypto::Digest& digest) {
  const Bytes bytes = take(in, digest.bytes.size());
  digest = {};
  digest.size = static_cast<std::uint8_t>(bytes.size());
  if (!bytes.empty()) std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
}

}  // namespace

Result<Record> load_record(device::KeyValueStore& store, std::string_view key) {
  std::array<std::uint8_t, kRecordBytes> bytes{};
  const auto got = store.get(key, bytes);
  if (!got && got.error() == Error::io_failed) return fail(Error::io_failed);
  if (!got || *got != bytes.size()) return Record{};
  Reader in{bytes};
  Record record;
  const std::uint8_t format = in.u8(), phase = in.u8();
  record.phase = static_cast<Record::Phase>(phase);
  record.trials = in.u8();
  const std::uint8_t due = in.u8(), method = in.u8();
  record.due = static_cast<Fault>(due), record.method = static_cast<crypto::Algorithm>(method);
  record.size = in.u32(), record.written = in.u32();
  take(in, record.digest), take(in, record.condemned);
  const Bytes version = take(in, kMaxVersionBytes);
  const bool fits = record.version.assign(as_text(version)).has_value();
  const bool is_whole = in.u32() == checksum_of(Bytes{bytes}.first(bytes.size() - 4)) && in.ok();
  const bool is_known = format == kFormat && phase <= 2 && due < kFaults && method <= 2;
  if (!fits || !is_whole || !is_known || record.written > record.size) return Record{};
  return record;
}

Result<void> save_record(device::KeyValueStore& store, std::string_view key, const Record& record) {
  std::array<std::uint8_t, kRecordBytes> bytes{};
  Writer out{bytes};
  out.u8(kFormat), out.u8(static_cast<std::uint8_t>(record.phase)), out.u8(record.trials);
  out.u8(static_cast<std::uint8_t>(record.due)), out.u8(static_cast<std::uint8_t>(record.method));
  out.u32(record.size), out.u32(record.written);
  put(out, record.digest.view(), record.digest.bytes.size());
  put(out, record.condemned.view(), record.condemned.bytes.size());
  put(out, as_bytes(record.version.str()), kMaxVersionBytes);
  out.u32(checksum_of(out.written()));
  return store.set(key, out.written());
}

}  // namespace tercet::ota
