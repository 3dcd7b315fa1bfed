#include "platform/subscription/amqp_server.h"

#include <algorithm>
#include <utility>

#include "tercet/json/reader.h"

namespace tercet::subscription {
namespace {

using auth::Cause;
constexpr std::int64_t kMinute = 60'000, kFresh = 10'000;
constexpr int kAtOnce = 1'000;  // of one group, then the others have their turn

}  // namespace

void PerMinute::add(std::int64_t now_ms) {
  const std::int64_t minute = now_ms / kMinute;
  if (minute != minute_) {
    previous_ = minute == minute_ + 1 ? current_ : 0;
    current_ = 0;
    minute_ = minute;
  }
  ++current_;
}

std::uint64_t PerMinute::of(std::int64_t now_ms) const {
  const std::int64_t minute = now_ms / kMinute;
  if (minute > minute_ + 1) return 0;
  const auto left = static_cast<std::uint64_t>(kMinute - now_ms % kMinute);
  if (minute == minute_ + 1) return current_ * left / static_cast<std::uint64_t>(kMinute);
  return current_ + previous_ * left / static_cast<std::uint64_t>(kMinute);
}

AmqpServer::AmqpServer(Wiring wiring) : wiring_(std::move(wiring)) {
  wiring_.loop.each_pass([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) flush();
  });
}

AmqpServer::~AmqpServer() = default;

void AmqpServer::accept(std::unique_ptr<runtime::Stream> stream) {
  if (is_down_ || consumers_.size() >= wiring_.most_connections) return;  // closed with the stream
  ++counters_.accepted;
  auto consumer = std::make_unique<Consumer>();
  const std::uint64_t id = ++ids_;
  AmqpEvents& events = *this;
  consumer->connection = std::make_unique<AmqpConnection>(wiring_.loop, id, std::move(stream), events, wiring_.limits);
  consumers_[id] = std::move(consumer);
}

AmqpServer::GroupPart* AmqpServer::part(std::uint64_t destination) {
  const auto found = groups_.find(destination);
  return found == groups_.end() ? nullptr : found->second.get();
}

void AmqpServer::use(const std::vector<std::uint64_t>& destinations, std::vector<RuleTag> tags) {
  tags_ = std::move(tags);
  for (auto at = groups_.begin(); at != groups_.end();) {
    if (std::find(destinations.begin(), destinations.end(), at->first) != destinations.end()) {
      ++at;
      continue;
    }
    const std::vector<std::uint64_t> leaving = at->second->consumers;
    for (const std::uint64_t id : leaving)
      if (const auto found = consumers_.find(id); found != consumers_.end())
        found->second->connection->close("amqp:resource-deleted", "the consumer group was deleted");
    at = groups_.erase(at);
  }
  for (const std::uint64_t destination : destinations) {
    if (groups_.contains(destination)) continue;
    auto made = std::make_unique<GroupPart>();
    made->backlog = std::make_unique<Backlog>(
        wiring_.loop, wiring_.store, destination, wiring_.shards, wiring_.backlog,
        [this, destination](std::uint16_t shard, std::uint64_t records, std::uint64_t bytes) {
          wiring_.drained(destination, shard, records, bytes);
        },
        [this, destination] { pump_soon(destination); });
    groups_[destination] = std::move(made);
  }
}

// --- consumers ---

void AmqpServer::on_login(AmqpConnection& connection, std::string_view user_name, std::string_view password) {
  Consumer& consumer = *consumers_.at(connection.id());
  std::string problem;
  auto login = read_consumer_login(user_name, problem);
  if (!login) return decide(connection.id(), {0, {Cause::consumer_user_name, problem}});
  consumer.client_id = login->client_id;
  consumer.group = login->group;
  wiring_.authenticate(std::move(*login), std::string(password),
                       [this, id = connection.id(), alive = std::weak_ptr(alive_)](const Verdict& verdict) {
                         if (!alive.expired()) decide(id, verdict);
                       });
}

