#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/reader.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/base/writer.h"

namespace tercet::mqtt {

/// The properties of MQTT 5.0 (section 2.2.2.2) by their identifiers.
enum class Property : std::uint8_t {
  payload_format_indicator = 1,
  message_expiry_interval = 2,
  content_type = 3,
  response_topic = 8,
  correlation_data = 9,
  subscription_identifier = 11,
  session_expiry_interval = 17,
  assigned_client_identifier = 18,
  server_keep_alive = 19,
  authentication_method = 21,
  authentication_data = 22,
  request_problem_information = 23,
  will_delay_interval = 24,
  request_response_information = 25,
  response_information = 26,
  server_reference = 28,
  reason_string = 31,
  receive_maximum = 33,
  topic_alias_maximum = 34,
  topic_alias = 35,
  maximum_qos = 36,
  retain_available = 37,
  user_property = 38,
  maximum_packet_size = 39,
  wildcard_subscription_available = 40,
  subscription_identifier_available = 41,
  shared_subscription_available = 42,
};

/// A set of properties, one bit each.
using PropertySet = std::uint64_t;
constexpr PropertySet set_of() { return 0; }
template <typename... Rest>
constexpr PropertySet set_of(Property first, Rest... rest) {
  return (PropertySet{1} << static_cast<unsigned>(first)) | set_of(rest...);
}

/// Which properties each packet may carry. A client's PUBLISH has no subscription identifier [MQTT-3.3.4-6]; only a
/// client's DISCONNECT has a session expiry [MQTT-3.14.2-2], only a server's a server reference.
inline constexpr PropertySet kWillProperties = set_of(
    Property::payload_format_indicator, Property::message_expiry_interval, Property::content_type,
    Property::response_topic, Property::correlation_data, Property::will_delay_interval, Property::user_property);
inline constexpr PropertySet kClientPublishProperties =
    set_of(Property::payload_format_indicator, Property::message_expiry_interval, Property::content_type,
           Property::response_topic, Property::correlation_data, Property::topic_alias, Property::user_property);
inline constexpr PropertySet kServerPublishProperties =
    kClientPublishProperties | set_of(Property::subscription_identifier);
inline constexpr PropertySet kConnectProperties =
    set_of(Property::session_expiry_interval, Property::authentication_method, Property::authentication_data,
           Property::request_problem_information, Property::request_response_information, Property::receive_maximum,
           Property::topic_alias_maximum, Property::user_property, Property::maximum_packet_size);
inline constexpr PropertySet kConnackProperties =
    set_of(Property::session_expiry_interval, Property::assigned_client_identifier, Property::server_keep_alive,
           Property::authentication_method, Property::authentication_data, Property::response_information,
           Property::server_reference, Property::reason_string, Property::receive_maximum,
           Property::topic_alias_maximum, Property::maximum_qos, Property::retain_available, Property::user_property,
           Property::maximum_packet_size, Property::wildcard_subscription_available,
           Property::subscription_identifier_available, Property::shared_subscription_available);
/// PUBACK, PUBREC, PUBREL, PUBCOMP.
inline constexpr PropertySet kAckProperties = set_of(Property::reason_string, Property::user_property);
inline constexpr PropertySet kSubscribeProperties = set_of(Property::subscription_identifier, Property::user_property);
inline constexpr PropertySet kSubackProperties = kAckProperties;  ///< UNSUBACK too
inline constexpr PropertySet kUnsubscribeProperties = set_of(Property::user_property);
inline constexpr PropertySet kClientDisconnectProperties =
    set_of(Property::session_expiry_interval, Property::reason_string, Property::user_property);
inline constexpr PropertySet kServerDisconnectProperties =
    set_of(Property::server_reference, Property::reason_string, Property::user_property);
inline constexpr PropertySet kAuthProperties = set_of(Property::authentication_method, Property::authentication_data,
                                                      Property::reason_string, Property::user_property);

/// A session expiry of this many seconds means that the session never expires.
inline constexpr Seconds kNeverExpires{0xFFFFFFFF};

struct UserProperty {
  std::string_view name;
  std::string_view value{};
};

/// One property of any kind: `number` for the integers, `text` for strings and binary data, both texts for a user
/// property (text is the name, value the value).
struct AnyProperty {
  Property id;
  std::uint32_t number = 0;
  std::string_view text{};
  std::string_view value{};
};

/// Reads encoded properties one after the other; on validated bytes next() ends only at the end.
class PropertyCursor {
 public:
  explicit PropertyCursor(Bytes encoded) : in_(encoded) {}
  std::optional<AnyProperty> next();

