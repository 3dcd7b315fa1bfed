// Gateways and sub-devices. A sub-device's session is on its own home shard, like every device's; its messages go over
// the connection of its gateway, whose session is elsewhere. What travels between the two is a Ride: up from the
// gateway's shard, down to it. Only the pair of both ends makes a message go through: the gateway's session knows for
// whom it may speak, and the sub-device's session by whom it is spoken for; a number tells one login from the next.
#include "platform/broker/permission.h"
#include "platform/broker/shard.h"
#include "tercet/alink/topic.h"

namespace tercet::broker {
namespace {

bool is_custom(std::string_view topic) {
  const auto parsed = alink::parse_topic(topic);
  return parsed && parsed->kind == alink::Kind::custom;
}

}  // namespace

// --- logins: on the sub-device's home shard ---

void Shard::take_in(const SubDeviceLogin& login) {
  const std::string key = login.identity.key();
  Session* session = sessions_.find(key);
  if (session != nullptr && session->is_sub_device() && session->sub_devices->over->is_over_same(login.ride)) {
    session->sub_devices->over = login.ride;  // the same gateway once more
    session->ext = login.ext;
    return;
  }
  end_ride(key, RideEnd::elsewhere);
  if ((session = sessions_.find(key)) != nullptr) {
    if (session->connection != nullptr) session->connection->end(mqtt::ReasonCode::session_taken_over);
    if ((session = sessions_.find(key)) != nullptr) destroy(*session);
  }
  session = &sessions_.create(login.identity);
  session->tag = login.tag;
  session->ext = login.ext;
  session->auto_subscribe = login.auto_subscribe;
  session->set_client_id(login.client_id);
  session->sub_devices = std::make_unique<SubDevices>();
  session->sub_devices->over = login.ride;
  ++session->connection_generation;
  ++counters_.sessions;
  ++counters_.online;
  ++counters_.sub_devices;
  ++counters_.logins;
  ingress_->on_online(session->ref(), session->identity, session->tag, login.peer, login.client_id);
}

void Shard::end_ride(std::string_view key, RideEnd why) {
  Session* session = sessions_.find(key);
  if (session == nullptr || !session->is_sub_device()) return;
  const Ride ride = *session->sub_devices->over;
  const std::string name = session->identity.name;
  close_ride(*session);
  if (ride.shard == index_)
    ride_over(ride, name, why);
  else
    links_[ride.shard].batch.ride_ended(LinkKind::ride_over, ride, name, why);
}

/// The session ends; its gateway is not told.
void Shard::close_ride(Session& session) {
  session.sub_devices->over.reset();
  --counters_.online;
  --counters_.sub_devices;
  const SessionRef ref = session.ref();
  ingress_->on_offline(session.identity, session.tag);
  if (Session* still = sessions_.at(ref)) destroy(*still);
}

void Shard::ride_left(const Ride& ride, std::string_view name) {
  Session* session = sessions_.find("d/" + std::string(name));
  if (session != nullptr && session->is_sub_device() && *session->sub_devices->over == ride) close_ride(*session);
}

// --- logins: on the gateway's shard ---

bool Shard::admit(const SubDeviceLogin& login) {
  Session* gateway = sessions_.at(login.ride.gateway);
  if (gateway == nullptr || gateway->connection == nullptr || !gateway->is_device()) return false;
  if (!gateway->sub_devices) gateway->sub_devices = std::make_unique<SubDevices>();
  gateway->sub_devices->speaks_for[login.identity.name] = {login.ride.number, login.auto_subscribe, login.ext};
  gateway->connection->sub_devices_changed();
  return true;
}

void Shard::give_up(const Ride& ride, std::string_view name) {
  const std::size_t home = all_.home_of("d/" + std::string(name));
  if (home == index_)
    ride_left(ride, name);
  else
    links_[home].batch.ride_ended(LinkKind::ride_left, ride, name);
}

bool Shard::log_out(SessionRef ref, std::string_view name) {
  Session* gateway = sessions_.at(ref);
  const auto* rider = gateway != nullptr ? gateway->rider(name) : nullptr;
  if (rider == nullptr) return false;
  const Ride ride{index_, ref, rider->ride};
  auto& speaks_for = gateway->sub_devices->speaks_for;
  speaks_for.erase(speaks_for.find(name));
  if (gateway->connection != nullptr) gateway->connection->sub_devices_changed();
  give_up(ride, name);
  return true;
}

/// Its connection has gone, and with it all who used it.
void Shard::release_sub_devices(Session& gateway) {
  const auto speaks_for = std::move(gateway.sub_devices->speaks_for);
  gateway.sub_devices.reset();
  for (const auto& [name, rider] : speaks_for) give_up({index_, gateway.ref(), rider.ride}, name);
}

void Shard::ride_over(const Ride& ride, std::string_view name, RideEnd why) {
  Session* gateway = sessions_.at(ride.gateway);
  const auto* rider = gateway != nullptr ? gateway->rider(name) : nullptr;
  if (rider == nullptr || rider->ride != ride.number) return;
  auto& speaks_for = gateway->sub_devices->speaks_for;
  speaks_for.erase(speaks_for.find(name));
  if (gateway->connection != nullptr) gateway->connection->sub_devices_changed();
  ingress_->on_ride_over(ride.gateway, gateway->tag, name, why);
}

// --- messages up ---

Shard::Full Shard::publish_for(const Session& gateway, std::string_view name, const Publication& publication,
                               const AckToken& token) {
  const auto* rider = gateway.rider(name);
  const Ride ride{index_, gateway.ref(), rider != nullptr ? rider->ride : 0};
  const std::string key = "d/" + std::string(name);
  const std::size_t home = all_.home_of(key);
  if (home != index_ && !has_room(links_[home], publication.qos)) return std::exchange(full_, Full::none);
  std::optional<std::uint32_t> waits;
  if (publication.qos != 0) {
    waits = pending_.open();
    pending_.expect(*waits);
    pending_.set_token(*waits, token);
  }
  if (home != index_) {
    links_[home].batch.ride(LinkKind::ride_up, ride, name, publication, waits);
    ++counters_.messages_out_linked;
    return Full::none;
  }
  take_up(ride, key, publication, waits.value_or(PendingAcks::kNone));
  return Full::none;
}

void Shard::linked_ride_up(std::size_t from, const LinkRecord& record) {
  ++counters_.messages_in_linked;
  std::uint32_t waits = PendingAcks::kNone;
  if (record.confirm) {
    waits = pending_.open();
    pending_.expect(waits);
    pending_.set_confirm(waits, from, *record.confirm);
  }
  take_up(record.ride, "d/" + std::string(record.text), record.publication, waits);
}

/// On the sub-device's home shard: what a connection does with a device's message. One whose login is over meanwhile is
/// dropped; the gateway has been told.
void Shard::take_up(const Ride& ride, std::string_view key, const Publication& up, std::uint32_t waits) {
  Session* session = sessions_.find(key);
  const bool is_valid =
      session != nullptr && session->is_sub_device() && session->sub_devices->over->is_over_same(ride);
  auto taken = Ingress::Taken::done;
  if (is_valid) {
    const Identity identity = session->identity;  // the session may end in the middle
    Inbound inbound{.session = session->ref(),
                    .identity = identity,
                    .tag = session->tag,
                    .ext = session->ext,
                    .topic = up.topic,
                    .payload = up.payload,
                    .qos = up.qos,
                    .token = {session->ref(), kRides, waits}};
    const std::string_view topic = up.topic.substr(0, up.topic.find('?'));
    if (!is_custom(topic)) {
      taken = ingress_->on_message(inbound);
    } else {
      Publication publication = up;
      publication.topic = topic;
      publication.origin = session;
      const auto [pending, full] = publish(cached_route(topic), publication);
      if (full != Full::none && waits != PendingAcks::kNone) return refuse(waits, full);
      if (pending != PendingAcks::kNone) {
        await(pending, inbound.token);
        inbound.qos = 0;
        taken = Ingress::Taken::later;
        ingress_->on_custom(inbound);
      } else {
        taken = ingress_->on_custom(inbound);
      }
    }
  }
  if (waits != PendingAcks::kNone && taken == Ingress::Taken::done) settle(waits);
}

// --- messages down ---

bool Shard::send_over_gateway(const Session& session, std::string_view topic, Bytes payload) {
  if (topic.starts_with("/ext/rrpc/") && (session.ext & 1) == 0) return false;
  const Ride& ride = *session.sub_devices->over;
  Publication publication;
  publication.topic = topic;
  publication.payload = payload;
  if (ride.shard == index_) return ride_down(ride, session.identity.name, publication);
  if (!has_room(links_[ride.shard], 0)) return false;
  links_[ride.shard].batch.ride(LinkKind::ride_down, ride, session.identity.name, publication);
  ++counters_.messages_out_linked;
  return true;
}

/// On the gateway's shard. It gets what it has subscribed to of the sub-device's topics, or its `_ss=1` or the
/// sub-device's implies.
bool Shard::ride_down(const Ride& ride, std::string_view name, const Publication& publication) {
  Session* gateway = sessions_.at(ride.gateway);
  const auto* rider = gateway != nullptr ? gateway->rider(name) : nullptr;
  if (rider == nullptr) return false;
  bool wanted = is_wanted(*gateway, publication.topic);
  if (!wanted) {
    const auto topic = alink::parse_topic(publication.topic);
    wanted = topic && alink::is_delivered_unasked(*topic, rider->auto_subscribe, rider->ext);
  }
  return wanted && deliver_qos0(*gateway, publication, false, {});
}

/// A message on a topic of the device's own, published by somebody else, to a sub-device of this shard.
void Shard::deliver_to_sub_device(const Publication& publication) {
  const auto to = addressee_of(publication.topic);
  if (!to || to->is_system) return;
  const Session* session = sessions_.find(device_key(to->product, to->device));
  if (session != nullptr && session->is_sub_device())
    send_over_gateway(*session, publication.topic, publication.payload);
}

}  // namespace tercet::broker
