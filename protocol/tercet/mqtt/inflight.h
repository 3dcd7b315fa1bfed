#pragma once
#include <cstdint>
#include <span>
#include <utility>

#include "tercet/base/result.h"
#include "tercet/mqtt/packet.h"

/// Who owes whom an acknowledgement (section 4.3 of the specification). States are values, transitions are pure
/// functions, and the tables of messages in flight live in storage the caller supplies; nothing allocates.
namespace tercet::mqtt {

/// The sending side of one message.
///
///   QoS 1:  wait_puback --PUBACK--> done
///   QoS 2:  wait_pubrec --PUBREC, send PUBREL--> wait_pubcomp --PUBCOMP--> done
///           wait_pubrec --PUBREC with a failure (5.0)--> done
enum class Sending : std::uint8_t { wait_puback, wait_pubrec, wait_pubcomp, done };

/// What a PUBLISH just sent waits for.
constexpr Sending first_state(Qos qos) {
  return qos == Qos::at_most_once    ? Sending::done
         : qos == Qos::at_least_once ? Sending::wait_puback
                                     : Sending::wait_pubrec;
}

/// Errors: bad_state, this acknowledgement is not what the message waits for; a duplicate PUBREC while waiting for
/// PUBCOMP is not an error and asks for PUBREL again.
Result<Sending> next(Sending state, PacketType ack, ReasonCode reason = ReasonCode::success);

/// The receiving side of one packet id.
///
///   idle --PUBLISH QoS 2, deliver, send PUBREC--> wait_pubrel --PUBREL, send PUBCOMP--> idle
enum class Receiving : std::uint8_t { idle, wait_pubrel };

/// What the receiver does with a packet.
struct Reception {
  Receiving state = Receiving::idle;
  bool deliver = false;  ///< hand the message to the application
  bool reply = false;    ///< and whether to send `ack`
  PacketType ack = PacketType::puback;
  ReasonCode reason = ReasonCode::success;
};

/// A PUBLISH has arrived. Of QoS 2, a repeated one is acknowledged again and not delivered [MQTT-4.3.3-10].
Reception next(Receiving state, Qos arrived);
/// A PUBREL has arrived; an unknown one is answered all the same, in 5.0 with packet_identifier_not_found.
Reception released(Receiving state);

/// Gives packet ids in turn, never 0 and never one that is in use.
class PacketIds {
 public:
  /// in_use(id) says whether an id is taken. Returns 0 if all 65535 are.
  template <typename InUse>
  std::uint16_t take(InUse in_use) {
    for (std::uint32_t tries = 0; tries < 0xFFFF; ++tries) {
      last_ = static_cast<std::uint16_t>(last_ == 0xFFFF ? 1 : last_ + 1);
      if (!in_use(last_)) return last_;
    }
    return 0;
  }

 private:
  std::uint16_t last_ = 0;
};

/// Messages sent with QoS 1 or 2 and not yet done, oldest first (the order in which they must be sent again
/// [MQTT-4.6.0-1]). Message is whatever the owner keeps to be able to send it again; it is moved.
/// Acknowledgements in order cost the same however large the window is.
template <typename Message>
class SendWindow {
 public:
  struct Entry {
    std::uint16_t packet_id = 0;
    Sending state = Sending::done;
    Message message{};
  };

  /// Keeps the storage; its size is the largest window.
  explicit SendWindow(std::span<Entry> storage) : slots_(storage) {}

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size(); }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == slots_.size(); }
  /// The i-th oldest, i < size().
  Entry& operator[](std::size_t i) { return slots_[place(i)]; }
  const Entry& operator[](std::size_t i) const { return slots_[place(i)]; }

  /// Errors: no_space; bad_argument, packet id 0 or QoS 0; already_exists, the id is in use.
  Result<void> add(std::uint16_t packet_id, Qos qos, Message message) {
    if (full()) return fail(Error::no_space);
    if (packet_id == 0 || qos == Qos::at_most_once) return fail(Error::bad_argument);
    if (contains(packet_id)) return fail(Error::already_exists);
    slots_[place(size_)] = Entry{packet_id, first_state(qos), std::move(message)};
    ++size_;
    return {};
  }

  /// nullptr if the id is not in flight. Valid until the next change.
  Entry* find(std::uint16_t packet_id) {
    for (std::size_t i = 0; i < size_; ++i)
      if (slots_[place(i)].packet_id == packet_id) return &slots_[place(i)];
    return nullptr;
  }
  bool contains(std::uint16_t packet_id) const { return const_cast<SendWindow*>(this)->find(packet_id) != nullptr; }

  /// Applies an acknowledgement and gives the entry as it is after it; one that is done has left the window.
  /// Errors: not_found, nothing with that id (a late duplicate: ignore, answer PUBREC with PUBREL); bad_state.
  Result<Entry> acknowledge(std::uint16_t packet_id, PacketType ack, ReasonCode reason = ReasonCode::success) {
    for (std::size_t i = 0; i < size_; ++i) {
      Entry& entry = slots_[place(i)];
      if (entry.packet_id != packet_id) continue;
      const auto state = next(entry.state, ack, reason);
      if (!state) return fail(state.error());
      entry.state = *state;
      if (*state != Sending::done) return Entry{entry};
      return remove(i);
    }
    return fail(Error::not_found);
  }

  /// Takes the i-th oldest out; those older than it move up by one.
  Entry remove(std::size_t i) {
    Entry taken = std::move(slots_[place(i)]);
    for (; i > 0; --i) slots_[place(i)] = std::move(slots_[place(i - 1)]);
    slots_[head_] = Entry{};
    head_ = place(1);
    --size_;
    return taken;
  }
  void clear() {
    while (size_ > 0) remove(0);
  }

 private:
  std::size_t place(std::size_t i) const {
    const std::size_t at = head_ + i;
    return at < slots_.size() ? at : at - slots_.size();
  }
  std::span<Entry> slots_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

/// Packet ids of QoS 2 messages received and not yet released.
class ReceiveWindow {
 public:
  /// Keeps the storage; its size is the Receive Maximum to announce.
  explicit ReceiveWindow(std::span<std::uint16_t> storage) : ids_(storage) {}

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return ids_.size(); }
  bool contains(std::uint16_t packet_id) const;
  /// A PUBLISH has arrived. Errors: no_space, a new QoS 2 message beyond the window (5.0: receive_maximum_exceeded).
  Result<Reception> publish(Qos qos, std::uint16_t packet_id);
  /// A PUBREL has arrived.
  Reception release(std::uint16_t packet_id);
  void clear() { size_ = 0; }

 private:
  std::span<std::uint16_t> ids_;
  std::size_t size_ = 0;
};

}  // namespace tercet::mqtt
