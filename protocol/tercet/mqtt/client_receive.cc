#include <algorithm>
#include <cstring>

#include "tercet/base/check.h"
#include "tercet/mqtt/client.h"
#include "tercet/mqtt/encode.h"
#include "tercet/mqtt/reason.h"

namespace tercet::mqtt {
namespace {

/// The longest answer that handling one packet can ask for: an acknowledgement with a reason.
constexpr std::size_t kReplyBytes = 5;

}  // namespace

using Held = ClientSubscription::State;

MutableBytes Client::input_space() { return has_session() ? storage_.input.subspan(in_end_) : MutableBytes{}; }

void Client::received(std::size_t bytes, Instant now) {
  if (!has_session()) return;
  TERCET_CHECK(bytes <= storage_.input.size() - in_end_);
  in_end_ += static_cast<std::uint32_t>(bytes);
  last_received_ = now;
  pinged_at_ = Instant::never();
}

std::size_t Client::receive(Bytes bytes, Instant now) {
  if (!has_session()) return bytes.size();  // too late: nobody wants them
  const std::size_t count = std::min(bytes.size(), input_space().size());
  if (count == 0) return 0;
  std::memcpy(input_space().data(), bytes.data(), count);
  received(count, now);
  return count;
}

void Client::drop_input(std::size_t bytes) { in_begin_ += static_cast<std::uint32_t>(bytes); }

void Client::compact_input() {
  if (in_begin_ == 0) return;
  std::memmove(storage_.input.data(), storage_.input.data() + in_begin_, in_end_ - in_begin_);
  in_end_ -= in_begin_;
  in_begin_ = 0;
}

/// Handles packets until one makes an event, the input is used up, or there is no room for an answer.
std::optional<ClientEvent> Client::next_packet(Instant now) {
  while (has_session()) {
    if (skip_left_ > 0) {
      const std::uint32_t bytes = std::min(skip_left_, in_end_ - in_begin_);
      drop_input(bytes);
      skip_left_ -= bytes;
    }
    if (storage_.output.size() - out_end_ < kReplyBytes && output_space().size() < kReplyBytes) return std::nullopt;
    const Bytes in = Bytes{storage_.input}.subspan(in_begin_, in_end_ - in_begin_);
    const auto frame = next_frame(in, storage_.input.size());
    if (!frame && frame.error() == Error::need_more) {
      compact_input();
      return std::nullopt;
    }
    if (!frame) return frame.error() == Error::too_large ? skip_oversized(in, now) : protocol_error(now, frame.error());
    drop_input(frame->size);
    if (auto event = handle(*frame, now)) return event;
  }
  return std::nullopt;
}

std::optional<ClientEvent> Client::handle(const Frame& frame, Instant now) {
  const PacketType type = frame.header.type();
  if ((state_ == State::connecting) != (type == PacketType::connack)) return protocol_error(now, Error::bad_state);
  switch (type) {
    case PacketType::connack:
      return handle_connack(frame, now);
    case PacketType::publish:
      return handle_publish(frame, now);
    case PacketType::puback:
      return handle_ack(frame, now);
    case PacketType::pubrec:
    case PacketType::pubcomp:
      return kClientHasQos2 ? handle_ack(frame, now) : protocol_error(now, Error::unsupported);
    case PacketType::pubrel:
      return kClientHasQos2 ? handle_pubrel(frame, now) : protocol_error(now, Error::unsupported);
    case PacketType::suback:
      return handle_suback(frame, now);
    case PacketType::unsuback:
      return kClientUnsubscribes ? handle_unsuback(frame, now) : protocol_error(now, Error::unsupported);
    case PacketType::pingresp:
      return std::nullopt;
    case PacketType::disconnect:
      return handle_disconnect(frame, now);
    default:
      return protocol_error(now, Error::bad_state);
  }
}

std::optional<ClientEvent> Client::handle_connack(const Frame& frame, Instant now) {
  const auto packet = decode_connack(config_.version, frame);
  if (!packet) return protocol_error(now, packet.error());
  if (packet->reason != ReasonCode::success) {
    lose(now, refusal(packet->reason), packet->reason);
    return std::nullopt;
  }
  enter_online(now, *packet);
  return Online{packet->session_present && !config_.clean_start, packet->properties};
}

std::optional<ClientEvent> Client::handle_publish(const Frame& frame, Instant now) {
  const auto packet = decode_publish(config_.version, frame, Sender::server);
  if (!packet) return protocol_error(now, packet.error());
  if (packet->properties.has(Property::topic_alias)) {  // we have announced that we take none
    close_with(now, Error::malformed, ReasonCode::topic_alias_invalid);
    return std::nullopt;
  }
  const auto reception = receiving_.publish(packet->qos, packet->packet_id);
  if (!reception) {
    close_with(now, reception.error(), ReasonCode::receive_maximum_exceeded);
    return std::nullopt;
  }
  if (!reception->deliver) {
    put(Ack{.type = reception->ack, .packet_id = packet->packet_id});
    return std::nullopt;
  }
  ack_id_ = packet->packet_id;
  ack_type_ = reception->ack;
  return Received{*packet};
}

std::optional<ClientEvent> Client::handle_ack(const Frame& frame, Instant now) {
  const auto packet = decode_ack(config_.version, frame);
  if (!packet) return protocol_error(now, packet.error());
  const auto entry = outbox_.acknowledge(packet->packet_id, packet->type, packet->reason);
  if (!entry && entry.error() == Error::bad_state) return protocol_error(now, entry.error());
  if (!entry) {  // a late duplicate; a server that still waits for our PUBREL gets it
    if (kClientHasQos2 && packet->type == PacketType::pubrec && !is_failure(packet->reason))
      put(Ack{PacketType::pubrel, packet->packet_id, ReasonCode::packet_identifier_not_found, {}});
    return std::nullopt;
  }
  note_ack(now);
  if (!kClientHasQos2 || entry->state == Sending::done) return Delivered{packet->packet_id, packet->reason};
  put(Ack{.type = PacketType::pubrel, .packet_id = packet->packet_id});
  return std::nullopt;
}

std::optional<ClientEvent> Client::handle_pubrel(const Frame& frame, Instant now) {
  const auto packet = decode_ack(config_.version, frame);
  if (!packet) return protocol_error(now, packet.error());
  const Reception reception = receiving_.release(packet->packet_id);
  put(Ack{reception.ack, packet->packet_id, reception.reason, {}});
  return std::nullopt;
}

ClientSubscription* Client::find_asked(std::uint16_t packet_id, ClientSubscription::State state) {
  for (ClientSubscription& slot : storage_.subscriptions)
    if (slot.packet_id == packet_id && slot.state == state) return &slot;
  return nullptr;
}

std::optional<ClientEvent> Client::handle_suback(const Frame& frame, Instant now) {
  const auto packet = decode_suback(config_.version, frame);
  if (!packet || packet->codes.size() != 1) return protocol_error(now, Error::malformed);
  ClientSubscription* slot = find_asked(packet->packet_id, Held::asked);
  if (slot == nullptr) return std::nullopt;  // late, or no longer of interest
  const auto reason = static_cast<ReasonCode>(packet->codes[0]);
  slot->state = is_failure(reason) ? Held::refused : Held::granted;
  slot->packet_id = 0;
  note_ack(now);
  return Subscribed{slot->filter, reason};
}

std::optional<ClientEvent> Client::handle_unsuback(const Frame& frame, Instant now) {
  const auto packet = decode_unsuback(config_.version, frame);
  if (!packet || packet->codes.size() > 1) return protocol_error(now, Error::malformed);
  ClientSubscription* slot = find_asked(packet->packet_id, Held::leaving);
  if (slot == nullptr) return std::nullopt;
  const auto filter = slot->filter;
  *slot = ClientSubscription{};
  note_ack(now);
  return Unsubscribed{filter, packet->codes.empty() ? ReasonCode::success : static_cast<ReasonCode>(packet->codes[0])};
}

std::optional<ClientEvent> Client::handle_disconnect(const Frame& frame, Instant now) {
  const auto packet = decode_disconnect(config_.version, frame, Sender::server);
  if (!packet) return protocol_error(now, packet.error());
  lose(now, Error::closed, packet->reason);
  return std::nullopt;
}

/// A PUBLISH that can never fit is acknowledged and thrown away: refusing it would bring it back at every connection.
/// Anything else that large is not for us.
std::optional<ClientEvent> Client::skip_oversized(Bytes in, Instant now) {
  const auto fixed = decode_fixed_header(in, std::size_t{5} + kMaxRemainingLength);
  if (!fixed || fixed->header.type() != PacketType::publish || state_ != State::online)
    return protocol_error(now, Error::too_large);
  if (fixed->header.qos() != Qos::at_most_once) {
    Reader head{in.subspan(fixed->header_bytes)};
    head.binary();
    const std::uint16_t packet_id = head.u16();
    if (!head.ok() && in.size() == storage_.input.size()) return protocol_error(now, Error::too_large);
    if (!head.ok()) {
      compact_input();
      return std::nullopt;
    }
    const auto reception = receiving_.publish(fixed->header.qos(), packet_id);
    if (!reception || packet_id == 0) return protocol_error(now, Error::too_large);
    put(Ack{.type = reception->ack, .packet_id = packet_id});
  }
  const auto size = static_cast<std::uint32_t>(fixed->packet_bytes());
  const auto here = static_cast<std::uint32_t>(std::min<std::size_t>(in.size(), size));
  drop_input(here);
  skip_left_ = size - here;
  return Skipped{size};
}

std::optional<ClientEvent> Client::protocol_error(Instant now, Error error) {
  close_with(now, error, reason_for(error));
  return std::nullopt;
}

}  // namespace tercet::mqtt
