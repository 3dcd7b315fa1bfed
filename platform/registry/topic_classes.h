#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/auth/cause.h"

namespace tercet::registry {

/// What devices may do with the topics of a class; as the OpenAPI numbers them.
enum class TopicRight : std::uint8_t { publish, subscribe, both };

/// A class of custom topics of a product (device-protocol 4.2): `user/{name}` of each of its devices.
struct TopicClass {
  std::uint64_t id = 0;
  std::string name;  ///< "update/error"; in classes for subscribing only `+` is any level, and `#` at the end any more
  TopicRight right = TopicRight::both;
  std::string description = {};
};

struct TopicClassRefusal {
  auth::Cause cause;
  std::string_view name;  ///< of the class that lacks the right; "" when there is no class
};

/// May a device publish to (or subscribe to) this? rest: what follows `/{pk}/{dn}/`, a topic or a filter. is_free: what
/// no class is for is allowed. A filter with wildcards needs a class that holds all it can match.
std::optional<TopicClassRefusal> topic_class_refusal(const std::vector<TopicClass>& classes, bool is_free,
                                                     std::string_view rest, bool publishes);

/// Levels of letters, digits and `_`; wildcards in classes for subscribing only. At most 64 bytes.
bool is_topic_class(std::string_view name, TopicRight right);

/// What a product of the cloud begins with.
std::vector<TopicClass> default_topic_classes();

}  // namespace tercet::registry
