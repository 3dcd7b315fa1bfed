#pragma once
#include <array>
#include <optional>

#include "tercet/device/client.h"
#include "tercet/device/field.h"

// What a program does with the types of a header made by `tercet model`: posts them and reads them. Texts in what was
// read live during the handler only.
namespace tercet::device {

template <typename T>
void write_typed(json::Writer& out, const T& value);

struct FieldWriter {
  json::Writer* out;
  template <typename T>
  void operator()(const Bounds& bounds, const Field<T>& field) const {
    if (!field) return;
    out->key(bounds.identifier);
    write_typed(*out, *field);
  }
};

template <typename T>
void write_group(json::Writer& out, const T& group) {
  out.begin_object();
  for_each_field(group, FieldWriter{&out});
  out.end_object();
}

/// A value for the Device; of a struct or an array it refers to `value`.
template <typename T>
PropertyValue property_value(std::string_view identifier, const T& value) {
  if constexpr (Group<T> || kIsSpan<T>) {
    PropertyValue made;
    made.identifier = identifier;
    made.type = PropertyValue::Type::composed;
    made.compose = [](json::Writer& out, const void* object) { write_typed(out, *static_cast<const T*>(object)); };
    made.object = &value;
    return made;
  } else if constexpr (std::is_enum_v<T>) {
    return Property<std::int32_t>{identifier}(static_cast<std::int32_t>(value));
  } else {
    return Property<T>{identifier}(value);
  }
}

template <typename T>
void write_typed(json::Writer& out, const T& value) {
  if constexpr (Group<T>) {
    write_group(out, value);
  } else if constexpr (kIsSpan<T>) {
    out.begin_array();
    for (const auto& item : value) write_typed(out, item);
    out.end_array();
  } else {
    property_value({}, value).write(out);
  }
}

struct FieldCounter {
  std::size_t* count;
  template <typename Member>
  constexpr void operator()(const Bounds&, const Member&) const {
    ++*count;
  }
};
template <Group G>
constexpr std::size_t count_fields() {
  std::size_t count = 0;
  const G none{};
  for_each_field(none, FieldCounter{&count});
  return count;
}
template <Group G>
inline constexpr std::size_t kFields = count_fields<G>();

/// The fields that are set, as the Device takes them. Refers to the group.
template <Group G>
class Values {
 public:
  explicit Values(const G& group) { for_each_field(group, Collector{this}); }
  std::span<const PropertyValue> list() const { return {values_.data(), count_}; }

