#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "platform/rule/evaluate.h"
#include "platform/rule/rule_set.h"
#include "platform/runtime/loop.h"
#include "platform/thing/outlet.h"

namespace tercet::rule {

/// What a shard's rules have done since the start.
struct RuleCounts {
  std::uint64_t matched = 0;     ///< messages that a rule was about
  std::uint64_t met = 0;         ///< and whose condition held
  std::uint64_t failed = 0;      ///< SQL that could not be worked out for a message
  std::uint64_t not_json = 0;    ///< payloads that a JSON rule could not read
  std::uint64_t queued = 0;      ///< records put into queues
  std::uint64_t overflowed = 0;  ///< records not put there because the queue was full
};

/// Holds every message of a shard's devices against the rules that run, and puts what they make of it into the queues
/// of their destinations, in the same commit as the message. One per shard, on its thread.
class RuleOutlet final : public thing::Outlet {
 public:
  struct Settings {
    std::uint64_t max_queued = 1'000'000;                     ///< records of one destination on this shard
    std::uint64_t max_queued_bytes = std::uint64_t{1} << 30;  ///< of one destination on this shard
    std::size_t max_memories = 100'000;                       ///< devices of a rule that something is remembered of
  };
  /// wake: there is something new and durable for these destinations; called on the shard, once per commit group.
  RuleOutlet(runtime::Loop& loop, std::uint16_t shard, const Settings& settings,
             std::function<void(std::uint64_t destination)> wake);

  /// Reads what is remembered of devices, and where queues end. Blocking; once, before the first message.
  /// Errors: io_failed, malformed.
  Result<void> load(store::StreamStore& store, const std::function<bool(std::uint64_t device)>& is_here);
  /// What runs from now on.
  void use(std::shared_ptr<const RuleSet> rules);
  const std::shared_ptr<const RuleSet>& in_use() const { return rules_; }
  /// A destination has got rid of that many records of this shard.
  void on_drained(std::uint64_t destination, std::uint64_t records, std::uint64_t bytes);
  /// Value of a device's tag, for attribute(). May be left empty.
  void look_up_attributes(std::function<std::string_view(std::uint64_t device, std::string_view key)> look_up);

  RuleCounts counts() const { return counts_; }
  std::uint64_t waiting(std::uint64_t destination) const;
  /// What a rule has done on this shard; zeros for an unknown one.
  RuleCounts counts_of(std::uint64_t rule) const;

  std::uint32_t wanted(std::string_view product) const override { return rules_->wanted(product); }
  std::uint64_t version() const override { return rules_->version(); }
  void take(const thing::Outgoing& message, store::Mutations& mutations) override;
  void on_submitted() override;
  void on_durable() override;
  void on_undone() override;

 private:
  struct Queue {
    std::uint64_t next = 1;
    std::uint64_t records = 0, bytes = 0;
  };
  /// What one commit group has put into a queue.
  struct Put {
    std::uint64_t destination;
    std::uint64_t records, bytes;
  };
  /// An alarm's state before a group changed it.
  struct Before {
    std::uint64_t rule, device;
    bool is_raised;
    std::int64_t raised_at, told_at, changed_at;
  };
  struct Group {
    std::vector<Put> puts;
    std::vector<Before> before;
  };
  struct Remembered {
    std::uint32_t revision = 0;
    std::unordered_map<std::uint64_t, DeviceMemory> devices;
  };
  void hold(const RunningRule& rule, const thing::Outgoing& message, Message& seen, store::Mutations& mutations);
  void put(std::uint64_t destination, const Queued& record, store::Mutations& mutations);
  DeviceMemory* memory_of(const RunningRule& rule, std::uint64_t device);
  std::string next_message_id();

  runtime::Loop& loop_;
  std::uint16_t shard_;
  Settings settings_;
  std::function<void(std::uint64_t)> wake_;
  std::shared_ptr<const RuleSet> rules_ = std::make_shared<const RuleSet>();
  Evaluator evaluator_;
  std::unordered_map<std::uint64_t, Queue> queues_;
  std::unordered_map<std::uint64_t, Remembered> memories_;
  std::unordered_map<std::uint64_t, RuleCounts> by_rule_;
  std::function<std::string_view(std::uint64_t, std::string_view)> attributes_;
  Group gathering_;
  std::deque<Group> submitted_;  ///< oldest first
  RuleCounts counts_;
  std::int64_t id_time_ = 0;
  std::uint32_t id_count_ = 0;
  // Of the message in hand.
  std::uint64_t device_ = 0;
  std::function<std::string_view(std::string_view)> attribute_;
  std::string result_, record_, message_id_;
  json::Value root_;
  bool is_parsed_ = false, is_json_ = false;
};

}  // namespace tercet::rule
