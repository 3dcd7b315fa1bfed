#include "tercet/device/properties.h"

#include <array>
#include <cmath>

namespace tercet::device {

double widen(float value) {
  if (!std::isfinite(value) || std::fabs(value) > 1e6f) return static_cast<double>(value);
  double scale = 1;
  for (int decimals = 0; decimals <= 8; ++decimals, scale *= 10) {
    const double rounded = std::round(static_cast<double>(value) * scale) / scale;
    if (static_cast<float>(rounded) == value) return rounded;
  }
  return static_cast<double>(value);
}

void PropertyValue::write(json::Writer& out) const {
  switch (type) {
    case Type::integer:
    case Type::boolean:
      out.number(integer);
      return;
    case Type::real:
      out.number(real);
      return;
    case Type::text:
      out.string(text);
      return;
    case Type::date: {
      std::array<std::uint8_t, 24> digits;
      tercet::Writer number{digits};
      number.decimal(integer);
      out.string(number.text());
      return;
    }
    case Type::composed:
      compose(out, object);
      return;
  }
}

template <>
std::optional<std::int32_t> Property<std::int32_t>::parse(const json::Value& value) const {
  const auto whole = value.integer();
  if (!whole || *whole < min || *whole > max) return std::nullopt;
  return static_cast<std::int32_t>(*whole);
}

template <>
std::optional<float> Property<float>::parse(const json::Value& value) const {
  const auto real = value.real();
  if (!real || !(*real >= static_cast<double>(min) && *real <= static_cast<double>(max))) return std::nullopt;
  return static_cast<float>(*real);
}

template <>
std::optional<double> Property<double>::parse(const json::Value& value) const {
  const auto real = value.real();
  if (!real || !(*real >= min && *real <= max)) return std::nullopt;
  return real;
}

/// 0 and 1 by the protocol; true and false are understood too.
template <>
std::optional<bool> Property<bool>::parse(const json::Value& value) const {
  if (const auto said = value.boolean()) return said;
  const auto whole = value.integer();
  if (!whole || *whole < 0 || *whole > 1) return std::nullopt;
  return *whole == 1;
}

template <>
std::optional<std::string_view> Property<std::string_view>::parse(const json::Value& value) const {
  const auto text = value.text();
  if (!text || text->has_escapes()) return std::nullopt;
  return text->raw();
}

template <>
std::optional<UnixMillis> Property<UnixMillis>::parse(const json::Value& value) const {
  const auto text = value.text();
  if (!text || text->raw().empty() || text->raw().size() > 18) return std::nullopt;
  std::int64_t ms = 0;
  for (const char c : text->raw()) {
    if (c < '0' || c > '9') return std::nullopt;
    ms = ms * 10 + (c - '0');
  }
  return UnixMillis{ms};
}

void write_properties(json::Writer& out, std::span<const PropertyValue> values, std::optional<UnixMillis> at) {
  out.begin_object();
  for (const PropertyValue& value : values) {
    out.key(value.identifier);
    if (!at) {
      value.write(out);
      continue;
    }
    out.begin_object().key("value");
    value.write(out);
    out.key("time").number(at->ms).end_object();
  }
  out.end_object();
}

}  // namespace tercet::device
