#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/alink/codes.h"
#include "tercet/base/time.h"
#include "tercet/json/reader.h"
#include "tercet/json/writer.h"

namespace tercet::device {

/// A property's value on its way to the platform. A text is a view that lives until the post has been made.
struct PropertyValue {
  enum class Type : std::uint8_t { integer, real, boolean, text, date, composed };
  using Compose = void (*)(json::Writer& out, const void* object);
  std::string_view identifier;
  Type type = Type::integer;
  std::int64_t integer = 0;  ///< also boolean (0 and 1 on the wire) and date (milliseconds, as text on the wire)
  union {
    double real = 0;
    Compose compose;  ///< composed: writes `object`, a struct or an array (typed.h)
  };
  union {
    std::string_view text{};
    const void* object;  ///< composed: lives as long as a text
  };

  void write(json::Writer& out) const;
};

/// The double that prints as short as the float does: 21.3f as 21.3, not 21.299999237.
double widen(float value);

enum class Access : std::uint8_t { read, read_write };

/// A property of the thing model, described at compile time:
///   inline constexpr Property<float> kTemperature{"temperature"};
///   inline constexpr Property<std::int32_t> kInterval{"report_interval", Access::read_write, 1, 86400};
/// T: std::int32_t (int, enum), float, double, bool, std::string_view (text; max = bytes), UnixMillis (date).
template <typename T>
struct Property {
  std::string_view identifier;
  Access access = Access::read;
  T min = lowest();
  T max = highest();

  /// Pairs it with a value: `device.post_properties({kTemperature(21.5f), kHumidity(40.0f)})`.
  constexpr PropertyValue operator()(T value) const {
    PropertyValue made;
    made.identifier = identifier;
    if constexpr (std::same_as<T, bool>) {
      made.type = PropertyValue::Type::boolean;
      made.integer = value;
    } else if constexpr (std::integral<T>) {
      made.type = PropertyValue::Type::integer;
      made.integer = value;
    } else if constexpr (std::same_as<T, float>) {
      made.type = PropertyValue::Type::real;
      made.real = widen(value);
    } else if constexpr (std::same_as<T, double>) {
      made.type = PropertyValue::Type::real;
      made.real = value;
    } else if constexpr (std::same_as<T, UnixMillis>) {
      made.type = PropertyValue::Type::date;
      made.integer = value.ms;
    } else {
      made.type = PropertyValue::Type::text;
      made.text = value;
    }
    return made;
  }

  /// The value if it is of the type and in the range. Text with escapes is refused.
  std::optional<T> parse(const json::Value& value) const;

 private:
  static constexpr T lowest() {
    if constexpr (std::is_arithmetic_v<T>) return std::numeric_limits<T>::lowest();
    return T{};
  }
  static constexpr T highest() {
    if constexpr (std::is_arithmetic_v<T>) return std::numeric_limits<T>::max();
    return T{};
  }
};

/// Bytes a post of these properties can take, each with its own timestamp: what Storage::scratch must hold.
template <typename... T>
constexpr std::size_t post_bytes(const Property<T>&... properties) {
  constexpr std::size_t kEnvelope = 96, kPerProperty = 80;
  std::size_t texts = 0;
  const auto add = [&](const auto& property) {
    texts += property.identifier.size();
    if constexpr (std::is_same_v<decltype(property.max), std::string_view>) texts += 256;
  };
  (add(properties), ...);
  return kEnvelope + kPerProperty * sizeof...(properties) + texts;
}

/// What the platform wants changed. The handler reads every property it knows, asks ok() once, applies, confirms:
///   const auto interval = set.get(kInterval);
///   if (!set.ok()) return;                       // 460 is answered, nothing was changed
///   if (interval) { interval_ = *interval; set.confirm(kInterval(interval_)); }
/// Confirmed values are posted after the reply. Lives during the handler only.
class PropertySet {
 public:
  static constexpr std::size_t kMaxConfirmed = 8;
  explicit PropertySet(const json::Value& params) : params_(params), members_(params.size()) {}

  /// The wanted value; nothing when this property is not in the set, or its value is wrong, which ok() tells apart.
  template <typename T>
  std::optional<T> get(const Property<T>& property) {
    const auto value = params_.find(property.identifier);
    if (!value) return std::nullopt;
    ++read_;
    if (property.access == Access::read_write) {
      if (auto parsed = property.parse(*value)) return parsed;
    }
    refuse(alink::number(alink::Code::parameter_error));
    return std::nullopt;
  }
  /// Everything in the set was asked for, and nothing was wrong.
  bool ok() const { return code_ == alink::number(alink::Code::success) && read_ == members_; }
  /// Answers `code` instead of 200: 400 could not be done, 429 too busy, 100000..110000 the device's own.
  void refuse(std::int32_t code) { code_ = code; }
  /// This value now holds; it will be posted. More than kMaxConfirmed are dropped, and come with the next ordinary
  /// post.
  void confirm(const PropertyValue& value) {
    if (confirmed_count_ < kMaxConfirmed) confirmed_[confirmed_count_++] = value;
  }

  const json::Value& params() const { return params_; }
  /// Takes all members as asked for, by one who reads params(). False: the set was refused before.
  bool take_all() {
    read_ = members_;
    return code_ == alink::number(alink::Code::success);
  }
  std::int32_t code() const {
    if (code_ != alink::number(alink::Code::success)) return code_;
    return read_ == members_ ? code_ : alink::number(alink::Code::parameter_error);
  }
  std::span<const PropertyValue> confirmed() const { return {confirmed_.data(), confirmed_count_}; }

 private:
  json::Value params_;
  std::size_t members_, read_ = 0;
  std::int32_t code_ = alink::number(alink::Code::success);
  std::array<PropertyValue, kMaxConfirmed> confirmed_{};
  std::size_t confirmed_count_ = 0;
};

/// `{"temperature":{"value":21.5,"time":1700000000000},…}`, or bare values without `at` (the platform's time counts).
void write_properties(json::Writer& out, std::span<const PropertyValue> values, std::optional<UnixMillis> at);

}  // namespace tercet::device
