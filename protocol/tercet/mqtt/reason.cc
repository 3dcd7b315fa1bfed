#include "tercet/mqtt/reason.h"

#include <iterator>

#include "tercet/base/words.h"

namespace tercet::mqtt {
namespace {

constexpr std::uint16_t in(PacketType type) { return static_cast<std::uint16_t>(1U << static_cast<unsigned>(type)); }

/// One line of section 2.4: the code and the packets it may be in.
struct Line {
  std::uint8_t code;
  std::uint16_t packets;
};

constexpr std::uint16_t kConnack = in(PacketType::connack), kSuback = in(PacketType::suback),
                        kUnsuback = in(PacketType::unsuback), kDisconnect = in(PacketType::disconnect),
                        kAuth = in(PacketType::auth), kReceived = in(PacketType::puback) | in(PacketType::pubrec),
                        kReleased = in(PacketType::pubrel) | in(PacketType::pubcomp);

constexpr Line kLines[] = {
    {0x00, kConnack | kReceived | kReleased | kSuback | kUnsuback | kDisconnect | kAuth},
    {0x01, kSuback},
    {0x02, kSuback},
#ifndef TERCET_NO_MQTT5
    {0x04, kDisconnect},
    {0x10, kReceived},
    {0x11, kUnsuback},
    {0x18, kAuth},
    {0x19, kAuth},
#endif
    {0x80, kConnack | kReceived | kSuback | kUnsuback | kDisconnect},
    {0x81, kConnack | kDisconnect},
    {0x82, kConnack | kDisconnect},
    {0x83, kConnack | kReceived | kSuback | kUnsuback | kDisconnect},
    {0x84, kConnack},
    {0x85, kConnack},
    {0x86, kConnack},
    {0x87, kConnack | kReceived | kSuback | kUnsuback | kDisconnect},
    {0x88, kConnack},
    {0x89, kConnack | kDisconnect},
#ifndef TERCET_NO_MQTT5
    {0x8A, kConnack},
    {0x8B, kDisconnect},
    {0x8C, kConnack | kDisconnect},
#endif
    {0x8D, kDisconnect},
#ifndef TERCET_NO_MQTT5
    {0x8E, kDisconnect},
    {0x8F, kSuback | kUnsuback | kDisconnect},
    {0x90, kConnack | kReceived | kDisconnect},
    {0x91, kReceived | kSuback | kUnsuback},
    {0x92, kReleased},
#endif
    {0x93, kDisconnect},
#ifndef TERCET_NO_MQTT5
    {0x94, kDisconnect},
#endif
    {0x95, kConnack | kDisconnect},
#ifndef TERCET_NO_MQTT5
    {0x96, kDisconnect},
#endif
    {0x97, kConnack | kReceived | kSuback | kDisconnect},
#ifndef TERCET_NO_MQTT5
    {0x98, kDisconnect},
    {0x99, kConnack | kReceived | kDisconnect},
    {0x9A, kConnack | kDisconnect},
    {0x9B, kConnack | kDisconnect},
    {0x9C, kConnack | kDisconnect},
    {0x9D, kConnack | kDisconnect},
    {0x9E, kSuback | kDisconnect},
    {0x9F, kConnack | kDisconnect},
    {0xA0, kDisconnect},
    {0xA1, kSuback | kDisconnect},
    {0xA2, kSuback | kDisconnect},
#endif
};

#ifndef TERCET_NO_NAMES
/// In the same order.
constexpr std::string_view kNames =
    "success "
    "granted_qos_1 "
    "granted_qos_2 "
#ifndef TERCET_NO_MQTT5
    "disconnect_with_will "
    "no_matching_subscribers "
    "no_subscription_existed "
    "continue_authentication "
    "re_authenticate "
#endif
    "unspecified_error "
    "malformed_packet "
    "protocol_error "
    "implementation_specific_error "
    "unsupported_protocol_version "
    "client_identifier_not_valid "
    "bad_user_name_or_password "
    "not_authorized "
    "server_unavailable "
    "server_busy "
#ifndef TERCET_NO_MQTT5
    "banned "
    "server_shutting_down "
    "bad_authentication_method "
#endif
    "keep_alive_timeout "
#ifndef TERCET_NO_MQTT5
    "session_taken_over "
    "topic_filter_invalid "
    "topic_name_invalid "
    "packet_identifier_in_use "
    "packet_identifier_not_found "
#endif
    "receive_maximum_exceeded "
#ifndef TERCET_NO_MQTT5
    "topic_alias_invalid "
#endif
    "packet_too_large "
#ifndef TERCET_NO_MQTT5
    "message_rate_too_high "
#endif
    "quota_exceeded "
#ifndef TERCET_NO_MQTT5
    "administrative_action "
    "payload_format_invalid "
    "retain_not_supported "
    "qos_not_supported "
    "use_another_server "
    "server_moved "
    "shared_subscriptions_not_supported "
    "connection_rate_exceeded "
    "maximum_connect_time "
    "subscription_identifiers_not_supported "
    "wildcard_subscriptions_not_supported "
#endif
    ;
static_assert(nth_word(kNames, std::size(kLines) - 1) ==
              (is_v5(ProtocolVersion::v5) ? "wildcard_subscriptions_not_supported" : "quota_exceeded"));
static_assert(nth_word(kNames, std::size(kLines)).empty());
#endif

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
#ifdef TERCET_NO_NAMES
  return static_cast<void>(reason), "";
#else
  const Line* line = line_of(reason);
  return line != nullptr ? nth_word(kNames, static_cast<std::size_t>(line - kLines)) : "unknown";
#endif
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
