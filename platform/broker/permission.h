#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tercet/auth/cause.h"

namespace tercet::broker {

/// Whose topics a device may use: its own.
struct DeviceNames {
  std::string_view product;
  std::string_view device;
};

/// "<ProductKey>/<DeviceName>", as identities have it.
inline std::string name_of(const DeviceNames& names) {
  return std::string(names.product).append("/").append(names.device);
}

/// The part of Limits that topics are held against.
struct TopicLimits {
  std::size_t max_bytes = 128;
  std::size_t max_custom_slashes = 7;
};

// The rules of the cloud policy (device-protocol 4.2 to 4.5) and of the standard one, as pure functions: nothing means
// allowed, otherwise why not. They see only text, so they are fuzzed, and compared with a reference model, as they are.

/// May this device PUBLISH here? `topic` may carry a `?query`, which does not count.
///  - custom `/{pk}/{dn}/<anything>` with its own names, at most 7 slashes;
///  - system topics with its own names that go up (4.4; the `_reply` of one that goes down goes up);
///  - `/ext/rrpc/{id}/<anything>`: the answer to an RRPC on a custom topic.
/// Causes: topic_malformed (no leading slash, empty level, wildcard), topic_too_long, topic_too_deep,
/// topic_of_another_device, topic_forbidden (goes down only), topic_unknown.
std::optional<auth::Cause> publish_refusal(const DeviceNames& own, std::string_view topic, const TopicLimits& limits);

/// May this device SUBSCRIBE to this filter? A shared one (`$share/group/filter`) is judged by its filter where
/// `shared_allowed` (MQTT 5), else refused.
///  - without wildcards: own custom topics; own system topics that come down, and those under its own
///    `/sys/{pk}/{dn}/` that we do not know; the answers to registration; `/broadcast/{pk}/<anything>`;
///  - with wildcards: the same families, as long as the levels that hold ProductKey and DeviceName are spelled out:
///    `/sys/{pk}/{dn}/#`, `/{pk}/{dn}/user/+`, `/ota/device/+/{pk}/{dn}`, `/broadcast/{pk}/#`;
///  - anything below `/ext/rrpc/`: what comes there is addressed to one device by the platform.
/// Causes: filter_malformed, filter_wildcard (a wildcard where a name must stand), filter_forbidden, topic_too_long,
/// topic_too_deep, topic_of_another_device, topic_unknown.
std::optional<auth::Cause> subscribe_refusal(const DeviceNames& own, std::string_view filter, bool shared_allowed,
                                             const TopicLimits& limits);

/// The device whose topic this is, be it its own or one of its gateway's other sub-devices; of an RRPC on a topic that
/// of the topic behind it. Nothing: the topic names none.
std::optional<DeviceNames> names_in_topic(std::string_view topic);
/// The same of a filter whose levels for ProductKey and DeviceName are spelled out.
std::optional<DeviceNames> names_in_filter(std::string_view filter);

/// Standard policy: any well-formed topic but those of the server (`$SYS/...`, `$share/...`).
std::optional<auth::Cause> standard_publish_refusal(std::string_view topic, const TopicLimits& limits);
/// Standard policy: any well-formed filter; `$share/group/filter` too.
std::optional<auth::Cause> standard_subscribe_refusal(std::string_view filter, const TopicLimits& limits);

/// What the platform itself answers, `/sys/...` and its like, rather than routes. Without its `?query`.
bool is_system_topic(std::string_view topic);
/// `/{pk}/{dn}/...`, and no system topic.
bool is_custom_topic(std::string_view topic);

/// The device whom a topic addresses, for a publisher that is none: custom topics and system topics that go down.
/// Nothing for every other topic.
struct Addressee {
  std::string_view product;
  std::string_view device;
  bool is_system = false;
};
std::optional<Addressee> addressee_of(std::string_view topic);

}  // namespace tercet::broker
