#include "platform/broker/subscription_tree.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tercet/mqtt/topic.h"

using namespace tercet;
using namespace tercet::broker;

namespace {

std::set<std::string> found(SubscriptionTree& tree, std::string_view topic) {
  std::set<std::string> filters;
  tree.match(topic, [&filters](Node& node) {
    if (node.subscribers.empty()) return;
    CHECK(filters.insert(SubscriptionTree::filter_of(node)).second);  // each node once
  });
  return filters;
}

}  // namespace

TEST_CASE("a topic finds exactly the filters that select it [MQTT-4.7]") {
  struct {
    const char* filter;
    const char* topic;
    bool selects;
  } const cases[] = {
      {"a/b", "a/b", true},       {"a/b", "a", false},        {"a/b", "a/b/c", false}, {"a/+", "a/b", true},
      {"a/+", "a", false},        {"a/+", "a/", true},        {"a/#", "a", true},      {"a/#", "a/b/c", true},
      {"#", "a", true},           {"#", "/", true},           {"#", "$SYS/x", false},  {"+/x", "$SYS/x", false},
      {"$SYS/#", "$SYS/x", true}, {"$SYS/+", "$SYS/x", true}, {"+", "a", true},        {"+", "/a", false},
      {"/+", "/a", true},         {"+/+", "/a", true},        {"a//b", "a//b", true},  {"a/+/b", "a//b", true},
      {"+/b/#", "a/b", true},     {"A/b", "a/b", false},      {"a/b/", "a/b", false},
  };
  for (const auto& each : cases) {
    SubscriptionTree tree{3};
    tree.node_of(each.filter).subscribers.emplace_back();
    CAPTURE(each.filter);
    CAPTURE(each.topic);
    CHECK((found(tree, each.topic).size() == 1) == each.selects);
    CHECK(mqtt::matches(each.filter, each.topic) == each.selects);
  }
}

TEST_CASE("thousands of filters come and go, and matching agrees with the plain matcher throughout") {
  SubscriptionTree tree{77};
  std::set<std::string> filters;
  std::uint32_t state = 12345;
  const auto below = [&state](std::uint32_t n) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
  };
  const auto make = [&below](bool wild) {
    static const char* const kLevels[] = {"a", "b", "c", "", "$d", "+"};
    std::string text;
    const std::uint32_t depth = below(4) + 1;
    for (std::uint32_t i = 0; i < depth; ++i) text += (i > 0 ? "/" : "") + std::string(kLevels[below(wild ? 6 : 5)]);
    if (wild && below(3) == 0) text += text.empty() ? "#" : "/#";
    return text.empty() ? std::string("a") : text;
  };
  for (int round = 0; round < 5000; ++round) {
    const std::string filter = make(true);
    if (filters.insert(filter).second) {
      tree.node_of(filter).subscribers.emplace_back();
    } else if (below(2) == 0) {
      Node* node = tree.find(filter);
      REQUIRE(node != nullptr);
      CHECK(SubscriptionTree::filter_of(*node) == filter);
      node->subscribers.clear();
      tree.prune(*node);
      filters.erase(filter);
    }
    if (round % 10 != 0) continue;
    const std::string topic = make(false);
    std::set<std::string> expected;
    for (const auto& each : filters)
      if (mqtt::matches(each, topic)) expected.insert(each);
    CHECK(found(tree, topic) == expected);
  }
  for (const auto& filter : filters) {
    Node* node = tree.find(filter);
    node->subscribers.clear();
    tree.prune(*node);
  }
  CHECK(tree.size() == 0);
  CHECK(tree.find("a") == nullptr);
}

TEST_CASE("groups live as long as they have members somewhere") {
  SubscriptionTree tree{1};
  Node& node = tree.node_of("a/b");
  Group& group = tree.group_of(node, "g");
  CHECK(&tree.group_of(node, "g") == &group);
  CHECK(SubscriptionTree::find_group(node, "h") == nullptr);
  group.members_elsewhere = 1;
  SubscriptionTree::prune_group(node, group);
  tree.prune(node);
  CHECK(tree.find("a/b") == &node);
  group.members_elsewhere = 0;
  SubscriptionTree::prune_group(node, group);
  tree.prune(node);
  CHECK(tree.find("a/b") == nullptr);
}

TEST_CASE("filters of 128 levels are the deepest taken") {
  CHECK(!SubscriptionTree::is_too_deep(std::string(127, '/')));
  CHECK(SubscriptionTree::is_too_deep(std::string(128, '/')));
}
