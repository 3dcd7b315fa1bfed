#include "platform/thing/validate.h"

#include <cmath>
#include <limits>

namespace tercet::thing {

namespace {

using alink::Code;
using json::Type;

Code code_of_type(DataType type) {
  switch (type) {
    case DataType::int32:
      return Code::bad_int;
    case DataType::float32:
      return Code::bad_float;
    case DataType::float64:
      return Code::bad_double;
    case DataType::enumeration:
      return Code::bad_enum;
    case DataType::boolean:
      return Code::bad_bool;
    case DataType::text:
      return Code::bad_text;
    case DataType::date:
      return Code::bad_date;
    case DataType::structure:
      return Code::bad_struct;
    case DataType::array:
      return Code::bad_array;
  }
  return Code::model_lacks_type;
}

bool is_on_step(const Spec& spec, double value) {
  const double steps = (value - (spec.has_min ? spec.min : 0)) / spec.step;
  return std::abs(steps - std::round(steps)) <= 1e-6 * std::max(1.0, std::abs(steps));
}

bool is_within(const Spec& spec, double value, Validation mode) {
  if (mode != Validation::strong) return true;
  if (spec.has_min && value < spec.min) return false;
  if (spec.has_max && value > spec.max) return false;
  return !spec.has_step || is_on_step(spec, value);
}

bool is_int32(const json::Value& value, std::int64_t& number) {
  const auto whole = value.integer();
  if (!whole || *whole < std::numeric_limits<std::int32_t>::min() || *whole > std::numeric_limits<std::int32_t>::max())
    return false;
  number = *whole;
  return true;
}

bool is_real(const json::Value& value, double largest, double& number) {
  const auto real = value.real();
  if (!real || !(std::abs(*real) <= largest)) return false;
  number = *real;
  return true;
}

bool is_choice(std::span<const std::int32_t> choices, std::int64_t number) {
  for (const auto choice : choices)
    if (choice == number) return true;
  return false;
}

/// Characters, not bytes; an escape is one.
std::size_t characters(const json::Text& text) {
  const auto raw = text.raw();
  std::size_t count = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c == '\\') {
      const bool unicode = i + 5 < raw.size() && raw[i + 1] == 'u';
      const bool low_half = unicode && (raw[i + 2] | 0x20) == 'd' && (raw[i + 3] | 0x20) >= 'c';
      i += unicode ? 5 : 1;
      count += low_half ? 0 : 1;
    } else if ((c & 0xC0) != 0x80) {
      ++count;
    }
  }
  return count;
}

bool is_text(const Spec& spec, const json::Value& value, Validation mode) {
  const auto text = value.text();
  if (!text) return false;
  return mode != Validation::strong || spec.limit == 0 || text->raw().size() <= spec.limit ||
         characters(*text) <= spec.limit;
}

bool is_date(const json::Value& value) {
  const auto text = value.text();
  if (!text || text->raw().empty() || text->raw().size() > 16) return false;
  for (const char c : text->raw())
    if (c < '0' || c > '9') return false;
  return true;
}

Checked check_struct(const Model& model, const Spec& spec, const json::Value& value, Validation mode) {
  if (!value.is(Type::object)) return {Code::bad_struct};
  const auto members = model.members(spec);
  std::size_t count = 0;
  for (const auto& [name, inner] : value.members()) {
    const Member* known = nullptr;
    for (const auto& member : members)
      if (name == std::string_view(member.identifier)) known = &member;
    if (known == nullptr) return {Code::params_not_exist, name.raw()};
    const auto checked = check(model, known->spec, inner, mode);
    if (!checked.ok()) return {checked.code, name.raw()};
    ++count;
  }
  if (mode == Validation::strong && count != members.size()) return {Code::bad_struct};
  return {};
}

Checked check_array(const Model& model, const Spec& spec, const json::Value& value, Validation mode) {
  if (!value.is(Type::array)) return {Code::value_not_array};
  Spec element = spec;
  element.type = spec.item;
  element.limit = 0;
  std::size_t count = 0;
  for (const auto& item : value.elements()) {
    if (++count > spec.limit && mode == Validation::strong) return {Code::bad_array};
    const auto checked = check(model, element, item, mode);
    if (checked.ok()) continue;
    return spec.item == DataType::structure ? checked : Checked{Code::bad_array_element};
  }
  return {};
}

}  // namespace

Checked check(const Model& model, const Spec& spec, const json::Value& value, Validation mode) {
  if (mode == Validation::none) return {};
  std::int64_t whole = 0;
  double real = 0;
  bool good = false;
  switch (spec.type) {
    case DataType::int32:
      good = is_int32(value, whole) && is_within(spec, static_cast<double>(whole), mode);
      break;
    case DataType::float32:
      good =
          is_real(value, static_cast<double>(std::numeric_limits<float>::max()), real) && is_within(spec, real, mode);
      break;
    case DataType::float64:
      good = is_real(value, std::numeric_limits<double>::max(), real) && is_within(spec, real, mode);
      break;
    case DataType::enumeration:
      good = is_int32(value, whole) && (mode != Validation::strong || is_choice(model.choices(spec), whole));
      break;
    case DataType::boolean:
      good = is_int32(value, whole) && (whole == 0 || whole == 1);
      break;
    case DataType::text:
      good = is_text(spec, value, mode);
      break;
    case DataType::date:
      good = is_date(value);
      break;
    case DataType::structure:
      return check_struct(model, spec, value, mode);
    case DataType::array:
      return check_array(model, spec, value, mode);
  }
  return good ? Checked{} : Checked{code_of_type(spec.type)};
}

bool is_strict_json(const json::Value& value) {
  const bool holds_others = value.is(json::Type::object) || value.is(json::Type::array);
  return !holds_others || json::parse(value.raw()).has_value();
}

std::string_view shortened(std::string_view raw, std::size_t most) {
  if (raw.size() <= most) return raw;
  std::size_t end = 0, at = 0;
  while (at < raw.size() && at <= most) {
    end = at;
    at += raw[at] != '\\' ? 1 : at + 1 < raw.size() && raw[at + 1] == 'u' ? 6 : 2;
    while (at < raw.size() && (static_cast<unsigned char>(raw[at]) & 0xC0) == 0x80) ++at;
  }
  return raw.substr(0, end);
}

void append_check_text(std::string& out, const Checked& checked, std::string_view raw_identifier) {
  constexpr std::size_t kMost = 64;
  out.append(alink::message(checked.code)).append(" -> ").append(shortened(raw_identifier, kMost));
  if (!checked.where.empty()) out.append(".").append(shortened(checked.where, kMost));
}

}  // namespace tercet::thing
