#include "tercet/device/flash_log.h"

#include <algorithm>
#include <cstring>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"
#include "tercet/device/crc32.h"

// Records: how they are written, found, read and marked. Sectors are in flash_sectors.cc; docs/outbox.md has the
// layout.
namespace tercet::device {
namespace {

constexpr std::size_t kChunk = 64;
constexpr std::size_t kHead = 12;   // size, its complement, sequence, checksum
constexpr std::size_t kFixed = 14;  // id, time, kind, length of the name
constexpr int kAttempts = 3;        // sectors that may fail to take a record
constexpr int kReads = 3;           // of one place, at once

bool is_all_ones(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0xFF; });
}

}  // namespace

/// Programs a record piece by piece in whole units; the first piece is the head alone, so that a record is never begun
/// without one.
class FlashLog::Programmer {
 public:
  Programmer(FlashLog& log, std::uint32_t at) : log_(log), at_(at), limit_(log.round_up(kHead)) {}

  void put(Bytes bytes) {
    while (!bytes.empty() && ok_) {
      const std::size_t size = std::min(bytes.size(), limit_ - used_);
      std::memcpy(buffer_.data() + used_, bytes.data(), size);
      used_ += size;
      bytes = bytes.subspan(size);
      if (used_ == limit_) flush();
    }
  }
  bool finish() {
    while (ok_ && used_ != log_.round_up(static_cast<std::uint32_t>(used_))) buffer_[used_++] = 0xFF;
    if (ok_ && used_ > 0) flush();
    return ok_;
  }

 private:
  void flush() {
    ok_ = log_.program(at_, Bytes{buffer_}.first(used_));
    at_ += static_cast<std::uint32_t>(used_);
    used_ = 0;
    limit_ = kChunk;
  }
  FlashLog& log_;
  std::uint32_t at_;
  std::array<std::uint8_t, kChunk> buffer_;
  std::size_t used_ = 0, limit_;
  bool ok_ = true;
};

std::uint32_t FlashLog::round_up(std::uint32_t size) const {
  return (size + geometry_.program_bytes - 1) / geometry_.program_bytes * geometry_.program_bytes;
}

std::uint32_t FlashLog::total_of(std::size_t body_size) const {
  return mark_bytes() + round_up(static_cast<std::uint32_t>(kHead + body_size));
}

std::size_t FlashLog::most_text() const {
  return geometry_.sector_bytes - first_offset() - mark_bytes() - round_up(kHead + kFixed) - geometry_.program_bytes;
}

/// Reads, a few times if need be.
bool FlashLog::fetch(std::uint32_t at, MutableBytes into) const {
  for (int i = 0; i < kReads; ++i) {
    if (flash_.read(at, into)) return true;
    ++counters_.failures;
  }
  return false;
}

/// Programs and looks whether it was done.
bool FlashLog::program(std::uint32_t at, Bytes bytes) {
  bool done = flash_.program(at, bytes).has_value();
  std::array<std::uint8_t, kChunk> back;
  for (std::size_t from = 0; done && from < bytes.size(); from += kChunk) {
    const Bytes wanted = bytes.subspan(from, std::min(kChunk, bytes.size() - from));
    const MutableBytes got = MutableBytes{back}.first(wanted.size());
    done = fetch(at + static_cast<std::uint32_t>(from), got) && std::equal(wanted.begin(), wanted.end(), got.begin());
  }
  if (!done) ++counters_.failures;
  return done;
}

bool FlashLog::mark(FlashPlace place) {
  constexpr std::array<std::uint8_t, 16> kZeros{};
  return program(address(place.sector, place.offset), Bytes{kZeros}.first(mark_bytes()));
}

