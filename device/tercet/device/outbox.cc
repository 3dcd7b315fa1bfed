#include "tercet/device/outbox.h"

#include <algorithm>
#include <cstring>

#include "tercet/base/check.h"

// The storage is a ring of whole records: one that does not fit before the end starts again at the front, behind a
// `skip` record (or, where not even that fits, behind nothing). `used_` tells a full ring from an empty one.
namespace tercet::device {
namespace {

constexpr std::size_t kAlign = 8;
constexpr std::size_t round_up(std::size_t size) { return (size + kAlign - 1) / kAlign * kAlign; }

MutableBytes aligned(MutableBytes storage) {
  const auto address = reinterpret_cast<std::uintptr_t>(storage.data());
  const std::size_t cut = std::min(storage.size(), static_cast<std::size_t>((kAlign - address % kAlign) % kAlign));
  storage = storage.subspan(cut);
  return storage.first(storage.size() / kAlign * kAlign);
}

}  // namespace

Outbox::Outbox(MutableBytes storage, DropPolicy policy) : storage_(aligned(storage)), policy_(policy) {}

Outbox::Record Outbox::read(std::size_t at) const {
  Record record;
  std::memcpy(&record, storage_.data() + at, sizeof record);
  return record;
}

void Outbox::write(std::size_t at, const Record& record) { std::memcpy(storage_.data() + at, &record, sizeof record); }

void Outbox::set_state(std::size_t at, State state) {
  Record record = read(at);
  record.state = state;
  write(at, record);
}

std::size_t Outbox::after(std::size_t at, const Record& record) const {
  const std::size_t next = at + record.size;
  return storage_.size() - next < sizeof(Record) ? 0 : next;
}

/// visit(place, record) for every record, skips left out, oldest first; stops when it gives true.
template <typename Visit>
void Outbox::each(Visit visit) const {
  std::size_t at = head_;
  for (std::size_t left = used_; left > 0;) {
    const Record record = read(at);
    if (record.state != State::skip && visit(at, record)) return;
    const std::size_t next = after(at, record);
    left -= next > at ? next - at : storage_.size() - at;
    at = next;
  }
}

std::optional<std::size_t> Outbox::find(MessageId id) const {
  std::optional<std::size_t> found;
  each([&](std::size_t at, const Record& record) {
    if (record.id != id || record.state == State::finished) return false;
    found = at;
    return true;
  });
  return found;
}

/// Where a record of `size` bytes can go now.
std::optional<std::size_t> Outbox::room_for(std::size_t size) const {
  if (used_ == 0) return size <= storage_.size() ? std::optional<std::size_t>(0) : std::nullopt;
  if (used_ == storage_.size()) return std::nullopt;
  if (tail_ > head_) {
    if (size <= storage_.size() - tail_) return tail_;
    return size <= head_ ? std::optional<std::size_t>(0) : std::nullopt;
  }
  return size <= head_ - tail_ ? std::optional<std::size_t>(tail_) : std::nullopt;
}

Result<void> Outbox::push(const Outgoing& message) {
  const std::size_t size = round_up(sizeof(Record) + message.topic.size() + message.payload.size());
  if (size > storage_.size() || message.topic.size() > 0xFFFF) return fail(Error::too_large);
  std::optional<std::size_t> place = room_for(size);
  while (!place) {
    if (policy_ == DropPolicy::newest || !drop_oldest()) {
      ++counters_.dropped;
      return fail(Error::no_space);
    }
    place = room_for(size);
  }
  if (used_ == 0) head_ = tail_ = 0;
  if (*place != tail_) {
    write(tail_, Record{static_cast<std::uint32_t>(storage_.size() - tail_), 0, 0, 0, 0, State::skip, false});
    used_ += storage_.size() - tail_;
  }
  write(*place, Record{static_cast<std::uint32_t>(size), message.id, message.at.ms,
                       static_cast<std::uint32_t>(message.payload.size()),
                       static_cast<std::uint16_t>(message.topic.size()), State::waiting, message.acknowledged});
  std::uint8_t* text = storage_.data() + *place + sizeof(Record);
  if (!message.topic.empty()) std::memcpy(text, message.topic.data(), message.topic.size());
  if (!message.payload.empty())
    std::memcpy(text + message.topic.size(), message.payload.data(), message.payload.size());
  const Record placed = read(*place);
  tail_ = after(*place, placed);
  used_ += tail_ > *place ? tail_ - *place : storage_.size() - *place;
  ++counters_.taken;
  ++counters_.waiting;
  counters_.waiting_bytes += static_cast<std::uint32_t>(size);
  counters_.most_bytes = std::max(counters_.most_bytes, counters_.waiting_bytes);
  return {};
}

std::optional<Outgoing> Outbox::next() const {
  std::optional<Outgoing> found;
  each([&](std::size_t at, const Record& record) {
    if (record.state != State::waiting) return false;
    const char* text = reinterpret_cast<const char*>(storage_.data() + at + sizeof(Record));
    found = Outgoing{record.id,
                     {record.at_ms},
                     record.acknowledged,
                     {text, record.topic_size},
                     {text + record.topic_size, record.payload_size}};
    return true;
  });
  return found;
}

void Outbox::sent(MessageId id) {
  const auto at = find(id);
  if (!at) return;
  const Record record = read(*at);
  if (record.state != State::waiting) return;
  if (record.acknowledged) {
    set_state(*at, State::on_wire);
    ++on_wire_;
    return;
  }
  ++counters_.delivered;
  finish(*at);
}

void Outbox::done(MessageId id) {
  const auto at = find(id);
  if (!at) return;
  if (read(*at).state == State::on_wire) --on_wire_;
  ++counters_.delivered;
  finish(*at);
}

void Outbox::put_back() {
  each([&](std::size_t at, const Record& record) {
    if (record.state != State::on_wire) return false;
    const_cast<Outbox*>(this)->set_state(at, State::waiting);
    ++counters_.resent;
    return false;
  });
  on_wire_ = 0;
}

std::optional<UnixMillis> Outbox::oldest() const {
  std::optional<UnixMillis> at;
  each([&](std::size_t, const Record& record) {
    if (record.state == State::finished) return false;
    at = UnixMillis{record.at_ms};
    return true;
  });
  return at;
}

/// Gives up the oldest message, on the wire or not: the room is at the front of the ring and nowhere else. One that was
/// on the wire may still arrive; its acknowledgement then finds nothing here.
bool Outbox::drop_oldest() {
  if (used_ == 0) return false;
  if (read(head_).state == State::on_wire) --on_wire_;
  ++counters_.dropped;
  finish(head_);
  return true;
}

void Outbox::finish(std::size_t at) {
  --counters_.waiting;
  counters_.waiting_bytes -= read(at).size;
  set_state(at, State::finished);
  release_front();
}

void Outbox::release_front() {
  while (used_ > 0) {
    const Record record = read(head_);
    if (record.state != State::finished && record.state != State::skip) return;
    const std::size_t next = after(head_, record);
    used_ -= next > head_ ? next - head_ : storage_.size() - head_;
    head_ = next;
  }
}

}  // namespace tercet::device
