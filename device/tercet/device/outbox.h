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
  std::uint32_t dropped = 0;        ///< given up, or refused
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
