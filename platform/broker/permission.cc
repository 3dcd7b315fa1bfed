#include "platform/broker/permission.h"

#include <algorithm>
#include <array>

#include "tercet/alink/topic.h"
#include "tercet/mqtt/topic.h"

namespace tercet::broker {
namespace {

using auth::Cause;

std::string_view without_query(std::string_view topic) { return topic.substr(0, topic.find('?')); }

std::size_t slashes(std::string_view topic) {
  return static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/'));
}

/// The first seven levels; the empty one before the leading slash is left out.
struct FilterLevels {
  std::array<std::string_view, 7> level{};
  std::size_t count = 0;
};

FilterLevels split(std::string_view filter) {
  FilterLevels made;
  mqtt::Levels levels{filter.substr(1)};
  while (made.count < made.level.size()) {
    const auto level = levels.next();
    if (!level) break;
    made.level[made.count++] = *level;
  }
  return made;
}

bool is_wild(std::string_view level) { return level == "+" || level == "#"; }

/// Where a family's topics have their ProductKey and DeviceName, counted in levels; -1 none.
struct NamePlaces {
  int product = -1;
  int device = -1;
  bool known = true;
};

NamePlaces name_places(const FilterLevels& at) {
  const std::string_view family = at.level[0];
  if (is_wild(family)) return {-1, -1, false};
  if (family == "sys") return {1, 2, true};
  if (family == "shadow") return {2, 3, true};
  if (family == "broadcast") return {1, -1, true};
  if (family == "ota") return at.level[1] == "device" ? NamePlaces{3, 4, true} : NamePlaces{-1, -1, false};
  if (family != "ext") return {0, 1, true};
  const std::string_view kind = at.level[1];
  if (kind == "ntp" || kind == "session" || kind == "error") return {2, 3, true};
  return {-1, -1, kind == "rrpc" || kind == "register" || kind == "regnwl" || kind == "auth"};
}

/// Whether the level at `place` is spelled out as `name`; what is wrong otherwise.
std::optional<Cause> name_refusal(const FilterLevels& at, int place, std::string_view name) {
  if (place < 0) return std::nullopt;
  const auto index = static_cast<std::size_t>(place);
  for (std::size_t i = 0; i < index && i < at.count; ++i)
    if (at.level[i] == "#") return Cause::filter_wildcard;
  if (index >= at.count) return Cause::filter_forbidden;
  if (is_wild(at.level[index])) return Cause::filter_wildcard;
  if (at.level[index] != name) return Cause::topic_of_another_device;
  return std::nullopt;
}

/// A filter without wildcards is one topic, which must come down.
std::optional<Cause> literal_refusal(std::string_view filter) {
  const auto topic = alink::parse_topic(filter);
  if (!topic) return Cause::filter_malformed;
  if (topic->kind == alink::Kind::unknown)
    return filter.starts_with("/sys/") ? std::nullopt : std::optional(Cause::topic_unknown);
  if (alink::direction(*topic) == alink::Direction::up) return Cause::filter_forbidden;
  return std::nullopt;
}

}  // namespace

std::optional<Cause> publish_refusal(const DeviceNames& own, std::string_view topic, const TopicLimits& limits) {
  topic = without_query(topic);
  if (topic.size() > limits.max_bytes) return Cause::topic_too_long;
  const auto parsed = alink::parse_topic(topic);
  if (!parsed) return Cause::topic_malformed;
  if (parsed->kind == alink::Kind::rrpc_custom) return std::nullopt;
  if (!parsed->product.empty() && parsed->product != own.product) return Cause::topic_of_another_device;
  if (!parsed->device.empty() && parsed->device != own.device) return Cause::topic_of_another_device;
  if (parsed->kind == alink::Kind::unknown) return Cause::topic_unknown;
  if (parsed->kind == alink::Kind::custom)
    return slashes(topic) > limits.max_custom_slashes ? std::optional(Cause::topic_too_deep) : std::nullopt;
  if (alink::direction(*parsed) == alink::Direction::down) return Cause::topic_forbidden;
  return std::nullopt;
}

std::optional<Cause> subscribe_refusal(const DeviceNames& own, std::string_view filter, bool shared_allowed,
                                       const TopicLimits& limits) {
  if (filter.size() > limits.max_bytes) return Cause::topic_too_long;
  if (!mqtt::is_valid_filter(filter)) return Cause::filter_malformed;
  if (mqtt::is_shared(filter)) {
    const auto shared = mqtt::parse_shared(filter);
    if (!shared_allowed || !shared) return Cause::filter_forbidden;
    filter = shared->filter;
  }
  if (is_wild(filter.substr(0, filter.find('/')))) return Cause::filter_wildcard;
  if (!filter.starts_with('/')) return filter.starts_with('$') ? Cause::filter_forbidden : Cause::filter_malformed;
  const FilterLevels at = split(filter);
  if (is_wild(at.level[0])) return Cause::filter_wildcard;
  const NamePlaces places = name_places(at);
  if (!places.known) return is_wild(at.level[1]) ? Cause::filter_wildcard : Cause::topic_unknown;
  if (const auto refusal = name_refusal(at, places.product, own.product)) return refusal;
  if (const auto refusal = name_refusal(at, places.device, own.device)) return refusal;
  const bool is_custom = places.product == 0;
  if (is_custom && slashes(filter) > limits.max_custom_slashes) return Cause::topic_too_deep;
  const bool has_wildcard = filter.find_first_of("+#") != std::string_view::npos;
  if (has_wildcard || (at.level[0] == "ext" && at.level[1] == "rrpc")) return std::nullopt;
  return literal_refusal(filter);
}

std::optional<DeviceNames> names_in_topic(std::string_view topic) {
  const auto parsed = alink::parse_topic(without_query(topic));
  if (!parsed) return std::nullopt;
  if (parsed->kind == alink::Kind::rrpc_custom) return names_in_topic(parsed->inner);
  if (parsed->product.empty() || parsed->device.empty()) return std::nullopt;
  return DeviceNames{parsed->product, parsed->device};
}

std::optional<DeviceNames> names_in_filter(std::string_view filter) {
  if (!filter.starts_with('/') || !mqtt::is_valid_filter(filter)) return std::nullopt;
  const FilterLevels at = split(filter);
  const NamePlaces places = name_places(at);
  if (!places.known || places.product < 0 || places.device < 0) return std::nullopt;
  const auto product = static_cast<std::size_t>(places.product), device = static_cast<std::size_t>(places.device);
  if (product >= at.count || device >= at.count || is_wild(at.level[product]) || is_wild(at.level[device]))
    return std::nullopt;
  return DeviceNames{at.level[product], at.level[device]};
}

std::optional<Cause> standard_publish_refusal(std::string_view topic, const TopicLimits& limits) {
  if (topic.size() > limits.max_bytes) return Cause::topic_too_long;
  if (topic.starts_with("$SYS/") || topic == "$SYS" || topic.starts_with("$share/")) return Cause::topic_forbidden;
  return std::nullopt;
}

std::optional<Cause> standard_subscribe_refusal(std::string_view filter, const TopicLimits& limits) {
  if (filter.size() > limits.max_bytes) return Cause::topic_too_long;
  return mqtt::is_valid_filter(filter) ? std::nullopt : std::optional(Cause::filter_malformed);
}

bool is_system_topic(std::string_view topic) {
  return topic.starts_with("/sys/") || topic.starts_with("/ext/") || topic.starts_with("/ota/") ||
         topic.starts_with("/shadow/") || topic.starts_with("/broadcast/");
}

bool is_custom_topic(std::string_view topic) { return topic.starts_with('/') && !is_system_topic(topic); }

std::optional<Addressee> addressee_of(std::string_view topic) {
  if (!topic.starts_with('/')) return std::nullopt;
  const auto parsed = alink::parse_topic(without_query(topic));
  if (!parsed || parsed->product.empty() || parsed->device.empty()) return std::nullopt;
  if (parsed->kind == alink::Kind::unknown) return std::nullopt;
  if (parsed->kind == alink::Kind::custom) return Addressee{parsed->product, parsed->device, false};
  if (alink::direction(*parsed) == alink::Direction::up) return std::nullopt;
  return Addressee{parsed->product, parsed->device, true};
}

}  // namespace tercet::broker
