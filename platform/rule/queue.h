#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/store/stream_store.h"

namespace tercet::rule {

/// What a message with an alarm is about.
enum class AlarmState : std::uint8_t { none, raised, reminder, recovered };
std::string_view name(AlarmState state);  ///< "", "raised", "reminder", "recovered"

/// A message on its way to a destination: what a rule made of it, and where it is from. Views live as long as the
/// record.
struct Queued {
  std::uint64_t rule = 0;
  std::int64_t time = 0;        ///< when the message came, milliseconds since 1970
  std::string_view message_id;  ///< decimal digits, the same for every copy
  std::string_view topic;
  std::string_view product, device_name;
  std::uint8_t qos = 0;
  bool is_binary = false;  ///< the result is no JSON
  AlarmState alarm = AlarmState::none;
  std::string_view result;   ///< of SELECT
  std::string_view payload;  ///< of the message; "" unless somebody needs it
};

/// Where a record stands: destinations by number, and each shard's messages in order.
struct QueueKey {
  std::uint64_t destination = 0;
  std::uint16_t shard = 0;
  std::uint64_t sequence = 0;
};

/// Keys in Family::forward: what waits, what could not be delivered, and what rules remember of devices.
enum class ForwardKind : char { queue = 'q', dead = 'd', memory = 'm' };

std::string queue_key(ForwardKind kind, const QueueKey& key);
std::optional<QueueKey> read_queue_key(std::string_view key);
/// The range of one shard's records of a destination: [first, second).
struct KeyRange {
  std::string from, to;
};
KeyRange queue_range(ForwardKind kind, std::uint64_t destination, std::uint16_t shard);
KeyRange queue_range(ForwardKind kind, std::uint64_t destination);

/// Version 1. After the record of a dead letter stand when and why it was given up.
void append_queued(std::string& out, const Queued& record);
bool read_queued(std::string_view in, Queued& record);
struct DeadLetter {
  Queued record;
  std::int64_t since = 0;
  std::string_view cause;
};
void append_dead_letter(std::string& out, std::string_view queued, std::int64_t since, std::string_view cause);
bool read_dead_letter(std::string_view in, DeadLetter& letter);

/// What a rule's revision remembers of a device.
std::string memory_key(std::uint64_t rule, std::uint32_t revision, std::uint64_t device);
struct MemoryKey {
  std::uint64_t rule = 0;
  std::uint32_t revision = 0;
  std::uint64_t device = 0;
};
std::optional<MemoryKey> read_memory_key(std::string_view key);
/// All memories of a rule.
KeyRange memory_range(std::uint64_t rule);

}  // namespace tercet::rule
