#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/broker/output.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/mqtt/encode.h"
#include "tercet/mqtt/packet.h"

namespace tercet::broker {

class Session;

/// A message on its way to its receivers. Views live as long as the call.
struct Publication {
  std::string_view topic;  ///< without `?query`
  Bytes payload;
  Bytes properties;                 ///< MQTT 5, encoded: those that are passed on, but message expiry
  std::int64_t expires_ms = 0;      ///< wall clock; 0 never
  const Session* origin = nullptr;  ///< the publisher, where it is a session of this shard
  std::uint8_t qos = 0;
  bool retain = false;  ///< as published
};

/// A message kept for later. Immutable; counted without atomics, so it never leaves its shard.
class Message {
 public:
  std::string_view topic() const { return {bytes(), topic_bytes_}; }
  Bytes properties() const { return view(topic_bytes_, properties_bytes_); }
  Bytes payload() const { return view(topic_bytes_ + properties_bytes_, payload_bytes_); }
  std::int64_t expires_ms() const { return expires_ms_; }
  std::int64_t created_ms() const { return created_ms_; }  ///< wall clock
  std::uint8_t qos() const { return qos_; }
  bool is_expired(UnixMillis wall) const { return expires_ms_ != 0 && wall.ms >= expires_ms_; }
  std::size_t size() const { return sizeof(Message) + topic_bytes_ + properties_bytes_ + payload_bytes_; }
  Publication publication() const;

 private:
  friend class MessageRef;
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  Bytes view(std::size_t from, std::size_t size) const {
    return {reinterpret_cast<const std::uint8_t*>(bytes()) + from, size};
  }
  std::int64_t expires_ms_ = 0;
  std::int64_t created_ms_ = 0;
  std::uint32_t references_ = 0;
  std::uint32_t properties_bytes_ = 0;
  std::uint32_t payload_bytes_ = 0;
  std::uint16_t topic_bytes_ = 0;
  std::uint8_t qos_ = 0;
};

/// Shared ownership of an immutable message within one shard.
class MessageRef {
 public:
  MessageRef() = default;
  /// Copies. `identifiers` are subscription identifiers to add to the properties.
  static MessageRef copy_of(const Publication& from, std::uint8_t qos, UnixMillis created,
                            std::span<const std::uint32_t> identifiers = {});
  MessageRef(const MessageRef& other) : message_(other.message_) { hold(); }
  MessageRef(MessageRef&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
  MessageRef& operator=(MessageRef other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  ~MessageRef() { let_go(); }
  explicit operator bool() const { return message_ != nullptr; }
  const Message* operator->() const { return message_; }
  const Message& operator*() const { return *message_; }

 private:
  explicit MessageRef(Message* message) : message_(message) { hold(); }
  void hold() {
    if (message_ != nullptr) ++message_->references_;
  }
  void let_go();
  Message* message_ = nullptr;
};

/// How one copy of a message goes out.
struct Copy {
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v311;
  std::uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;
  std::span<const std::uint32_t> identifiers;  ///< MQTT 5
  std::uint32_t max_bytes = 0xFFFFFFFF;        ///< the client's maximum packet size
};

/// Puts copies of messages at the end of outputs. One per shard; holds the scratch space for rewritten properties.
class PublishWriter {
 public:
  explicit PublishWriter(BufferPool& pool) : pool_(pool) {}
  /// The bytes appended; 0 when the packet would be larger than the client takes.
  std::size_t append(Output& out, const Publication& publication, const Copy& copy, UnixMillis wall) {
    mqtt::Publish packet;
    packet.topic = publication.topic;
    packet.payload = publication.payload;
    packet.packet_id = copy.packet_id;
    packet.qos = static_cast<mqtt::Qos>(copy.qos);
    packet.retain = copy.retain;
    packet.dup = copy.dup;
    if (copy.version == mqtt::ProtocolVersion::v5) [[unlikely]]
      packet.properties = properties(publication, copy, wall);
    const auto layout = mqtt::layout(packet, copy.version);
    if (layout.size > copy.max_bytes) [[unlikely]]
      return 0;
    mqtt::write_publish(out.reserve(pool_, layout.size), packet, copy.version, layout);
    out.commit(layout.size);
    return layout.size;
  }

 private:
  mqtt::Properties properties(const Publication& publication, const Copy& copy, UnixMillis wall);
  BufferPool& pool_;
  std::vector<std::uint8_t> scratch_;
};

/// What of a PUBLISH's properties is passed on, without message expiry; written to `scratch` when something had to be
/// left out.
Bytes passed_on(const mqtt::Properties& properties, std::vector<std::uint8_t>& scratch);

/// A message as text for the store and for other shards: version byte, qos, retain, expiry, topic, properties, payload.
void encode_message(std::string& out, const Publication& publication, std::uint8_t qos, bool retain);
/// Views into `in`. Errors: malformed.
Result<Publication> decode_message(std::string_view in);

}  // namespace tercet::broker
