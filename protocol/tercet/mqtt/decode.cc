#include "tercet/mqtt/decode.h"

#include "tercet/mqtt/reason.h"
#include "tercet/mqtt/varint.h"

namespace tercet::mqtt {
namespace {

/// A text that must be MQTT's UTF-8; refuses the reader if it is not.
std::string_view read_text(Reader& in) {
  const auto text = as_text(in.binary());
  if (!is_valid_utf8(text)) in.refuse();
  return text;
}

/// A packet id, which is never zero [MQTT-2.2.1-3].
std::uint16_t read_packet_id(Reader& in) {
  const std::uint16_t id = in.u16();
  if (id == 0) in.refuse();
  return id;
}

/// The properties of a 5.0 packet; none in 3.x. A refused reader says that they were bad.
Properties read_properties(Reader& in, ProtocolVersion version, PropertySet allowed) {
  if (!is_v5(version)) return {};
  const auto properties = Properties::parse(in, allowed);
  if (properties) return *properties;
  in.refuse();
  return {};
}

/// What every body must have come to: all read, nothing left, and a fixed header its version allows.
bool is_whole(const Reader& in, ProtocolVersion version, const Frame& frame) {
  return in.ok() && in.at_end() && (!is_v5(version) || detail::has_shortest_length(frame));
}

Result<ProtocolVersion> version_of(std::string_view protocol, std::uint8_t level) {
  if (protocol == "MQTT" && level == 4) return ProtocolVersion::v311;
  if (protocol == "MQTT" && level == 5) return ProtocolVersion::v5;
  if (protocol == "MQIsdp" && level == 3) return ProtocolVersion::v31;
  return fail(Error::unsupported);
}

/// CONNECT's flag byte (section 3.1.2.3 and on).
struct ConnectFlags {
  std::uint8_t bits = 0;
  bool clean_start() const { return (bits & 0x02) != 0; }
  bool will() const { return (bits & 0x04) != 0; }
  Qos will_qos() const { return static_cast<Qos>((bits >> 3) & 3); }
  bool will_retain() const { return (bits & 0x20) != 0; }
  bool password() const { return (bits & 0x40) != 0; }
  bool user_name() const { return (bits & 0x80) != 0; }

