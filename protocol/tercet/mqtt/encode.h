#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "tercet/base/result.h"
#include "tercet/base/writer.h"
#include "tercet/mqtt/packet.h"
#include "tercet/mqtt/varint.h"

/// Packets to bytes, for both ends. encode() writes one whole packet to the front of `out` and says how long it is.
/// Errors of all: no_space, `out` is too small (its content is then undefined); too_large, a text over 65535 bytes or a
/// packet over the protocol's limit; bad_argument, packet id 0 where one is needed, an empty list, or a packet type
/// that the version does not have. Topics, filters and texts are written as they are: validate what a user typed first.
/// Properties are written in 5.0 and left out in 3.x.
namespace tercet::mqtt {

inline constexpr std::array<std::uint8_t, 2> kPingreq{0xC0, 0x00};
inline constexpr std::array<std::uint8_t, 2> kPingresp{0xD0, 0x00};

Result<std::size_t> encode(const Connect& packet, MutableBytes out);
Result<std::size_t> encode(const Connack& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Publish& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Ack& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode_subscribe(std::uint16_t packet_id, std::span<const Subscription> subscriptions,
                                     const Properties& properties, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Subscribe& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Suback& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode_unsubscribe(std::uint16_t packet_id, std::span<const std::string_view> filters,
                                       const Properties& properties, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Unsubscribe& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Unsuback& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Pingreq& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Pingresp& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Disconnect& packet, ProtocolVersion version, MutableBytes out);
Result<std::size_t> encode(const Auth& packet, ProtocolVersion version, MutableBytes out);

/// The fast path of a server: reserve `layout.size` bytes at the end of the output, then write_publish() there.
struct PublishLayout {
  std::uint32_t body_bytes = 0;
  std::uint32_t size = 0;              ///< of the whole packet
  std::uint32_t packet_id_offset = 0;  ///< where the packet id is (with QoS 1 and 2): copies can be patched
};
/// The topic must be at most 65535 bytes and the packet within kMaxRemainingLength; encode() checks both.
inline PublishLayout layout(const Publish& packet, ProtocolVersion version) {
  std::uint32_t body = static_cast<std::uint32_t>(2 + packet.topic.size() + packet.payload.size());
  if (packet.qos != Qos::at_most_once) body += 2;
  if (is_v5(version)) {
    const auto properties = static_cast<std::uint32_t>(packet.properties.encoded().size());
    body += static_cast<std::uint32_t>(varint_size(properties)) + properties;
  }
  const auto header = static_cast<std::uint32_t>(1 + varint_size(body));
  return {body, header + body, static_cast<std::uint32_t>(header + 2 + packet.topic.size())};
}
inline std::size_t encoded_size(const Publish& packet, ProtocolVersion version) { return layout(packet, version).size; }

/// Writes everything of a PUBLISH but the payload and returns the place where the payload goes.
inline std::uint8_t* write_publish_head(std::uint8_t* out, const Publish& packet, ProtocolVersion version,
                                        const PublishLayout& layout) {
  *out++ = static_cast<std::uint8_t>(0x30 | (packet.dup ? 0x08 : 0) | (static_cast<unsigned>(packet.qos) << 1) |
                                     (packet.retain ? 0x01 : 0));
  out = write_varint(out, layout.body_bytes);
  *out++ = static_cast<std::uint8_t>(packet.topic.size() >> 8);
  *out++ = static_cast<std::uint8_t>(packet.topic.size());
  if (!packet.topic.empty()) std::memcpy(out, packet.topic.data(), packet.topic.size());
  out += packet.topic.size();
  if (packet.qos != Qos::at_most_once) {
    *out++ = static_cast<std::uint8_t>(packet.packet_id >> 8);
    *out++ = static_cast<std::uint8_t>(packet.packet_id);
  }
  if (is_v5(version)) {
    const Bytes properties = packet.properties.encoded();
    out = write_varint(out, static_cast<std::uint32_t>(properties.size()));
    if (!properties.empty()) std::memcpy(out, properties.data(), properties.size());
    out += properties.size();
  }
  return out;
}
/// Writes the whole PUBLISH, layout.size bytes, and returns the place after it.
inline std::uint8_t* write_publish(std::uint8_t* out, const Publish& packet, ProtocolVersion version,
                                   const PublishLayout& layout) {
  out = write_publish_head(out, packet, version, layout);
  if (!packet.payload.empty()) std::memcpy(out, packet.payload.data(), packet.payload.size());
  return out + packet.payload.size();
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP that says success, the same four bytes in every version.
inline std::array<std::uint8_t, 4> short_ack(PacketType type, std::uint16_t packet_id) {
  const unsigned flags = type == PacketType::pubrel ? 2 : 0;
  return {static_cast<std::uint8_t>((static_cast<unsigned>(type) << 4) | flags), 2,
          static_cast<std::uint8_t>(packet_id >> 8), static_cast<std::uint8_t>(packet_id)};
}

}  // namespace tercet::mqtt
