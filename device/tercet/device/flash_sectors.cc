#include <algorithm>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"
#include "tercet/device/crc32.h"
#include "tercet/device/flash_log.h"

// Sectors: how the ring is found again, and how it moves on. Each new one is announced in the newest one before it is
// erased, because an erasure that was cut off may leave anything, also records whose marks are gone.
namespace tercet::device {
namespace {

constexpr std::uint32_t kFamily = 0x54464C00;     // "TFL"
constexpr std::uint32_t kMagic = kFamily | 0x01;  // and the version of the format
constexpr std::size_t kHeader = 20;               // magic, sequence, oldest, dropped, checksum
constexpr std::size_t kSlot = 12;                 // victim, its complement, dropped, its complement
constexpr std::uint32_t kSlots = 4;
constexpr std::uint32_t kVictims = 4;  // sectors in a row that may fail to be prepared

bool is_all_ones(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0xFF; });
}

bool is_supported(const Flash::Geometry& geometry) {
  const std::uint32_t unit = geometry.program_bytes;
  const bool is_unit = unit == 1 || unit == 2 || unit == 4 || unit == 8 || unit == 16;
  return is_unit && geometry.sectors >= 2 && geometry.sectors <= 0x7FFF && geometry.sector_bytes >= 512 &&
         geometry.sector_bytes <= 0x8000 && geometry.sector_bytes % unit == 0;
}

}  // namespace

std::uint32_t FlashLog::first_offset() const { return round_up(kHeader) + kSlots * round_up(kSlot); }

std::uint32_t FlashLog::slot_address(std::uint32_t slot) const {
  return address(newest_.index, round_up(kHeader) + slot * round_up(kSlot));
}

std::optional<FlashLog::Header> FlashLog::read_header(std::uint16_t sector) const {
  std::array<std::uint8_t, kHeader> bytes;
  if (!fetch(address(sector, 0), bytes)) return std::nullopt;
  Reader in{bytes};
  if (in.u32() != kMagic) return std::nullopt;
  Header header;
  header.sequence = in.u32();
  header.oldest = in.u32();
  header.dropped = in.u32();
  const bool is_whole = in.u32() == Crc32{}.add(Bytes{bytes}.first(kHeader - 4)).value();
  return is_whole && header.sequence != 0 ? std::optional(header) : std::nullopt;
}

bool FlashLog::is_foreign(std::uint16_t sector) const {
  std::array<std::uint8_t, 4> bytes;
  if (!fetch(address(sector, 0), bytes)) return false;
  const std::uint32_t magic = Reader{bytes}.u32();
  return (magic & 0xFFFFFF00) == kFamily && magic != kMagic;
}

Result<void> FlashLog::mount() {
  geometry_ = flash_.geometry();
  if (!is_supported(geometry_)) return fail(Error::bad_argument);
  Header last;
  for (std::uint16_t sector = 0; sector < geometry_.sectors; ++sector) {
    std::array<std::uint8_t, 1> byte;
    if (!fetch(address(sector, 0), byte)) return fail(Error::io_failed);
    if (is_foreign(sector)) ++counters_.foreign;
    const auto header = read_header(sector);
    if (!header || header->sequence <= last.sequence) continue;
    last = *header;
    newest_ = {header->sequence, sector};
  }
  if (newest_.sequence == 0) return {};
  counters_.dropped = last.dropped;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot)
    if (const auto announced = read_slot(slot); announced.is_valid) counters_.dropped = announced.dropped;

  FlashPlace before{}, at{};
  for (std::uint32_t step = 1; step <= geometry_.sectors; ++step) {
    const auto sector = static_cast<std::uint16_t>((newest_.index + step) % geometry_.sectors);
    const auto header = read_header(sector);
    const bool is_live = header && header->sequence >= last.oldest && header->sequence > at.sequence &&
                         (sector == newest_.index || !is_announced(sector));
    if (!is_live) continue;
    before = at;
    at = scan({header->sequence, sector});
  }
  // The newest sector may have been prepared ahead, while there was room in the one before it.
  const bool is_ahead = at.offset == first_offset() && before.sequence != 0 && before.offset < geometry_.sector_bytes;
  if (is_ahead) at = before;
  active_ = {at.sequence, at.sector};
  end_offset_ = at.offset;
  return {};
}

