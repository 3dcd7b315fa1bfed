#include "platform/rule/destinations.h"

#include <algorithm>
#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "tercet/crypto/encoding.h"

namespace tercet::rule {
namespace {

using Order = store::StreamStore::Order;
constexpr Millis kRetry{100}, kLookEvery{1'000};

std::string base64(std::string_view bytes) {
  std::string out(crypto::base64_size(bytes.size()), '\0');
  const auto written = crypto::encode_base64(as_bytes(bytes), out);
  return written ? std::string(*written) : std::string{};
}

}  // namespace

/// A destination at work. `pump` belongs to the thread, the rest to the management thread.
struct Destinations::Worker {
  ActionRecord action;
  std::unique_ptr<LoopThread> thread;
  std::unique_ptr<Pump> pump;
  Sink* sink = nullptr;  ///< only to interrupt it, and only while the pump has not been told to end
  /// Wake-ups of several shards become one task; the one thing that threads share here.
  std::atomic<bool> is_woken{false};
  Report report;
  std::uint64_t gone_with = 0;  ///< version of what shards are told that does not name it any more
  std::uint64_t error_action = 0;
  std::uint64_t serial = 0;
  bool is_ending = false;
};

std::string error_message(const ActionRecord& from, const Queued& record, std::string_view cause) {
  namespace bj = boost::json;
  std::string resource, problem;
  boost::system::error_code bad;
  const bj::value parsed = bj::parse(from.configuration, bad);
  if (!bad && parsed.is_object())
    for (const char* name : {"topic", "table", "url", "path", "subject", "database", "groupId"})
      if (const auto* found = parsed.get_object().if_contains(name); found != nullptr && found->is_string()) {
        resource = found->get_string();
        break;
      }
  bj::array failures;
  failures.push_back(bj::object{{"actionType", from.type},
                                {"actionRegion", "local"},
                                {"actionResource", resource},
                                {"errorMessage", bj::string_view(cause.data(), cause.size())}});
  const std::string_view payload = record.payload.empty() ? record.result : record.payload;
  const auto text = [](std::string_view view) { return bj::string_view(view.data(), view.size()); };
  return bj::serialize(bj::object{{"ruleName", from.rule_name},
                                  {"topic", text(record.topic)},
                                  {"productKey", text(record.product)},
                                  {"deviceName", text(record.device_name)},
                                  {"messageId", text(record.message_id)},
                                  {"base64OriginalPayload", base64(payload)},
                                  {"failures", std::move(failures)}});
}

Destinations::Destinations(Wiring wiring)
    : wiring_(std::move(wiring)),
      rules_(std::make_shared<const RuleSet>()),
      routes_(std::make_shared<const Routes>()),
      taken_(wiring_.shards.count(), 1),
      reports_(wiring_.shards.count()),
      retry_([](void* self) { static_cast<Destinations*>(self)->hand_out(); }, this),
      look_([](void* self) { static_cast<Destinations*>(self)->look(); }, this) {
  for (std::size_t i = 0; i < wiring_.shards.count(); ++i) {
    shards_.push_back(std::make_unique<ShardPart>());
    shards_.back()->outlet =
        std::make_unique<RuleOutlet>(wiring_.shards.loop(i), static_cast<std::uint16_t>(i), wiring_.outlets,
                                     [this, i](std::uint64_t destination) { wake(i, destination); });
  }
  look_.set(wiring_.management, wiring_.management.now() + kLookEvery);
}

Destinations::~Destinations() = default;

Result<void> Destinations::load(const std::function<bool(std::size_t, std::uint64_t)>& is_here) {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (const auto loaded =
            shards_[i]->outlet->load(wiring_.store, [&](std::uint64_t device) { return is_here(i, device); });
        !loaded)
      return loaded;
  return {};
}

// --- what runs ---

void Destinations::run(Running running) {
  if (is_stopping_) return;
  running_ = std::move(running);
  rules_ = std::make_shared<const RuleSet>(version_ + 1, running_.rules, running_.subscriptions);
  sweep_due_ = true;
  reconcile();
  hand_out();
}

std::uint64_t Destinations::error_action_of(std::uint64_t rule) const {
  for (const ActionRecord& action : running_.actions)
    if (action.rule == rule && action.is_error) return action.queue != 0 ? action.queue : action.id;
  return 0;
}

/// Workers for the actions that run, and none for others. One whose configuration has changed begins anew when its
/// predecessor has ended: two pumps on one queue would send everything twice.
void Destinations::reconcile() {
  const auto is_wanted = [this](const Worker& worker) {
    if (is_stopping_) return false;
    for (const ActionRecord& action : running_.actions)
      if (action.id == worker.action.id)
        return action.queue == 0 && action.type == worker.action.type &&
               action.configuration == worker.action.configuration && action.rule_name == worker.action.rule_name &&
               error_action_of(action.rule) == worker.error_action;
    return false;
  };
  for (auto at = workers_.begin(); at != workers_.end();) {
    if (is_wanted(*at->second)) {
      ++at;
      continue;
    }
    at->second->gone_with = version_ + 1;
    leaving_.push_back(std::move(at->second));
    at = workers_.erase(at);
  }
  problems_.clear();
  if (is_stopping_) return;
  for (const ActionRecord& action : running_.actions) {
    const bool is_leaving = std::any_of(leaving_.begin(), leaving_.end(),
                                        [&](const auto& worker) { return worker->action.id == action.id; });
    if (!is_leaving && action.queue == 0 && !workers_.contains(action.id)) begin(action);
  }
}

void Destinations::begin(const ActionRecord& action) {
  std::string problem;
  Target target = wiring_.target(action, problem);
  if (!target.sink) {
    problems_[action.id] = problem;
    return;
  }
  auto worker = std::make_unique<Worker>();
  if (!idle_.empty()) {
    worker->thread = std::move(idle_.back());
    idle_.pop_back();
  } else {
    worker->thread = wiring_.thread("rule-" + std::to_string(action.id));
  }
  if (!worker->thread) {
    problems_[action.id] = "no thread or file descriptor is left for it: raise `ulimit -n`";
    return;
  }
  worker->action = action;
  worker->serial = ++serials_;
  worker->sink = target.sink.get();
  worker->error_action = action.is_error ? 0 : error_action_of(action.rule);
  Worker* const one = worker.get();
  auto made = std::make_shared<Target>(std::move(target));
  const bool is_posted = worker->thread->loop().post([this, one, made] {
    runtime::Loop& loop = one->thread->loop();
    one->pump = std::make_unique<Pump>(
        loop, wiring_.store, one->action.id, static_cast<std::uint16_t>(shards_.size()), std::move(made->sink),
        made->settings, [this, id = one->action.id](std::uint16_t shard, std::uint64_t records, std::uint64_t bytes) {
          drained(id, shard, records, bytes);
        });
    if (one->error_action != 0)
      one->pump->on_buried(
          [one, next = std::uint64_t{0}](const Queued& record, std::string_view cause,
                                         store::Mutations& mutations) mutable {
            // A lane of this action's own in the queue of the action for failures, behind the shards'.
            const auto lane = static_cast<std::uint16_t>(0x8000 + one->action.id % 0x7000);
            const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(one->thread->loop().wall().ms, 0));
            next = std::max(next + 1, now << 12);
            Queued letter = record;
            const std::string text = error_message(one->action, record, cause);
            letter.result = text;
            letter.payload = {};
            letter.is_binary = false;
            std::string bytes;
            append_queued(bytes, letter);
            mutations.put(store::Family::forward, queue_key(ForwardKind::queue, {one->error_action, lane, next}),
                          bytes);
          },
          [this, one] {
            wiring_.management.post([this, alive = std::weak_ptr(alive_), id = one->error_action] {
              if (!alive.expired()) wake_worker(id);
            });
          });
    one->pump->wake();
  });
  if (!is_posted) {
    idle_.push_back(std::move(worker->thread));
    problems_[action.id] = "its thread takes no work";
    return;
  }
  workers_[action.id] = std::move(worker);
}

void Destinations::wake_worker(std::uint64_t destination) {
  if (destination >= kFirstGroup && group_woken_) return group_woken_(destination);
  const auto found = workers_.find(destination);
  if (found == workers_.end()) return;
  found->second->thread->loop().post([worker = found->second.get()] {
    if (worker->pump) worker->pump->wake_all();
  });
}

void Destinations::hand_out() {
  retry_.cancel();
  ++version_;
  Routes routes;
  for (const auto& [id, worker] : workers_) routes[id] = worker.get();
  routes_ = std::make_shared<const Routes>(std::move(routes));
  bool is_busy = false;
  for (std::size_t i = 0; i < shards_.size(); ++i)
    is_busy |= !wiring_.shards.loop(i).post([this, part = shards_[i].get(), i, rules = rules_, routes = routes_,
                                             version = version_, alive = std::weak_ptr(alive_)] {
      if (part->outlet->in_use() != rules) part->outlet->use(rules);
      part->routes = routes;
      // The queue of the management thread may be full; the next change, or look(), tells it again.
      wiring_.management.post([this, i, version, alive] {
        if (alive.expired()) return;
        taken_[i] = std::max(taken_[i], version);
        on_handed_out(*std::min_element(taken_.begin(), taken_.end()));
      });
    });
  if (is_busy) retry_.set(wiring_.management, wiring_.management.now() + kRetry);
}

/// Every shard has at least this version: what it does not name is not woken any more and may go.
void Destinations::on_handed_out(std::uint64_t version) {
  for (const auto& worker : leaving_)
    if (!worker->is_ending && worker->gone_with <= version) retire(*worker);
  if (leaving_.empty() && version == version_ && sweep_due_ && !is_stopping_) sweep();
  if (is_stopping_ && leaving_.empty() && workers_.empty() && stopped_) std::exchange(stopped_, nullptr)();
}

void Destinations::retire(Worker& worker) {
  if (worker.sink != nullptr) worker.sink->interrupt();
  worker.sink = nullptr;
  Worker* const one = &worker;
  worker.is_ending = worker.thread->loop().post([this, one] {
    one->pump.reset();
    // Kept trying by look() if the management thread has no room now.
    wiring_.management.post([this, serial = one->serial, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) on_ended(serial);
    });
  });
}

