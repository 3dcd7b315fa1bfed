#include "tercet/mqtt/reason.h"

namespace tercet::mqtt {
namespace {

constexpr std::uint16_t in(PacketType type) { return static_cast<std::uint16_t>(1U << static_cast<unsigned>(type)); }

/// One line of section 2.4: the code, the packets it may be in, its name.
struct Line {
  std::uint8_t code;
  std::uint16_t packets;
  std::string_view name;
};

constexpr std::uint16_t kConnack = in(PacketType::connack), kSuback = in(PacketType::suback),
                        kUnsuback = in(PacketType::unsuback), kDisconnect = in(PacketType::disconnect),
                        kAuth = in(PacketType::auth), kReceived = in(PacketType::puback) | in(PacketType::pubrec),
                        kReleased = in(PacketType::pubrel) | in(PacketType::pubcomp);

constexpr Line kLines[] = {
    {0x00, kConnack | kReceived | kReleased | kSuback | kUnsuback | kDisconnect | kAuth, "success"},
    {0x01, kSuback, "granted_qos_1"},
    {0x02, kSuback, "granted_qos_2"},
#ifndef TERCET_NO_MQTT5
    {0x04, kDisconnect, "disconnect_with_will"},
    {0x10, kReceived, "no_matching_subscribers"},
    {0x11, kUnsuback, "no_subscription_existed"},
    {0x18, kAuth, "continue_authentication"},
    {0x19, kAuth, "re_authenticate"},
#endif
    {0x80, kConnack | kReceived | kSuback | kUnsuback | kDisconnect, "unspecified_error"},
    {0x81, kConnack | kDisconnect, "malformed_packet"},
    {0x82, kConnack | kDisconnect, "protocol_error"},
    {0x83, kConnack | kReceived | kSuback | kUnsuback | kDisconnect, "implementation_specific_error"},
    {0x84, kConnack, "unsupported_protocol_version"},
    {0x85, kConnack, "client_identifier_not_valid"},
    {0x86, kConnack, "bad_user_name_or_password"},
    {0x87, kConnack | kReceived | kSuback | kUnsuback | kDisconnect, "not_authorized"},
    {0x88, kConnack, "server_unavailable"},
    {0x89, kConnack | kDisconnect, "server_busy"},
#ifndef TERCET_NO_MQTT5
    {0x8A, kConnack, "banned"},
    {0x8B, kDisconnect, "server_shutting_down"},
    {0x8C, kConnack | kDisconnect, "bad_authentication_method"},
#endif
    {0x8D, kDisconnect, "keep_alive_timeout"},
#ifndef TERCET_NO_MQTT5
    {0x8E, kDisconnect, "session_taken_over"},
    {0x8F, kSuback | kUnsuback | kDisconnect, "topic_filter_invalid"},
    {0x90, kConnack | kReceived | kDisconnect, "topic_name_invalid"},
    {0x91, kReceived | kSuback | kUnsuback, "packet_identifier_in_use"},
    {0x92, kReleased, "packet_identifier_not_found"},
#endif
    {0x93, kDisconnect, "receive_maximum_exceeded"},
#ifndef TERCET_NO_MQTT5
    {0x94, kDisconnect, "topic_alias_invalid"},
#endif
    {0x95, kConnack | kDisconnect, "packet_too_large"},
#ifndef TERCET_NO_MQTT5
    {0x96, kDisconnect, "message_rate_too_high"},
#endif
    {0x97, kConnack | kReceived | kSuback | kDisconnect, "quota_exceeded"},
#ifndef TERCET_NO_MQTT5
    {0x98, kDisconnect, "administrative_action"},
    {0x99, kConnack | kReceived | kDisconnect, "payload_format_invalid"},
    {0x9A, kConnack | kDisconnect, "retain_not_supported"},
    {0x9B, kConnack | kDisconnect, "qos_not_supported"},
    {0x9C, kConnack | kDisconnect, "use_another_server"},
    {0x9D, kConnack | kDisconnect, "server_moved"},
    {0x9E, kSuback | kDisconnect, "shared_subscriptions_not_supported"},
    {0x9F, kConnack | kDisconnect, "connection_rate_exceeded"},
    {0xA0, kDisconnect, "maximum_connect_time"},
    {0xA1, kSuback | kDisconnect, "subscription_identifiers_not_supported"},
    {0xA2, kSuback | kDisconnect, "wildcard_subscriptions_not_supported"},
#endif
};

const Line* line_of(ReasonCode reason) {
  for (const Line& line : kLines)
    if (line.code == code(reason)) return &line;
  return nullptr;
}

}  // namespace

bool is_reason_of(PacketType type, ReasonCode reason) {
  const Line* line = line_of(reason);
  return line != nullptr && (line->packets & in(type)) != 0;
}

std::string_view name(ReasonCode reason) {
  const Line* line = line_of(reason);
  return line != nullptr ? line->name : "unknown";
}

std::uint8_t connack_code(ProtocolVersion version, ReasonCode reason) {
  if (is_v5(version)) return code(reason);
  switch (reason) {
    case ReasonCode::success:
      return 0;
    case ReasonCode::unsupported_protocol_version:
      return 1;
    case ReasonCode::client_identifier_not_valid:
      return 2;
    case ReasonCode::bad_user_name_or_password:
    case ReasonCode::bad_authentication_method:
      return 4;
    case ReasonCode::not_authorized:
    case ReasonCode::banned:
    case ReasonCode::topic_name_invalid:
    case ReasonCode::qos_not_supported:
    case ReasonCode::retain_not_supported:
      return 5;
    default:
      return 3;
  }
}

Result<ReasonCode> connack_reason(ProtocolVersion version, std::uint8_t code) {
  if (is_v5(version)) {
    const auto reason = static_cast<ReasonCode>(code);
    if (!is_reason_of(PacketType::connack, reason)) return fail(Error::malformed);
    return reason;
  }
  constexpr ReasonCode kReturnCodes[] = {ReasonCode::success,
                                         ReasonCode::unsupported_protocol_version,
                                         ReasonCode::client_identifier_not_valid,
                                         ReasonCode::server_unavailable,
                                         ReasonCode::bad_user_name_or_password,
                                         ReasonCode::not_authorized};
  if (code >= std::size(kReturnCodes)) return fail(Error::malformed);
  return kReturnCodes[code];
}

std::uint8_t suback_code(ProtocolVersion version, ReasonCode reason) {
  return !is_v5(version) && is_failure(reason) ? 0x80 : code(reason);
}

Error refusal(ReasonCode reason) {
  switch (connack_code(ProtocolVersion::v311, reason)) {
    case 1:
      return Error::refused_protocol;
    case 2:
      return Error::refused_client_id;
    case 4:
      return Error::refused_credentials;
    case 5:
      return Error::refused_not_authorized;
    default:
      return Error::refused_unavailable;
  }
}

ReasonCode reason_for(Error error) {
  switch (error) {
    case Error::malformed:
      return ReasonCode::malformed_packet;
    case Error::too_large:
      return ReasonCode::packet_too_large;
    case Error::no_space:
      return ReasonCode::quota_exceeded;
    case Error::bad_state:
      return ReasonCode::protocol_error;
    case Error::bad_argument:
      return ReasonCode::implementation_specific_error;
    case Error::denied:
    case Error::unauthenticated:
    case Error::refused_not_authorized:
      return ReasonCode::not_authorized;
    case Error::unsupported:
    case Error::refused_protocol:
      return ReasonCode::unsupported_protocol_version;
    case Error::refused_client_id:
      return ReasonCode::client_identifier_not_valid;
    case Error::refused_unavailable:
      return ReasonCode::server_unavailable;
    case Error::refused_credentials:
      return ReasonCode::bad_user_name_or_password;
    case Error::timed_out:
      return ReasonCode::keep_alive_timeout;
    case Error::would_block:
      return ReasonCode::server_busy;
    case Error::rate_limited:
      return ReasonCode::message_rate_too_high;
    default:
      return ReasonCode::unspecified_error;
  }
}

}  // namespace tercet::mqtt