/// Counts what waits in a sector, takes out what is torn, and says where the next record can go: at its end if nowhere.
FlashPlace FlashLog::scan(Sector sector) {
  FlashPlace at{sector.sequence, sector.index, static_cast<std::uint16_t>(first_offset())};
  for (;;) {
    const Frame frame = read_frame(at);
    if (frame.state == FrameState::blank) return at;
    const bool is_hidden = frame.state == FrameState::unreadable;
    if (is_hidden && counters_.waiting++ == 0) head_ = at;  // nobody knows how many, hence one
    if (is_hidden || frame.state == FrameState::broken) break;
    const bool waits = frame.state == FrameState::waiting;
    const bool is_torn = waits && examine(at, frame) == Body::torn;
    if (is_torn) ++counters_.torn;
    if (waits && (!is_torn || !mark(at))) {  // one that cannot be marked waits, and is given up when it is read
      if (counters_.waiting++ == 0) head_ = at;
      counters_.waiting_bytes += frame.total;
    }
    if (waits && !is_torn) {
      std::array<std::uint8_t, 4> id{};
      if (fetch(address(at.sector, at.offset) + mark_bytes() + 12, id))
        highest_id_ = std::max(highest_id_, Reader{id}.u32());
    }
    next_sequence_ = std::max(next_sequence_, frame.sequence + 1);
    at.offset = static_cast<std::uint16_t>(at.offset + frame.total);
  }
  at.offset = static_cast<std::uint16_t>(geometry_.sector_bytes);
  return at;
}

/// The sector behind that of `from`; end() if there is none. One that cannot be read is passed over.
FlashLog::NextSector FlashLog::next_sector(FlashPlace from) const {
  NextSector next{end()};
  if (from.sequence == active_.sequence) return next;
  for (std::uint32_t step = 1; step < geometry_.sectors; ++step) {
    const auto sector = static_cast<std::uint16_t>((from.sector + step) % geometry_.sectors);
    std::array<std::uint8_t, kHeader> bytes;
    const auto header = read_header(sector);
    if (!header && !fetch(address(sector, 0), bytes)) next.is_sure = false;
    if (header && header->sequence > from.sequence && header->sequence <= active_.sequence) {
      next.begin = {header->sequence, sector, static_cast<std::uint16_t>(first_offset())};
      return next;
    }
  }
  return next;
}

/// Moves the head on to a record that waits.
void FlashLog::settle_head() {
  if (const auto found = find(head_)) head_ = found->place;
}

FlashLog::Tally FlashLog::tally(FlashPlace from, bool only_its_sector) const {
  Tally all{from};
  for (FlashPlace at = from; at < end();) {
    const Frame frame = read_frame(at);
    NextSector next{{at.sequence, at.sector, static_cast<std::uint16_t>(at.offset + frame.total)}};
    const bool is_behind = frame.state != FrameState::waiting && frame.state != FrameState::done;
    if (is_behind && !only_its_sector) next = next_sector(at);
    const bool is_hidden = frame.state == FrameState::unreadable || !next.is_sure;
    if ((is_hidden || frame.state == FrameState::waiting) && all.count++ == 0) all.first = at;
    if (frame.state == FrameState::waiting) all.bytes += frame.total;
    all.is_hidden = all.is_hidden || is_hidden;
    if (is_behind && only_its_sector) break;
    at = next.begin;
  }
  return all;
}

/// Counts what waits from there on; nothing before it waits.
void FlashLog::recount(FlashPlace from) {
  const Tally all = tally(from, false);
  head_ = all.first;
  counters_.waiting = all.count;
  counters_.waiting_bytes = all.bytes;
}

/// Goes on in the next sector.
Result<void> FlashLog::advance() {
  if (active_.sequence == newest_.sequence)
    if (const auto prepared = prepare(true); !prepared) return prepared;
  active_ = newest_;
  end_offset_ = static_cast<std::uint16_t>(first_offset());
  return {};
}

bool FlashLog::prepare_ahead() {
  const bool is_due = active_.sequence != 0 && active_.sequence == newest_.sequence &&
                      active_.sequence != gave_up_at_ && end_offset_ >= geometry_.sector_bytes / 2;
  if (!is_due || waiting_in(static_cast<std::uint16_t>((active_.index + 1) % geometry_.sectors)) > 0) return false;
  const std::uint32_t before = counters_.erasures;
  if (!prepare(false)) gave_up_at_ = active_.sequence;
  return counters_.erasures != before;
}