 private:
  struct Collector {
    Values* into;
    template <typename T>
    void operator()(const Bounds& bounds, const Field<T>& field) const {
      if (field) into->values_[into->count_++] = property_value(bounds.identifier, *field);
    }
  };
  std::array<PropertyValue, kFields<G> == 0 ? 1 : kFields<G>> values_;
  std::size_t count_ = 0;
};

/// The properties of a model, and one of its events: their headers say so by is_report() and event_identifier().
template <typename T>
concept Report = Group<T> && requires(const T& report) {
  is_report(report);
};
template <typename T>
concept Event = Group<T> && requires(const T& event) {
  event_identifier(event);
};

/// Posts the properties that are set: `post(device, climate::Report{.temperature = 21.5f})`. Errors: bad_argument, a
/// value is out of range (fault() names it) or none is set, and nothing was posted; else as Device::post_properties().
template <Report R>
Result<MessageId> post(Device& device, const R& report, std::optional<UnixMillis> at = {}) {
  const Values<R> values(report);
  if (values.list().empty() || !fault(report).empty()) return fail(Error::bad_argument);
  return device.post_properties(values.list(), at);
}

/// Posts an event with its output. Errors: bad_argument, a value is out of range; else as Device::post_event().
template <Event E>
Result<MessageId> post(Device& device, const E& event, std::optional<UnixMillis> at = {}) {
  const Values<E> values(event);
  if (!fault(event).empty()) return fail(Error::bad_argument);
  return device.post_event(event_identifier(event), values.list(), at);
}

/// False: the value is not of the type, or out of its range.
template <typename T>
bool read_typed(const Bounds& bounds, const json::Value& from, Field<T>& into);

/// Reads the members of an object into the fields of those names.
template <Group G>
struct FieldReader {
  const json::Value* object;
  std::size_t* known;
  bool* is_right;
  template <typename T>
  void operator()(const Bounds& bounds, Field<T>& field) const {
    const auto value = object->find(bounds.identifier);
    if (!value) return;
    ++*known;
    if (!read_typed(bounds, *value, field)) *is_right = false;
  }
};

/// False: a member has no field, or a wrong value. Members that are missing leave their fields empty.
template <Group G>
bool read_object(const json::Value& object, G& into) {
  std::size_t known = 0;
  bool is_right = object.is(json::Type::object);
  for_each_field(into, FieldReader<G>{&object, &known, &is_right});
  return is_right && known == object.size();
}

template <typename T>
bool read_typed(const Bounds& bounds, const json::Value& from, Field<T>& into) {
  if constexpr (std::same_as<T, std::int32_t>) {
    if (const auto whole = Property<std::int32_t>{}.parse(from)) into = *whole;
  } else if constexpr (std::floating_point<T>) {
    const auto real = Property<double>{.identifier = {}, .min = bounds.min, .max = bounds.max}.parse(from);
    if (real) into = as_bound<T>(*real);
    return static_cast<bool>(into);
  } else if constexpr (std::is_enum_v<T>) {
    if (const auto whole = Property<std::int32_t>{}.parse(from)) into = static_cast<T>(*whole);
  } else if constexpr (Group<T>) {
    T group;
    if (read_object(from, group)) into = group;
  } else if constexpr (kIsItems<T>) {
    if (!from.is(json::Type::array) || (bounds.most != 0 && from.size() > bounds.most)) return false;
    for (const json::Value& element : from.elements()) {
      Field<typename T::Item> item;
      if (!read_typed(Bounds{}, element, item)) return false;
    }
    into = T(from);
  } else {
    if (const auto value = Property<T>{}.parse(from)) into = *value;
  }
  if (into && !is_within(bounds, *into)) into.reset();
  return static_cast<bool>(into);
}

template <typename T>
std::size_t Items<T>::copy_to(std::span<T> into) const {
  std::size_t count = 0;
  for (const json::Value& element : array_.elements()) {
    Field<T> item;
    if (count == into.size() || !read_typed(Bounds{}, element, item)) break;
    into[count++] = *item;
  }
  return count;
}

/// What the platform wants changed. False: something in the set has no such property, may not be written, or is out of
/// its range; 460 is answered then, and nothing may be changed.
template <Group Wanted>
bool read(PropertySet& set, Wanted& wanted) {
  if (set.take_all() && read_object(set.params(), wanted)) return true;
  set.refuse(alink::number(alink::Code::parameter_error));
  return false;
}

/// The inputs of a service. False: one is unknown or wrong; 460 is answered then. A missing one is an empty field.
template <Group Input>
bool read(ServiceCall& call, Input& input) {
  if (read_object(call.params(), input)) return true;
  call.refuse(alink::number(alink::Code::parameter_error));
  return false;
}

/// What the platform wishes (Device::get_desired()); wishes that are wrong leave their fields empty.
template <Group Wanted>
void read(const DesiredValues& desired, Wanted& wanted) {
  const auto take = [&desired]<typename T>(const Bounds& bounds, Field<T>& field) {
    const auto wish = desired.data().find(bounds.identifier);
    const auto value = wish ? wish->find("value") : std::nullopt;
    if (value) static_cast<void>(read_typed(bounds, *value, field));
  };
  for_each_field(wanted, take);
}

/// What holds after a set: posted behind the answer, up to PropertySet::kMaxConfirmed of them. `now` outlives the
/// handler of the Device. False: a value is out of range; 400 is answered then.
template <Report R>
bool confirm(PropertySet& set, const R& now) {
  if (!fault(now).empty()) {
    set.refuse(alink::number(alink::Code::request_error));
    return false;
  }
  const Values<R> values(now);
  for (const PropertyValue& value : values.list()) set.confirm(value);
  return true;
}

/// What properties are now; of those that are set, what was asked for is answered. `now` outlives the handler of the
/// Device. False: a value is out of range; 400 is answered then.
template <Report R>
bool answer(PropertyGet& get, const R& now) {
  if (!fault(now).empty()) {
    get.refuse(alink::number(alink::Code::request_error));
    return false;
  }
  get.answer(Values<R>(now).list());
  return true;
}

/// The outputs of a service, which outlive the handler of the Device. False: a value is out of range; 400 is answered
/// then.
template <Group Output>
bool answer(ServiceCall& call, const Output& output) {
  if (!fault(output).empty()) {
    call.refuse(alink::number(alink::Code::request_error));
    return false;
  }
  call.answer_object(property_value({}, output));
  return true;
}

}  // namespace tercet::device