void AmqpServer::decide(std::uint64_t id, const Verdict& verdict) {
  const auto found = consumers_.find(id);
  if (found == consumers_.end()) return;  // it went meanwhile
  Consumer& consumer = *found->second;
  GroupPart* const group = part(verdict.destination);
  Refused refused = verdict.refused;
  bool is_in = verdict.destination != 0;
  const auto refuse = [&](Cause cause, std::string evidence) {
    refused = {cause, std::move(evidence)};
    is_in = false;
  };
  if (is_in && group == nullptr)
    refuse(Cause::consumer_group_unknown, "the consumer group is not there yet, or was deleted");
  if (is_in) {
    const std::int64_t minute = wiring_.loop.wall().ms / kMinute;
    if (std::exchange(group->connect_minute, minute) != minute) group->connects = 0;
    if (++group->connects > wiring_.connects_per_minute)
      refuse(Cause::consumer_connect_rate,
             "more than " + std::to_string(wiring_.connects_per_minute) +
                 " connections of the group within a minute: let clients wait longer before they connect again");
    else if (group->consumers.size() >= wiring_.consumers_of_group)
      refuse(Cause::consumer_group_full, "the group has " + std::to_string(wiring_.consumers_of_group) +
                                             " consumers, which is the most: close some, or use another group (9600)");
  }
  if (!is_in) {
    ++counters_.refused;
    consumer.is_refused = true;
    tell(consumer, refused);
    consumer.connection->turn_away(refused.evidence);
    return;
  }
  consumer.destination = verdict.destination;
  consumer.since = wiring_.loop.wall();
  group->consumers.push_back(id);
  consumer.connection->admit(consumer.client_id);
}

void AmqpServer::on_credit(AmqpConnection& connection) {
  const auto found = consumers_.find(connection.id());
  if (found != consumers_.end() && found->second->destination != 0) pump_soon(found->second->destination);
}

void AmqpServer::on_outcome(AmqpConnection& connection, std::uint64_t token, Outcome outcome) {
  const auto found = consumers_.find(connection.id());
  if (found == consumers_.end()) return;
  Consumer& consumer = *found->second;
  GroupPart* const group = part(consumer.destination);
  if (group == nullptr) return;
  if (outcome != Outcome::accepted) {
    group->backlog->give_back(token, outcome == Outcome::none);
    return;
  }
  const UnixMillis now = wiring_.loop.wall();
  ++counters_.delivered;
  group->last_accepted = now;
  const bool is_fresh = now.ms - group->backlog->accept(token) < kFresh;
  (is_fresh ? group->fresh : group->old).add(now.ms);
  (is_fresh ? consumer.fresh : consumer.old).add(now.ms);
}

void AmqpServer::on_refused(AmqpConnection& connection, Cause cause, std::string_view evidence) {
  const auto found = consumers_.find(connection.id());
  if (found == consumers_.end()) return;
  found->second->is_refused = true;
  tell(*found->second, {cause, std::string(evidence)});
}

void AmqpServer::tell(const Consumer& consumer, const Refused& why) const {
  if (wiring_.refused) wiring_.refused(consumer.connection->peer(), consumer.client_id, consumer.group, why);
}

void AmqpServer::on_gone(AmqpConnection& connection, std::string_view cause) {
  const auto found = consumers_.find(connection.id());
  if (found == consumers_.end()) return;
  Consumer& consumer = *found->second;
  if (GroupPart* const group = part(consumer.destination))
    std::erase(group->consumers, connection.id());
  else if (!consumer.is_refused && !is_down_ && !cause.empty())
    tell(consumer, {Cause::consumer_no_login, std::string(cause)});
  if (consumer.destination != 0) pump_soon(consumer.destination);
  graves_.push_back(std::move(found->second));  // it is on the call stack
  consumers_.erase(found);
}

// --- messages ---

void AmqpServer::wake(std::uint64_t destination) {
  GroupPart* const group = part(destination);
  if (group == nullptr) return;
  group->backlog->wake();
  if (!group->consumers.empty()) pump_soon(destination);
}

/// At the end of the pass, or of the next one.
void AmqpServer::pump_soon(std::uint64_t destination) {
  due_.insert(destination);
  if (is_flushing_) static_cast<void>(wiring_.loop.post([] {}));
}

void AmqpServer::mark(Consumer& consumer) {
  if (std::exchange(consumer.is_dirty, true)) return;
  dirty_.push_back(consumer.connection->id());
}

