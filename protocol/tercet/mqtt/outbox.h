#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "tercet/base/result.h"
#include "tercet/mqtt/inflight.h"

namespace tercet::mqtt {

/// QoS 1 and 2 messages of a client, encoded and kept until they are acknowledged, in order. Bytes live in one buffer
/// of the caller's, used from front to back and moved together when the end is reached.
class Outbox {
 public:
  struct Message {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;    ///< zero once only the PUBREL exchange is left
    bool transmitted = false;  ///< on the present connection
    bool dup = false;          ///< on an earlier one, and the server may have seen it
    ReasonCode verdict = ReasonCode::success;
  };
  /// A message that ended without an acknowledgement.
  struct Finished {
    std::uint16_t packet_id = 0;
    ReasonCode reason = ReasonCode::success;
  };
  using Window = SendWindow<Message>;

  /// Keeps both. Their sizes bound bytes and messages.
  Outbox(MutableBytes bytes, std::span<Window::Entry> entries) : bytes_(bytes), window_(entries) {}

  /// Encodes and keeps a message. Errors: no_space, for now; too_large, for ever; those of encode().
  Result<void> add(const Publish& message, ProtocolVersion version);
  /// The encoded packet, with DUP set if it has to be.
  Bytes packet(Window::Entry& entry);
  Bytes packet(const Window::Entry& entry) const {
    return Bytes{bytes_}.subspan(entry.message.begin, entry.message.size);
  }
  /// As SendWindow::acknowledge(); the bytes are given back as soon as they are not needed.
  Result<Window::Entry> acknowledge(std::uint16_t packet_id, PacketType ack, ReasonCode reason);

  /// A connection has begun. session_present: what was transmitted will be sent again with DUP [MQTT-4.4.0-1].
  /// Otherwise the server knows nothing: messages become new ones, and those it had taken over for good (waiting for
  /// PUBCOMP) are finished.
  void reconnect(bool session_present);
  /// Everything unacknowledged will be sent again with DUP: allowed on a live connection in 3.x.
  void retransmit() { reconnect(true); }
  /// Gives up a message; take_finished() will name it.
  void refuse(Window::Entry& entry, ReasonCode reason);
  /// One message that ended without an acknowledgement; it leaves the outbox.
  std::optional<Finished> take_finished();

  Window& window() { return window_; }
  const Window& window() const { return window_; }
  std::size_t size() const { return window_.size(); }
  bool contains(std::uint16_t packet_id) const { return window_.contains(packet_id); }

 private:
  std::size_t end() const;
  void compact();

  MutableBytes bytes_;
  Window window_;
};

}  // namespace tercet::mqtt
