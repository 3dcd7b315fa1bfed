#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "platform/broker/message.h"

namespace tercet::broker {

/// When and where a retained message was set: of two, every shard keeps the later, so that all copies agree.
struct RetainStamp {
  std::int64_t wall_ms = 0;
  std::uint64_t order = 0;  ///< count of the shard and its number
  friend auto operator<=>(const RetainStamp&, const RetainStamp&) = default;
};

/// The retained messages of the whole process; every shard has a copy.
class RetainedMessages {
 public:
  explicit RetainedMessages(std::size_t limit) : limit_(limit) {}
  enum class Change : std::uint8_t { none, set, erased, full };
  /// An empty payload erases. `none`: an older one than what is there, or nothing to erase.
  Change put(const Publication& publication, std::uint8_t qos, const RetainStamp& stamp);

  /// Visits what a filter selects and has not expired. Only the part of the topics that begins as the filter does is
  /// looked at.
  void match(std::string_view filter, UnixMillis wall, const std::function<void(const Message&)>& visit) const;
  std::size_t size() const { return messages_.size(); }

 private:
  struct Entry {
    MessageRef message;
    RetainStamp stamp;
  };
  std::size_t limit_;
  std::map<std::string, Entry, std::less<>> messages_;
};

}  // namespace tercet::broker
