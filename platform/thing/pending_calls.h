#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "platform/thing/things.h"
#include "tercet/base/time.h"

namespace tercet::thing {

/// Service calls and RRPCs that wait for their device's answer, each with a deadline of its own.
class PendingCalls {
 public:
  /// Where the answer is expected: one that comes another way is not one.
  enum class Way : std::uint8_t { reply_topic, rrpc, property_get };
  struct Call {
    std::uint64_t device = 0;
    Way way = Way::reply_topic;
    UnixMillis sent;
    std::string service;  ///< "" for a plain RRPC and a property get, which leave no record
    std::string input;    ///< JSON
    std::string record;   ///< key of the record without an answer
    std::function<void(const CallResult&)> on_result;
  };
  void add(std::uint32_t id, Instant deadline, Call call) {
    due_.emplace(deadline, id);
    waiting_.emplace(id, Waiting{deadline, std::move(call)});
  }
  std::size_t size() const { return waiting_.size(); }
  bool has(std::uint32_t id) const { return waiting_.contains(id); }
  /// Takes the call out if it is that device's and waits for an answer of that way.
  std::optional<Call> take(std::uint32_t id, std::uint64_t device, Way way) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end() || found->second.call.device != device || found->second.call.way != way)
      return std::nullopt;
    return remove(found);
  }
  /// Takes out one that is due.
  std::optional<Call> take_due(Instant now) {
    if (due_.empty() || now < due_.begin()->first) return std::nullopt;
    return remove(waiting_.find(due_.begin()->second));
  }
  Instant next_deadline() const { return due_.empty() ? Instant::never() : due_.begin()->first; }

 private:
  struct Waiting {
    Instant deadline;
    Call call;
  };
  std::optional<Call> remove(std::unordered_map<std::uint32_t, Waiting>::iterator at) {
    for (auto [due, end] = due_.equal_range(at->second.deadline); due != end; ++due)
      if (due->second == at->first) {
        due_.erase(due);
        break;
      }
    std::optional<Call> call = std::move(at->second.call);
    waiting_.erase(at);
    return call;
  }
  std::unordered_map<std::uint32_t, Waiting> waiting_;
  std::multimap<Instant, std::uint32_t> due_;
};

}  // namespace tercet::thing
