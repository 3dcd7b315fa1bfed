#pragma once
#include <optional>
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/json/reader.h"

namespace tercet::alink {

/// A value as posted: bare, or `{"value":…,"time":…}`.
struct TimedValue {
  json::Value value;
  std::optional<UnixMillis> time;  ///< nothing: use the server's
  bool bad_time = false;           ///< there was a `time`, but no whole number of milliseconds: answer 6326
};
/// An object is the wrapped form when it has `value` and nothing else but `time`; those two names are reserved, so no
/// struct can look like it.
TimedValue unwrap(const json::Value& posted);

struct PostedProperty {
  json::Text identifier;  ///< "temperature", or "module:temperature"
  TimedValue posted;
};

/// The properties of `params` of a property post, in order; also of `properties` in batch and pack posts.
class Properties {
 public:
  explicit Properties(const json::Value& params) : members_(params) {}
  std::optional<PostedProperty> next();

 private:
  json::Members members_;
};

/// The output of an event post, whose params are `{"value":{…},"time":…}` or the bare output object.
TimedValue unwrap_event(const json::Value& params);

/// `module:identifier` taken apart; module "" for the default one.
struct Identifier {
  std::string_view module;
  std::string_view name;
};
Identifier split_identifier(std::string_view identifier);

}  // namespace tercet::alink
