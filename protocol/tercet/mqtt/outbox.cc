#include "tercet/mqtt/outbox.h"

#include <cstring>

#include "tercet/mqtt/encode.h"

namespace tercet::mqtt {

Result<void> Outbox::add(const Publish& message, ProtocolVersion version) {
  if (window_.full()) return fail(Error::no_space);
  auto size = encode(message, version, bytes_.subspan(end()));
  if (!size && size.error() == Error::no_space) {
    compact();
    size = encode(message, version, bytes_.subspan(end()));
    if (!size && size.error() == Error::no_space && end() == 0) return fail(Error::too_large);
  }
  if (!size) return fail(size.error());
  return window_.add(message.packet_id, message.qos,
                     Message{.begin = static_cast<std::uint32_t>(end()), .size = static_cast<std::uint32_t>(*size)});
}

Bytes Outbox::packet(Window::Entry& entry) {
  const Message& message = entry.message;
  if (message.size > 0) {
    std::uint8_t& first = bytes_[message.begin];
    first = static_cast<std::uint8_t>(message.dup ? first | 0x08 : first & ~0x08);
  }
  return Bytes{bytes_}.subspan(message.begin, message.size);
}

Result<Outbox::Window::Entry> Outbox::acknowledge(std::uint16_t packet_id, PacketType ack, ReasonCode reason) {
  const auto entry = window_.acknowledge(packet_id, ack, reason);
  if (kClientHasQos2 && entry && entry->state == Sending::wait_pubcomp) window_.find(packet_id)->message.size = 0;
  return entry;
}

void Outbox::reconnect(bool session_present) {
  for (std::size_t i = 0; i < window_.size(); ++i) {
    auto& entry = window_[i];
    Message& message = entry.message;
    if (kClientHasQos2 && !session_present && entry.state == Sending::wait_pubcomp) entry.state = Sending::done;
    message.dup = session_present && (message.dup || message.transmitted);
    message.transmitted = false;
  }
}

void Outbox::refuse(Window::Entry& entry, ReasonCode reason) {
  entry.state = Sending::done;
  entry.message.verdict = reason;
}

std::optional<Outbox::Finished> Outbox::take_finished() {
  for (std::size_t i = 0; i < window_.size(); ++i) {
    if (window_[i].state != Sending::done) continue;
    const auto entry = window_.remove(i);
    return Finished{entry.packet_id, entry.message.verdict};
  }
  return std::nullopt;
}

/// Messages lie in order, so the newest that still has bytes ends last.
std::size_t Outbox::end() const {
  for (std::size_t i = window_.size(); i-- > 0;) {
    const Message& message = window_[i].message;
    if (message.size > 0) return std::size_t{message.begin} + message.size;
  }
  return 0;
}

void Outbox::compact() {
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < window_.size(); ++i) {
    Message& message = window_[i].message;
    if (message.size > 0 && message.begin != at)
      std::memmove(bytes_.data() + at, bytes_.data() + message.begin, message.size);
    message.begin = at;
    at += message.size;
  }
}

}  // namespace tercet::mqtt
