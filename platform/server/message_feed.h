#pragma once
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "platform/runtime/loop.h"

namespace tercet::server {

/// What one shard's devices say about their firmware, or their jobs, on its way to the management thread: what a pass
/// has gathered goes over together, and is kept while that thread has no room. Beyond kMost the oldest goes: devices
/// say it again at every login, or ask until they are answered. Shard's thread.
template <typename Message>
class MessageFeed {
 public:
  static constexpr std::size_t kMost = 100'000;
  using Take = std::function<void(const std::vector<Message>&)>;  ///< on the management loop

  MessageFeed(runtime::Loop& loop, runtime::Loop& management, Take take)
      : management_(management), take_(std::make_shared<const Take>(std::move(take))) {
    loop.each_pass([this] { flush(); });
  }
  MessageFeed(const MessageFeed&) = delete;
  MessageFeed& operator=(const MessageFeed&) = delete;

  void on_message(Message message) {
    if (gathered_.size() >= kMost) gathered_.erase(gathered_.begin(), gathered_.begin() + kMost / 10);
    gathered_.push_back(std::move(message));
  }
  /// Called by itself at the end of every pass. False: the management thread has no room; it is kept.
  bool flush() {
    if (gathered_.empty()) return true;
    const auto batch = std::make_shared<std::vector<Message>>(std::exchange(gathered_, {}));
    if (management_.post([take = take_, batch] { (*take)(*batch); })) return true;
    gathered_ = std::move(*batch);
    return false;
  }

 private:
  runtime::Loop& management_;
  std::shared_ptr<const Take> take_;
  std::vector<Message> gathered_;
};

}  // namespace tercet::server
