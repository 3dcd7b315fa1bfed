// From a publication to its receivers.
#include <algorithm>
#include <bit>

#include "platform/broker/hash.h"
#include "platform/broker/permission.h"
#include "platform/broker/shard.h"
#include "tercet/mqtt/topic.h"

namespace tercet::broker {
namespace {

constexpr std::size_t kMostCachedTargets = 4096;
constexpr std::size_t kMostOwnTargets = 64;  // routes with more are shared by their publishers

std::uint64_t bit(std::size_t shard) { return std::uint64_t{1} << shard; }

template <typename Each>
void each_bit(std::uint64_t bits, Each&& each) {
  for (; bits != 0; bits &= bits - 1) each(static_cast<std::size_t>(std::countr_zero(bits)));
}

}  // namespace

// --- finding ---

void Shard::add_target(Route& route, const Subscriber& subscriber, std::string_view addressee) {
  Session& session = *subscriber.session;
  // A gateway's subscription to a topic of its sub-device: that goes by the sub-device's home shard.
  if (session.is_device() && !addressee.empty() && session.identity.name != addressee) return;
  if (session.mark != search_) {
    session.mark = search_;
    session.marked = static_cast<std::uint32_t>(route.targets.size());
    route.targets.push_back({.session = &session,
                             .identifier = subscriber.identifier,
                             .qos = subscriber.qos,
                             .no_local = subscriber.no_local,
                             .retain_as_published = subscriber.retain_as_published,
                             .is_device = session.is_device()});
    return;
  }
  // Another of its filters matches too: one copy, with the best of both [MQTT-3.3.4-2, MQTT-3.3.4-3].
  Target& target = route.targets[session.marked];
  target.qos = std::max(target.qos, subscriber.qos);
  target.no_local = target.no_local && subscriber.no_local;
  target.retain_as_published = target.retain_as_published || subscriber.retain_as_published;
  if (subscriber.identifier == 0) return;
  if (target.identifier == 0) {
    target.identifier = subscriber.identifier;
  } else {
    target.has_more_identifiers = true;
    route.more_identifiers.emplace_back(session.marked, subscriber.identifier);
  }
}

const Route& Shard::find_current(Route& route) {
  Route* shared = crowded_.find(route.topic);
  if (route.version != Route::kShared && (shared == nullptr || shared->version != tree_.version())) {
    resolve(route);
    if (route.targets.size() <= kMostOwnTargets) return route;
  }
  if (shared == nullptr) shared = &crowded_.place(route.topic, tree_.version());
  if (shared->version != tree_.version()) resolve(*shared);
  if (shared->targets.size() <= kMostOwnTargets / 2) {  // not so many any more
    resolve(route);
    return route;
  }
  route.version = Route::kShared;
  route.targets = {};
  route.more_identifiers = {};
  return *shared;
}

void Shard::resolve(Route& route) {
  route.targets.clear();
  if (route.targets.capacity() > kMostCachedTargets) route.targets.shrink_to_fit();
  route.more_identifiers.clear();
  route.groups.clear();
  route.remote = route.remote_durable = 0;
  ++search_;
  ++counters_.routes_resolved;
  std::string to;
  if (route.topic.starts_with('/'))
    if (const auto addressee = addressee_of(route.topic))
      to.append(addressee->product).append("/").append(addressee->device);
  tree_.match(route.topic, [this, &route, &to](Node& node) {
    for (const Subscriber& each : node.subscribers) add_target(route, each, to);
    route.remote |= node.remote;
    route.remote_durable |= node.remote_durable;
    if (node.groups)
      for (const auto& group : *node.groups) route.groups.emplace_back(&node, group.get());
  });
  address(route);
  route.version = tree_.version();
}

/// Devices' filters stay on their home shards, so a message that may concern devices is sent there.
void Shard::address(Route& route) {
  route.device_shards = 0;
  route.device.clear();
  if (!route.topic.starts_with('/')) return;
  if (route.topic.starts_with("/broadcast/")) {
    for (std::size_t k = 0; k < links_.size(); ++k)
      if (k != index_) route.device_shards |= bit(k);
    return;
  }
  const auto addressee = addressee_of(route.topic);
  if (!addressee) return;
  std::string key = device_key(addressee->product, addressee->device);
  const std::size_t home = all_.home_of(key);
  if (addressee->is_system)
    route.device = std::move(key);
  else if (home != index_)
    route.device_shards = bit(home);
}

Route& Shard::cached_route(std::string_view topic) {
  Route& route = routes_[seeded_hash(topic, route_seed_) % routes_.size()];
  if (route.topic != topic) {
    route.topic.assign(topic);
    route.version = 0;
  }
  return route;
}

// --- sending ---

Shard::Published Shard::publish(Route& route, const Publication& publication) {
  expected_of_store_ = 0;
  const Route& now = current(route);
  deliver_local(now, publication, true, now.device.empty());  // that device gets it at the end, asked or not
  if (!now.groups.empty()) deliver_to_groups(now, publication);
  if (counters_.sub_devices > 0 && now.device.empty()) deliver_to_sub_device(publication);
  if ((now.remote | now.device_shards) != 0 || !now.device.empty()) forward(now, publication);
  if (publication.retain && may_retain(publication)) retain(publication);
  kept_copy_ = MessageRef{};
  return {std::exchange(waits_for_, PendingAcks::kNone), std::exchange(full_, Full::none)};
}

/// Every shard keeps a copy, so all must have room for it, and the store too.
bool Shard::may_retain(const Publication& publication) {
  if (store_ != nullptr && !may_store()) return false;
  for (std::size_t k = 0; k < links_.size(); ++k)
    if (k != index_ && !has_room(links_[k], publication.qos)) return false;
  return true;
}

void Shard::deliver_local(const Route& route, const Publication& publication, bool clients, bool devices) {
  for (std::size_t i = 0; i < route.targets.size(); ++i) {
    const Target& target = route.targets[i];
    if (target.is_device ? devices : clients) deliver(target, publication, route, i);
  }
}

/// The member of this shard whose turn it is: one who is online before one who is not. Only devices, or only clients.
const Subscriber* Shard::next_member(Group& group, bool devices) {
  const std::size_t here = group.members.size();
  const std::size_t turn = group.next++;
  const Subscriber* absent = nullptr;
  for (std::size_t i = 0; i < here; ++i) {
    const Subscriber& member = group.members[(turn + i) % here];
    if (member.session->is_device() != devices) continue;
    if (member.session->connection != nullptr) return &member;
    if (absent == nullptr) absent = &member;
  }
  return absent;
}

void Shard::deliver_to(const Subscriber& member, const Publication& publication) {
  const Target target{.session = member.session, .identifier = member.identifier, .qos = member.qos};
  deliver(target, publication, Route{}, 0);
}

/// Whose turn it is: a member of this shard, preferably one who is online, or else (null) that of shard `remote`.
const Subscriber* Shard::choose_member(Group& group, std::size_t& remote) {
  const auto here = static_cast<std::uint32_t>(group.members.size());
  const std::uint32_t turn = group.next++ % (here + group.members_elsewhere);
  if (turn < here) {
    for (std::uint32_t i = 0; i < here; ++i) {
      const Subscriber& member = group.members[(turn + i) % here];
      if (member.session->connection != nullptr) return &member;
    }
    if (group.members_elsewhere == 0) return &group.members[turn];
  }
  std::uint32_t left = turn < here ? 0 : turn - here;
  for (std::size_t k = 0; k < group.members_of.size(); ++k) {
    if (left < group.members_of[k]) {
      remote = k;
      break;
    }
    left -= group.members_of[k];
  }
  return nullptr;
}

void Shard::deliver_to_groups(const Route& route, const Publication& publication) {
  for (const auto& [node, group] : route.groups) {
    std::size_t remote = index_;
    if (const Subscriber* member = choose_member(*group, remote)) {
      deliver_to(*member, publication);
      continue;
    }
    Link& link = links_[remote];
    if (!has_room(link, publication.qos)) continue;
    const auto confirm = confirmation(link, publication, true);
    link.batch.publish(publication, false, false, confirm, {{SubscriptionTree::filter_of(*node), group->name}});
    ++counters_.messages_out_linked;
  }
}

void Shard::forward(const Route& route, const Publication& publication) {
  each_bit(route.remote | route.device_shards, [&](std::size_t shard) { forward_one(shard, route, publication); });
  if (route.device.empty()) return;
  const std::size_t home = all_.home_of(route.device);
  if (home == index_) {
    if (Session* session = sessions_.find(route.device))
      send(*session, publication.topic, publication.payload, publication.qos);
    return;
  }
  if (!has_room(links_[home], publication.qos)) return;
  links_[home].batch.to_device(route.device, publication, confirmation(links_[home], publication, true));
  ++counters_.messages_out_linked;
}

void Shard::forward_one(std::size_t shard, const Route& route, const Publication& publication) {
  Link& link = links_[shard];
  if (!has_room(link, publication.qos)) return;
  const bool to_devices = (route.device_shards & bit(shard)) != 0;
  const bool durable = to_devices || (route.remote_durable & bit(shard)) != 0;
  const auto confirm = confirmation(link, publication, durable);
  link.batch.publish(publication, (route.remote & bit(shard)) != 0, to_devices, confirm);
  ++counters_.messages_out_linked;
}

/// As part of the publication that is being delivered, whose last step it is.
bool Shard::send(Session& session, std::string_view topic, Bytes payload, std::uint8_t qos) {
  if (session.is_sub_device()) return send_over_gateway(session, topic, payload);
  if (!is_wanted(session, topic)) return false;
  Publication publication;
  publication.topic = topic;
  publication.payload = payload;
  publication.qos = std::min<std::uint8_t>(qos, session.is_device() ? 1 : 2);
  kept_copy_ = MessageRef{};
  return publication.qos == 0 ? deliver_qos0(session, publication, false, {})
                              : deliver_assured(session, publication, publication.qos, false, {});
}

bool Shard::send_alone(Session& session, std::string_view topic, Bytes payload, std::uint8_t qos) {
  const bool sent = send(session, topic, payload, qos);
  kept_copy_ = MessageRef{};
  waits_for_ = PendingAcks::kNone;  // nobody asks when it is stored
  full_ = Full::none;
  return sent;
}

bool Shard::send_for_receipt(Session& session, std::string_view topic, Bytes payload, std::uint64_t receipt) {
  if (!send_alone(session, topic, payload, 1)) return false;
  // What an earlier connection has left behind is not acknowledged any more, unless the session lives on.
  if (!session.receipts) session.receipts = std::make_unique<std::vector<Receipt>>();
  std::erase_if(*session.receipts, [&](const Receipt& one) { return !session.flow().holds(one.sequence); });
  session.receipts->push_back({session.flow().end() - 1, receipt});
  return true;
}

bool Shard::awaits_receipt(const Session& session, std::uint64_t receipt) const {
  if (!session.receipts || !session.outflow) return false;
  return std::any_of(session.receipts->begin(), session.receipts->end(),
                     [&](const Receipt& one) { return one.number == receipt && session.outflow->holds(one.sequence); });
}

void Shard::publish_own(std::string_view topic, Bytes payload, std::uint8_t qos, bool retained) {
  if (!mqtt::is_valid_topic(topic)) return;
  Publication publication;
  publication.topic = topic;
  publication.payload = payload;
  publication.qos = std::min<std::uint8_t>(qos, 2);
  publication.retain = retained;
  publish(cached_route(topic), publication);
}

}  // namespace tercet::broker
