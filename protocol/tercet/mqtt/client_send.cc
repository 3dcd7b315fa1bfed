#include <algorithm>
#include <cstring>

#include "tercet/base/check.h"
#include "tercet/mqtt/client.h"
#include "tercet/mqtt/encode.h"

namespace tercet::mqtt {

using Held = ClientSubscription::State;

/// The free end of the output, made as large as it can be.
MutableBytes Client::output_space() {
  if (out_begin_ > 0) {
    std::memmove(storage_.output.data(), storage_.output.data() + out_begin_, out_end_ - out_begin_);
    out_end_ -= out_begin_;
    out_begin_ = 0;
  }
  return storage_.output.subspan(out_end_);
}

bool Client::put(Bytes packet) {
  if (storage_.output.size() - out_end_ < packet.size() && output_space().size() < packet.size()) return false;
  std::memcpy(storage_.output.data() + out_end_, packet.data(), packet.size());
  out_end_ += static_cast<std::uint32_t>(packet.size());
  wrote_ = true;
  return true;
}

bool Client::put(const Ack& ack) {
  std::uint8_t bytes[5];
  const auto size = encode(ack, config_.version, bytes);
  return size && put(Bytes{bytes, *size});
}

void Client::sent(std::size_t bytes) {
  TERCET_CHECK(bytes <= out_end_ - out_begin_);
  out_begin_ += static_cast<std::uint32_t>(bytes);
  if (out_begin_ == out_end_) out_begin_ = out_end_ = 0;
}

void Client::send_connect(Instant now) {
  std::uint8_t bytes[16];
  PropertyWriter properties{bytes};
  if (is_v5(config_.version)) {
    if (config_.session_expiry > Seconds{0}) properties.session_expiry(config_.session_expiry);
    if (!storage_.receiving.empty())
      properties.receive_maximum(static_cast<std::uint16_t>(std::min<std::size_t>(storage_.receiving.size(), 0xFFFF)));
    properties.maximum_packet_size(static_cast<std::uint32_t>(storage_.input.size()));
  }

  const Connect packet{.version = config_.version,
                       .clean_start = config_.clean_start,
                       .keep_alive = config_.keep_alive,
                       .client_id = credentials_.client_id,
                       .user_name = credentials_.user_name,
                       .password = credentials_.password,
                       .will = config_.will,
                       .properties = properties.view()};
  const auto written = encode(packet, output_space());
  if (!written) return lose(now, written.error());
  out_end_ += static_cast<std::uint32_t>(*written);
}

Result<std::uint16_t> Client::publish(const Publish& message) {
  if (!is_valid_topic(message.topic)) return fail(Error::bad_argument);
  if (!kClientHasQos2 && message.qos == Qos::exactly_once) return fail(Error::unsupported);
  const bool online = state_ == State::online;
  if (online && (message.qos > server_max_qos_ || (message.retain && !server_retains_)))
    return fail(Error::unsupported);
  Publish copy = message;
  copy.dup = false;
  if (message.qos == Qos::at_most_once) {
    if (!online) return fail(Error::bad_state);
    copy.packet_id = 0;
    const auto written = encode(copy, config_.version, output_space());
    if (!written && written.error() == Error::no_space && out_end_ > 0) return fail(Error::would_block);
    if (!written) return fail(written.error() == Error::no_space ? Error::too_large : written.error());
    if (*written > server_max_packet_) return fail(Error::too_large);
    out_end_ += static_cast<std::uint32_t>(*written);
    wrote_ = true;
    return std::uint16_t{0};
  }
  const std::size_t size = encoded_size(copy, config_.version);
  const std::size_t most = std::min(storage_.output.size(), storage_.outbox.size());
  if (size > most || (online && size > server_max_packet_)) return fail(Error::too_large);
  if (outbox_.window().full()) return fail(Error::no_space);
  copy.packet_id = take_id();
  if (const auto kept = outbox_.add(copy, config_.version); !kept) return fail(kept.error());
  return copy.packet_id;
}

Result<void> Client::subscribe(std::string_view filter, Qos qos) {
  if (!is_valid_filter(filter)) return fail(Error::bad_argument);
  if (qos == Qos::exactly_once && (!kClientHasQos2 || storage_.receiving.empty())) return fail(Error::bad_argument);
  if (6 + filter.size() + 5 > storage_.output.size()) return fail(Error::too_large);
  ClientSubscription* slot = find_subscription(filter);
  if (slot == nullptr) slot = find_subscription({});
  if (slot == nullptr) return fail(Error::no_space);
  *slot = ClientSubscription{.filter = filter, .packet_id = 0, .qos = qos, .state = Held::wanted};
  return {};
}

Result<void> Client::unsubscribe(std::string_view filter) {
  if (!kClientUnsubscribes) return fail(Error::unsupported);
  ClientSubscription* slot = filter.empty() ? nullptr : find_subscription(filter);
  if (slot == nullptr) return fail(Error::not_found);
  slot->state = Held::unwanted;
  slot->packet_id = 0;
  return {};
}

/// The slot that holds a filter; a free one has none.
ClientSubscription* Client::find_subscription(std::string_view filter) {
  for (ClientSubscription& slot : storage_.subscriptions)
    if (slot.filter == filter) return &slot;
  return nullptr;
}

std::uint16_t Client::take_id() {
  return ids_.take([this](std::uint16_t id) {
    for (const ClientSubscription& slot : storage_.subscriptions)
      if (slot.packet_id == id) return true;
    return outbox_.contains(id);
  });
}

void Client::pump(Instant now) {
  pump_subscriptions(now);
  pump_outbox(now);
}

void Client::pump_subscriptions(Instant now) {
  for (ClientSubscription& slot : storage_.subscriptions) {
    if (slot.state != Held::wanted && slot.state != Held::unwanted) continue;
    if (!send_subscription(slot)) return;
    if (ack_since_ == Instant::never()) ack_since_ = now;
  }
}

/// One SUBSCRIBE or UNSUBSCRIBE per filter. False if the output is full.
bool Client::send_subscription(ClientSubscription& slot) {
  const bool wanted = !kClientUnsubscribes || slot.state == Held::wanted;
  if (slot.packet_id == 0) slot.packet_id = take_id();
  const Subscription line{.filter = slot.filter, .qos = slot.qos};
  const auto written = wanted
                           ? encode_subscribe(slot.packet_id, {&line, 1}, {}, config_.version, output_space())
                           : encode_unsubscribe(slot.packet_id, {&slot.filter, 1}, {}, config_.version, output_space());
  if (!written) return false;
  out_end_ += static_cast<std::uint32_t>(*written);
  wrote_ = true;
  slot.state = wanted ? Held::asked : Held::leaving;
  return true;
}

/// Sends what has not been sent on this connection, in order, as far as the server's window and the output allow.
void Client::pump_outbox(Instant now) {
  Outbox::Window& window = outbox_.window();
  std::size_t open = 0;
  for (std::size_t i = 0; i < window.size(); ++i) {
    auto& entry = window[i];
    if (entry.state == Sending::done) continue;
    if (!entry.message.transmitted) {
      if (open >= server_window_) return;
      const Bytes packet = outbox_.packet(entry);
      if (const auto verdict = verdict_on(entry, packet); verdict != ReasonCode::success) {
        outbox_.refuse(entry, verdict);
        continue;
      }
      const bool released = kClientHasQos2 && entry.state == Sending::wait_pubcomp;
      if (released ? !put(Ack{.type = PacketType::pubrel, .packet_id = entry.packet_id}) : !put(packet)) return;
      entry.message.transmitted = true;
      if (ack_since_ == Instant::never()) ack_since_ = now;
    }
    ++open;
  }
}

/// Whether the limits of this server let a message through that was queued before they were known.
ReasonCode Client::verdict_on(const Outbox::Window::Entry& entry, Bytes packet) const {
  if (kClientHasQos2 && entry.state == Sending::wait_pubcomp) return ReasonCode::success;
  const Header header{packet[0]};
  if (packet.size() > server_max_packet_) return ReasonCode::packet_too_large;
  if (header.qos() > server_max_qos_) return ReasonCode::qos_not_supported;
  if (header.retain() && !server_retains_) return ReasonCode::retain_not_supported;
  return ReasonCode::success;
}

}  // namespace tercet::mqtt