void Destinations::on_ended(std::uint64_t serial) {
  const auto found =
      std::find_if(leaving_.begin(), leaving_.end(), [&](const auto& one) { return one->serial == serial; });
  if (found == leaving_.end()) return;
  idle_.push_back(std::move((*found)->thread));
  leaving_.erase(found);
  if (is_stopping_) return on_handed_out(version_);
  reconcile();
  hand_out();
}

/// Takes away what is kept for rules and actions that are no more. Reads one key of each queue, not what is in them.
void Destinations::sweep() {
  sweep_due_ = false;
  store::Mutations gone;
  for (const ForwardKind kind : {ForwardKind::queue, ForwardKind::dead}) {
    std::string from(1, static_cast<char>(kind));
    const std::string end(1, static_cast<char>(static_cast<char>(kind) + 1));
    while (true) {
      std::optional<QueueKey> first;
      static_cast<void>(wiring_.store.scan(store::Family::forward, from, end, Order::ascending,
                                           [&](std::string_view key, std::string_view) {
                                             first = read_queue_key(key);
                                             return false;
                                           }));
      if (!first) break;
      const KeyRange range = queue_range(kind, first->destination);
      if (!running_.destinations.contains(first->destination))
        gone.erase_range(store::Family::forward, range.from, range.to);
      from = range.to;
    }
  }
  std::string from(1, static_cast<char>(ForwardKind::memory));
  const std::string end(1, static_cast<char>(static_cast<char>(ForwardKind::memory) + 1));
  while (true) {
    std::optional<MemoryKey> first;
    static_cast<void>(wiring_.store.scan(store::Family::forward, from, end, Order::ascending,
                                         [&](std::string_view key, std::string_view) {
                                           first = read_memory_key(key);
                                           return false;
                                         }));
    if (!first) break;
    const auto known = running_.revisions.find(first->rule);
    const std::uint32_t revision = known == running_.revisions.end() ? 0 : known->second;
    const std::string of_this = memory_key(first->rule, first->revision, 0);
    const std::string next = memory_key(first->rule, first->revision + 1, 0);
    if (first->revision != revision) gone.erase_range(store::Family::forward, of_this, next);
    from = next;
  }
  if (!gone.empty() && !wiring_.store.submit(wiring_.management, std::move(gone), [] {})) sweep_due_ = true;
}

