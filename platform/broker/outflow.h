#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "platform/broker/message.h"

namespace tercet::broker {

/// QoS 1 and 2 messages from us to one session, in order: first those sent and not yet acknowledged, then those that
/// wait. A message has a sequence number for life; its packet id follows from it, so that it is the same after a
/// restart.
///
///   waiting -> sent_qos1 -PUBACK-> done
///   waiting -> sent_qos2 -PUBREC-> releasing -that is stored-> released -PUBCOMP-> done
///
/// For a session that ends with its connection a message is kept only while it waits. On a new connection what was sent
/// and not acknowledged is sent again, as far as the new window allows at a time, before anything that waits.
class Outflow {
 public:
  enum class State : std::uint8_t { done, waiting, sent_qos1, sent_qos2, releasing, released };
  struct Flight {
    MessageRef message;  ///< empty once released, or sent to a session that cannot come back
    State state = State::done;
    std::uint8_t qos = 0;
    bool retain = false;
    bool stored = false;  ///< there is a record of it in the store
  };

  explicit Outflow(std::uint64_t first = 0) : first_(first), unsent_(first), end_(first) {}

  static std::uint16_t packet_id(std::uint64_t sequence) { return static_cast<std::uint16_t>(sequence % 65535 + 1); }

  std::uint64_t first() const { return first_; }    ///< oldest that is not done
  std::uint64_t unsent() const { return unsent_; }  ///< first that waits
  std::uint64_t end() const { return end_; }
  std::size_t in_flight() const { return in_flight_; }
  std::size_t waiting() const { return static_cast<std::size_t>(end_ - unsent_); }
  bool is_empty() const { return first_ == end_; }
  bool has_backlog() const { return unrepeated_ > 0 || waiting() > 0; }
  std::size_t bytes() const { return bytes_; }  ///< of the messages kept, in flight or waiting
  /// Whether one more may be sent now, given the receiver's window. Nothing overtakes what waits, or is to be repeated.
  bool may_send(std::size_t window) const {
    return unrepeated_ == 0 && in_flight_ < window && unsent_ - first_ < 65535;
  }

  /// A new connection: everything in flight is to be sent again, in order [MQTT-4.6.0-1].
  void start_again() { again_ = first_, unrepeated_ = in_flight_; }
  std::size_t unrepeated() const { return unrepeated_; }
  /// The first that is to be sent again; only when there is one.
  std::uint64_t next_again() {
    for (again_ = std::max(again_, first_); at(again_).state == State::done;) ++again_;
    return again_;
  }
  bool may_repeat(std::size_t window) const { return in_flight_ - unrepeated_ < window; }
  /// That one is being sent again.
  void repeat_next() {
    --unrepeated_;
    ++again_;
  }

  Flight& at(std::uint64_t sequence) { return ring_[sequence & mask_]; }
  /// Whether that one is still to be acknowledged.
  bool holds(std::uint64_t sequence) const {
    return sequence >= first_ && sequence < end_ && ring_[sequence & mask_].state != State::done;
  }

  /// Appends one that is sent at once: only when nothing waits and may_send(). Gives its sequence number.
  std::uint64_t push_sent(std::uint8_t qos) {
    Flight& flight = push();
    flight.state = qos == 2 ? State::sent_qos2 : State::sent_qos1;
    flight.qos = qos;
    ++unsent_;
    ++in_flight_;
    return end_ - 1;
  }
  /// Appends one that waits.
  std::uint64_t push_waiting(MessageRef message, std::uint8_t qos, bool retain) {
    Flight& flight = push();
    bytes_ += message->size();
    flight.message = std::move(message);
    flight.state = State::waiting;
    flight.qos = qos;
    flight.retain = retain;
    return end_ - 1;
  }
  /// Appends a place that is done already: an acknowledged message among those a restart brings back.
  void push_gap() { push() = Flight{}; }
  /// Appends one whose PUBREL a restart has to say again.
  void push_released() {
    Flight& flight = push();
    flight.state = State::released;
    flight.qos = 2;
    flight.stored = true;
  }
  /// The first that waits, or its PUBREL, is being sent. Gives its sequence number.
  std::uint64_t send_next() {
    Flight& flight = at(unsent_);
    if (flight.state == State::waiting) flight.state = flight.qos == 2 ? State::sent_qos2 : State::sent_qos1;
    ++in_flight_;
    return unsent_++;
  }
  /// The first that waits is dropped instead.
  void skip_next() {
    drop_message(unsent_);
    at(unsent_++) = Flight{};
    advance();
  }

  /// The sequence number that a packet id of the client's acknowledgement means; false when none is in flight with it.
  bool find(std::uint16_t packet_id, std::uint64_t& sequence) const {
    const std::uint64_t behind = (packet_id - 1u + 65535u - static_cast<std::uint32_t>(first_ % 65535)) % 65535;
    sequence = first_ + behind;
    return packet_id != 0 && sequence < unsent_ && ring_[sequence & mask_].state != State::done;
  }
  /// The message is not needed again.
  void drop_message(std::uint64_t sequence) {
    MessageRef& message = at(sequence).message;
    if (message) bytes_ -= message->size();
    message = MessageRef{};
  }
  /// The message has arrived for good.
  void finish(std::uint64_t sequence) {
    drop_message(sequence);
    at(sequence) = Flight{};
    if (unrepeated_ > 0 && sequence >= again_) --unrepeated_;
    --in_flight_;
    advance();
  }

 private:
  Flight& push() {
    if (end_ - first_ >= capacity_) grow();
    return ring_[end_++ & mask_];
  }
  void advance() {
    while (first_ < unsent_ && ring_[first_ & mask_].state == State::done) ++first_;
  }
  void grow();

  std::unique_ptr<Flight[]> ring_;
  std::uint64_t first_;
  std::uint64_t unsent_;
  std::uint64_t end_;
  std::uint64_t again_ = 0;  ///< where sending again has come to; means something while unrepeated_ is not 0
  std::size_t bytes_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t mask_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint32_t unrepeated_ = 0;  ///< of those in flight, not yet sent on this connection
};

}  // namespace tercet::broker
