#include "tercet/mqtt/inflight.h"

namespace tercet::mqtt {

Result<Sending> next(Sending state, PacketType ack, ReasonCode reason) {
  if (state == Sending::wait_puback && ack == PacketType::puback) return Sending::done;
  if (!kClientHasQos2) return fail(Error::bad_state);
  if (state == Sending::wait_pubrec && ack == PacketType::pubrec)
    return is_failure(reason) ? Sending::done : Sending::wait_pubcomp;
  if (state == Sending::wait_pubcomp && ack == PacketType::pubrec) return Sending::wait_pubcomp;
  if (state == Sending::wait_pubcomp && ack == PacketType::pubcomp) return Sending::done;
  return fail(Error::bad_state);
}

Reception next(Receiving state, Qos arrived) {
  if (arrived == Qos::at_most_once) return {.state = state, .deliver = true};
  if (arrived == Qos::at_least_once) return {.state = state, .deliver = true, .reply = true, .ack = PacketType::puback};
  const bool fresh = state == Receiving::idle;
  return {.state = Receiving::wait_pubrel, .deliver = fresh, .reply = true, .ack = PacketType::pubrec};
}

Reception released(Receiving state) {
  const bool known = state == Receiving::wait_pubrel;
  return {.state = Receiving::idle,
          .deliver = false,
          .reply = true,
          .ack = PacketType::pubcomp,
          .reason = known ? ReasonCode::success : ReasonCode::packet_identifier_not_found};
}

bool ReceiveWindow::contains(std::uint16_t packet_id) const {
  for (std::size_t i = 0; i < size_; ++i)
    if (ids_[i] == packet_id) return true;
  return false;
}

Result<Reception> ReceiveWindow::publish(Qos qos, std::uint16_t packet_id) {
  if (qos != Qos::exactly_once) return next(Receiving::idle, qos);
  if (!kClientHasQos2) return fail(Error::unsupported);
  const bool known = contains(packet_id);
  if (!known && size_ == ids_.size()) return fail(Error::no_space);
  if (!known) ids_[size_++] = packet_id;
  return next(known ? Receiving::wait_pubrel : Receiving::idle, qos);
}

Reception ReceiveWindow::release(std::uint16_t packet_id) {
  for (std::size_t i = 0; i < size_; ++i) {
    if (ids_[i] != packet_id) continue;
    ids_[i] = ids_[--size_];
    return released(Receiving::wait_pubrel);
  }
  return released(Receiving::idle);
}

}  // namespace tercet::mqtt