  bool are_allowed(ProtocolVersion version) const {
    if ((bits & 0x01) != 0 && version != ProtocolVersion::v31) return false;  // [MQTT-3.1.2-3]
    if ((bits & 0x18) == 0x18) return false;                                  // QoS 3 [MQTT-3.1.2-14]
    if (!will() && (bits & 0x38) != 0) return false;                          // [MQTT-3.1.2-13, MQTT-3.1.2-15]
    return !password() || user_name() || is_v5(version);                      // [MQTT-3.1.2-22]
  }
};

Will read_will(Reader& in, ConnectFlags flags, ProtocolVersion version) {
  Will will;
  will.qos = flags.will_qos();
  will.retain = flags.will_retain();
  will.properties = read_properties(in, version, kWillProperties);
  will.topic = as_text(in.binary());
  if (!is_valid_topic(will.topic)) in.refuse();
  will.payload = in.binary();
  return will;
}

/// DUP in the fixed header of SUBSCRIBE, UNSUBSCRIBE and PUBREL was 3.1's way to send them again.
bool has_stray_dup(ProtocolVersion version, const Frame& frame) {
  return frame.header.dup() && version != ProtocolVersion::v31;
}

bool are_options_allowed(ProtocolVersion version, std::uint8_t options, std::string_view filter) {
  if ((options & 0x03) == 0x03) return false;  // [MQTT-3.8.3-4]
  if (version == ProtocolVersion::v31) return true;
  if (version == ProtocolVersion::v311) return (options & 0xFC) == 0;
  if ((options & 0xC0) != 0 || (options & 0x30) == 0x30) return false;
  return (options & 0x04) == 0 || !is_shared(filter);  // no local with a shared subscription [MQTT-3.8.3-4]
}

/// Whether each byte is a reason the packet may carry in that version.
bool are_codes(PacketType type, ProtocolVersion version, Bytes codes) {
  for (const std::uint8_t byte : codes) {
    const bool known = is_v5(version) ? is_reason_of(type, static_cast<ReasonCode>(byte)) : byte <= 2 || byte == 0x80;
    if (!known) return false;
  }
  return true;
}

/// The reason and properties that end a 5.0 packet, each of which may be left out from the end.
ReasonCode read_reason(Reader& in, PacketType type) {
  if (in.at_end()) return ReasonCode::success;
  const auto reason = static_cast<ReasonCode>(in.u8());
  if (!is_reason_of(type, reason)) in.refuse();
  return reason;
}
Properties read_last_properties(Reader& in, PropertySet allowed) {
  return in.at_end() ? Properties{} : read_properties(in, ProtocolVersion::v5, allowed);
}

}  // namespace

namespace detail {

Result<Properties> parse_publish_properties(Reader& in, Sender sender) {
  return Properties::parse(in, sender == Sender::client ? kClientPublishProperties : kServerPublishProperties);
}

bool has_shortest_length(const Frame& frame) {
  return frame.size - frame.body.size() == 1 + varint_size(static_cast<std::uint32_t>(frame.body.size()));
}

Result<Ack> decode_long_ack(ProtocolVersion version, const Frame& frame) {
  Reader in{frame.body};
  Ack packet;
  packet.type = frame.header.type();
  packet.packet_id = read_packet_id(in);
  if (has_stray_dup(version, frame)) return fail(Error::malformed);
  if (is_v5(version)) {
    packet.reason = read_reason(in, packet.type);
    packet.properties = read_last_properties(in, kAckProperties);
  }
  if (!is_whole(in, version, frame)) return fail(Error::malformed);
  return packet;
}

}  // namespace detail

Result<Connect> decode_connect(const Frame& frame) {
  Reader in{frame.body};
  const auto protocol = as_text(in.binary());
  const std::uint8_t level = in.u8();
  if (!in.ok()) return fail(Error::malformed);
  const auto version = version_of(protocol, level);
  if (!version) return fail(version.error());

  Connect packet;
  packet.version = *version;
  const ConnectFlags flags{in.u8()};
  if (!flags.are_allowed(*version)) return fail(Error::malformed);
  packet.clean_start = flags.clean_start();
  packet.keep_alive = Seconds{in.u16()};
  packet.properties = read_properties(in, *version, kConnectProperties);
  packet.client_id = read_text(in);
  if (flags.will()) packet.will = read_will(in, flags, *version);
  // In 3.1 the length counts, not the flags: both may be set and missing.
  const bool optional = *version == ProtocolVersion::v31;
  if (flags.user_name() && !(optional && in.at_end())) packet.user_name = read_text(in);
  if (flags.password() && !(optional && in.at_end())) packet.password = in.binary();
  if (!is_whole(in, *version, frame)) return fail(Error::malformed);
  return packet;
}

Result<Connack> decode_connack(ProtocolVersion version, const Frame& frame) {
  Reader in{frame.body};
  Connack packet;
  const std::uint8_t flags = in.u8();
  const auto reason = connack_reason(version, in.u8());
  if (!reason) return fail(Error::malformed);
  packet.reason = *reason;
  if (version != ProtocolVersion::v31) {  // where the byte is reserved and means nothing
    if ((flags & 0xFE) != 0) return fail(Error::malformed);
    packet.session_present = flags != 0;
    if (packet.session_present && packet.reason != ReasonCode::success) return fail(Error::malformed);
  }
  packet.properties = read_properties(in, version, kConnackProperties);
  if (!is_whole(in, version, frame)) return fail(Error::malformed);
  return packet;
}

Result<Subscribe> decode_subscribe(ProtocolVersion version, const Frame& frame) {
  Reader in{frame.body};
  Subscribe packet;
  packet.packet_id = read_packet_id(in);
  packet.properties = read_properties(in, version, kSubscribeProperties);
  if (!in.ok() || in.at_end() || has_stray_dup(version, frame)) return fail(Error::malformed);  // [MQTT-3.8.3-2]
  const Bytes list = frame.body.last(in.left());
  std::uint16_t count = 0;
  for (; !in.at_end(); ++count) {
    const auto filter = read_text(in);
    if (!are_options_allowed(version, in.u8(), filter) || count == 0xFFFF) return fail(Error::malformed);
  }
  if (!is_whole(in, version, frame)) return fail(Error::malformed);
  packet.subscriptions = Subscriptions{list, count};
  return packet;
}

Result<Suback> decode_suback(ProtocolVersion version, const Frame& frame) {
  Reader in{frame.body};
  Suback packet;
  packet.packet_id = read_packet_id(in);
  packet.properties = read_properties(in, version, kSubackProperties);
  packet.codes = in.rest();
  if (!is_whole(in, version, frame) || packet.codes.empty()) return fail(Error::malformed);
  if (!are_codes(PacketType::suback, version, packet.codes)) return fail(Error::malformed);
  return packet;
}

Result<Unsubscribe> decode_unsubscribe(ProtocolVersion version, const Frame& frame) {
  Reader in{frame.body};
  Unsubscribe packet;
  packet.packet_id = read_packet_id(in);
  packet.properties = read_properties(in, version, kUnsubscribeProperties);
  if (!in.ok() || in.at_end() || has_stray_dup(version, frame)) return fail(Error::malformed);  // [MQTT-3.10.3-2]
  const Bytes list = frame.body.last(in.left());
  std::uint16_t count = 0;
  for (; !in.at_end(); ++count) {
    (void)read_text(in);
    if (count == 0xFFFF) return fail(Error::malformed);
  }
  if (!is_whole(in, version, frame)) return fail(Error::malformed);
  packet.filters = Filters{list, count};
  return packet;
}

Result<Unsuback> decode_unsuback(ProtocolVersion version, const Frame& frame) {
  Reader in{frame.body};
  Unsuback packet;
  packet.packet_id = read_packet_id(in);
  packet.properties = read_properties(in, version, kSubackProperties);
  packet.codes = in.rest();
  if (!is_whole(in, version, frame) || packet.codes.empty() == is_v5(version)) return fail(Error::malformed);
  if (!are_codes(PacketType::unsuback, version, packet.codes)) return fail(Error::malformed);
  return packet;
}

Result<Disconnect> decode_disconnect(ProtocolVersion version, const Frame& frame, Sender sender) {
  Reader in{frame.body};
  Disconnect packet;
  if (!is_v5(version) && sender == Sender::server) return fail(Error::malformed);
  if (is_v5(version)) {
    packet.reason = read_reason(in, PacketType::disconnect);
    packet.properties =
        read_last_properties(in, sender == Sender::client ? kClientDisconnectProperties : kServerDisconnectProperties);
  }
  if (!is_whole(in, version, frame)) return fail(Error::malformed);
  return packet;
}

Result<Auth> decode_auth(ProtocolVersion version, const Frame& frame) {
  Reader in{frame.body};
  Auth packet;
  if (!is_v5(version)) return fail(Error::malformed);
  packet.reason = read_reason(in, PacketType::auth);
  packet.properties = read_last_properties(in, kAuthProperties);
  if (!is_whole(in, version, frame)) return fail(Error::malformed);
  return packet;
}

}  // namespace tercet::mqtt