FlashLog::Frame FlashLog::read_frame(FlashPlace at) const {
  Frame frame;
  frame.state = FrameState::broken;
  std::array<std::uint8_t, 16 + 16> bytes;
  const MutableBytes both = MutableBytes{bytes}.first(mark_bytes() + round_up(kHead));  // what is programmed first
  if (at.offset + both.size() > geometry_.sector_bytes) return frame;
  if (!fetch(address(at.sector, at.offset), both)) {
    frame.state = FrameState::unreadable;
    return frame;
  }
  const Bytes mark = both.first(mark_bytes()), head = both.subspan(mark_bytes());
  if (is_all_ones(both)) {
    frame.state = FrameState::blank;
    return frame;
  }
  Reader in{head};
  frame.size = in.u16();
  const std::uint16_t complement = in.u16();
  frame.sequence = in.u32();
  frame.checksum = in.u32();
  frame.total = total_of(frame.size);
  // A head that was cut off has no length to trust: in each pair of bits at least one is still a one.
  const bool is_sized = static_cast<std::uint16_t>(~frame.size) == complement && frame.size >= kFixed;
  if (!is_sized || at.offset + frame.total > geometry_.sector_bytes) return frame;
  frame.state = is_all_ones(mark) ? FrameState::waiting : FrameState::done;
  return frame;
}

FlashLog::Body FlashLog::examine(FlashPlace at, const Frame& frame) const {
  std::array<std::uint8_t, kChunk> bytes;
  std::uint32_t from = address(at.sector, at.offset) + mark_bytes();
  if (!fetch(from, MutableBytes{bytes}.first(8))) return Body::unreadable;
  Crc32 sum;
  sum.add(Bytes{bytes}.first(8));
  from += kHead;
  for (std::size_t left = frame.size; left > 0;) {
    const std::size_t size = std::min(left, kChunk);
    if (!fetch(from, MutableBytes{bytes}.first(size))) return Body::unreadable;
    sum.add(Bytes{bytes}.first(size));
    from += static_cast<std::uint32_t>(size);
    left -= size;
  }
  return sum.value() == frame.checksum ? Body::whole : Body::torn;
}

Result<FlashPlace> FlashLog::append(const FlashRecord& record) {
  if (record.name.size() > 255 || record.name.size() + record.body.size() > most_text()) return fail(Error::too_large);
  const std::uint32_t total = total_of(kFixed + record.name.size() + record.body.size());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (active_.sequence == 0 || end_offset_ + total > geometry_.sector_bytes)
      if (const auto moved = advance(); !moved) return fail(moved.error());
    if (const auto place = write(record)) return place;
    end_offset_ = static_cast<std::uint16_t>(geometry_.sector_bytes);  // what is behind the bad place is not used
  }
  return fail(Error::io_failed);
}

Result<FlashPlace> FlashLog::write(const FlashRecord& record) {
  const FlashPlace place = end();
  const auto size = static_cast<std::uint16_t>(kFixed + record.name.size() + record.body.size());
  std::array<std::uint8_t, kHead> head_bytes;
  std::array<std::uint8_t, kFixed> fixed_bytes;
  Writer head{head_bytes}, fixed{fixed_bytes};
  head.u16(size), head.u16(static_cast<std::uint16_t>(~size)), head.u32(next_sequence_);
  fixed.u32(record.id), fixed.u64(static_cast<std::uint64_t>(record.at.ms));
  fixed.u8(record.kind), fixed.u8(static_cast<std::uint8_t>(record.name.size()));
  Crc32 sum;
  sum.add(head.written()).add(fixed.written()).add(as_bytes(record.name)).add(as_bytes(record.body));
  head.u32(sum.value());

  Programmer out(*this, address(place.sector, place.offset) + mark_bytes());
  out.put(head.written()), out.put(fixed.written()), out.put(as_bytes(record.name)), out.put(as_bytes(record.body));
  if (!out.finish()) {
    mark(place);  // if that still works; without it the checksum says the same
    return fail(Error::io_failed);
  }
  const std::uint32_t total = total_of(size);
  end_offset_ = static_cast<std::uint16_t>(place.offset + total);
  ++next_sequence_;
  if (counters_.waiting == 0) head_ = place;
  ++counters_.waiting;
  ++counters_.appended;
  counters_.waiting_bytes += total;
  return place;
}

