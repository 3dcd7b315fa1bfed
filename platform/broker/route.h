#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/broker/subscription_tree.h"
#include "tercet/auth/cause.h"

namespace tercet::broker {

/// A session of this shard that gets a message, with what its matching subscriptions say together.
struct Target {
  Session* session = nullptr;
  std::uint32_t identifier = 0;  ///< the first; further ones are in Route::more_identifiers
  std::uint8_t qos = 0;          ///< the largest granted
  bool no_local = false;         ///< all of them say so
  bool retain_as_published = false;
  bool is_device = false;
  bool has_more_identifiers = false;
};

/// Where messages of one topic go. Kept by each publisher for the topic it used last, and valid as long as the
/// subscription tree has the version it was made from: device topics repeat, so that most messages are not looked up.
struct Route {
  static constexpr std::uint64_t kShared = ~std::uint64_t{0};

  std::string topic;
  std::uint64_t version = 0;  ///< kShared: there are so many targets that the shard keeps them for all publishers
  std::vector<Target> targets;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> more_identifiers;  ///< index of target, identifier
  std::vector<std::pair<Node*, Group*>> groups;
  std::uint64_t remote = 0;          ///< shards with interested clients
  std::uint64_t remote_durable = 0;  ///< those of them that must confirm before the publisher is answered
  std::uint64_t device_shards = 0;   ///< shards that are to look among their devices
  std::string device;                ///< identity key of the device that a downward system topic addresses

  /// What the publisher may do with the topic; does not depend on the tree.
  enum class Kind : std::uint8_t {
    undecided,
    router,
    system,
    sub_device,  ///< of a sub-device of the publisher, whose identity key is in `device`
    refused,
  } kind = Kind::undecided;
  bool is_custom = false;  ///< a device's own, for which its product must have a class
  auth::Cause cause = auth::Cause::internal;
};

}  // namespace tercet::broker
