#include "tercet/device/outbox.h"

#include <algorithm>
#include <cstring>

// The storage is a ring of whole records: one that does not fit before the end starts again at the front, behind a
// `skip` record (or, where not even that fits, behind nothing). `used_` tells a full ring from an empty one. There is
// never a skip at the head.
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

/// Where the record behind one of `size` bytes starts: at the front when no header fits before the end.
std::size_t Outbox::after(std::size_t at, std::size_t size) const {
  const std::size_t next = at + size;
  return storage_.size() - next < sizeof(Record) ? 0 : next;
}

std::size_t Outbox::size_of(const Outgoing& message) {
  return round_up(sizeof(Record) + message.topic.size() + message.payload.size());
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
  const std::size_t size = size_of(message);
  if (size > storage_.size() || message.topic.size() > 0xFFFF) return fail(Error::too_large);
  std::optional<std::size_t> place = room_for(size);
  for (; !place; place = room_for(size)) {
    ++counters_.dropped;
    if (policy_ == DropPolicy::newest) return fail(Error::no_space);
    pop();
  }
  if (used_ == 0) head_ = tail_ = 0;
  if (*place != tail_) {
    write(tail_, Record{static_cast<std::uint32_t>(storage_.size() - tail_), 0, 0, 0, 0, false, true});
    used_ += storage_.size() - tail_;
  }
  write(*place, Record{static_cast<std::uint32_t>(size), message.id, message.at.ms,
                       static_cast<std::uint32_t>(message.payload.size()),
                       static_cast<std::uint16_t>(message.topic.size()), message.acknowledged, false});
  std::uint8_t* text = storage_.data() + *place + sizeof(Record);
  if (!message.topic.empty()) std::memcpy(text, message.topic.data(), message.topic.size());
  if (!message.payload.empty())
    std::memcpy(text + message.topic.size(), message.payload.data(), message.payload.size());
  tail_ = after(*place, size);
  used_ += tail_ > *place ? tail_ - *place : storage_.size() - *place;
  ++counters_.taken;
  ++counters_.waiting;
  counters_.waiting_bytes += static_cast<std::uint32_t>(size);
  counters_.most_bytes = std::max(counters_.most_bytes, counters_.waiting_bytes);
  return {};
}

std::optional<Outgoing> Outbox::front() const {
  if (used_ == 0) return std::nullopt;
  const Record record = read(head_);
  const char* text = reinterpret_cast<const char*>(storage_.data() + head_ + sizeof(Record));
  return Outgoing{record.id,
                  {record.at_ms},
                  record.acknowledged,
                  {text, record.topic_size},
                  {text + record.topic_size, record.payload_size}};
}

void Outbox::pop() {
  if (used_ == 0) return;
  --counters_.waiting;
  counters_.waiting_bytes -= read(head_).size;
  release_front();
  if (used_ > 0 && read(head_).is_skip) release_front();
}

void Outbox::give_up() {
  if (used_ == 0) return;
  ++counters_.dropped;
  pop();
}

void Outbox::release_front() {
  const std::size_t next = after(head_, read(head_).size);
  used_ -= next > head_ ? next - head_ : storage_.size() - head_;
  head_ = next;
}

}  // namespace tercet::device