FlashLog::Sought FlashLog::seek(FlashPlace from) const {
  if (counters_.waiting == 0) return {};
  if (from < head_) from = head_;
  const bool is_from_head = from == head_;
  while (from < end()) {
    const Frame frame = read_frame(from);
    FlashPlace after = from;
    after.offset = static_cast<std::uint16_t>(from.offset + frame.total);
    if (frame.state == FrameState::waiting)
      return {FlashFound{from, after, frame.sequence, static_cast<std::uint16_t>(frame.size - kFixed)}, {}};
    if (frame.state == FrameState::unreadable) return {{}, from};
    if (frame.state == FrameState::done) {
      from = after;
      continue;
    }
    const NextSector next = next_sector(from);
    if (!next.is_sure) return {{}, from};
    from = next.begin;
  }
  if (!is_from_head) return {};
  // All was read, and nothing waits: what was counted unread had been done with, or has decayed.
  counters_.torn += counters_.waiting;
  counters_.waiting = counters_.waiting_bytes = 0;
  return {};
}

Result<FlashRecord> FlashLog::read(const FlashFound& found, MutableBytes into) {
  if (into.size() < found.text_bytes) return fail(Error::no_space);
  const Frame frame = read_frame(found.place);
  const bool is_there = frame.state == FrameState::waiting && frame.sequence == found.sequence;
  const Body body = is_there ? examine(found.place, frame) : Body::torn;
  if (frame.state == FrameState::unreadable || body == Body::unreadable) return fail(Error::io_failed);
  if (body == Body::torn) {
    ++counters_.torn;
    remove(found.place, nullptr);
    return fail(Error::malformed);
  }
  std::array<std::uint8_t, kFixed> fixed;
  const std::uint32_t from = address(found.place.sector, found.place.offset) + mark_bytes() + kHead;
  const MutableBytes text = into.first(found.text_bytes);
  if (!fetch(from, fixed) || !fetch(from + kFixed, text)) return fail(Error::io_failed);
  Reader in{fixed};
  FlashRecord record;
  record.id = in.u32();
  record.at = UnixMillis{static_cast<std::int64_t>(in.u64())};
  record.kind = in.u8();
  const std::size_t name_size = std::min<std::size_t>(in.u8(), text.size());
  record.name = as_text(text.first(name_size));
  record.body = as_text(text.subspan(name_size));
  return record;
}

/// Marks a record as done. One whose mark fails is passed over if it is the oldest, else found again.
bool FlashLog::remove(FlashPlace place, std::uint32_t* counter) {
  if (counters_.waiting == 0 || place < head_) return true;
  const Frame frame = read_frame(place);
  if (frame.state == FrameState::unreadable) return false;
  if (frame.state != FrameState::waiting) return true;
  const bool marked = mark(place);
  if (!marked && place != head_) return false;
  if (counter != nullptr) ++*counter;
  if (place == head_) head_.offset = static_cast<std::uint16_t>(place.offset + frame.total);
  counters_.waiting_bytes -= std::min(counters_.waiting_bytes, frame.total);
  if (--counters_.waiting == 0)
    recount(head_);
  else
    settle_head();
  return marked;
}

Result<void> FlashLog::acknowledge(FlashPlace place) {
  return remove(place, &counters_.acknowledged) ? Result<void>{} : fail(Error::io_failed);
}

void FlashLog::abandon() {
  const auto at = obstacle(head_);
  if (!at) return;
  const std::uint32_t before = counters_.waiting;
  // A restart that cannot read the place either would not see what is appended behind it.
  if (at->sequence == active_.sequence) end_offset_ = static_cast<std::uint16_t>(geometry_.sector_bytes);
  recount(next_sector(*at).begin);
  if (before > counters_.waiting) counters_.dropped += before - counters_.waiting;
}

void FlashLog::give_up(FlashPlace place) { remove(place, &counters_.dropped); }

}  // namespace tercet::device
