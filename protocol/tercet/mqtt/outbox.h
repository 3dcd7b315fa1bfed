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
  };
  using Window = SendWindow<Message>;

  /// Keeps both. Their sizes bound bytes and messages.
  Outbox(MutableBytes bytes, std::span<Window::Entry> entries) : bytes_(bytes), window_(entries) {}

  /// Encodes and keeps a message. Errors: no_space; those of encode().
  Result<void> add(const Publish& message, ProtocolVersion version);
  /// The encoded packet, with DUP set if it has to be.
  Bytes packet(Window::Entry& entry);
  /// As SendWindow::acknowledge(); the bytes are given back as soon as they are not needed.
  Result<Window::Entry> acknowledge(std::uint16_t packet_id, PacketType ack, ReasonCode reason);

  /// A connection has begun. session_present: what was transmitted is sent again with DUP [MQTT-4.4.0-1]. Otherwise the
  /// server knows nothing: messages become new ones, and those it had received for good (waiting for PUBCOMP) are done;
  /// the first call removes nothing, take_finished() gives them one by one.
  void reconnect(bool session_present);
  /// All unacknowledged packets count as not transmitted, with DUP: 3.x may send again on a live connection.
  void retransmit();
  /// The packet id of a message that reconnect() found to be done, removing it.
  std::optional<std::uint16_t> take_finished();

  Window& window() { return window_; }
  const Window& window() const { return window_; }
  std::size_t size() const { return window_.size(); }
  bool contains(std::uint16_t packet_id) const { return window_.contains(packet_id); }
  /// How many are transmitted and not acknowledged, for the server's Receive Maximum.
  std::size_t transmitted() const;

 private:
  std::uint32_t end() const;
  void compact();

  MutableBytes bytes_;
  Window window_;
};

}  // namespace tercet::mqtt
