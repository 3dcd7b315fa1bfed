#include "tercet/mqtt/encode.h"

#include "tercet/mqtt/reason.h"

namespace tercet::mqtt {
namespace {

constexpr std::size_t kLongestText = 0xFFFF;

std::size_t text_size(std::size_t bytes) { return 2 + bytes; }

std::size_t properties_size(ProtocolVersion version, const Properties& properties) {
  if (!is_v5(version)) return 0;
  const std::size_t bytes = properties.encoded().size();
  return bytes > kMaxRemainingLength ? bytes : varint_size(static_cast<std::uint32_t>(bytes)) + bytes;
}

void put_properties(Writer& out, ProtocolVersion version, const Properties& properties) {
  if (!is_v5(version)) return;
  put_varint(out, static_cast<std::uint32_t>(properties.encoded().size()));
  out.bytes(properties.encoded());
}

/// A writer that has begun a packet of a known size, or the reason why it cannot be written.
Result<Writer> begin(PacketType type, unsigned flags, std::size_t body, MutableBytes out) {
  if (body > kMaxRemainingLength) return fail(Error::too_large);
  const auto length = static_cast<std::uint32_t>(body);
  if (out.size() < 1 + varint_size(length) + body) return fail(Error::no_space);
  Writer writer{out};
  writer.u8(static_cast<std::uint8_t>((static_cast<unsigned>(type) << 4) | flags));
  put_varint(writer, length);
  return writer;
}

/// The size is computed before writing, so a writer that failed met a text that is too long.
Result<std::size_t> finish(const Writer& out) {
  if (!out.ok()) return fail(Error::too_large);
  return out.size();
}

std::uint8_t flags_of(const Connect& packet) {
  unsigned flags = packet.clean_start ? 0x02 : 0;
  if (packet.will) {
    flags |= 0x04 | (static_cast<unsigned>(packet.will->qos) << 3) | (packet.will->retain ? 0x20U : 0U);
  }
  if (packet.password) flags |= 0x40;
  if (packet.user_name) flags |= 0x80;
  return static_cast<std::uint8_t>(flags);
}

std::size_t will_size(const Will& will, ProtocolVersion version) {
  return properties_size(version, will.properties) + text_size(will.topic.size()) + text_size(will.payload.size());
}

/// The reason and properties at the end of a 5.0 packet; both are left out when there is nothing to say.
std::size_t ending_size(ReasonCode reason, const Properties& properties, ProtocolVersion version) {
  if (!is_v5(version)) return 0;
  if (!properties.empty()) return 1 + properties_size(version, properties);
  return reason == ReasonCode::success ? 0 : 1;
}
void put_ending(Writer& out, ReasonCode reason, const Properties& properties, std::size_t size) {
  if (size > 0) out.u8(code(reason));
  if (size > 1) put_properties(out, ProtocolVersion::v5, properties);
}

Result<std::size_t> encode_codes(PacketType type, std::uint16_t packet_id, Bytes codes, const Properties& properties,
                                 ProtocolVersion version, MutableBytes out) {
  if (packet_id == 0) return fail(Error::bad_argument);
  auto writer = begin(type, 0, 2 + properties_size(version, properties) + codes.size(), out);
  if (!writer) return fail(writer.error());
  writer->u16(packet_id);
  put_properties(*writer, version, properties);
  writer->bytes(codes);
  return finish(*writer);
}

/// Reads a span as Subscriptions and Filters are read.
template <typename Item>
struct SpanCursor {
  std::span<const Item> left;
  std::optional<Item> next() {
    if (left.empty()) return std::nullopt;
    const Item item = left.front();
    left = left.subspan(1);
    return item;
  }
};

std::size_t item_size(const Subscription& each) { return text_size(each.filter.size()) + 1; }
std::size_t item_size(std::string_view filter) { return text_size(filter.size()); }

void put_item(Writer& out, const Subscription& each, ProtocolVersion version) {
  auto options = static_cast<unsigned>(each.qos);
  if (is_v5(version)) {
    options |= (each.no_local ? 0x04U : 0U) | (each.retain_as_published ? 0x08U : 0U) |
               (static_cast<unsigned>(each.retain_handling) << 4);
  }
  out.utf8(each.filter);
  out.u8(static_cast<std::uint8_t>(options));
}
void put_item(Writer& out, std::string_view filter, ProtocolVersion) { out.utf8(filter); }

/// SUBSCRIBE or UNSUBSCRIBE. `list` is walked twice, for the size and for the bytes.
template <typename Cursor>
Result<std::size_t> encode_list(PacketType type, std::uint16_t packet_id, const Cursor& list,
                                const Properties& properties, ProtocolVersion version, MutableBytes out) {
  std::size_t items = 0;
  Cursor sizes = list;
  for (auto item = sizes.next(); item; item = sizes.next()) items += item_size(*item);
  if (packet_id == 0 || items == 0) return fail(Error::bad_argument);
  auto writer = begin(type, 2, 2 + properties_size(version, properties) + items, out);
  if (!writer) return fail(writer.error());
  writer->u16(packet_id);
  put_properties(*writer, version, properties);
  Cursor each = list;
  for (auto item = each.next(); item; item = each.next()) put_item(*writer, *item, version);
  return finish(*writer);
}

}  // namespace

Result<std::size_t> encode(const Connect& packet, MutableBytes out) {
  const ProtocolVersion version = packet.version;
  const std::string_view protocol = version == ProtocolVersion::v31 ? "MQIsdp" : "MQTT";
  if (packet.keep_alive < Seconds{0} || packet.keep_alive > Seconds{0xFFFF}) return fail(Error::bad_argument);
  if (packet.password && !packet.user_name && !is_v5(version)) return fail(Error::bad_argument);
  std::size_t body =
      text_size(protocol.size()) + 4 + properties_size(version, packet.properties) + text_size(packet.client_id.size());
  if (packet.will) body += will_size(*packet.will, version);
  if (packet.user_name) body += text_size(packet.user_name->size());
  if (packet.password) body += text_size(packet.password->size());

  auto writer = begin(PacketType::connect, 0, body, out);
  if (!writer) return fail(writer.error());
  writer->utf8(protocol);
  writer->u8(static_cast<std::uint8_t>(version));
  writer->u8(flags_of(packet));
  writer->u16(static_cast<std::uint16_t>(packet.keep_alive.count()));
  put_properties(*writer, version, packet.properties);
  writer->utf8(packet.client_id);
  if (packet.will) {
    put_properties(*writer, version, packet.will->properties);
    writer->utf8(packet.will->topic);
    writer->binary(packet.will->payload);
  }
  if (packet.user_name) writer->utf8(*packet.user_name);
  if (packet.password) writer->binary(*packet.password);
  return finish(*writer);
}

Result<std::size_t> encode(const Connack& packet, ProtocolVersion version, MutableBytes out) {
  auto writer = begin(PacketType::connack, 0, 2 + properties_size(version, packet.properties), out);
  if (!writer) return fail(writer.error());
  const bool present = packet.session_present && packet.reason == ReasonCode::success;  // [MQTT-3.2.2-6]
  writer->u8(present && version != ProtocolVersion::v31 ? 1 : 0);
  writer->u8(connack_code(version, packet.reason));
  put_properties(*writer, version, packet.properties);
  return finish(*writer);
}

Result<std::size_t> encode(const Publish& packet, ProtocolVersion version, MutableBytes out) {
  if ((packet.qos == Qos::at_most_once) != (packet.packet_id == 0)) return fail(Error::bad_argument);
  if (packet.dup && packet.qos == Qos::at_most_once) return fail(Error::bad_argument);
  const std::size_t parts = packet.topic.size() + packet.payload.size() + packet.properties.encoded().size();
  if (packet.topic.size() > kLongestText || parts > kMaxRemainingLength - 16) return fail(Error::too_large);
  const PublishLayout place = layout(packet, version);
  if (place.size > out.size()) return fail(Error::no_space);
  write_publish(out.data(), packet, version, place);
  return std::size_t{place.size};
}

Result<std::size_t> encode(const Ack& packet, ProtocolVersion version, MutableBytes out) {
  if (packet.packet_id == 0 || packet.type < PacketType::puback || packet.type > PacketType::pubcomp)
    return fail(Error::bad_argument);
  const std::size_t ending = ending_size(packet.reason, packet.properties, version);
  auto writer = begin(packet.type, packet.type == PacketType::pubrel ? 2 : 0, 2 + ending, out);
  if (!writer) return fail(writer.error());
  writer->u16(packet.packet_id);
  put_ending(*writer, packet.reason, packet.properties, ending);
  return finish(*writer);
}

Result<std::size_t> encode_subscribe(std::uint16_t packet_id, std::span<const Subscription> subscriptions,
                                     const Properties& properties, ProtocolVersion version, MutableBytes out) {
  return encode_list(PacketType::subscribe, packet_id, SpanCursor<Subscription>{subscriptions}, properties, version,
                     out);
}

Result<std::size_t> encode(const Subscribe& packet, ProtocolVersion version, MutableBytes out) {
  return encode_list(PacketType::subscribe, packet.packet_id, packet.subscriptions, packet.properties, version, out);
}

Result<std::size_t> encode_unsubscribe(std::uint16_t packet_id, std::span<const std::string_view> filters,
                                       const Properties& properties, ProtocolVersion version, MutableBytes out) {
  return encode_list(PacketType::unsubscribe, packet_id, SpanCursor<std::string_view>{filters}, properties, version,
                     out);
}

Result<std::size_t> encode(const Unsubscribe& packet, ProtocolVersion version, MutableBytes out) {
  return encode_list(PacketType::unsubscribe, packet.packet_id, packet.filters, packet.properties, version, out);
}

Result<std::size_t> encode(const Suback& packet, ProtocolVersion version, MutableBytes out) {
  if (packet.codes.empty()) return fail(Error::bad_argument);
  auto written = encode_codes(PacketType::suback, packet.packet_id, packet.codes, packet.properties, version, out);
  if (!written) return written;
  for (std::uint8_t& byte : out.subspan(*written - packet.codes.size(), packet.codes.size()))
    byte = suback_code(version, static_cast<ReasonCode>(byte));
  return written;
}

Result<std::size_t> encode(const Unsuback& packet, ProtocolVersion version, MutableBytes out) {
  if (is_v5(version) && packet.codes.empty()) return fail(Error::bad_argument);
  const Bytes codes = is_v5(version) ? packet.codes : Bytes{};
  return encode_codes(PacketType::unsuback, packet.packet_id, codes, packet.properties, version, out);
}

Result<std::size_t> encode(const Pingreq&, ProtocolVersion, MutableBytes out) {
  const auto writer = begin(PacketType::pingreq, 0, 0, out);
  if (!writer) return fail(writer.error());
  return finish(*writer);
}

Result<std::size_t> encode(const Pingresp&, ProtocolVersion, MutableBytes out) {
  const auto writer = begin(PacketType::pingresp, 0, 0, out);
  if (!writer) return fail(writer.error());
  return finish(*writer);
}

Result<std::size_t> encode(const Disconnect& packet, ProtocolVersion version, MutableBytes out) {
  const std::size_t ending = ending_size(packet.reason, packet.properties, version);
  auto writer = begin(PacketType::disconnect, 0, ending, out);
  if (!writer) return fail(writer.error());
  put_ending(*writer, packet.reason, packet.properties, ending);
  return finish(*writer);
}

Result<std::size_t> encode(const Auth& packet, ProtocolVersion version, MutableBytes out) {
  if (!is_v5(version)) return fail(Error::bad_argument);
  const std::size_t ending = ending_size(packet.reason, packet.properties, version);
  auto writer = begin(PacketType::auth, 0, ending, out);
  if (!writer) return fail(writer.error());
  put_ending(*writer, packet.reason, packet.properties, ending);
  return finish(*writer);
}

}  // namespace tercet::mqtt