void AmqpServer::pump(std::uint64_t destination) {
  GroupPart* const group = part(destination);
  if (group == nullptr) return;
  Backlog::Taken taken;
  for (int count = 0; count < kAtOnce; ++count) {
    Consumer* to = nullptr;
    std::size_t turn = 0;
    for (std::size_t i = 0; i < group->consumers.size() && to == nullptr; ++i) {
      const std::size_t at = (group->turn + i) % group->consumers.size();
      Consumer& one = *consumers_.at(group->consumers[at]);
      if (!one.connection->has_room()) continue;
      to = &one;
      turn = at + 1;
    }
    if (to == nullptr || !group->backlog->next(taken)) return;
    group->turn = turn;  // not before: who has had nothing is still next
    const Bytes message = encoder_.encode(taken.record, tag_of(taken.record, destination), taken.tries);
    if (message.empty()) {
      group->backlog->give_back(taken.token, false);
      continue;
    }
    if (taken.tries != 0) ++counters_.redelivered;
    to->connection->send(taken.token, message);
    mark(*to);
  }
  pump_soon(destination);
}

void AmqpServer::flush() {
  is_flushing_ = true;
  for (const std::uint64_t destination : std::exchange(due_, {})) pump(destination);
  for (const std::uint64_t id : std::exchange(dirty_, {})) {
    const auto found = consumers_.find(id);
    if (found == consumers_.end()) continue;
    found->second->is_dirty = false;
    found->second->connection->flush();
  }
  graves_.clear();
  is_flushing_ = false;
}

/// `${member}` is taken from the result; a member that is not there makes no tag.
std::string AmqpServer::tag_of(const rule::Queued& record, std::uint64_t destination) const {
  if (record.rule == 0) return {};
  const auto found = std::find_if(tags_.begin(), tags_.end(), [&](const RuleTag& tag) {
    return tag.rule == record.rule && tag.destination == destination;
  });
  if (found == tags_.end()) return {};
  const std::string& text = found->text;
  if (!text.starts_with("${") || !text.ends_with("}")) return text;
  const auto root = json::parse(record.result);
  if (!root) return {};
  const auto member = root->find(std::string_view(text).substr(2, text.size() - 3));
  if (!member) return {};
  const auto word = member->text();
  if (!word) return member->is(json::Type::null) ? std::string{} : std::string(member->raw());
  std::string buffer(word->raw().size(), '\0');
  const auto plain = word->unescape({reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size()});
  return plain ? std::string(*plain) : std::string{};
}

GroupStatus AmqpServer::status(std::uint64_t destination) const {
  GroupStatus out;
  const auto found = groups_.find(destination);
  if (found == groups_.end()) return out;
  const GroupPart& group = *found->second;
  const std::int64_t now = wiring_.loop.wall().ms;
  out.fresh_per_minute = group.fresh.of(now);
  out.old_per_minute = group.old.of(now);
  out.last_accepted = group.last_accepted;
  out.counts = group.backlog->counts();
  out.in_flight = group.backlog->in_flight();
  for (const std::uint64_t id : group.consumers) {
    const Consumer& one = *consumers_.at(id);
    out.clients.push_back(
        {one.client_id, one.connection->peer().text(), one.since, one.fresh.of(now), one.old.of(now)});
  }
  return out;
}

void AmqpServer::clear(std::uint64_t destination, std::function<void(std::uint64_t)> then) {
  GroupPart* const group = part(destination);
  if (group == nullptr) return then(0);
  group->backlog->clear(std::move(then));
}

void AmqpServer::shut_down() {
  is_down_ = true;
  std::vector<std::uint64_t> ids;
  for (const auto& [id, consumer] : consumers_) ids.push_back(id);
  for (const std::uint64_t id : ids)
    if (const auto found = consumers_.find(id); found != consumers_.end())
      found->second->connection->close("amqp:connection:forced", "the platform is being stopped: connect again later");
  flush();
}

AmqpServer::Counters AmqpServer::counters() const {
  Counters out = counters_;
  for (const auto& [destination, group] : groups_) {
    out.consumers += group->consumers.size();
    out.expired += group->backlog->counts().expired;
  }
  return out;
}

}  // namespace tercet::subscription
