#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::device {

using MessageId = std::uint32_t;

/// What is given up when the outbox is full.
enum class DropPolicy : std::uint8_t {
  oldest,  ///< the oldest message makes room: the latest readings survive a long outage
  newest,  ///< the new message is refused with no_space: the beginning of an outage survives
};

/// A message that waits for the network. The texts are views: into the caller's memory when pushed, into the outbox
/// when taken out of it (valid until the next push or pop).
struct Outgoing {
  MessageId id = 0;
  UnixMillis at{};           ///< when it was made
  bool acknowledged = true;  ///< QoS 1
  std::string_view topic;    ///< without leading slash: behind `/sys/{pk}/{dn}/`
  std::string_view payload;
};

struct OutboxCounters {
  std::uint32_t waiting = 0;        ///< messages held now
  std::uint32_t waiting_bytes = 0;  ///< with their overhead
  std::uint32_t most_bytes = 0;     ///< high-water mark
  std::uint32_t taken = 0;          ///< since construction
  std::uint32_t dropped = 0;        ///< given up, or refused; what flash gave up is counted over restarts
  // With flash (Port::flash); the numbers above are then of RAM and flash together.
  std::uint32_t in_flash = 0;        ///< of `waiting`
  std::uint32_t spilled = 0;         ///< messages moved to flash since start
  std::uint32_t torn = 0;            ///< records found broken in flash
  std::uint32_t flash_failures = 0;  ///< operations the flash refused or did not do: it wears out
};

/// Messages in order, first in first out, in storage of the caller's. Bounded; nothing moves and nothing is allocated.
/// A message costs 24 bytes more than its topic and payload, rounded up to 8.
class Outbox {
 public:
  /// `storage` outlives the outbox; up to 14 bytes of it are lost to alignment.
  Outbox(MutableBytes storage, DropPolicy policy);

  /// Copies the message in, as the newest. Errors: too_large, would not fit into an empty outbox; no_space, full
  /// (policy newest: try again when the network is back).
  Result<void> push(const Outgoing& message);
  /// The oldest message.
  std::optional<Outgoing> front() const;
  /// Removes the oldest message. Harmless when there is none.
  void pop();
  /// Removes the oldest message, which nobody can take, and counts it.
  void give_up();
  /// Counts messages that were lost elsewhere.
  void count_dropped(std::uint32_t messages) { counters_.dropped += messages; }

  /// Whether push() would take it without dropping anything.
  bool has_room(const Outgoing& message) const { return room_for(size_of(message)).has_value(); }
  /// While it is empty its storage may be used; the next push() overwrites it. Otherwise nothing.
  MutableBytes idle() { return empty() ? storage_ : MutableBytes{}; }
  bool empty() const { return counters_.waiting == 0; }
  const OutboxCounters& counters() const { return counters_; }

 private:
  struct Record {
    std::uint32_t size;  ///< of header, texts and padding
    MessageId id;
    std::int64_t at_ms;
    std::uint32_t payload_size;
    std::uint16_t topic_size;
    bool acknowledged;
    bool is_skip;
  };
  static_assert(sizeof(Record) == 24);

  static std::size_t size_of(const Outgoing& message);
  Record read(std::size_t at) const;
  void write(std::size_t at, const Record& record);
  std::optional<std::size_t> room_for(std::size_t size) const;
  std::size_t after(std::size_t at, std::size_t size) const;
  void release_front();

  MutableBytes storage_;
  DropPolicy policy_;
  std::size_t head_ = 0, tail_ = 0, used_ = 0;  ///< oldest record, end of the newest, bytes between
  OutboxCounters counters_;
};

}  // namespace tercet::device
