#include "tercet/alink/property.h"

namespace tercet::alink {
namespace {

void take_time(TimedValue& made, const json::Value& time) {
  if (const auto ms = time.integer()) {
    made.time = UnixMillis{*ms};
    return;
  }
  // A string of digits is a number that went through a careless library.
  const auto text = time.text();
  if (text && !text->raw().empty() && text->raw().size() <= 18 &&
      text->raw().find_first_not_of("0123456789") == std::string_view::npos) {
    std::int64_t ms = 0;
    for (const char c : text->raw()) ms = ms * 10 + (c - '0');
    made.time = UnixMillis{ms};
    return;
  }
  made.bad_time = !time.is(json::Type::null);
}

}  // namespace

TimedValue unwrap(const json::Value& posted) {
  TimedValue made{posted, std::nullopt, false};
  if (!posted.is(json::Type::object)) return made;
  std::optional<json::Value> value;
  std::optional<json::Value> time;
  for (const auto& [name, member] : posted.members()) {
    if (name == "value")
      value = member;
    else if (name == "time")
      time = member;
    else
      return made;
  }
  if (!value) return made;
  made.value = *value;
  if (time) take_time(made, *time);
  return made;
}

std::optional<PostedProperty> Properties::next() {
  const auto member = members_.next();
  if (!member) return std::nullopt;
  return PostedProperty{member->name, unwrap(member->value)};
}

TimedValue unwrap_event(const json::Value& params) {
  const TimedValue made = unwrap(params);
  // {"value":1} is no wrapped event, whose output is always an object, but an output with a member of that name.
  return made.value.is(json::Type::object) ? made : TimedValue{params, std::nullopt, false};
}

Identifier split_identifier(std::string_view identifier) {
  const std::size_t colon = identifier.find(':');
  if (colon == std::string_view::npos) return {{}, identifier};
  return {identifier.substr(0, colon), identifier.substr(colon + 1)};
}

}  // namespace tercet::alink