 private:
  Reader in_;
};

/// A view of a packet's properties as they came: validated once by parse(), copied never, read by name.
/// Valid as long as the packet's buffer. An absent property is nullopt; defaults are the caller's.
class Properties {
 public:
  Properties() = default;
  /// Takes the length and the properties off the front of `in`.
  /// Errors: malformed: broken encoding, unknown or not in `allowed`, twice where once is allowed, out of range, or
  /// authentication data without a method.
  static Result<Properties> parse(Reader& in, PropertySet allowed);
  /// For bytes this library has written or parsed before, without their length.
  static Properties trusted(Bytes encoded, PropertySet present) { return Properties{encoded, present}; }

  bool empty() const { return encoded().empty(); }
  PropertyCursor all() const { return PropertyCursor{encoded()}; }
#ifdef TERCET_NO_MQTT5  // an empty object, which costs nothing where packets are built and passed on
  Bytes encoded() const { return {}; }
  PropertySet present() const { return 0; }
  bool has(Property) const { return false; }
#else
  Bytes encoded() const { return encoded_; }  ///< without the length
  PropertySet present() const { return present_; }
  bool has(Property id) const { return (present_ >> static_cast<unsigned>(id)) & 1; }
#endif

  std::optional<bool> payload_format_indicator() const { return flag(Property::payload_format_indicator); }
  std::optional<Seconds> message_expiry() const { return seconds(Property::message_expiry_interval); }
  std::optional<std::string_view> content_type() const { return text(Property::content_type); }
  std::optional<std::string_view> response_topic() const { return text(Property::response_topic); }
  std::optional<Bytes> correlation_data() const { return data(Property::correlation_data); }
  /// The first one. A server's PUBLISH may carry several: walk all().
  std::optional<std::uint32_t> subscription_identifier() const { return number(Property::subscription_identifier); }
  std::optional<Seconds> session_expiry() const { return seconds(Property::session_expiry_interval); }
  std::optional<std::string_view> assigned_client_identifier() const {
    return text(Property::assigned_client_identifier);
  }
  std::optional<Seconds> server_keep_alive() const { return seconds(Property::server_keep_alive); }
  std::optional<std::string_view> authentication_method() const { return text(Property::authentication_method); }
  std::optional<Bytes> authentication_data() const { return data(Property::authentication_data); }
  std::optional<bool> request_problem_information() const { return flag(Property::request_problem_information); }
  std::optional<Seconds> will_delay() const { return seconds(Property::will_delay_interval); }
  std::optional<bool> request_response_information() const { return flag(Property::request_response_information); }
  std::optional<std::string_view> response_information() const { return text(Property::response_information); }
  std::optional<std::string_view> server_reference() const { return text(Property::server_reference); }
  std::optional<std::string_view> reason_string() const { return text(Property::reason_string); }
  std::optional<std::uint16_t> receive_maximum() const { return number16(Property::receive_maximum); }
  std::optional<std::uint16_t> topic_alias_maximum() const { return number16(Property::topic_alias_maximum); }
  std::optional<std::uint16_t> topic_alias() const { return number16(Property::topic_alias); }
  std::optional<std::uint8_t> maximum_qos() const {  ///< 0 or 1
    const auto found = number(Property::maximum_qos);
    return found ? std::optional{static_cast<std::uint8_t>(*found)} : std::nullopt;
  }
  std::optional<bool> retain_available() const { return flag(Property::retain_available); }
  std::optional<std::uint32_t> maximum_packet_size() const { return number(Property::maximum_packet_size); }
  std::optional<bool> wildcard_subscription_available() const {
    return flag(Property::wildcard_subscription_available);
  }
  std::optional<bool> subscription_identifier_available() const {
    return flag(Property::subscription_identifier_available);
  }
  std::optional<bool> shared_subscription_available() const { return flag(Property::shared_subscription_available); }

  /// The user properties in order; they may repeat.
  class UserProperties {
   public:
    explicit UserProperties(Bytes encoded) : cursor_(encoded) {}
    std::optional<UserProperty> next();

   private:
    PropertyCursor cursor_;
  };
  UserProperties user_properties() const { return UserProperties{has(Property::user_property) ? encoded() : Bytes{}}; }

