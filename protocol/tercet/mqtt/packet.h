#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/time.h"
#include "tercet/mqtt/properties.h"

/// The packets of MQTT 3.1, 3.1.1 and 5.0 as plain values. Every text and byte view points into the buffer the packet
/// was decoded from (or that the caller wants encoded): a packet is valid for as long as that buffer is. In 3.x packets
/// the properties are empty. One vocabulary of reasons serves all versions: see reason.h for how 3.x maps onto it.
namespace tercet::mqtt {

/// The protocol level byte of CONNECT.
enum class ProtocolVersion : std::uint8_t { v31 = 3, v311 = 4, v5 = 5 };

/// Built with TERCET_NO_MQTT5, as boards may be to save flash, the codec and the client know 3.1 and 3.1.1 only.
constexpr bool is_v5(ProtocolVersion version) {
#ifdef TERCET_NO_MQTT5
  return static_cast<void>(version), false;
#else
  return version == ProtocolVersion::v5;
#endif
}

/// Built with TERCET_NO_QOS2, the client machine knows QoS 0 and 1 only, as the cloud does: it asks for nothing more,
/// and whatever belongs to QoS 2 ends the connection. Built with TERCET_NO_UNSUBSCRIBE it keeps its subscriptions for
/// good, as the device SDK does. The codec knows both all the same.
#ifdef TERCET_NO_QOS2
inline constexpr bool kClientHasQos2 = false;
#else
inline constexpr bool kClientHasQos2 = true;
#endif
#ifdef TERCET_NO_UNSUBSCRIBE
inline constexpr bool kClientUnsubscribes = false;
#else
inline constexpr bool kClientUnsubscribes = true;
#endif

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// The high four bits of a packet's first byte.
enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  unsubscribe = 10,
  unsuback = 11,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
  auth = 15,
};

/// Every reason code of MQTT 5.0 (section 2.4). Zero has three names, each for its packet; from 0x80 on it is a
/// failure.
enum class ReasonCode : std::uint8_t {
  success = 0x00,
  normal_disconnection = 0x00,
  granted_qos_0 = 0x00,
  granted_qos_1 = 0x01,
  granted_qos_2 = 0x02,
  disconnect_with_will = 0x04,
  no_matching_subscribers = 0x10,
  no_subscription_existed = 0x11,
  continue_authentication = 0x18,
  re_authenticate = 0x19,
  unspecified_error = 0x80,
  malformed_packet = 0x81,
  protocol_error = 0x82,
  implementation_specific_error = 0x83,
  unsupported_protocol_version = 0x84,
  client_identifier_not_valid = 0x85,
  bad_user_name_or_password = 0x86,
  not_authorized = 0x87,
  server_unavailable = 0x88,
  server_busy = 0x89,
  banned = 0x8A,
  server_shutting_down = 0x8B,
  bad_authentication_method = 0x8C,
  keep_alive_timeout = 0x8D,
  session_taken_over = 0x8E,
  topic_filter_invalid = 0x8F,
  topic_name_invalid = 0x90,
  packet_identifier_in_use = 0x91,
  packet_identifier_not_found = 0x92,
  receive_maximum_exceeded = 0x93,
  topic_alias_invalid = 0x94,
  packet_too_large = 0x95,
  message_rate_too_high = 0x96,
  quota_exceeded = 0x97,
  administrative_action = 0x98,
  payload_format_invalid = 0x99,
  retain_not_supported = 0x9A,
  qos_not_supported = 0x9B,
  use_another_server = 0x9C,
  server_moved = 0x9D,
  shared_subscriptions_not_supported = 0x9E,
  connection_rate_exceeded = 0x9F,
  maximum_connect_time = 0xA0,
  subscription_identifiers_not_supported = 0xA1,
  wildcard_subscriptions_not_supported = 0xA2,
};

constexpr bool is_failure(ReasonCode reason) { return static_cast<std::uint8_t>(reason) >= 0x80; }
constexpr std::uint8_t code(ReasonCode reason) { return static_cast<std::uint8_t>(reason); }