// --- messages about records ---

void Destinations::wake(std::size_t shard, std::uint64_t destination) {
  if (destination >= kFirstGroup) {
    if (group_woken_) group_woken_(destination);
    return;
  }
  const Routes& routes = *shards_[shard]->routes;
  const auto found = routes.find(destination);
  if (found == routes.end()) return;
  Worker* const worker = found->second;
  if (worker->is_woken.exchange(true)) return;
  const bool is_posted = worker->thread->loop().post([worker] {
    worker->is_woken.store(false);
    if (worker->pump) worker->pump->wake();
  });
  if (!is_posted) worker->is_woken.store(false);
}

void Destinations::drained(std::uint64_t destination, std::uint16_t shard, std::uint64_t records, std::uint64_t bytes) {
  if (shard >= shards_.size()) return;
  wiring_.shards.loop(shard).post([part = shards_[shard].get(), destination, records, bytes] {
    part->outlet->on_drained(destination, records, bytes);
  });
}

/// Once a second: asks shards and threads how it goes.
void Destinations::look() {
  look_.set(wiring_.management, wiring_.management.now() + kLookEvery);
  if (*std::min_element(taken_.begin(), taken_.end()) < version_ && !retry_.is_set()) hand_out();
  for (const auto& worker : leaving_)
    if (worker->is_ending) {
      // Told again, in case the first time there was no room.
      static_cast<void>(worker->thread->loop().post([this, one = worker.get(), alive = std::weak_ptr(alive_)] {
        if (!one->pump)
          wiring_.management.post([this, serial = one->serial, alive] {
            if (!alive.expired()) on_ended(serial);
          });
      }));
    }
  std::vector<std::uint64_t> destinations;
  for (const auto& [id, worker] : workers_) destinations.push_back(id);
  for (const std::uint64_t one : running_.destinations)
    if (one >= kFirstGroup) destinations.push_back(one);
  std::vector<std::uint64_t> rules;
  for (const RunningRule& rule : running_.rules) rules.push_back(rule.id);
  for (std::size_t i = 0; i < shards_.size(); ++i)
    wiring_.shards.loop(i).post([this, i, part = shards_[i].get(), destinations, rules, alive = std::weak_ptr(alive_)] {
      ShardReport report;
      report.all = part->outlet->counts();
      for (const std::uint64_t rule : rules) report.by_rule[rule] = part->outlet->counts_of(rule);
      for (const std::uint64_t one : destinations) report.waiting[one] = part->outlet->waiting(one);
      wiring_.management.post([this, i, alive, report = std::move(report)]() mutable {
        if (!alive.expired()) reports_[i] = std::move(report);
      });
    });
  for (const auto& [id, worker] : workers_)
    worker->thread->loop().post([this, id = id, one = worker.get(), alive = std::weak_ptr(alive_)] {
      if (!one->pump) return;
      wiring_.management.post([this, id, state = one->pump->state(), alive]() mutable {
        if (alive.expired()) return;
        const auto found = workers_.find(id);
        if (found != workers_.end()) found->second->report.pump = std::move(state);
      });
    });
}

