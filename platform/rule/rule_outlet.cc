#include "platform/rule/rule_outlet.h"

#include <utility>

namespace tercet::rule {

RuleOutlet::RuleOutlet(runtime::Loop& loop, std::uint16_t shard, const Settings& settings,
                       std::function<void(std::uint64_t)> wake)
    : loop_(loop),
      shard_(shard),
      settings_(settings),
      wake_(std::move(wake)),
      evaluator_([&loop] { return loop.random().next(); }),
      attribute_(
          [this](std::string_view key) { return attributes_ ? attributes_(device_, key) : std::string_view{}; }) {}

Result<void> RuleOutlet::load(store::StreamStore& store, const std::function<bool(std::uint64_t)>& is_here) {
  bool is_damaged = false;
  const auto visit_memory = [&](std::string_view key, std::string_view value) {
    const auto at = read_memory_key(key);
    if (!at) return !(is_damaged = true);
    if (!is_here(at->device)) return true;
    Remembered& rule = memories_[at->rule];
    if (at->revision < rule.revision) return true;
    if (at->revision > rule.revision) rule.devices.clear();
    rule.revision = at->revision;
    is_damaged = !read_memory(value, rule.devices[at->device]);
    return !is_damaged;
  };
  const auto kind = [](ForwardKind one) { return std::string(1, static_cast<char>(one)); };
  using Order = store::StreamStore::Order;
  if (const auto read =
          store.scan(store::Family::forward, kind(ForwardKind::memory),
                     std::string(1, static_cast<char>(ForwardKind::memory) + 1), Order::ascending, visit_memory);
      !read)
    return fail(read.error());
  if (is_damaged) return fail(Error::malformed);
  // Queues are looked at from one destination to the next: each is emptied from its front, so first and last tell its
  // length.
  std::string from = kind(ForwardKind::queue);
  const std::string end(1, static_cast<char>(ForwardKind::queue) + 1);
  while (true) {
    std::optional<QueueKey> first;
    const auto read =
        store.scan(store::Family::forward, from, end, Order::ascending, [&](std::string_view key, std::string_view) {
          first = read_queue_key(key);
          is_damaged = !first;
          return false;
        });
    if (!read) return fail(read.error());
    if (is_damaged) return fail(Error::malformed);
    if (!first) return {};
    const KeyRange range = queue_range(ForwardKind::queue, first->destination, shard_);
    std::uint64_t least = 0, most = 0, size = 0;
    const auto look = [&](Order order, std::uint64_t& sequence) {
      return store.scan(store::Family::forward, range.from, range.to, order,
                        [&](std::string_view key, std::string_view value) {
                          const auto at = read_queue_key(key);
                          sequence = at ? at->sequence : 0;
                          size = value.size();
                          return false;
                        });
    };
    if (const auto one = look(Order::ascending, least); !one) return fail(one.error());
    if (const auto other = look(Order::descending, most); !other) return fail(other.error());
    Queue& queue = queues_[first->destination];
    queue.next = most + 1;
    queue.records = most == 0 ? 0 : most - least + 1;
    queue.bytes = queue.records * size;
    from = queue_range(ForwardKind::queue, first->destination).to;
  }
}

void RuleOutlet::use(std::shared_ptr<const RuleSet> rules) {
  rules_ = std::move(rules);
  for (auto at = memories_.begin(); at != memories_.end();) {
    bool is_kept = false;
    for (const RunningRule& rule : rules_->rules())
      is_kept |= rule.id == at->first && rule.revision == at->second.revision;
    at = is_kept ? std::next(at) : memories_.erase(at);
  }
}

void RuleOutlet::look_up_attributes(std::function<std::string_view(std::uint64_t, std::string_view)> look_up) {
  attributes_ = std::move(look_up);
}

void RuleOutlet::on_drained(std::uint64_t destination, std::uint64_t records, std::uint64_t bytes) {
  const auto found = queues_.find(destination);
  if (found == queues_.end()) return;
  Queue& queue = found->second;
  queue.records -= std::min(queue.records, records);
  queue.bytes -= std::min(queue.bytes, bytes);
  if (queue.records == 0) queue.bytes = 0;
}

std::uint64_t RuleOutlet::waiting(std::uint64_t destination) const {
  const auto found = queues_.find(destination);
  return found == queues_.end() ? 0 : found->second.records;
}

RuleCounts RuleOutlet::counts_of(std::uint64_t rule) const {
  const auto found = by_rule_.find(rule);
  return found == by_rule_.end() ? RuleCounts{} : found->second;
}

/// Unique over shards and restarts, and in order on one shard: milliseconds, shard, count.
std::string RuleOutlet::next_message_id() {
  const std::int64_t now = std::max(loop_.wall().ms, id_time_);
  if (now != id_time_) id_count_ = 0;
  id_time_ = now;
  if (++id_count_ >= 1U << 15) ++id_time_, id_count_ = 0;
  const auto id =
      static_cast<std::uint64_t>(id_time_) << 21 | static_cast<std::uint64_t>(shard_ & 63U) << 15 | id_count_;
  return std::to_string(id);
}

void RuleOutlet::take(const thing::Outgoing& message, store::Mutations& mutations) {
  const std::uint32_t source = bit(message.source);
  device_ = message.device;
  message_id_.clear();
  is_parsed_ = false;
  Message seen;
  seen.topic = message.topic;
  seen.product = message.product;
  seen.device_name = message.device_name;
  seen.payload = message.payload;
  seen.time = message.time;
  seen.attribute = &attribute_;
  rules_->each_rule(message.product, source, [&](const RunningRule& rule) {
    if (rule.query->is_about(message.topic)) hold(rule, message, seen, mutations);
  });
  rules_->each_subscription(message.product, source, [&](const Subscription& one) {
    if (message_id_.empty()) message_id_ = next_message_id();
    Queued record;
    record.time = message.time;
    record.message_id = message_id_;
    record.topic = message.topic;
    record.product = message.product;
    record.device_name = message.device_name;
    record.qos = message.qos;
    record.is_binary = message.source == thing::Source::custom;
    record.result = message.payload;
    put(one.destination, record, mutations);
  });
}

void RuleOutlet::hold(const RunningRule& rule, const thing::Outgoing& message, Message& seen,
                      store::Mutations& mutations) {
  RuleCounts& counts = by_rule_[rule.id];
  ++counts.matched, ++counts_.matched;
  if (!is_parsed_) {
    is_parsed_ = true;
    // What the platform has made itself is known to be well formed.
    const bool is_ours = message.source != thing::Source::custom;
    const auto parsed =
        is_ours ? json::Value::trusted(message.payload) : json::parse(message.payload).value_or(json::Value{});
    is_json_ = is_ours || parsed.is(json::Type::object) || parsed.is(json::Type::array);
    root_ = parsed;
  }
  if (!rule.is_binary && !is_json_) {
    ++counts.not_json, ++counts_.not_json;
    return;
  }
  seen.root = rule.is_binary ? nullptr : &root_;
  if (message_id_.empty()) message_id_ = next_message_id();
  seen.id = message_id_;
  DeviceMemory* const memory = rule.query->memories() != 0 || rule.alarm ? memory_of(rule, message.device) : nullptr;
  bool has_changed = false;
  const Verdict verdict = evaluator_.decide(*rule.query, seen, memory, &has_changed);
  if (verdict == Verdict::failed) ++counts.failed, ++counts_.failed;
  AlarmState alarm = AlarmState::none;
  if (rule.alarm && memory != nullptr) {
    bool alarm_changed = false;
    const Before before{rule.id,           message.device,  memory->is_raised,
                        memory->raised_at, memory->told_at, memory->changed_at};
    alarm = advance_alarm(*rule.alarm, verdict, message.time, *memory, alarm_changed);
    if (alarm_changed) gathering_.before.push_back(before);
    has_changed |= alarm_changed;
  }
  const bool is_due = rule.alarm ? alarm != AlarmState::none : verdict == Verdict::met;
  bool is_selected = false;
  if (is_due) {
    is_selected = evaluator_.select(*rule.query, seen, memory, result_);
    if (!is_selected) ++counts.failed, ++counts_.failed;
  }
  // Windows of SELECT change with each message that is selected.
  has_changed |= is_selected && rule.query->memories() != 0;
  if (has_changed && memory != nullptr) {
    record_.clear();
    append_memory(record_, *memory);
    mutations.put(store::Family::forward, memory_key(rule.id, rule.revision, message.device), record_);
  }
  if (!is_selected) return;
  ++counts.met, ++counts_.met;
  Queued record;
  record.rule = rule.id;
  record.time = message.time;
  record.message_id = message_id_;
  record.topic = message.topic;
  record.product = message.product;
  record.device_name = message.device_name;
  record.qos = message.qos;
  record.is_binary = rule.is_binary && rule.query->selects_all();
  record.alarm = alarm;
  record.result = result_;
  if (rule.keeps_payload) record.payload = message.payload;
  for (const std::uint64_t destination : rule.destinations) put(destination, record, mutations);
}

DeviceMemory* RuleOutlet::memory_of(const RunningRule& rule, std::uint64_t device) {
  Remembered& remembered = memories_[rule.id];
  if (remembered.revision != rule.revision) {
    remembered.devices.clear();
    remembered.revision = rule.revision;
  }
  if (!remembered.devices.contains(device) && remembered.devices.size() >= settings_.max_memories) return nullptr;
  DeviceMemory& memory = remembered.devices[device];
  if (memory.memories.size() != rule.query->memories()) memory.memories.assign(rule.query->memories(), {});
  return &memory;
}

void RuleOutlet::put(std::uint64_t destination, const Queued& record, store::Mutations& mutations) {
  Queue& queue = queues_[destination];
  record_.clear();
  append_queued(record_, record);
  if (queue.records >= settings_.max_queued || queue.bytes + record_.size() > settings_.max_queued_bytes) {
    ++counts_.overflowed;
    if (record.rule != 0) ++by_rule_[record.rule].overflowed;
    return;
  }
  mutations.put(store::Family::forward, queue_key(ForwardKind::queue, {destination, shard_, queue.next++}), record_);
  ++queue.records;
  queue.bytes += record_.size();
  ++counts_.queued;
  if (record.rule != 0) ++by_rule_[record.rule].queued;
  for (Put& put : gathering_.puts) {
    if (put.destination != destination) continue;
    ++put.records;
    put.bytes += record_.size();
    return;
  }
  gathering_.puts.push_back({destination, 1, record_.size()});
}

void RuleOutlet::on_submitted() { submitted_.push_back(std::exchange(gathering_, {})); }

void RuleOutlet::on_durable() {
  const Group group = std::move(submitted_.front());
  submitted_.pop_front();
  for (const Put& put : group.puts) wake_(put.destination);
}

/// The numbers that were given out stay unused; an alarm is as it was, so that the message tells it when it comes
/// again.
void RuleOutlet::on_undone() {
  const Group group = std::move(submitted_.back());
  submitted_.pop_back();
  for (const Put& put : group.puts) on_drained(put.destination, put.records, put.bytes);
  for (auto at = group.before.rbegin(); at != group.before.rend(); ++at) {
    const auto rule = memories_.find(at->rule);
    if (rule == memories_.end()) continue;
    const auto device = rule->second.devices.find(at->device);
    if (device == rule->second.devices.end()) continue;
    DeviceMemory& memory = device->second;
    memory.is_raised = at->is_raised;
    memory.raised_at = at->raised_at, memory.told_at = at->told_at, memory.changed_at = at->changed_at;
  }
}

}  // namespace tercet::rule
