#pragma once
#include <cstdint>

#include "tercet/base/reader.h"
#include "tercet/base/result.h"
#include "tercet/mqtt/packet.h"
#include "tercet/mqtt/topic.h"

/// Bytes to packets, for both ends. Nothing is copied or allocated: a packet's views point into the bytes handed in.
/// A decoder wants the whole body and refuses what is left over. All errors are `malformed` unless said otherwise:
/// close the connection (5.0: after DISCONNECT with malformed_packet).
namespace tercet::mqtt {

/// The first byte of a packet.
struct Header {
  std::uint8_t byte = 0;
  PacketType type() const { return static_cast<PacketType>(byte >> 4); }
  std::uint8_t flags() const { return byte & 0x0F; }
  bool dup() const { return (byte & 0x08) != 0; }
  Qos qos() const { return static_cast<Qos>((byte >> 1) & 3); }
  bool retain() const { return (byte & 0x01) != 0; }
};

struct FixedHeader {
  Header header;
  std::uint8_t header_bytes = 0;  ///< 2..5
  std::uint32_t body_bytes = 0;
  std::size_t packet_bytes() const { return std::size_t{header_bytes} + body_bytes; }
};

/// One whole packet at the front of a buffer.
struct Frame {
  Header header;
  Bytes body;
  std::size_t size = 0;  ///< of the whole packet: drop this many bytes to come to the next
};

namespace detail {
/// What a packet type allows in its fixed header, whatever the version: flags as a set of the 16 values, and the size
/// of the smallest body. DUP of SUBSCRIBE, UNSUBSCRIBE and PUBREL is 3.1's; their decoders refuse it later on.
struct FrameRule {
  std::uint16_t flags;
  std::uint8_t min_body;
  bool always_empty;
};
inline constexpr FrameRule kFrameRules[16] = {
    {0, 0, true},        // 0 is forbidden
    {0x0001, 7, false},  // connect
    {0x0001, 2, false},  // connack
    {0x3C3F, 3, false},  // publish: no QoS 3 [MQTT-3.3.1-4], no DUP with QoS 0 [MQTT-3.3.1-2]
    {0x0001, 2, false},  // puback
    {0x0001, 2, false},  // pubrec
    {0x0404, 2, false},  // pubrel
    {0x0001, 2, false},  // pubcomp
    {0x0404, 5, false},  // subscribe
    {0x0001, 3, false},  // suback
    {0x0404, 4, false},  // unsubscribe
    {0x0001, 2, false},  // unsuback
    {0x0001, 0, true},   // pingreq
    {0x0001, 0, true},   // pingresp
    {0x0001, 0, false},  // disconnect
    {0x0001, 0, false},  // auth
};
}  // namespace detail

/// Reads the fixed header alone, so that a bad or oversized packet is refused before its body arrives.
/// max_packet_bytes: the largest whole packet taken, header included (as Maximum Packet Size of 5.0 counts).
/// Errors: need_more; malformed, flags or length this packet type cannot have; too_large.
/// A Remaining Length spelled with more bytes than it needs is accepted here (3.x clients do it); 5.0 decoders refuse
/// it.
TERCET_ONE_COPY inline Result<FixedHeader> decode_fixed_header(Bytes in, std::size_t max_packet_bytes) {
  if (in.empty()) return fail(Error::need_more);
  FixedHeader fixed{.header = {in[0]}};
  const detail::FrameRule rule = detail::kFrameRules[in[0] >> 4];
  if (((rule.flags >> fixed.header.flags()) & 1) == 0) return fail(Error::malformed);
  std::uint32_t length = 0;
  for (std::uint8_t i = 1;; ++i) {
    if (i == 5) return fail(Error::malformed);
    if (i == in.size()) return fail(Error::need_more);
    length |= static_cast<std::uint32_t>(in[i] & 0x7F) << (7 * (i - 1));
    if (in[i] < 0x80) {
      fixed.header_bytes = static_cast<std::uint8_t>(i + 1);
      break;
    }
  }
  if (length < rule.min_body || (rule.always_empty && length != 0)) return fail(Error::malformed);
  fixed.body_bytes = length;
  if (fixed.packet_bytes() > max_packet_bytes) return fail(Error::too_large);
  return fixed;
}

/// The first whole packet of a stream of bytes. Errors: as decode_fixed_header(); need_more until the body is whole.
TERCET_ONE_COPY inline Result<Frame> next_frame(Bytes in, std::size_t max_packet_bytes) {
  const auto fixed = decode_fixed_header(in, max_packet_bytes);
  if (!fixed) return fail(fixed.error());
  if (in.size() < fixed->packet_bytes()) return fail(Error::need_more);
  return Frame{fixed->header, in.subspan(fixed->header_bytes, fixed->body_bytes), fixed->packet_bytes()};
}

/// Errors: malformed; unsupported, a protocol name and level that are none of MQIsdp 3, MQTT 4 and MQTT 5: answer
/// CONNACK unsupported_protocol_version in the form of 3.1.1 and close.
Result<Connect> decode_connect(const Frame& frame);
Result<Connack> decode_connack(ProtocolVersion version, const Frame& frame);
inline Result<Publish> decode_publish(ProtocolVersion version, const Frame& frame, Sender sender);
/// PUBACK, PUBREC, PUBREL, PUBCOMP.
inline Result<Ack> decode_ack(ProtocolVersion version, const Frame& frame);
Result<Subscribe> decode_subscribe(ProtocolVersion version, const Frame& frame);
Result<Suback> decode_suback(ProtocolVersion version, const Frame& frame);
Result<Unsubscribe> decode_unsubscribe(ProtocolVersion version, const Frame& frame);
Result<Unsuback> decode_unsuback(ProtocolVersion version, const Frame& frame);
/// In 3.x a server never sends one: malformed.
Result<Disconnect> decode_disconnect(ProtocolVersion version, const Frame& frame, Sender sender);
/// In 3.x there is no such packet: malformed.
Result<Auth> decode_auth(ProtocolVersion version, const Frame& frame);
// PINGREQ and PINGRESP are whole once next_frame() has returned them.

namespace detail {
Result<Properties> parse_publish_properties(Reader& in, Sender sender);
Result<Ack> decode_long_ack(ProtocolVersion version, const Frame& frame);
bool has_shortest_length(const Frame& frame);
}  // namespace detail

inline Result<Publish> decode_publish(ProtocolVersion version, const Frame& frame, Sender sender) {
  Reader in{frame.body};
  Publish packet;
  packet.dup = frame.header.dup();
  packet.qos = frame.header.qos();
  packet.retain = frame.header.retain();
  packet.topic = as_text(in.binary());
  if (packet.qos != Qos::at_most_once) {
    packet.packet_id = in.u16();
    if (packet.packet_id == 0) return fail(Error::malformed);  // [MQTT-2.2.1-3]
  }
  if (is_v5(version)) [[unlikely]] {
    const auto properties = detail::parse_publish_properties(in, sender);
    if (!properties || !detail::has_shortest_length(frame)) return fail(Error::malformed);
    packet.properties = *properties;
  }
  packet.payload = in.rest();
  if (!in.ok()) return fail(Error::malformed);
  if (is_valid_topic(packet.topic)) [[likely]]
    return packet;
  if (packet.topic.empty() && packet.properties.has(Property::topic_alias)) return packet;
  return fail(Error::malformed);
}

inline Result<Ack> decode_ack(ProtocolVersion version, const Frame& frame) {
  if (frame.body.size() != 2 || frame.header.dup()) return detail::decode_long_ack(version, frame);
  Ack packet;
  packet.type = frame.header.type();
  packet.packet_id = static_cast<std::uint16_t>((frame.body[0] << 8) | frame.body[1]);
  if (packet.packet_id == 0) return fail(Error::malformed);
  return packet;
}

}  // namespace tercet::mqtt
