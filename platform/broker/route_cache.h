#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "platform/broker/hash.h"
#include "platform/broker/route.h"

namespace tercet::broker {

/// Routes with many targets, found by topic, so that a thousand publishers to a topic of a thousand subscribers do not
/// keep a list each. Bounded: a route that finds no place drives out another, which is then looked up again.
class RouteCache {
 public:
  explicit RouteCache(std::uint64_t seed) : seed_(seed), routes_(kSets * kWays) {}

  /// Null when the topic has no route here.
  Route* find(std::string_view topic) {
    Route* const set = set_of(topic);
    for (std::size_t i = 0; i < kWays; ++i)
      if (set[i].topic == topic) return &set[i];
    return nullptr;
  }
  /// The place for a topic that has none, preferably where a route no longer holds. What was there is still in it, but
  /// for topic and version. `version`: that of the subscription tree.
  Route& place(std::string_view topic, std::uint64_t version) {
    Route* const set = set_of(topic);
    std::size_t at = 0;
    while (at < kWays && set[at].version == version) ++at;
    Route& route = set[at < kWays ? at : turn_++ % kWays];
    route.topic.assign(topic);
    route.version = 0;
    return route;
  }

 private:
  static constexpr std::size_t kSets = 64;
  static constexpr std::size_t kWays = 4;
  Route* set_of(std::string_view topic) { return &routes_[seeded_hash(topic, seed_) % kSets * kWays]; }

  std::uint64_t seed_;
  std::vector<Route> routes_;
  std::size_t turn_ = 0;
};

}  // namespace tercet::broker
