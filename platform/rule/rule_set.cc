#include "platform/rule/rule_set.h"

#include <algorithm>
#include <array>

#include "tercet/mqtt/topic.h"

namespace tercet::rule {
namespace {

using thing::Source;

struct Shape {
  Source source;
  std::string_view topic;  ///< with + for product, device and identifiers
};

constexpr std::array<Shape, thing::kSources> kShapes{{
    {Source::custom, "/+/+/user/#"},
    {Source::status, "/as/mqtt/status/+/+"},
    {Source::property, "/+/+/thing/event/property/post"},
    {Source::property_history, "/+/+/thing/event/property/history/post"},
    {Source::event, "/+/+/thing/event/+/post"},
    {Source::event_history, "/+/+/thing/event/+/history/post"},
    {Source::reply, "/+/+/thing/downlink/reply/message"},
    {Source::lifecycle, "/+/+/thing/lifecycle"},
    {Source::topology, "/+/+/thing/topo/lifecycle"},
    {Source::found, "/+/+/thing/list/found"},
    {Source::tags, "/+/+/thing/deviceinfo/update"},
    {Source::ota_result, "/+/+/ota/upgrade"},
    {Source::ota_progress, "/+/+/ota/progress/post"},
    {Source::ota_version, "/+/+/ota/version/post"},
    {Source::ota_job, "/+/+/+/ota/job/status"},
    {Source::shadow, "/+/+/shadow/update"},
}};

/// Whether any topic is selected by both.
bool overlap(std::string_view a, std::string_view b) {
  mqtt::Levels x(a), y(b);
  while (true) {
    const auto one = x.next(), other = y.next();
    if ((one && *one == "#") || (other && *other == "#")) return true;
    if (!one || !other) return !one && !other;
    if (*one != "+" && *other != "+" && *one != *other) return false;
  }
}

/// The level of a filter that is the product's; "+" when it says nothing about it.
std::string_view product_of(std::string_view filter) {
  const bool is_status = filter.starts_with("/as/mqtt/status/");
  mqtt::Levels levels(is_status ? filter.substr(15) : filter);
  static_cast<void>(levels.next());  // before the first slash
  const auto level = levels.next().value_or("+");
  return level == "#" ? "+" : level;
}

}  // namespace

std::uint32_t sources_of(std::string_view filter) {
  std::uint32_t sources = 0;
  for (const Shape& shape : kShapes)
    if (overlap(filter, shape.topic)) sources |= bit(shape.source);
  return sources;
}

RuleSet::RuleSet(std::uint64_t version, std::vector<RunningRule> rules, std::vector<Subscription> subscriptions)
    : version_(version), rules_(std::move(rules)), subscriptions_(std::move(subscriptions)) {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    for (const std::string& filter : rules_[i].query->topics()) {
      const std::string_view product = product_of(filter);
      auto& list = product == "+" ? of_all_ : by_product_[std::string(product)];
      // A rule with several topics stands once in a list, with the sources of all of them.
      if (!list.empty() && list.back().rule == i)
        list.back().sources |= sources_of(filter) & rules_[i].sources;
      else
        list.push_back({i, sources_of(filter) & rules_[i].sources});
    }
  }
  // One that names a product and all products is met once.
  for (auto& [product, list] : by_product_)
    std::erase_if(list, [&](const Entry& entry) {
      const auto same =
          std::find_if(of_all_.begin(), of_all_.end(), [&](const Entry& one) { return one.rule == entry.rule; });
      if (same == of_all_.end()) return false;
      same->sources |= entry.sources;
      return true;
    });
}

std::uint32_t RuleSet::wanted(std::string_view product) const {
  std::uint32_t sources = 0;
  const auto found = by_product_.find(product);
  if (found != by_product_.end())
    for (const Entry& entry : found->second) sources |= entry.sources;
  for (const Entry& entry : of_all_) sources |= entry.sources;
  for (const Subscription& one : subscriptions_)
    if (one.product == product) sources |= one.sources;
  return sources;
}

}  // namespace tercet::rule
