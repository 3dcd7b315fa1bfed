#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "platform/broker/message.h"

namespace tercet::broker {

/// When and where a retained message was set: of two, every shard keeps the later, so that all copies agree. A shard
/// stamps later than everything it has seen, whatever its wall clock says.
struct RetainStamp {
  std::int64_t wall_ms = 0;
  std::uint64_t order = 0;  ///< count of the shard and its number
  friend auto operator<=>(const RetainStamp&, const RetainStamp&) = default;
};

/// How many retained messages there may be, and how large.
struct RetainedBounds {
  std::size_t messages = 100'000;
  std::size_t bytes = 64u << 20;           ///< of all together, and what keeping them costs
  std::size_t message_bytes = 256 * 1024;  ///< payload of one
};

/// The retained messages of the whole process; every shard has a copy. What expires does so by the monotonic clock:
/// the wall clock counts once, when a message is put. That a topic was erased is remembered for some seconds, within
/// bounds, so that an older message which comes later from another shard is not set.
class RetainedMessages {
 public:
  explicit RetainedMessages(const RetainedBounds& bounds) : bounds_(bounds) {}
  RetainedMessages(const RetainedMessages&) = delete;
  RetainedMessages& operator=(const RetainedMessages&) = delete;

  /// Why this may not be retained: what the bound is and how far it is used. Nothing when it may. Asked where it is
  /// published; what another shard has let in is put everywhere.
  std::optional<std::string> refusal(const Publication& publication) const;

  enum class Change : std::uint8_t { none, set, erased };
  /// An empty payload erases. `none`: an older one than what is or was there, or nothing to erase.
  Change put(const Publication& publication, std::uint8_t qos, const RetainStamp& stamp, Instant now, UnixMillis wall);

  /// The first message behind topic `at` ("": from the start) that a filter selects and that has not expired; `at`
  /// becomes its topic. Looks at no more than `steps` topics, and counts them off: null with steps left is the end.
  /// Only the part of the topics that begins as the filter does is looked at.
  struct Found {
    MessageRef message;  ///< null: none
    Instant expires_at = Instant::never();
  };
  Found next(std::string_view filter, std::string& at, std::size_t& steps, Instant now) const;

  /// When expire() has something to do next; Instant::never() when it has not.
  Instant next_expiry() const {
    const Instant message = deadlines_.empty() ? Instant::never() : deadlines_.begin()->first;
    return erasures_.empty() ? message : std::min(message, erasures_.front().until);
  }
  /// Takes out what has expired, telling each topic, and forgets erasures of long ago.
  void expire(Instant now, const std::function<void(std::string_view topic)>& gone);

  std::size_t size() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    MessageRef message;
    RetainStamp stamp;
    Instant expires_at = Instant::never();
  };
  using Messages = std::map<std::string, Entry, std::less<>>;
  struct Erasure {
    std::string topic;
    Instant until;
    RetainStamp stamp;
  };
  void remember_erased(std::string_view topic, const RetainStamp& stamp, Instant now);
  void forget_erasure();
  static std::size_t cost(std::string_view topic, const Message& message);
  void add(Messages::iterator place);
  void forget(Messages::iterator place);

  RetainedBounds bounds_;
  Messages messages_;
  std::set<std::pair<Instant, std::string_view>> deadlines_;  ///< of the topics in messages_ that have one
  std::size_t bytes_ = 0;
  std::deque<Erasure> erasures_;                            ///< oldest first
  std::map<std::string, RetainStamp, std::less<>> erased_;  ///< the latest of each topic in erasures_
  std::size_t erased_bytes_ = 0;
};

/// How far the retained messages for one new subscription have been sent.
struct RetainedCursor {
  std::string filter;
  std::string at;  ///< the last topic looked at
  std::uint32_t identifier = 0;
  std::uint8_t qos = 0;
};

}  // namespace tercet::broker
