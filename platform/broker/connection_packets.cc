// What a connection does with the packets of a client that has logged in.
#include <algorithm>
#include <array>

#include "platform/broker/connection.h"
#include "platform/broker/permission.h"
#include "platform/broker/refusal_of.h"
#include "platform/broker/session.h"
#include "platform/broker/shard.h"

namespace tercet::broker {
namespace {

using auth::Cause;
using mqtt::PacketType;
using mqtt::Qos;
using mqtt::ReasonCode;

std::string_view without_query(std::string_view topic) { return topic.substr(0, topic.find('?')); }

}  // namespace

void Connection::handle(const mqtt::Frame& frame) {
  switch (frame.header.type()) {
    case PacketType::publish:
      return on_publish(frame);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp: {
      const auto ack = mqtt::decode_ack(version_, frame);
      if (!ack) return break_off(ReasonCode::malformed_packet, Cause::malformed_packet, name(frame.header.type()));
      return ack->type == PacketType::pubrel ? on_pubrel(*ack) : shard_->on_ack(*this, *ack);
    }
    case PacketType::subscribe: {
      const auto packet = mqtt::decode_subscribe(version_, frame);
      if (!packet) return break_off(ReasonCode::malformed_packet, Cause::malformed_packet, "subscribe");
      return shard_->subscribe(*this, *packet);
    }
    case PacketType::unsubscribe: {
      const auto packet = mqtt::decode_unsubscribe(version_, frame);
      if (!packet) return break_off(ReasonCode::malformed_packet, Cause::malformed_packet, "unsubscribe");
      return shard_->unsubscribe(*this, *packet);
    }
    case PacketType::pingreq:
      output_.append(shard_->pool(), mqtt::kPingresp);
      return touch();
    case PacketType::disconnect:
      return on_disconnect(frame);
    default:
      return break_off(ReasonCode::protocol_error, Cause::packet_out_of_order, name(frame.header.type()));
  }
}

// --- PUBLISH ---

void Connection::on_publish(const mqtt::Frame& frame) {
  auto decoded = mqtt::decode_publish(version_, frame, mqtt::Sender::client);
  if (!decoded) return break_off(ReasonCode::malformed_packet, Cause::malformed_packet, "publish");
  mqtt::Publish& packet = *decoded;
  if (is_v5() && packet.properties.has(mqtt::Property::topic_alias) && !resolve_alias(packet)) return;
  ++shard_->counters().messages_in;
  if (packet.qos == Qos::exactly_once && is_cloud())
    return break_off(ReasonCode::qos_not_supported, Cause::qos2, packet.topic);
  if (packet.qos != Qos::at_most_once && leaves_too_much()) return;
  if (!rate_allows(packet)) return;

  const std::string_view topic = is_cloud() ? without_query(packet.topic) : packet.topic;
  if (!route_) route_ = std::make_unique<Route>();
  Route& route = *route_;
  if (route.topic != topic) {
    route.topic.assign(topic);
    route.version = 0;
    judge(route);
  }
  if (route.kind == Route::Kind::refused) return refuse_publish(packet, route.cause, packet.topic);
  if (route.is_custom)
    if (const auto refusal = shard_->authenticator().custom_topic_refusal(session_->identity, route.topic, true))
      return refuse_publish(packet, refusal->cause, refusal->evidence);
  if (packet.qos == Qos::exactly_once && !take_qos2(packet)) return;
  if (route.kind == Route::Kind::system) return to_ingress(packet);
  if (route.kind == Route::Kind::sub_device) return to_sub_device(packet, route.device);
  to_router(packet, topic, route);
}

/// Whether the client has sent more than may stand in line for its answer: then it is gone. Asked before anything that
/// may be answered late.
bool Connection::leaves_too_much() {
  if (!extras_ || extras_->acks.size() < limits_->max_unacknowledged) return false;
  break_off(ReasonCode::receive_maximum_exceeded, Cause::in_flight_exceeded,
            std::to_string(extras_->acks.size()) + " unanswered messages");
  return true;
}

/// MQTT 5: a number in place of the topic, or for the topic from now on.
bool Connection::resolve_alias(mqtt::Publish& packet) {
  const std::uint16_t alias = packet.properties.topic_alias().value_or(0);
  if (alias == 0 || alias > limits_->topic_alias_maximum) {
    break_off(ReasonCode::topic_alias_invalid, Cause::malformed_packet, "topic alias " + std::to_string(alias));
    return false;
  }
  auto& aliases = extras().aliases;
  if (aliases.size() < alias) aliases.resize(alias);
  std::string& known = aliases[alias - 1];
  if (!packet.topic.empty()) {
    known = packet.topic;
    return true;
  }
  if (known.empty()) {
    break_off(ReasonCode::protocol_error, Cause::malformed_packet, "topic alias without a topic");
    return false;
  }
  packet.topic = known;
  return true;
}

/// The surplus is dropped; once per burst the journal is told. MQTT 5 clients are told each time.
bool Connection::rate_allows(const mqtt::Publish& packet) {
  const bool is_qos0 = packet.qos == Qos::at_most_once;
  if (is_cloud() && packet.topic.starts_with("/ext/session/")) {  // a gateway that logs in all its sub-devices
    const std::uint32_t most = limits_->qos0_per_second == 0 ? 0 : limits_->sessions_per_second;
    if (extras().session_rate.ask(most, now()) == Rate::Answer::pass) return true;
  }
  const std::uint32_t per_second = (is_qos0 ? limits_->qos0_per_second : limits_->qos1_per_second) * devices_;
  const auto answer = rates_[is_qos0 ? 0 : 1].ask(per_second, now());
  if (answer == Rate::Answer::pass) return true;
  ++shard_->counters().dropped_rate;
  if (answer == Rate::Answer::first_drop)
    journal(Refusal::Stage::publish, Cause::publish_rate, 0,
            "over " + std::to_string(per_second) + " messages per second of QoS " + (is_qos0 ? "0" : "1"));
  if (is_v5()) this->answer(packet, ReasonCode::quota_exceeded);
  return false;
}

/// Whether the publisher may use the topic, and who gets it: decided once per topic, not per message.
void Connection::judge(Route& route) {
  const TopicLimits limits{limits_->max_topic_bytes, limits_->max_custom_slashes};
  const auto cause =
      is_cloud() ? publish_refusal({session_->identity.product(), session_->identity.device()}, route.topic, limits)
                 : standard_publish_refusal(route.topic, limits);
  route.kind = Route::Kind::router;
  route.is_custom = false;
  if (is_cloud() && session_->sub_devices && judge_for_sub_device(route, limits)) return;
  if (cause) {
    route.kind = Route::Kind::refused;
    route.cause = *cause;
  } else if (is_cloud() && is_system_topic(route.topic)) {
    route.kind = Route::Kind::system;
  } else {
    route.is_custom = is_cloud() && is_custom_topic(route.topic);
  }
}

/// Whether it is a topic of a sub-device that is logged in over this connection: that has the sub-device's permissions.
bool Connection::judge_for_sub_device(Route& route, const TopicLimits& limits) {
  const auto names = names_in_topic(route.topic);
  if (!names) return false;
  const std::string name = name_of(*names);
  if (name == session_->identity.name || session_->rider(name) == nullptr) return false;
  const auto cause = publish_refusal(*names, route.topic, limits);
  route.kind = cause ? Route::Kind::refused : Route::Kind::sub_device;
  route.cause = cause.value_or(Cause::internal);
  route.device = name;
  return true;
}

/// Dropped, acknowledged and journaled, never a reason to close.
void Connection::refuse_publish(const mqtt::Publish& packet, Cause cause, std::string_view evidence) {
  ++shard_->counters().dropped_forbidden;
  const bool bad_name =
      cause == Cause::topic_malformed || cause == Cause::topic_too_long || cause == Cause::topic_too_deep;
  const ReasonCode reason = bad_name ? ReasonCode::topic_name_invalid : ReasonCode::not_authorized;
  const bool is_told =
      is_cloud() && cause == Cause::topic_of_another_device && shard_->ingress().on_stranger(inbound_of(packet));
  if (!is_told) journal(Refusal::Stage::publish, cause, 0, evidence);
  answer(packet, is_v5() ? reason : ReasonCode::success);
}

/// True when the message is new. One that was taken before is acknowledged again, but not before the first copy is
/// where it has to be, and goes no further [MQTT-4.3.3-10].
bool Connection::take_qos2(const mqtt::Publish& packet) {
  if (const Received* known = session_->find_received(packet.packet_id)) {
    if (!shard_->waits_on_another_connection(*session_, *known)) {
      answer(packet);  // if the first PUBREC still waits, this one stands behind it
    } else {
      const std::uint32_t ticket = extras().acks.push(packet.packet_id, PacketType::pubrec);
      shard_->await(known->pending, {session_->ref(), session_->connection_generation, ticket});
    }
    return false;
  }
  if (session_->received && session_->received->size() >= limits_->max_unacknowledged) {
    break_off(ReasonCode::receive_maximum_exceeded, Cause::in_flight_exceeded, "QoS 2 messages without PUBREL");
    return false;
  }
  if (const auto full = shard_->may_receive(*session_); full != Shard::Full::none) {
    shard_->turn_away(*this, full);
    return false;
  }
  return true;
}

Inbound Connection::inbound_of(const mqtt::Publish& packet) const {
  return {.session = session_->ref(),
          .identity = session_->identity,
          .tag = session_->tag,
          .ext = session_->ext,
          .topic = packet.topic,
          .payload = packet.payload,
          .qos = static_cast<std::uint8_t>(packet.qos),
          .token = {session_->ref(), session_->connection_generation, 0}};
}

void Connection::to_ingress(const mqtt::Publish& packet) {
  Inbound inbound = inbound_of(packet);
  if (packet.qos == Qos::at_most_once) {
    shard_->ingress().on_message(inbound);
    return;
  }
  inbound.token.ticket = extras().acks.push(packet.packet_id, PacketType::puback);
  const auto taken = shard_->ingress().on_message(inbound);
  if (state_ == State::open && taken == Ingress::Taken::done) acknowledge(inbound.token.ticket, ReasonCode::success);
}

void Connection::to_sub_device(const mqtt::Publish& packet, std::string_view name) {
  Publication publication;
  publication.topic = packet.topic;
  publication.payload = packet.payload;
  publication.qos = static_cast<std::uint8_t>(packet.qos);
  AckToken token{session_->ref(), session_->connection_generation, 0};
  if (packet.qos != Qos::at_most_once) token.ticket = extras().acks.push(packet.packet_id, PacketType::puback);
  const auto full = shard_->publish_for(*session_, name, publication, token);
  if (packet.qos != Qos::at_most_once && full != Shard::Full::none && state_ == State::open)
    shard_->turn_away(*this, full);
}

void Connection::sub_devices_changed() {
  if (route_) route_->topic.clear();
  devices_ = static_cast<std::uint32_t>(session_->sub_devices ? session_->sub_devices->speaks_for.size() + 1 : 1);
}

void Connection::to_router(const mqtt::Publish& packet, std::string_view topic, Route& route) {
  Publication publication;
  publication.topic = topic;
  publication.payload = packet.payload;
  publication.origin = session_;
  publication.qos = static_cast<std::uint8_t>(packet.qos);
  publication.retain = packet.retain && (is_v5() || !is_cloud());  // the cloud has no retain in 3.x
  if (is_v5()) {
    publication.properties = passed_on(packet.properties, shard_->scratch());
    if (const auto expiry = packet.properties.message_expiry())
      publication.expires_ms = shard_->loop().wall().ms + expiry->count() * 1000;
  }
  if (const auto refusal = shard_->retain_refusal(publication)) {
    ++shard_->counters().dropped_retained;
    journal(Refusal::Stage::publish, Cause::retained_full, 0, std::string(topic) + ": " + *refusal);
    return answer(packet, ReasonCode::quota_exceeded);
  }
  if (packet.qos == Qos::exactly_once) session_->add_received(packet.packet_id);
  auto [pending, full] = shard_->publish(route, publication);
  const bool is_own = is_cloud() && full == Shard::Full::none;
  if (packet.qos == Qos::at_most_once) {
    if (is_own) shard_->ingress().on_custom(inbound_of(packet));
    return;
  }
  if (full != Shard::Full::none) {
    if (packet.qos == Qos::exactly_once) session_->erase_received(packet.packet_id);  // a repetition is to count
    return shard_->turn_away(*this, full);
  }
  if (packet.qos == Qos::exactly_once) pending = shard_->note_received(*session_, packet.packet_id, pending);
  if (is_own) {
    Inbound inbound = inbound_of(packet);
    if (pending != PendingAcks::kNone) {
      inbound.qos = 0;
      shard_->ingress().on_custom(inbound);
    } else {
      inbound.token.ticket = extras().acks.push(packet.packet_id, PacketType::puback);
      const auto taken = shard_->ingress().on_custom(inbound);
      if (state_ == State::open && taken == Ingress::Taken::done)
        acknowledge(inbound.token.ticket, ReasonCode::success);
      return;
    }
  }
  if (pending == PendingAcks::kNone) return answer(packet);
  const auto type = packet.qos == Qos::exactly_once ? PacketType::pubrec : PacketType::puback;
  const std::uint32_t ticket = extras().acks.push(packet.packet_id, type);
  shard_->await(pending, {session_->ref(), session_->connection_generation, ticket});
}

/// Acknowledges now, or as soon as everything before it has been.
void Connection::answer(const mqtt::Publish& packet, ReasonCode reason) {
  if (packet.qos == Qos::at_most_once) return;
  const auto type = packet.qos == Qos::exactly_once ? PacketType::pubrec : PacketType::puback;
  if (!extras_ || extras_->acks.empty()) return write_ack(type, packet.packet_id, reason);
  acknowledge(extras_->acks.push(packet.packet_id, type), reason);
}

void Connection::acknowledge(std::uint32_t ticket, ReasonCode reason) {
  if (!extras_) return;
  extras_->acks.ready(ticket, reason);
  release_acks();
}

void Connection::release_acks() {
  while (const auto entry = extras_->acks.pop()) write_ack(entry->type, entry->packet_id, entry->reason);
}

void Connection::write_ack(PacketType type, std::uint16_t packet_id, ReasonCode reason) {
  if (reason == ReasonCode::success || !is_v5()) {
    const auto bytes = mqtt::short_ack(type, packet_id);
    std::uint8_t* at = output_.reserve(shard_->pool(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), at);
    output_.commit(bytes.size());
  } else {
    std::array<std::uint8_t, 8> bytes;
    const auto size = mqtt::encode(mqtt::Ack{type, packet_id, reason, {}}, version_, bytes);
    if (size) output_.append(shard_->pool(), Bytes{bytes.data(), *size});
  }
  touch();
}

/// PUBCOMP lets the client use the packet id for something new, so it waits until the store has forgotten the old use;
/// that for a PUBREL said again too.
void Connection::on_pubrel(const mqtt::Ack& ack) {
  if (leaves_too_much()) return;
  Received* known = session_->find_received(ack.packet_id);
  if (known == nullptr) return write_ack(PacketType::pubcomp, ack.packet_id, ReasonCode::packet_identifier_not_found);
  const bool is_first = !known->releasing;
  if (!is_first && !shard_->waits_on_another_connection(*session_, *known))  // this one stands behind the first
    return acknowledge(extras().acks.push(ack.packet_id, PacketType::pubcomp), ReasonCode::success);
  const std::uint32_t pending = is_first ? shard_->release_received(*session_, *known) : known->pending;
  if (pending == PendingAcks::kNone) return write_ack(PacketType::pubcomp, ack.packet_id);
  const std::uint32_t ticket = extras().acks.push(ack.packet_id, PacketType::pubcomp);
  shard_->await(pending, {session_->ref(), session_->connection_generation, ticket});
}

// --- the others ---

void Connection::write_suback(std::uint16_t packet_id, std::string_view codes) {
  mqtt::Suback packet;
  packet.packet_id = packet_id;
  packet.codes = as_bytes(codes);
  const std::size_t room = 16 + codes.size();
  const auto size = mqtt::encode(packet, version_, MutableBytes{output_.reserve(shard_->pool(), room), room});
  TERCET_CHECK(size.has_value());
  output_.commit(*size);
  touch();
}

void Connection::write_unsuback(std::uint16_t packet_id, std::string_view codes) {
  mqtt::Unsuback packet;
  packet.packet_id = packet_id;
  if (is_v5()) packet.codes = as_bytes(codes);
  const std::size_t room = 16 + codes.size();
  const auto size = mqtt::encode(packet, version_, MutableBytes{output_.reserve(shard_->pool(), room), room});
  TERCET_CHECK(size.has_value());
  output_.commit(*size);
  touch();
}

void Connection::on_disconnect(const mqtt::Frame& frame) {
  const auto packet = mqtt::decode_disconnect(version_, frame, mqtt::Sender::client);
  if (!packet) return break_off(ReasonCode::malformed_packet, Cause::malformed_packet, "disconnect");
  if (const auto expiry = packet->properties.session_expiry()) {
    if (!session_->outlives_connection() && expiry->count() > 0)
      return break_off(ReasonCode::protocol_error, Cause::malformed_packet, "session expiry raised from 0");
    session_->expiry_seconds =
        static_cast<std::uint32_t>(std::min<std::int64_t>(expiry->count(), limits_->max_session_expiry_seconds));
  }
  end(ReasonCode::success, packet->reason == ReasonCode::disconnect_with_will);
}

}  // namespace tercet::broker