 private:
#ifdef TERCET_NO_MQTT5
  Properties(Bytes, PropertySet) {}
  std::optional<AnyProperty> find(Property) const { return {}; }
  std::optional<bool> flag(Property) const { return {}; }
  std::optional<std::uint16_t> number16(Property) const { return {}; }
  std::optional<std::uint32_t> number(Property) const { return {}; }
  std::optional<Seconds> seconds(Property) const { return {}; }
  std::optional<std::string_view> text(Property) const { return {}; }
  std::optional<Bytes> data(Property) const { return {}; }
#else
  Properties(Bytes encoded, PropertySet present) : encoded_(encoded), present_(present) {}
  std::optional<AnyProperty> find(Property id) const;
  std::optional<bool> flag(Property id) const;
  std::optional<std::uint16_t> number16(Property id) const;
  std::optional<std::uint32_t> number(Property id) const;
  std::optional<Seconds> seconds(Property id) const;
  std::optional<std::string_view> text(Property id) const;
  std::optional<Bytes> data(Property id) const;

  Bytes encoded_;
  PropertySet present_ = 0;
#endif
};

/// Collects properties in the caller's buffer. view() is what a packet's `properties` wants; the buffer must outlive
/// it. What does not fit, repeats or is out of range makes the writer fail for good: ok() turns false and view() is
/// empty.
class PropertyWriter {
 public:
  explicit PropertyWriter(MutableBytes buffer) : out_(buffer) {}

  PropertyWriter& payload_format_indicator(bool v) { return add_number(Property::payload_format_indicator, v); }
  PropertyWriter& message_expiry(Seconds v) { return add_number(Property::message_expiry_interval, v.count()); }
  PropertyWriter& content_type(std::string_view v) { return add_text(Property::content_type, v); }
  PropertyWriter& response_topic(std::string_view v) { return add_text(Property::response_topic, v); }
  PropertyWriter& correlation_data(Bytes v) { return add_text(Property::correlation_data, as_text(v)); }
  /// 1..268435455; may be called again for a server's PUBLISH.
  PropertyWriter& subscription_identifier(std::uint32_t v) { return add_number(Property::subscription_identifier, v); }
  PropertyWriter& session_expiry(Seconds v) { return add_number(Property::session_expiry_interval, v.count()); }
  PropertyWriter& assigned_client_identifier(std::string_view v) {
    return add_text(Property::assigned_client_identifier, v);
  }
  PropertyWriter& server_keep_alive(Seconds v) { return add_number(Property::server_keep_alive, v.count()); }
  PropertyWriter& authentication_method(std::string_view v) { return add_text(Property::authentication_method, v); }
  PropertyWriter& authentication_data(Bytes v) { return add_text(Property::authentication_data, as_text(v)); }
  PropertyWriter& request_problem_information(bool v) { return add_number(Property::request_problem_information, v); }
  PropertyWriter& will_delay(Seconds v) { return add_number(Property::will_delay_interval, v.count()); }
  PropertyWriter& request_response_information(bool v) { return add_number(Property::request_response_information, v); }
  PropertyWriter& response_information(std::string_view v) { return add_text(Property::response_information, v); }
  PropertyWriter& server_reference(std::string_view v) { return add_text(Property::server_reference, v); }
  PropertyWriter& reason_string(std::string_view v) { return add_text(Property::reason_string, v); }
  PropertyWriter& receive_maximum(std::uint16_t v) { return add_number(Property::receive_maximum, v); }
  PropertyWriter& topic_alias_maximum(std::uint16_t v) { return add_number(Property::topic_alias_maximum, v); }
  PropertyWriter& topic_alias(std::uint16_t v) { return add_number(Property::topic_alias, v); }
  PropertyWriter& maximum_qos(std::uint8_t v) { return add_number(Property::maximum_qos, v); }  ///< 0 or 1
  PropertyWriter& retain_available(bool v) { return add_number(Property::retain_available, v); }
  PropertyWriter& maximum_packet_size(std::uint32_t v) { return add_number(Property::maximum_packet_size, v); }
  PropertyWriter& wildcard_subscription_available(bool v) {
    return add_number(Property::wildcard_subscription_available, v);
  }
  PropertyWriter& subscription_identifier_available(bool v) {
    return add_number(Property::subscription_identifier_available, v);
  }
  PropertyWriter& shared_subscription_available(bool v) {
    return add_number(Property::shared_subscription_available, v);
  }
  PropertyWriter& user_property(std::string_view name, std::string_view value);
  /// One property of any kind, as a cursor gives it: for passing a message's properties on.
  PropertyWriter& add(const AnyProperty& property);

  bool ok() const { return out_.ok(); }
  Properties view() const { return out_.ok() ? Properties::trusted(out_.written(), present_) : Properties{}; }

 private:
  PropertyWriter& add_number(Property id, std::int64_t value);
  PropertyWriter& add_text(Property id, std::string_view text);

  Writer out_;
  PropertySet present_ = 0;
};

}  // namespace tercet::mqtt
