#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "platform/rule/pump.h"
#include "platform/rule/rule_outlet.h"
#include "platform/rule/rules.h"

namespace tercet::rule {

/// A thread that runs a loop; ends when it is destroyed. Made and destroyed on the management thread.
class LoopThread {
 public:
  virtual ~LoopThread() = default;
  virtual runtime::Loop& loop() = 0;
};

/// Where a queue goes, and how patiently.
struct Target {
  std::unique_ptr<Sink> sink;
  PumpSettings settings;
};

/// Brings what runs to the shards, and what they queue to its targets: hands each shard's outlet the rules, gives each
/// destination a thread with a pump, carries wake-ups to it and takes its counts back, and sweeps away the queues of
/// actions that are no more. A destination whose thread ends is first forgotten by every shard.
/// Everything on the management thread, but what is said otherwise.
class Destinations {
 public:
  /// Consumers that are no rule's action have numbers from here on.
  static constexpr std::uint64_t kFirstGroup = std::uint64_t{1} << 40;

  struct Wiring {
    runtime::Loop& management;
    runtime::Shards& shards;
    store::StreamStore& store;
    /// Makes an action's target; its configuration has been checked when it was saved. No sink: `problem` says why, and
    /// the records wait.
    std::function<Target(const ActionRecord&, std::string& problem)> target;
    /// A thread for a destination; null: none can be had.
    std::function<std::unique_ptr<LoopThread>(const std::string& name)> thread;
    RuleOutlet::Settings outlets = {};
  };
  explicit Destinations(Wiring wiring);
  ~Destinations();
  Destinations(const Destinations&) = delete;
  Destinations& operator=(const Destinations&) = delete;

  /// A shard's outlet. Used on that shard; outlives its things.
  RuleOutlet& outlet(std::size_t shard) { return *shards_[shard]->outlet; }
  /// Reads what outlets remember. Blocking, before the loops run. Errors: io_failed, malformed.
  Result<void> load(const std::function<bool(std::size_t shard, std::uint64_t device)>& is_here);

  /// What there is from now on.
  struct Running {
    std::vector<RunningRule> rules;
    std::vector<ActionRecord> actions;
    std::vector<Subscription> subscriptions;
    /// Rules and actions that exist, running or not, and the revisions of the rules' SQL.
    std::unordered_map<std::uint64_t, std::uint32_t> revisions;
    std::unordered_set<std::uint64_t> destinations;
  };
  void run(Running running);

  /// How a destination that runs is doing, as of a second ago at most; nothing for another one.
  struct Report {
    PumpState pump;
    std::uint64_t waiting = 0;  ///< records in the queue
    std::string problem;        ///< why it cannot even be tried; "" mostly
  };
  const Report* report(std::uint64_t destination) const;
  /// What rules have done on all shards, as of a second ago at most.
  RuleCounts counts() const;
  RuleCounts counts_of(std::uint64_t rule) const;
  std::map<std::uint64_t, Report> reports() const;
  /// Records in a queue, whoever takes them out.
  std::uint64_t waiting(std::uint64_t destination) const;

  /// Dead letters back into the queue, oldest first; then(how many) on the management thread. They need a destination
  /// that runs: false otherwise.
  bool replay(std::uint64_t destination, std::uint64_t most, std::function<void(std::uint64_t)> then);
  bool discard_dead(std::uint64_t destination, std::function<void()> then);

  /// Something else than a rule's action listens to a destination: called on the shard when records have become
  /// durable. One listener for all destinations from kFirstGroup on. Set before the loops run.
  void on_group(std::function<void(std::uint64_t destination)> woken) { group_woken_ = std::move(woken); }
  /// The listener has got rid of records of a shard. Any thread.
  void drained(std::uint64_t destination, std::uint16_t shard, std::uint64_t records, std::uint64_t bytes);

  /// No pump sends any more after this. `then` runs when every thread has ended; records stay in their queues.
  void stop(std::function<void()> then);

 private:
  struct Worker;
  using Routes = std::unordered_map<std::uint64_t, Worker*>;
  /// Of one shard, and used on it.
  struct ShardPart {
    std::unique_ptr<RuleOutlet> outlet;
    std::shared_ptr<const Routes> routes = std::make_shared<const Routes>();
  };
  /// What a shard has said last.
  struct ShardReport {
    RuleCounts all;
    std::unordered_map<std::uint64_t, RuleCounts> by_rule;
    std::unordered_map<std::uint64_t, std::uint64_t> waiting;
  };
  void wake(std::size_t shard, std::uint64_t destination);
  void hand_out();
  void on_handed_out(std::uint64_t version);
  void begin(const ActionRecord& action);
  void retire(Worker& worker);
  void on_ended(std::uint64_t serial);
  void sweep();
  void look();
  void reconcile();
  void wake_worker(std::uint64_t destination);
  std::uint64_t error_action_of(std::uint64_t rule) const;

  Wiring wiring_;
  std::vector<std::unique_ptr<ShardPart>> shards_;
  std::function<void(std::uint64_t)> group_woken_;
  std::map<std::uint64_t, std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Worker>> leaving_;  ///< still known to some shard, or their pumps are being ended
  std::vector<std::unique_ptr<LoopThread>>
      idle_;  ///< threads of destinations that have ended; the store may still post
  std::map<std::uint64_t, std::string> problems_;  ///< of actions that have no worker
  Running running_;
  std::shared_ptr<const RuleSet> rules_;
  std::shared_ptr<const Routes> routes_;
  std::uint64_t version_ = 1, serials_ = 0;
  std::vector<std::uint64_t> taken_;  ///< the version that each shard has
  std::vector<ShardReport> reports_;
  runtime::Timer retry_, look_;
  std::function<void()> stopped_;
  bool is_stopping_ = false, sweep_due_ = true;
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

/// The text of an error action's record (cloud-side reference 3.7).
std::string error_message(const ActionRecord& from, const Queued& record, std::string_view cause);

}  // namespace tercet::rule
