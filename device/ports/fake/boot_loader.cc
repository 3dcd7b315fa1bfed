#include "ports/fake/boot_loader.h"

#include <algorithm>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"
#include "tercet/crypto/digest.h"

namespace tercet::fake {
namespace {

constexpr std::uint8_t kMagic = 0xE9;
constexpr std::size_t kVersionBytes = 16, kHeadBytes = 5 + kVersionBytes, kHashBytes = 32;

crypto::Digest hash_of(Bytes bytes) { return crypto::hash(crypto::Algorithm::sha256, bytes); }

std::string_view version_of(Bytes image) {
  const std::string_view text = as_text(image.subspan(5, kVersionBytes));
  return text.substr(0, text.find('\0'));
}

}  // namespace

std::vector<std::uint8_t> make_image(std::string_view version, std::uint32_t bytes, std::uint32_t seed) {
  std::vector<std::uint8_t> image(bytes);
  Writer out{image};
  out.u8(kMagic), out.u32(bytes), out.text(version);
  std::uint32_t state = seed * 2 + 1;
  for (std::size_t i = kHeadBytes; i < image.size() - kHashBytes; ++i) {
    state = state * 1'664'525u + 1'013'904'223u;
    image[i] = static_cast<std::uint8_t>(state >> 24);
  }
  const crypto::Digest digest = hash_of(Bytes{image}.first(image.size() - kHashBytes));
  std::copy(digest.bytes.begin(), digest.bytes.end(), image.end() - kHashBytes);
  return image;
}

void BootLoader::flash_factory(Bytes image) {
  std::copy(image.begin(), image.end(), flash.cells.begin() + begin_of(0));
  flash.settle();
}

// What is behind a frame: its length, its bytes, the first of their hash; whole or nothing.

Result<void> BootLoader::write_framed(std::uint32_t sector, Bytes bytes) {
  std::array<std::uint8_t, kSectorBytes> buffer;
  buffer.fill(0xFF);
  Writer out{buffer};
  out.u16(static_cast<std::uint16_t>(bytes.size())), out.bytes(bytes);
  out.bytes(hash_of(out.written()).view().first(8));
  const std::size_t unit = flash.geometry().program_bytes, size = (out.size() + unit - 1) / unit * unit;
  if (const auto erased = flash.erase(sector); !erased) return erased;
  return flash.program(sector * kSectorBytes, Bytes{buffer}.first(size));
}

std::optional<std::vector<std::uint8_t>> BootLoader::read_framed(std::uint32_t sector) {
  std::array<std::uint8_t, kSectorBytes> buffer;
  if (!flash.read(sector * kSectorBytes, buffer)) return {};
  Reader in{buffer};
  const std::size_t size = in.u16();
  const Bytes bytes = in.bytes(size), hash = in.bytes(8);
  if (!in.ok() || !crypto::equals(hash, hash_of(Bytes{buffer}.first(2 + size)).view().first(8))) return {};
  return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

std::optional<BootLoader::Note> BootLoader::note(std::uint32_t sector) {
  const auto bytes = read_framed(sector);
  if (!bytes || bytes->size() != 5) return {};
  Reader in{*bytes};
  const std::uint32_t count = in.u32();
  return Note{count, static_cast<State>(in.u8())};
}

Result<void> BootLoader::write_note(Note note) {
  std::array<std::uint8_t, 5> bytes;
  Writer out{bytes};
  out.u32(note.count), out.u8(static_cast<std::uint8_t>(note.state));
  return write_framed(note.count % 2, bytes);
}

std::optional<std::vector<std::uint8_t>> BootLoader::image_in(std::uint32_t slot) {
  std::vector<std::uint8_t> image(kSlotBytes);
  if (!flash.read(begin_of(slot), image)) return {};
  Reader in{image};
  const std::uint8_t magic = in.u8();
  const std::uint32_t size = in.u32();
  if (magic != kMagic || size <= kHeadBytes + kHashBytes || size > image.size()) return {};
  image.resize(size);
  const Bytes all{image};
  if (!crypto::equals(all.last(kHashBytes), hash_of(all.first(size - kHashBytes)).view())) return {};
  return image;
}

bool BootLoader::run(Note note) {
  const std::uint32_t slot = (note.count - 1) % 2;
  const auto image = image_in(slot);
  if (!image) return false;
  running_ = slot, count_ = note.count, state_ = note.state;
  static_cast<void>(version_.assign(version_of(*image)));
  const auto other = this->note((note.count + 1) % 2);
  is_spare_rejected_ = other && other->state == State::aborted;
  return true;
}

bool BootLoader::boot() {
  for (int tries = 0; tries < 3; ++tries) {
    const auto a = note(0), b = note(1);
    std::optional<Note> best;
    for (const auto& each : {a, b})
      if (each && each->state != State::aborted && (!best || each->count > best->count)) best = each;
    if (!best) break;
    if (best->state == State::valid && run(*best)) return true;
    if (best->state == State::fresh && image_in((best->count - 1) % 2)) {
      if (!write_note({best->count, State::pending})) return false;
      return run({best->count, State::pending});
    }
    if (!write_note({best->count, State::aborted})) return false;  // tried once, or no image
  }
  // No note that is of use: the first slot, then the other.
  if (run({1, State::valid}) || run({2, State::valid})) return true;
  is_bricked_ = !flash.is_off();
  return false;
}

std::vector<std::uint8_t> BootLoader::running_image() {
  return image_in(running_).value_or(std::vector<std::uint8_t>{});
}

Result<void> BootLoader::erase(std::uint32_t at) {
  if (at % kSectorBytes != 0 || at >= kSlotBytes) return fail(Error::bad_argument);
  return flash.erase((begin_of(1 - running_) + at) / kSectorBytes);
}

Result<void> BootLoader::write(std::uint32_t at, Bytes bytes) {
  if (at > kSlotBytes || bytes.size() > kSlotBytes - at) return fail(Error::bad_argument);
  return flash.program(begin_of(1 - running_) + at, bytes);
}

Result<void> BootLoader::read(std::uint32_t at, MutableBytes into) {
  if (at > kSlotBytes || into.size() > kSlotBytes - at) return fail(Error::bad_argument);
  return flash.read(begin_of(1 - running_) + at, into);
}

Result<ota::ImageIdentity> BootLoader::spare_identity() {
  const auto image = image_in(1 - running_);
  if (!image) return fail(flash.is_off() ? Error::io_failed : Error::malformed);
  ota::ImageIdentity identity;
  static_cast<void>(identity.version.assign(version_of(*image)));
  return identity;
}

Result<void> BootLoader::activate() {
  if (!image_in(1 - running_)) return fail(flash.is_off() ? Error::io_failed : Error::malformed);
  return write_note({count_ + 1, State::fresh});
}

Result<void> BootLoader::confirm() {
  if (const auto done = write_note({count_, State::valid}); !done) return done;
  state_ = State::valid;
  return {};
}

Result<void> BootLoader::roll_back() {
  if (!image_in(1 - running_)) return fail(flash.is_off() ? Error::io_failed : Error::not_found);
  return write_note({count_, State::aborted});
}

BootLoader::Value BootLoader::newest_value() {
  Value newest;
  for (const std::uint32_t sector : {2u, 3u}) {
    const auto bytes = read_framed(sector);
    if (!bytes || bytes->size() < 4) continue;
    const std::uint32_t count = Reader{*bytes}.u32();
    if (count > newest.count) newest = {count, sector, {bytes->begin() + 4, bytes->end()}};
  }
  return newest;
}

Result<std::size_t> BootLoader::get(std::string_view, MutableBytes into) {
  if (flash.is_off()) return fail(Error::io_failed);
  const Value value = newest_value();
  if (value.bytes.empty()) return fail(Error::not_found);
  if (value.bytes.size() > into.size()) return fail(Error::no_space);
  std::copy(value.bytes.begin(), value.bytes.end(), into.begin());
  return value.bytes.size();
}

Result<void> BootLoader::set(std::string_view, Bytes bytes) {
  const Value newest = newest_value();
  std::vector<std::uint8_t> value(4 + bytes.size());
  Writer out{value};
  out.u32(newest.count + 1), out.bytes(bytes);
  return write_framed(newest.sector == 2 ? 3 : 2, value);
}

}  // namespace tercet::fake