/// Which end sent the packet: a few properties may come from one end only.
enum class Sender : std::uint8_t { client, server };

struct Will {
  std::string_view topic{};
  Bytes payload{};
  Qos qos = Qos::at_most_once;
  bool retain = false;
  Properties properties{};
};

struct Connect {
  ProtocolVersion version = ProtocolVersion::v311;
  bool clean_start = true;  ///< Clean Session in 3.x
  Seconds keep_alive{0};    ///< 0..65535; zero: none
  /// May be empty. Whether that is allowed is the server's answer to give: 3.1 never, 3.1.1 only with clean_start.
  std::string_view client_id{};
  std::optional<std::string_view> user_name{};
  std::optional<Bytes> password{};
  std::optional<Will> will{};
  Properties properties{};
};

struct Connack {
  bool session_present = false;
  ReasonCode reason = ReasonCode::success;
  Properties properties{};
};

struct Publish {
  std::string_view topic{};  ///< empty only in 5.0 with a topic alias
  Bytes payload{};
  Properties properties{};
  std::uint16_t packet_id = 0;  ///< 1..65535 with QoS 1 and 2, else 0
  Qos qos = Qos::at_most_once;
  bool retain = false;
  bool dup = false;
};

/// PUBACK, PUBREC, PUBREL and PUBCOMP. In 3.x the reason is always success.
struct Ack {
  PacketType type = PacketType::puback;
  std::uint16_t packet_id = 0;
  ReasonCode reason = ReasonCode::success;
  Properties properties{};
};

enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, do_not_send = 2 };

/// One line of a SUBSCRIBE. The last three are 5.0 only.
struct Subscription {
  std::string_view filter{};
  Qos qos = Qos::at_most_once;
  bool no_local = false;
  bool retain_as_published = false;
  RetainHandling retain_handling = RetainHandling::send;
};

/// The subscriptions of a decoded SUBSCRIBE, read one after the other; decoding has validated lengths, UTF-8 and option
/// bits, so next() cannot fail. Copy it to read the list again.
class Subscriptions {
 public:
  Subscriptions() = default;
  /// `encoded` must have been validated; decode_subscribe() does.
  Subscriptions(Bytes encoded, std::uint16_t count) : left_(encoded), count_(count) {}
  std::optional<Subscription> next();
  std::uint16_t count() const { return count_; }  ///< how many are left

 private:
  Bytes left_{};
  std::uint16_t count_ = 0;
};

/// The filters of a decoded UNSUBSCRIBE, likewise.
class Filters {
 public:
  Filters() = default;
  Filters(Bytes encoded, std::uint16_t count) : left_(encoded), count_(count) {}
  std::optional<std::string_view> next();
  std::uint16_t count() const { return count_; }

 private:
  Bytes left_{};
  std::uint16_t count_ = 0;
};

/// The filters are UTF-8 but their grammar is not checked: ask is_valid_filter() for each and refuse it in the SUBACK,
/// so that one bad filter does not cost the connection.
struct Subscribe {
  std::uint16_t packet_id = 0;
  Subscriptions subscriptions{};
  Properties properties{};
};

/// codes: one ReasonCode byte per subscription asked for, in order.
struct Suback {
  std::uint16_t packet_id = 0;
  Bytes codes{};
  Properties properties{};
};

struct Unsubscribe {
  std::uint16_t packet_id = 0;
  Filters filters{};
  Properties properties{};
};

/// codes: one ReasonCode byte per filter in 5.0, empty in 3.x.
struct Unsuback {
  std::uint16_t packet_id = 0;
  Bytes codes{};
  Properties properties{};
};

struct Pingreq {};
struct Pingresp {};

/// In 3.x only clients send it, and it carries nothing.
struct Disconnect {
  ReasonCode reason = ReasonCode::normal_disconnection;
  Properties properties{};
};

/// 5.0 only.
struct Auth {
  ReasonCode reason = ReasonCode::success;
  Properties properties{};
};

/// The specification's word in lower case, for logs. Never localised.
std::string_view name(PacketType type);

}  // namespace tercet::mqtt
