// SUBSCRIBE and UNSUBSCRIBE, and what a session has subscribed to.
#include <algorithm>

#include "platform/broker/permission.h"
#include "platform/broker/shard.h"
#include "tercet/alink/topic.h"
#include "tercet/mqtt/reason.h"
#include "tercet/mqtt/topic.h"

namespace tercet::broker {
namespace {

using auth::Cause;
using mqtt::ReasonCode;

struct SplitFilter {
  std::string_view group;  ///< "" for an ordinary one
  std::string_view filter;
};

SplitFilter split(std::string_view filter) {
  if (!mqtt::is_shared(filter)) return {{}, filter};
  const auto shared = mqtt::parse_shared(filter);
  return shared ? SplitFilter{shared->group, shared->filter} : SplitFilter{{}, filter};
}

ReasonCode reason_of(Cause cause) {
  switch (cause) {
    case Cause::filter_malformed:
      return ReasonCode::topic_filter_invalid;
    case Cause::too_many_subscriptions:
    case Cause::too_many_filters:
      return ReasonCode::quota_exceeded;
    default:
      return ReasonCode::not_authorized;
  }
}

}  // namespace

void Shard::subscribe(Connection& connection, const mqtt::Subscribe& packet) {
  Session& session = *connection.session();
  const Limits& limits = connection.limits();
  const std::uint32_t identifier = packet.properties.subscription_identifier().value_or(0);
  std::string codes;
  std::vector<std::pair<std::string, Subscriber>> retained_for;
  std::uint64_t barrier = 0;
  auto wishes = packet.subscriptions;
  const bool too_many = wishes.count() > limits.max_filters;
  if (too_many)
    connection.journal(Refusal::Stage::subscribe, Cause::too_many_filters, 0x80,
                       std::to_string(wishes.count()) + " filters in one SUBSCRIBE");
  while (const auto wish = wishes.next()) {
    Granted granted{.reason = ReasonCode::quota_exceeded};
    if (!too_many) granted = subscribe_one(session, connection, *wish, identifier);
    codes.push_back(static_cast<char>(mqtt::suback_code(connection.version(), granted.reason)));
    if (granted.node == nullptr) continue;
    if (!session.is_device()) barrier = std::max(barrier, granted.node->told);
    const bool send = wish->retain_handling == mqtt::RetainHandling::send ||
                      (wish->retain_handling == mqtt::RetainHandling::send_if_new && granted.is_new);
    if (send && !mqtt::is_shared(wish->filter)) retained_for.emplace_back(wish->filter, granted.subscriber);
  }
  if (session.outlives_connection()) save(session);
  HeldSuback answer{barrier,          session.ref(),    session.connection_generation,
                    packet.packet_id, std::move(codes), std::move(retained_for)};
  if (has_links() && barrier > reached_by_all())
    held_subacks_.push_back(std::move(answer));
  else
    answer_subscribe(session, answer);
}

void Shard::answer_subscribe(Session& session, const HeldSuback& answer) {
  session.connection->write_suback(answer.packet_id, answer.codes);
  if (session.is_device()) ingress().on_subscribed(session.tag);
  for (const auto& [filter, subscriber] : answer.retained_for) start_retained(session, filter, subscriber);
  if (!session.retained_for) return;
  pump(session);
  if (session.retained_for && session.outlives_connection()) save(session);  // the rest is due after a restart too
}

/// Grants or refuses one filter. A refusal goes to the journal and never closes the connection.
Shard::Granted Shard::subscribe_one(Session& session, Connection& connection, const mqtt::Subscription& wish,
                                    std::uint32_t identifier) {
  const Limits& limits = connection.limits();
  const TopicLimits topics{limits.max_topic_bytes, limits.max_custom_slashes};
  const bool is_cloud = connection.is_cloud();
  const auto refuse = [&connection, &wish](Cause cause, ReasonCode reason) {
    connection.journal(Refusal::Stage::subscribe, cause, 0x80, wish.filter);
    return Granted{.reason = reason};
  };
  auto cause = is_cloud ? subscribe_refusal({session.identity.product(), session.identity.device()}, wish.filter,
                                            connection.is_v5(), topics)
                        : standard_subscribe_refusal(wish.filter, topics);
  if (cause == Cause::topic_of_another_device && session.sub_devices)
    if (const auto names = names_in_filter(wish.filter); names && session.rider(name_of(*names)) != nullptr)
      cause = subscribe_refusal(*names, wish.filter, false, topics);
  if (!cause && SubscriptionTree::is_too_deep(wish.filter)) cause = Cause::topic_too_deep;
  if (cause) return refuse(*cause, reason_of(*cause));
  const std::string_view custom = is_cloud ? split(wish.filter).filter : std::string_view{};
  if (is_custom_topic(custom))
    if (const auto refusal = authenticator_.custom_topic_refusal(session.identity, custom, false)) {
      connection.journal(Refusal::Stage::subscribe, refusal->cause, 0x80, refusal->evidence);
      return Granted{.reason = ReasonCode::not_authorized};
    }
  if (is_cloud && identifier != 0)
    return refuse(Cause::filter_forbidden, ReasonCode::subscription_identifiers_not_supported);
  const SplitFilter split_filter = split(wish.filter);
  if (!split_filter.group.empty() && wish.no_local) return refuse(Cause::filter_malformed, ReasonCode::protocol_error);

  Subscriber subscriber;
  subscriber.session = &session;
  subscriber.identifier = identifier;
  subscriber.qos = std::min<std::uint8_t>(static_cast<std::uint8_t>(wish.qos), is_cloud ? 1 : 2);
  const auto granted = static_cast<ReasonCode>(subscriber.qos);
  if (is_cloud) subscriber.qos = 1;  // the cloud delivers with the publisher's QoS whatever was asked for
  subscriber.no_local = wish.no_local;
  subscriber.retain_as_published = wish.retain_as_published;
  subscriber.durable = store_ != nullptr && session.outlives_connection();
  const auto added = add_subscription(session, split_filter.filter, split_filter.group, subscriber, limits);
  if (added.node == nullptr) return refuse(Cause::too_many_subscriptions, ReasonCode::quota_exceeded);
  if (session.unwanted) std::erase(*session.unwanted, wish.filter);
  return {.reason = granted, .node = added.node, .is_new = added.is_new, .subscriber = subscriber};
}

void Shard::unsubscribe(Connection& connection, const mqtt::Unsubscribe& packet) {
  Session& session = *connection.session();
  std::string codes;
  auto filters = packet.filters;
  while (const auto filter = filters.next()) {
    const SplitFilter split_filter = split(*filter);
    Node* node = tree_.find(split_filter.filter);
    Group* group = node != nullptr && !split_filter.group.empty()
                       ? SubscriptionTree::find_group(*node, split_filter.group)
                       : nullptr;
    std::optional<std::size_t> place;
    if (node != nullptr && (group != nullptr || split_filter.group.empty()))
      place = find_subscription(session, *node, group);
    if (place) remove_subscription(session, *place);
    forget_retained(session, *filter);
    const bool implied = !place && give_up_implied(session, *filter);
    codes.push_back(static_cast<char>(place || implied ? ReasonCode::success : ReasonCode::no_subscription_existed));
  }
  if (session.outlives_connection()) save(session);
  connection.write_unsuback(packet.packet_id, codes);
}

/// An UNSUBSCRIBE takes back what `_ss=1` had implied, until the next login (device-protocol 4.5).
bool Shard::give_up_implied(Session& session, std::string_view filter) {
  if (!session.auto_subscribe) return false;
  if (!session.unwanted) session.unwanted = std::make_unique<std::vector<std::string>>();
  auto& unwanted = *session.unwanted;
  if (unwanted.size() >= config().cloud.max_subscriptions) return false;
  if (std::find(unwanted.begin(), unwanted.end(), filter) == unwanted.end()) unwanted.emplace_back(filter);
  return true;
}

bool Shard::is_wanted(const Session& session, std::string_view topic) {
  if (session.is_device()) {
    const auto given_up = [&session, topic] {
      return session.unwanted && std::any_of(session.unwanted->begin(), session.unwanted->end(),
                                             [topic](const auto& filter) { return mqtt::matches(filter, topic); });
    };
    // The usual case without taking the topic apart; with `_ss=1` every system topic is delivered.
    if (session.auto_subscribe && topic.starts_with("/sys/")) {
      if (!given_up()) return true;
    } else if (topic.starts_with('/')) {
      const auto parsed = alink::parse_topic(topic);
      if (parsed && alink::is_delivered_unasked(*parsed, session.auto_subscribe, session.ext) && !given_up())
        return true;
    }
  }
  bool found = false;
  if (!session.subscriptions.empty())
    tree_.match(topic, [&found, &session](const Node& node) {
      for (const Subscriber& each : node.subscribers) found = found || each.session == &session;
    });
  return found;
}

// --- what a session has subscribed to ---

std::optional<std::size_t> Shard::find_subscription(const Session& session, const Node& node,
                                                    const Group* group) const {
  const auto& list = group != nullptr ? group->members : node.subscribers;
  if (list.size() < session.subscriptions.size()) {
    for (const Subscriber& each : list)
      if (each.session == &session) return each.place;
    return std::nullopt;
  }
  for (std::size_t i = 0; i < session.subscriptions.size(); ++i)
    if (session.subscriptions[i].node == &node && session.subscriptions[i].group == group) return i;
  return std::nullopt;
}

/// Adds or replaces. No node when the session has as many as it may have.
Shard::Added Shard::add_subscription(Session& session, std::string_view filter, std::string_view group_name,
                                     Subscriber wish, const Limits& limits) {
  Node& node = tree_.node_of(filter);
  Group* group = group_name.empty() ? nullptr : &tree_.group_of(node, group_name);
  tree_.changed();
  if (const auto place = find_subscription(session, node, group)) {
    Subscriber& known = session.subscriptions[*place].subscriber();
    wish.place = known.place;
    wish.durable = known.durable;
    known = wish;
    return {.is_new = false, .node = &node};
  }
  if (session.subscriptions.size() >= most_subscriptions(session, limits)) {
    if (group != nullptr) SubscriptionTree::prune_group(node, *group);
    tree_.prune(node);
    return {};
  }
  auto& list = group != nullptr ? group->members : node.subscribers;
  wish.place = static_cast<std::uint32_t>(session.subscriptions.size());
  session.subscriptions.push_back({&node, group, static_cast<std::uint32_t>(list.size())});
  list.push_back(wish);
  ++counters_.subscriptions;
  if (has_links() && !session.is_device()) count_client(node, group, wish, 1);
  return {.is_new = true, .node = &node};
}

/// Both lists close the gap with their last entry, so both of those have to learn their new place.
void Shard::remove_subscription(Session& session, std::size_t place) {
  const Subscription gone = session.subscriptions[place];
  const Subscriber was = gone.subscriber();
  auto& list = gone.list();
  if (gone.index + 1 < list.size()) {
    list[gone.index] = list.back();
    list[gone.index].session->subscriptions[list[gone.index].place].index = gone.index;
  }
  list.pop_back();
  if (list.empty()) list.shrink_to_fit();
  auto& mine = session.subscriptions;
  if (place + 1 < mine.size()) {
    mine[place] = mine.back();
    mine[place].subscriber().place = static_cast<std::uint32_t>(place);
  }
  mine.pop_back();
  --counters_.subscriptions;
  if (has_links() && !session.is_device()) count_client(*gone.node, gone.group, was, -1);
  if (gone.group != nullptr) SubscriptionTree::prune_group(*gone.node, *gone.group);
  tree_.prune(*gone.node);
  tree_.changed();
}

/// Tells the other shards what they must know of this one's clients: that there are some, and in shared groups how
/// many.
void Shard::count_client(Node& node, const Group* group, const Subscriber& subscriber, int change) {
  const std::string filter = SubscriptionTree::filter_of(node);
  if (group != nullptr) {
    each_other(
        [&](Link& link) { link.batch.group(change > 0 ? LinkKind::join : LinkKind::leave, filter, group->name); });
    if (change > 0) node.told = next_barrier();
    return;
  }
  const bool was_durable = node.durable_clients > 0;
  node.clients += static_cast<std::uint32_t>(change);
  if (subscriber.durable) node.durable_clients += static_cast<std::uint32_t>(change);
  const bool is_durable = node.durable_clients > 0;
  if (node.clients == 0) {
    each_other([&](Link& link) { link.batch.filter(LinkKind::unwant, filter); });
  } else if ((change > 0 && node.clients == 1) || was_durable != is_durable) {
    each_other([&](Link& link) { link.batch.filter(LinkKind::want, filter, is_durable); });
    if (change > 0) node.told = next_barrier();
  }
}

}  // namespace tercet::broker
