#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include "tercet/base/time.h"
#include "tercet/json/reader.h"

// The vocabulary of headers that `tercet model` makes of a thing model (docs/typed-model.md). Nothing here is linked
// into a program that does not use such a header; nothing allocates.
namespace tercet::device {

/// What the thing model asks of a value.
struct Bounds {
  std::string_view identifier;
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
  std::uint32_t most = 0;  ///< text: characters; array: elements; 0 where there is neither
};

/// A struct of fields: a report, what is wanted, an event, inputs or outputs of a service, a struct of the model. Its
/// header has `for_each_field(group, visit)`, which calls visit(Bounds, Field&) for each, in the order of the model.
struct AnyField {
  template <typename Member>
  constexpr void operator()(const Bounds&, Member&) const {}
};
template <typename T>
concept Group = std::is_class_v<T> && requires(T& group) {
  for_each_field(group, AnyField{});
};

/// Outgoing array: a view; the elements outlive the post.
template <typename T>
inline constexpr bool kIsSpan = false;
template <typename T>
inline constexpr bool kIsSpan<std::span<const T>> = true;

/// Incoming array, as it came; every element has been checked. Lives during the handler only.
template <typename T>
class Items {
 public:
  using Item = T;
  Items() = default;
  explicit Items(const json::Value& array) : array_(array) {}
  std::size_t size() const { return array_.size(); }
  /// Copies what `into` has room for; how many that were.
  std::size_t copy_to(std::span<T> into) const;
  const json::Value& json() const { return array_; }

 private:
  json::Value array_;
};
template <typename T>
inline constexpr bool kIsItems = false;
template <typename T>
inline constexpr bool kIsItems<Items<T>> = true;

template <typename V>
concept Character = std::same_as<V, char> || std::same_as<V, wchar_t> || std::same_as<V, char8_t> ||
    std::same_as<V, char16_t> || std::same_as<V, char32_t>;
template <typename V>
concept WholeNumber = std::integral<V> && !std::same_as<V, bool> && !Character<V>;
/// Every V is an std::int32_t.
template <typename V>
concept FitsInt32 = WholeNumber<V> &&(sizeof(V) < 4 || (sizeof(V) == 4 && std::signed_integral<V>));

/// Whether a V may be put into a Field<T>: the same kind of value, and none that could be lost on the way.
template <typename T, typename V>
constexpr bool fits() {
  using Plain = std::remove_cvref_t<V>;
  constexpr bool outlives_statement = std::is_lvalue_reference_v<V>;
  if constexpr (std::same_as<T, std::int32_t>) {
    return FitsInt32<Plain>;
  } else if constexpr (std::floating_point<T>) {
    return std::same_as<Plain, float> || std::same_as<Plain, double> || WholeNumber<Plain>;
  } else if constexpr (std::same_as<T, std::string_view>) {  // no text that is gone when the post is made
    return std::convertible_to<V, std::string_view> && !std::same_as<Plain, std::nullptr_t> &&
           (outlives_statement || std::is_pointer_v<Plain> || std::same_as<Plain, std::string_view>);
  } else if constexpr (kIsSpan<T>) {
    return std::convertible_to<V, T> && (outlives_statement || std::same_as<Plain, T>);
  } else {
    return std::same_as<Plain, T>;
  }
}

/// A value of the model's type T, or none: `report.temperature = 21.5f`. Only a value of that type compiles: no text
/// for a number, no number for an enum or a bool, no 64-bit number for an int. A text and an array are views, which
/// must live until the post is made. T: std::int32_t, float, double, bool, an enum class, std::string_view, UnixMillis
/// (date), a Group (struct), std::span<const …> (array that goes out), Items<…> (array that came).
template <typename T>
class Field {
 public:
  using Value = T;
  constexpr Field() = default;
  template <typename V>
  requires(fits<T, V>()) constexpr Field(V&& value) : is_set_(true), value_(static_cast<T>(value)) {}  // NOLINT

  constexpr explicit operator bool() const { return is_set_; }
  /// Only of a field that is set.
  constexpr const T& operator*() const { return value_; }
  constexpr const T* operator->() const { return &value_; }
  constexpr T value_or(T other) const { return is_set_ ? value_ : other; }
  constexpr void reset() { *this = Field{}; }

 private:
  bool is_set_ = false;
  T value_{};
};

/// The identifier of the first field whose value is out of the model's range or too long; "" when there is none. Steps
/// are for the platform to check.
template <Group G>
constexpr std::string_view fault(const G& group);

/// Characters of UTF-8.
constexpr std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

/// The bound as a T, so that 0.1 of the model is 0.1f of the program.
template <std::floating_point T>
constexpr T as_bound(double bound) {
  constexpr double kMost = static_cast<double>(std::numeric_limits<T>::max());
  return static_cast<T>(bound > kMost ? kMost : bound < -kMost ? -kMost : bound);
}

template <typename T>
constexpr bool is_within(const Bounds& bounds, const T& value) {
  if constexpr (std::same_as<T, std::int32_t>) {
    return static_cast<double>(value) >= bounds.min && static_cast<double>(value) <= bounds.max;
  } else if constexpr (std::floating_point<T>) {
    return value >= as_bound<T>(bounds.min) && value <= as_bound<T>(bounds.max);
  } else if constexpr (std::is_enum_v<T>) {
    return is_choice(value);
  } else if constexpr (std::same_as<T, std::string_view>) {
    return bounds.most == 0 || characters(value) <= bounds.most;
  } else if constexpr (kIsSpan<T>) {
    if (bounds.most != 0 && value.size() > bounds.most) return false;
    for (const auto& item : value)
      if (!is_within(Bounds{}, item)) return false;
    return true;
  } else if constexpr (Group<T>) {
    return fault(value).empty();
  } else {
    return true;
  }
}

struct FaultFinder {
  std::string_view* found;
  template <typename T>
  constexpr void operator()(const Bounds& bounds, const Field<T>& field) const {
    if (found->empty() && field && !is_within(bounds, *field)) *found = bounds.identifier;
  }
};

template <Group G>
constexpr std::string_view fault(const G& group) {
  std::string_view found;
  for_each_field(group, FaultFinder{&found});
  return found;
}

/// Not defined, so that a constant out of its range does not compile: the value breaks the thing model's limits.
void value_is_out_of_the_models_range();
/// Of constants: out of range does not compile. `post(device, constant(climate::Report{.humidity = 40.f}))`
template <Group G>
consteval G constant(const G& group) {
  if (!fault(group).empty()) value_is_out_of_the_models_range();
  return group;
}

}  // namespace tercet::device
