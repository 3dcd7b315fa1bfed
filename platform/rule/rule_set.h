#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/rule/alarm.h"
#include "platform/rule/sql.h"
#include "platform/thing/outlet.h"

namespace tercet::rule {

/// A running rule as shards need it.
struct RunningRule {
  std::uint64_t id = 0;
  std::uint32_t revision = 0;  ///< another one: what it remembers of devices begins anew
  std::shared_ptr<const Query> query;
  /// Which sources it may be about, whatever else its topic selects: `/pk/+/+/ota/job/status` also fits topics of
  /// devices' own.
  std::uint32_t sources = ~std::uint32_t{0};
  bool is_binary = false;      ///< payloads are bytes, never looked at as JSON
  bool keeps_payload = false;  ///< a destination needs the message as it was
  std::optional<AlarmSettings> alarm;
  std::vector<std::uint64_t> destinations;  ///< numbers of queues
};

/// A consumer group's or the like's wish: every message of these sources of a product.
struct Subscription {
  std::string product;
  std::uint32_t sources = 0;  ///< thing::bit()s
  std::uint64_t destination = 0;
};

/// Which sources a filter of FROM can name; of a product that its first level allows.
std::uint32_t sources_of(std::string_view filter);

/// All that runs. Immutable; replaced as a whole when a rule or subscription changes.
class RuleSet {
 public:
  RuleSet() = default;
  RuleSet(std::uint64_t version, std::vector<RunningRule> rules, std::vector<Subscription> subscriptions);

  std::uint64_t version() const { return version_; }  ///< never 0
  std::uint32_t wanted(std::string_view product) const;
  const std::vector<RunningRule>& rules() const { return rules_; }
  const std::vector<Subscription>& subscriptions() const { return subscriptions_; }

  /// Calls visit(rule) for each that may be about a message of this source and product; Query::is_about() decides.
  template <typename Visit>
  void each_rule(std::string_view product, std::uint32_t source, Visit&& visit) const {
    const auto found = by_product_.find(product);
    for (const auto* list : {found == by_product_.end() ? nullptr : &found->second, &of_all_}) {
      if (list == nullptr) continue;
      for (const Entry& entry : *list)
        if ((entry.sources & source) != 0) visit(rules_[entry.rule]);
    }
  }
  template <typename Visit>
  void each_subscription(std::string_view product, std::uint32_t source, Visit&& visit) const {
    for (const Subscription& one : subscriptions_)
      if ((one.sources & source) != 0 && one.product == product) visit(one);
  }

 private:
  struct Entry {
    std::size_t rule;
    std::uint32_t sources;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::uint64_t version_ = 1;
  std::vector<RunningRule> rules_;
  std::vector<Subscription> subscriptions_;
  std::unordered_map<std::string, std::vector<Entry>, Hash, std::equal_to<>> by_product_;
  std::vector<Entry> of_all_;  ///< of rules with a wildcard for the product
};

}  // namespace tercet::rule
