#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/device/properties.h"

/// What rules may refer to: as much of a thing model as a board needs to check and run them. All of it is constant
/// data.
namespace tercet::edge {

/// `other` is there to be named in a refusal: text, date, struct, array.
enum class ValueType : std::uint8_t { integer, real, boolean, other };

struct PropertySpec {
  std::string_view identifier;
  ValueType type = ValueType::other;
  bool writable = false;
  double min = 0, max = 0;
};

/// Of a property described for the SDK: `constexpr PropertySpec kRules[] = {describe(kTemperature)};`
template <typename T>
constexpr PropertySpec describe(const device::Property<T>& property) {
  PropertySpec made;
  made.identifier = property.identifier;
  made.writable = property.access == device::Access::read_write;
  if constexpr (std::is_same_v<T, bool>) {
    made.type = ValueType::boolean, made.max = 1;
  } else if constexpr (std::is_arithmetic_v<T>) {
    made.type = std::is_integral_v<T> ? ValueType::integer : ValueType::real;
    made.min = static_cast<double>(property.min), made.max = static_cast<double>(property.max);
  }
  return made;
}

struct EventSpec {
  std::string_view identifier;
  std::span<const PropertySpec> outputs;
};

/// At most kMaxReferences of each. Everything outlives who holds the model.
struct Model {
  std::span<const PropertySpec> properties;
  std::span<const EventSpec> events;
  std::span<const std::string_view> handlers;  ///< local functions that rules may call
};
inline constexpr std::size_t kMaxReferences = 250;

/// Where `identifier` stands in a list of things that have one.
template <typename Spec>
std::optional<std::uint8_t> position(std::span<const Spec> list, std::string_view identifier) {
  for (std::size_t i = 0; i < list.size() && i < kMaxReferences; ++i) {
    if constexpr (std::is_same_v<Spec, std::string_view>) {
      if (list[i] == identifier) return static_cast<std::uint8_t>(i);
    } else {
      if (list[i].identifier == identifier) return static_cast<std::uint8_t>(i);
    }
  }
  return std::nullopt;
}

}  // namespace tercet::edge
