#pragma once
#include <deque>
#include <string>
#include <utility>

#include "tercet/base/time.h"

namespace tercet::openapi {

/// How often a product may be broadcast to, as the cloud has it: to all of its devices that are online once a minute,
/// to a topic of its own once a second. Remembers nothing longer than that.
class BroadcastPace {
 public:
  static constexpr Millis kDevices{60'000};
  static constexpr Millis kTopic{1'000};
  /// Takes the turn, or says that it is too early.
  bool take(const std::string& product, bool to_topic, Instant now) {
    auto& last = to_topic ? topics_ : devices_;
    while (!last.empty() && now - last.front().second >= (to_topic ? kTopic : kDevices)) last.pop_front();
    for (const auto& one : last)
      if (one.first == product) return false;
    last.emplace_back(product, now);
    return true;
  }

 private:
  std::deque<std::pair<std::string, Instant>> devices_, topics_;
};

}  // namespace tercet::openapi