const Destinations::Report* Destinations::report(std::uint64_t destination) const {
  const auto found = workers_.find(destination);
  if (found == workers_.end()) return nullptr;
  found->second->report.waiting = waiting(destination);
  return &found->second->report;
}

std::uint64_t Destinations::waiting(std::uint64_t destination) const {
  std::uint64_t sum = 0;
  for (const ShardReport& shard : reports_)
    if (const auto at = shard.waiting.find(destination); at != shard.waiting.end()) sum += at->second;
  return sum;
}

std::map<std::uint64_t, Destinations::Report> Destinations::reports() const {
  std::map<std::uint64_t, Report> all;
  for (const auto& [id, worker] : workers_) all[id] = *report(id);
  for (const auto& [id, problem] : problems_) all[id].problem = problem;
  return all;
}

namespace {
void add(RuleCounts& sum, const RuleCounts& more) {
  sum.matched += more.matched, sum.met += more.met, sum.failed += more.failed;
  sum.not_json += more.not_json, sum.queued += more.queued, sum.overflowed += more.overflowed;
}
}  // namespace

RuleCounts Destinations::counts() const {
  RuleCounts sum;
  for (const ShardReport& shard : reports_) add(sum, shard.all);
  return sum;
}

RuleCounts Destinations::counts_of(std::uint64_t rule) const {
  RuleCounts sum;
  for (const ShardReport& shard : reports_)
    if (const auto at = shard.by_rule.find(rule); at != shard.by_rule.end()) add(sum, at->second);
  return sum;
}

bool Destinations::replay(std::uint64_t destination, std::uint64_t most, std::function<void(std::uint64_t)> then) {
  const auto found = workers_.find(destination);
  if (found == workers_.end()) return false;
  return found->second->thread->loop().post([this, one = found->second.get(), most, then = std::move(then)] {
    const std::uint64_t count = one->pump ? one->pump->replay(most) : 0;
    wiring_.management.post([then, count] { then(count); });
  });
}

bool Destinations::discard_dead(std::uint64_t destination, std::function<void()> then) {
  const auto found = workers_.find(destination);
  if (found == workers_.end()) return false;
  return found->second->thread->loop().post([this, one = found->second.get(), then = std::move(then)] {
    if (one->pump) one->pump->discard_dead();
    wiring_.management.post([then] { then(); });
  });
}

void Destinations::stop(std::function<void()> then) {
  is_stopping_ = true;
  stopped_ = std::move(then);
  for (const auto& [id, worker] : workers_)
    if (worker->sink != nullptr) worker->sink->interrupt();
  reconcile();
  hand_out();
  on_handed_out(*std::min_element(taken_.begin(), taken_.end()));
}

}  // namespace tercet::rule
