#include "platform/rule/queue.h"

#include "platform/rule/record_fields.h"

namespace tercet::rule {
namespace {

constexpr std::uint8_t kVersion = 1;

bool take_queued(std::string_view& in, Queued& record) {
  std::uint8_t version = 0, flags = 0, alarm = 0;
  if (!take_field(in, version) || version != kVersion) return false;
  if (!take_field(in, flags) || !take_field(in, alarm) || alarm > static_cast<std::uint8_t>(AlarmState::recovered))
    return false;
  record.qos = flags & 3;
  record.is_binary = (flags & 4) != 0;
  record.alarm = static_cast<AlarmState>(alarm);
  return take_field(in, record.rule) && take_field(in, record.time) && take_text_field(in, record.message_id) &&
         take_text_field(in, record.topic) && take_text_field(in, record.product) &&
         take_text_field(in, record.device_name) && take_text_field(in, record.result) &&
         take_text_field(in, record.payload);
}

}  // namespace

std::string_view name(AlarmState state) {
  static constexpr std::string_view kNames[] = {"", "raised", "reminder", "recovered"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string queue_key(ForwardKind kind, const QueueKey& key) {
  std::string out(1, static_cast<char>(kind));
  append_field(out, key.destination), append_field(out, key.shard), append_field(out, key.sequence);
  return out;
}

std::optional<QueueKey> read_queue_key(std::string_view key) {
  QueueKey read;
  if (key.empty()) return std::nullopt;
  key.remove_prefix(1);
  if (!take_field(key, read.destination) || !take_field(key, read.shard) || !take_field(key, read.sequence) ||
      !key.empty())
    return std::nullopt;
  return read;
}

KeyRange queue_range(ForwardKind kind, std::uint64_t destination, std::uint16_t shard) {
  KeyRange range;
  range.from = queue_key(kind, {destination, shard, 0}).substr(0, 11);
  range.to = range.from + std::string(9, '\xFF');
  return range;
}

KeyRange queue_range(ForwardKind kind, std::uint64_t destination) {
  KeyRange range;
  range.from = queue_key(kind, {destination, 0, 0}).substr(0, 9);
  range.to = range.from + std::string(11, '\xFF');
  return range;
}

void append_queued(std::string& out, const Queued& record) {
  append_field(out, kVersion);
  append_field(out, static_cast<std::uint8_t>(record.qos | (record.is_binary ? 4 : 0)));
  append_field(out, static_cast<std::uint8_t>(record.alarm));
  append_field(out, record.rule), append_field(out, record.time);
  append_text_field(out, record.message_id), append_text_field(out, record.topic);
  append_text_field(out, record.product), append_text_field(out, record.device_name);
  append_text_field(out, record.result), append_text_field(out, record.payload);
}

bool read_queued(std::string_view in, Queued& record) {
  record = {};
  return take_queued(in, record) && in.empty();
}

void append_dead_letter(std::string& out, std::string_view queued, std::int64_t since, std::string_view cause) {
  append_text_field(out, queued);
  append_field(out, since);
  append_text_field(out, cause);
}

bool read_dead_letter(std::string_view in, DeadLetter& letter) {
  std::string_view queued;
  letter = {};
  return take_text_field(in, queued) && read_queued(queued, letter.record) && take_field(in, letter.since) &&
         take_text_field(in, letter.cause) && in.empty();
}

std::string memory_key(std::uint64_t rule, std::uint32_t revision, std::uint64_t device) {
  std::string out(1, static_cast<char>(ForwardKind::memory));
  append_field(out, rule), append_field(out, revision), append_field(out, device);
  return out;
}

std::optional<MemoryKey> read_memory_key(std::string_view key) {
  MemoryKey read;
  if (key.empty() || key.front() != static_cast<char>(ForwardKind::memory)) return std::nullopt;
  key.remove_prefix(1);
  if (!take_field(key, read.rule) || !take_field(key, read.revision) || !take_field(key, read.device) || !key.empty())
    return std::nullopt;
  return read;
}

KeyRange memory_range(std::uint64_t rule) {
  KeyRange range;
  range.from = memory_key(rule, 0, 0).substr(0, 9);
  range.to = range.from + std::string(13, '\xFF');
  return range;
}

}  // namespace tercet::rule
