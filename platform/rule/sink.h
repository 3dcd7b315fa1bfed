#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "platform/rule/queue.h"
#include "tercet/base/time.h"

namespace tercet::rule {

/// How far a sink has come with a batch.
struct Sent {
  enum class Stop : std::uint8_t {
    none,   ///< all of it is delivered
    pause,  ///< `taken` of it is delivered, and the target wants no more for a while (`after`); nothing failed
    retry,  ///< the target cannot be reached, is slow, or says "later": the record after `taken` is tried again
    reject  ///< the target will never take the record after `taken`: it becomes a dead letter
  };
  std::size_t taken = 0;  ///< records delivered from the front; may be 0
  Stop stop = Stop::none;
  std::string cause;  ///< for people: what the target said; no secrets
  Millis after{0};    ///< nothing is sent before that; 0, after a retry: the pump's own patience
};

/// Where messages go: a database, a web address, a group robot. Used by one thread, its own, and may block there; a
/// call must end by itself, within half a minute or so. Delivered means: the target has said that it has the record.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Records of one batch are of one shard, in order; those of one device always come in the order in which they were
  /// sent. `now` is the wall's time.
  virtual Sent send(std::span<const Queued> records, UnixMillis now) = 0;
  /// Makes a send() that is under way end soon, and later ones fail at once. Any thread.
  virtual void interrupt() {}
  /// The most records of one send().
  virtual std::size_t max_batch() const { return 500; }
};

}  // namespace tercet::rule
