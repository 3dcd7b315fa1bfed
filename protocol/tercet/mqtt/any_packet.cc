#include "tercet/mqtt/any_packet.h"

namespace tercet::mqtt {
namespace {

template <typename Packet>
Result<AnyPacket> any(const Result<Packet>& packet) {
  if (!packet) return fail(packet.error());
  return AnyPacket{*packet};
}

}  // namespace

Result<AnyPacket> decode_any(ProtocolVersion version, const Frame& frame, Sender sender) {
  switch (frame.header.type()) {
    case PacketType::connect:
      return any(decode_connect(frame));
    case PacketType::connack:
      return any(decode_connack(version, frame));
    case PacketType::publish:
      return any(decode_publish(version, frame, sender));
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return any(decode_ack(version, frame));
    case PacketType::subscribe:
      return any(decode_subscribe(version, frame));
    case PacketType::suback:
      return any(decode_suback(version, frame));
    case PacketType::unsubscribe:
      return any(decode_unsubscribe(version, frame));
    case PacketType::unsuback:
      return any(decode_unsuback(version, frame));
    case PacketType::pingreq:
      return AnyPacket{Pingreq{}};
    case PacketType::pingresp:
      return AnyPacket{Pingresp{}};
    case PacketType::disconnect:
      return any(decode_disconnect(version, frame, sender));
    case PacketType::auth:
      return any(decode_auth(version, frame));
  }
  return fail(Error::malformed);
}

Result<std::size_t> encode(const AnyPacket& packet, ProtocolVersion version, MutableBytes out) {
  return std::visit(
      [&](const auto& each) -> Result<std::size_t> {
        if constexpr (std::is_same_v<std::decay_t<decltype(each)>, Connect>)
          return encode(each, out);
        else
          return encode(each, version, out);
      },
      packet);
}

}  // namespace tercet::mqtt
