#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "platform/thing/things.h"
#include "tercet/base/time.h"

namespace tercet::thing {

/// Sets that wait for their device's answer. All wait equally long, so the oldest is due first.
class PendingSets {
 public:
  struct Set {
    std::uint64_t device = 0;
    UnixMillis sent;
    std::string items;
    std::function<void(const SetResult&)> on_result;
  };
  void add(std::uint32_t id, Instant deadline, Set set) {
    waiting_.emplace(id, std::move(set));
    order_.push_back({id, deadline});
  }
  std::size_t size() const { return waiting_.size(); }
  bool has(std::uint32_t id) const { return waiting_.contains(id); }
  /// Takes the set out if it is that device's.
  std::optional<Set> take(std::uint32_t id, std::uint64_t device) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end() || found->second.device != device) return std::nullopt;
    std::optional<Set> set = std::move(found->second);
    waiting_.erase(found);
    return set;
  }
  /// Takes out one that is due.
  std::optional<std::pair<std::uint32_t, Set>> take_due(Instant now) {
    while (!order_.empty() && order_.front().deadline <= now) {
      const auto id = order_.front().id;
      order_.pop_front();
      const auto found = waiting_.find(id);
      if (found == waiting_.end()) continue;  // was answered
      auto set = std::move(found->second);
      waiting_.erase(found);
      return std::pair{id, std::move(set)};
    }
    return std::nullopt;
  }
  Instant next_deadline() const { return order_.empty() ? Instant::never() : order_.front().deadline; }

 private:
  struct Due {
    std::uint32_t id;
    Instant deadline;
  };
  std::unordered_map<std::uint32_t, Set> waiting_;
  std::deque<Due> order_;
};

}  // namespace tercet::thing
