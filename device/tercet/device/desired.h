#pragma once
#include <cstdint>
#include <optional>

#include "tercet/device/properties.h"

namespace tercet::device {

/// A wish of the platform, and its version for clear_desired().
template <typename T>
struct DesiredValue {
  T value;
  std::uint64_t version;
};

/// The platform's answer to get_desired(): what was asked for and has a wish. Lives during the handler only.
///   if (const auto wish = desired.get(kInterval)) { interval_ = wish->value; device.clear_desired("interval",
///   wish->version); }
class DesiredValues {
 public:
  explicit DesiredValues(const json::Value& data) : data_(data) {}
  /// Nothing when there is no wish, or one of another type or out of the property's range.
  template <typename T>
  std::optional<DesiredValue<T>> get(const Property<T>& property) const {
    const auto wish = data_.find(property.identifier);
    const auto value = wish ? wish->find("value") : std::nullopt;
    const auto parsed = value ? property.parse(*value) : std::nullopt;
    if (!parsed) return std::nullopt;
    return DesiredValue<T>{*parsed, version_of(*wish)};
  }
  const json::Value& data() const { return data_; }

 private:
  static std::uint64_t version_of(const json::Value& wish);
  json::Value data_;
};

}  // namespace tercet::device
