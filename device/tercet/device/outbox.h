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

/// A message on its way to the platform. The texts are views: into the caller's memory when pushed, into the outbox
/// when taken out of it (valid until the next push or done).
struct Outgoing {
  MessageId id = 0;
  UnixMillis at{};           ///< when it was made
  bool acknowledged = true;  ///< QoS 1: kept until the platform has it; otherwise gone once sent
  std::string_view topic;
  std::string_view payload;
};

struct OutboxCounters {
  std::uint32_t waiting = 0;  ///< messages held now, those on the wire included
  std::uint32_t waiting_bytes = 0;
  std::uint32_t most_bytes = 0;  ///< high-water mark
  std::uint32_t taken = 0;       ///< since construction
  std::uint32_t dropped = 0;
  std::uint32_t delivered = 0;
  std::uint32_t resent = 0;  ///< were on the wire when the connection broke
};

/// Messages that wait for the network, in order, in storage of the caller's. Bounded; nothing moves and nothing is
/// allocated. A message costs 24 bytes more than its topic and payload, rounded up to 8.
class Outbox {
 public:
  /// `storage` outlives the outbox; 8-byte aligned parts of it are used.
  Outbox(MutableBytes storage, DropPolicy policy);

  /// Copies the message in, as the newest. Errors: too_large, would not fit into an empty outbox; no_space, full
  /// (policy newest: try again after an acknowledgement).
  Result<void> push(const Outgoing& message);

  /// The oldest message that is not on the wire.
  std::optional<Outgoing> next() const;
  /// It was handed to the connection. Unacknowledged ones are gone with that.
  void sent(MessageId id);
  /// The platform has it. Unknown ids are ignored: it may have been dropped meanwhile.
  void done(MessageId id);
  /// The connection is gone: everything on the wire waits again, in its old order.
  void put_back();

  const OutboxCounters& counters() const { return counters_; }
  std::size_t on_wire() const { return on_wire_; }
  /// When the oldest message was made.
  std::optional<UnixMillis> oldest() const;

 private:
  enum class State : std::uint8_t { waiting, on_wire, finished, skip };
  struct Record {
    std::uint32_t size;  ///< of header, texts and padding
    MessageId id;
    std::int64_t at_ms;
    std::uint32_t payload_size;
    std::uint16_t topic_size;
    State state;
    bool acknowledged;
  };
  static_assert(sizeof(Record) == 24);

  Record read(std::size_t at) const;
  void write(std::size_t at, const Record& record);
  void set_state(std::size_t at, State state);
  std::optional<std::size_t> find(MessageId id) const;
  std::optional<std::size_t> room_for(std::size_t size) const;
  std::size_t after(std::size_t at, const Record& record) const;
  bool drop_oldest();
  void finish(std::size_t at);
  void release_front();
  template <typename Visit>
  void each(Visit visit) const;

  MutableBytes storage_;
  DropPolicy policy_;
  std::size_t head_ = 0, tail_ = 0, used_ = 0;  ///< oldest record, end of the newest, bytes between
  std::size_t on_wire_ = 0;
  OutboxCounters counters_;
};

}  // namespace tercet::device
