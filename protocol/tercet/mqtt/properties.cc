#include "tercet/mqtt/properties.h"

#include "tercet/mqtt/topic.h"
#include "tercet/mqtt/utf8.h"
#include "tercet/mqtt/varint.h"

namespace tercet::mqtt {
namespace {

enum class Kind : std::uint8_t { none, flag, u16, u32, varint, text, data, pair };

/// How a property is encoded, and whether zero is a protocol error.
struct Shape {
  Kind kind = Kind::none;
  bool not_zero = false;
};

constexpr Shape shape_of(std::uint8_t id) {
  switch (static_cast<Property>(id)) {
    case Property::payload_format_indicator:
    case Property::request_problem_information:
    case Property::request_response_information:
    case Property::maximum_qos:
    case Property::retain_available:
    case Property::wildcard_subscription_available:
    case Property::subscription_identifier_available:
    case Property::shared_subscription_available:
      return {Kind::flag};
    case Property::server_keep_alive:
    case Property::topic_alias_maximum:
      return {Kind::u16};
    case Property::receive_maximum:
    case Property::topic_alias:
      return {Kind::u16, true};
    case Property::message_expiry_interval:
    case Property::session_expiry_interval:
    case Property::will_delay_interval:
      return {Kind::u32};
    case Property::maximum_packet_size:
      return {Kind::u32, true};
    case Property::subscription_identifier:
      return {Kind::varint, true};
    case Property::content_type:
    case Property::response_topic:
    case Property::assigned_client_identifier:
    case Property::authentication_method:
    case Property::response_information:
    case Property::server_reference:
    case Property::reason_string:
      return {Kind::text};
    case Property::correlation_data:
    case Property::authentication_data:
      return {Kind::data};
    case Property::user_property:
      return {Kind::pair};
  }
  return {};
}

/// Reads one property without judging its value; a failed reader says that it is not whole or not known.
AnyProperty read_property(Reader& in) {
  const std::uint8_t id = in.u8();
  AnyProperty property{.id = static_cast<Property>(id), .number = 0, .text = {}, .value = {}};
  switch (shape_of(id).kind) {
    case Kind::none:
      in.refuse();
      break;
    case Kind::flag:
      property.number = in.u8();
      break;
    case Kind::u16:
      property.number = in.u16();
      break;
    case Kind::u32:
      property.number = in.u32();
      break;
    case Kind::varint:
      property.number = read_varint(in);
      break;
    case Kind::pair:
      property.text = as_text(in.binary());
      property.value = as_text(in.binary());
      break;
    case Kind::text:
    case Kind::data:
      property.text = as_text(in.binary());
      break;
  }
  return property;
}

bool has_good_value(const AnyProperty& property) {
  const Shape shape = shape_of(static_cast<std::uint8_t>(property.id));
  if (shape.kind == Kind::flag) return property.number <= 1;
  if (shape.not_zero) return property.number != 0;
  if (shape.kind == Kind::pair) return is_valid_utf8(property.text) && is_valid_utf8(property.value);
  if (property.id == Property::response_topic) return is_valid_topic(property.text);  // [MQTT-3.3.2-14]
  return shape.kind != Kind::text || is_valid_utf8(property.text);
}

/// A user property may repeat anywhere, a subscription identifier where several subscriptions meet: in a server's
/// PUBLISH, which is where both it and a topic alias may be.
bool may_repeat(Property id, PropertySet allowed) {
  return id == Property::user_property ||
         (id == Property::subscription_identifier && (allowed & set_of(Property::topic_alias)) != 0);
}

bool is_allowed(Property id, PropertySet allowed, PropertySet present) {
  const PropertySet bit = set_of(id);
  return (allowed & bit) != 0 && ((present & bit) == 0 || may_repeat(id, allowed));
}

constexpr PropertySet kAuthenticationData = set_of(Property::authentication_data);
constexpr PropertySet kAuthenticationMethod = set_of(Property::authentication_method);

}  // namespace

std::optional<AnyProperty> PropertyCursor::next() {
  if (in_.at_end()) return std::nullopt;
  const AnyProperty property = read_property(in_);
  if (!in_.ok()) return std::nullopt;
  return property;
}

Result<Properties> Properties::parse(Reader& in, PropertySet allowed) {
  const std::uint32_t size = read_varint(in);
  const Bytes encoded = in.bytes(size);
  if (!in.ok()) return fail(Error::malformed);
  PropertySet present = 0;
  for (Reader each{encoded}; !each.at_end();) {
    const AnyProperty property = read_property(each);
    if (!each.ok() || !is_allowed(property.id, allowed, present)) return fail(Error::malformed);
    if (!has_good_value(property)) return fail(Error::malformed);
    present |= set_of(property.id);
  }
  if ((present & kAuthenticationData) != 0 && (present & kAuthenticationMethod) == 0) return fail(Error::malformed);
  return Properties{encoded, present};
}

#ifndef TERCET_NO_MQTT5
std::optional<AnyProperty> Properties::find(Property id) const {
  if (!has(id)) return std::nullopt;
  PropertyCursor each = all();
  for (auto property = each.next(); property; property = each.next())
    if (property->id == id) return property;
  return std::nullopt;
}

std::optional<std::uint32_t> Properties::number(Property id) const {
  const auto found = find(id);
  return found ? std::optional{found->number} : std::nullopt;
}
std::optional<bool> Properties::flag(Property id) const {
  const auto found = find(id);
  return found ? std::optional{found->number != 0} : std::nullopt;
}
std::optional<std::uint16_t> Properties::number16(Property id) const {
  const auto found = find(id);
  return found ? std::optional{static_cast<std::uint16_t>(found->number)} : std::nullopt;
}
std::optional<Seconds> Properties::seconds(Property id) const {
  const auto found = find(id);
  return found ? std::optional{Seconds{found->number}} : std::nullopt;
}
std::optional<std::string_view> Properties::text(Property id) const {
  const auto found = find(id);
  return found ? std::optional{found->text} : std::nullopt;
}
std::optional<Bytes> Properties::data(Property id) const {
  const auto found = find(id);
  return found ? std::optional{as_bytes(found->text)} : std::nullopt;
}
#endif

std::optional<UserProperty> Properties::UserProperties::next() {
  for (auto property = cursor_.next(); property; property = cursor_.next())
    if (property->id == Property::user_property) return UserProperty{property->text, property->value};
  return std::nullopt;
}

PropertyWriter& PropertyWriter::add(const AnyProperty& property) {
  const auto id = static_cast<std::uint8_t>(property.id);
  const Shape shape = shape_of(id);
  const bool repeats = (present_ & set_of(property.id)) != 0 && property.id != Property::user_property &&
                       property.id != Property::subscription_identifier;
  if (shape.kind == Kind::none || repeats || !has_good_value(property)) {
    out_.refuse();
    return *this;
  }
  present_ |= set_of(property.id);
  out_.u8(id);
  switch (shape.kind) {
    case Kind::none:
      break;
    case Kind::flag:
      out_.u8(static_cast<std::uint8_t>(property.number));
      break;
    case Kind::u16:
      if (property.number > 0xFFFF) out_.refuse();
      out_.u16(static_cast<std::uint16_t>(property.number));
      break;
    case Kind::u32:
      out_.u32(property.number);
      break;
    case Kind::varint:
      put_varint(out_, property.number);
      break;
    case Kind::pair:
      out_.utf8(property.text);
      out_.utf8(property.value);
      break;
    case Kind::text:
    case Kind::data:
      out_.utf8(property.text);
      break;
  }
  return *this;
}

PropertyWriter& PropertyWriter::add_number(Property id, std::int64_t value) {
  if (value < 0 || value > 0xFFFFFFFF) {
    out_.refuse();
    return *this;
  }
  return add({.id = id, .number = static_cast<std::uint32_t>(value), .text = {}, .value = {}});
}
PropertyWriter& PropertyWriter::add_text(Property id, std::string_view text) {
  return add({.id = id, .number = 0, .text = text, .value = {}});
}
PropertyWriter& PropertyWriter::user_property(std::string_view name, std::string_view value) {
  return add({.id = Property::user_property, .number = 0, .text = name, .value = value});
}

}  // namespace tercet::mqtt
