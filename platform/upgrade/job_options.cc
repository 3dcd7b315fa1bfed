#include <boost/json.hpp>

#include "platform/upgrade/records.h"

namespace tercet::upgrade {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& from) {
  json::array made;
  for (const std::string& one : from) made.emplace_back(one);
  return made;
}

std::string text(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : std::string{};
}

template <typename T>
void take(const json::object& from, std::string_view name, T& into) {
  const auto* value = from.if_contains(name);
  if (value == nullptr) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (value->is_bool()) into = value->get_bool();
  } else if constexpr (std::is_same_v<T, std::string>) {
    into = text(*value);
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    if (!value->is_array()) return;
    for (const auto& one : value->get_array()) into.push_back(text(one));
  } else {
    if (value->is_int64()) into = static_cast<T>(value->get_int64());
  }
}

}  // namespace

std::string_view name(JobStatus status) {
  switch (status) {
    case JobStatus::planned:
      return "PLANNED";
    case JobStatus::in_progress:
      return "IN_PROGRESS";
    case JobStatus::completed:
      return "COMPLETED";
    case JobStatus::canceled:
      return "CANCELED";
  }
  return "";
}

std::string to_text(const JobOptions& o) {
  json::object made{{"selection", static_cast<int>(o.selection)},
                    {"gray", o.gray_percent},
                    {"devices", texts(o.devices)},
                    {"group", o.group},
                    {"sources", texts(o.sources)},
                    {"start", o.start},
                    {"finish", o.finish},
                    {"retries", o.retries},
                    {"retryMinutes", o.retry_minutes},
                    {"timeoutMinutes", o.timeout_minutes},
                    {"perMinute", o.per_minute},
                    {"overwrite", o.overwrite},
                    {"newcomersOnly", o.newcomers_only},
                    {"push", o.push},
                    {"confirm", o.confirm},
                    {"overMqtt", o.over_mqtt},
                    {"multiModule", o.multi_module},
                    {"stopPercent", o.stop_percent},
                    {"stopAfter", o.stop_after}};
  json::array tags;
  for (const auto& tag : o.tags) tags.push_back(json::array{tag.first, tag.second});
  made["tags"] = std::move(tags);
  return json::serialize(made);
}

JobOptions options_of(std::string_view from) {
  JobOptions o;
  boost::system::error_code bad;
  const json::value value = json::parse(from, bad);
  if (bad || !value.is_object()) return o;
  const json::object& object = value.get_object();
  int selection = 0;
  take(object, "selection", selection);
  o.selection = static_cast<Selection>(selection);
  take(object, "gray", o.gray_percent);
  take(object, "devices", o.devices);
  take(object, "sources", o.sources);
  take(object, "start", o.start);
  take(object, "finish", o.finish);
  take(object, "retries", o.retries);
  take(object, "retryMinutes", o.retry_minutes);
  take(object, "timeoutMinutes", o.timeout_minutes);
  take(object, "perMinute", o.per_minute);
  take(object, "group", o.group);
  take(object, "overwrite", o.overwrite);
  take(object, "newcomersOnly", o.newcomers_only);
  take(object, "push", o.push);
  take(object, "confirm", o.confirm);
  take(object, "overMqtt", o.over_mqtt);
  take(object, "multiModule", o.multi_module);
  take(object, "stopPercent", o.stop_percent);
  take(object, "stopAfter", o.stop_after);
  if (const auto* tags = object.if_contains("tags"); tags != nullptr && tags->is_array())
    for (const auto& tag : tags->get_array())
      if (tag.is_array() && tag.get_array().size() == 2)
        o.tags.emplace_back(text(tag.get_array()[0]), text(tag.get_array()[1]));
  return o;
}

}  // namespace tercet::upgrade