Result<void> FlashLog::prepare(bool may_drop) {
  const std::uint32_t first = newest_.sequence == 0 ? 0 : 1;
  for (std::uint32_t step = first; step < std::min(geometry_.sectors, first + kVictims); ++step) {
    const auto victim = static_cast<std::uint16_t>((newest_.index + step) % geometry_.sectors);
    const bool is_full = waiting_in(victim) > 0;
    if (is_full && (!may_drop || policy_ == DropPolicy::newest)) return fail(Error::no_space);
    const bool is_ready = !is_announced(victim) && is_blank(victim);
    if (!is_ready) announce(victim);
    drop(victim);
    Header header;
    header.sequence = newest_.sequence + 1 + (step - first);  // never one that a failed attempt may have written
    header.oldest = counters_.waiting > 0 ? head_.sequence : active_.sequence;  // the active one still takes records
    header.dropped = counters_.dropped;
    if ((is_ready || erase(victim)) && write_header(victim, header)) {
      newest_ = {header.sequence, victim};
      return {};
    }
  }
  return fail(Error::io_failed);
}

/// At least one where something cannot be read: then all that is not in later sectors.
std::uint32_t FlashLog::waiting_in(std::uint16_t sector) const {
  if (counters_.waiting == 0 || head_.sector != sector) return 0;
  const Tally here = tally(head_, true);
  if (!here.is_hidden) return here.count;
  const Tally later = tally(next_sector(head_).begin, false);
  return std::max(here.count, counters_.waiting - std::min(counters_.waiting, later.count));
}

FlashLog::Announcement FlashLog::read_slot(std::uint32_t slot) const {
  Announcement announced;
  std::array<std::uint8_t, kSlot> bytes;
  if (!fetch(slot_address(slot), bytes)) return announced;
  announced.is_blank = is_all_ones(bytes);
  Reader in{bytes};
  announced.victim = in.u16();
  const std::uint16_t not_victim = in.u16();
  announced.dropped = in.u32();
  const std::uint32_t not_dropped = in.u32();
  announced.is_valid = static_cast<std::uint16_t>(~announced.victim) == not_victim && ~announced.dropped == not_dropped;
  return announced;
}

bool FlashLog::is_announced(std::uint16_t sector) const {
  if (newest_.sequence == 0) return false;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot)
    if (const auto announced = read_slot(slot); announced.is_valid && announced.victim == sector) return true;
  return false;
}

/// Says in flash that the sector is about to be erased, and how many records have been dropped with it. Without a slot
/// left, after as many cuts in this very place, it goes without.
void FlashLog::announce(std::uint16_t victim) {
  if (newest_.sequence == 0 || is_announced(victim)) return;
  std::uint32_t slot = 0;
  while (slot < kSlots && !read_slot(slot).is_blank) ++slot;
  if (slot == kSlots) return;
  const std::uint32_t dropped = counters_.dropped + waiting_in(victim);
  std::array<std::uint8_t, 16> bytes;
  bytes.fill(0xFF);
  Writer out{bytes};
  out.u16(victim), out.u16(static_cast<std::uint16_t>(~victim)), out.u32(dropped), out.u32(~dropped);
  program(slot_address(slot), Bytes{bytes}.first(round_up(kSlot)));
}

/// Gives up what waits in a sector.
void FlashLog::drop(std::uint16_t victim) {
  if (counters_.waiting == 0 || head_.sector != victim) return;
  const FlashPlace next = next_sector(head_).begin;
  const Tally here = tally(head_, true);
  counters_.dropped += waiting_in(victim);
  if (here.is_hidden || here.count >= counters_.waiting) return recount(next);
  counters_.waiting -= here.count;
  counters_.waiting_bytes -= std::min(counters_.waiting_bytes, here.bytes);
  head_ = next;
  settle_head();
}

bool FlashLog::is_blank(std::uint16_t sector) const {
  std::array<std::uint8_t, 64> bytes;
  for (std::uint32_t at = 0; at < geometry_.sector_bytes; at += 64) {
    const MutableBytes part =
        MutableBytes{bytes}.first(std::min<std::size_t>(bytes.size(), geometry_.sector_bytes - at));
    if (!fetch(address(sector, at), part) || !is_all_ones(part)) return false;
  }
  return true;
}

bool FlashLog::erase(std::uint16_t sector) {
  ++counters_.erasures;
  if (flash_.erase(sector) && is_blank(sector)) return true;
  ++counters_.failures;
  return false;
}

bool FlashLog::write_header(std::uint16_t sector, const Header& header) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(0xFF);
  Writer out{bytes};
  out.u32(kMagic), out.u32(header.sequence), out.u32(header.oldest), out.u32(header.dropped);
  out.u32(Crc32{}.add(out.written()).value());
  return program(address(sector, 0), Bytes{bytes}.first(round_up(kHeader)));
}

}  // namespace tercet::device
