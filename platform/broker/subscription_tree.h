#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::broker {

class Session;

/// One session's interest at one node (or in one shared group).
struct Subscriber {
  Session* session = nullptr;
  std::uint32_t place = 0;       ///< index of the matching entry in the session's list
  std::uint32_t identifier = 0;  ///< MQTT 5 subscription identifier; 0 none
  std::uint8_t qos = 0;          ///< granted
  bool no_local = false;
  bool retain_as_published = false;
  bool durable = false;  ///< counted in Node::durable_clients
};

/// Members of `$share/{name}/{filter}`: each message goes to one of them.
struct Group {
  std::string name;
  std::vector<Subscriber> members;        ///< of this shard
  std::vector<std::uint32_t> members_of;  ///< how many each other shard has; empty while none has
  std::uint32_t members_elsewhere = 0;    ///< their sum
  std::uint32_t next = 0;                 ///< whose turn it is
};

/// One level of one or more filters.
struct Node {
  std::string level;
  Node* parent = nullptr;
  Node* plus = nullptr;  ///< the child `+`
  Node* hash = nullptr;  ///< the child `#`
  std::vector<Subscriber> subscribers;
  std::unique_ptr<std::vector<std::unique_ptr<Group>>> groups;
  std::uint64_t remote = 0;          ///< bit k: sessions of shard k subscribe here
  std::uint64_t remote_durable = 0;  ///< and messages for some of them are stored before they are acknowledged
  std::uint64_t told = 0;            ///< barrier after which every shard knows that this one subscribes here
  std::uint32_t clients = 0;         ///< subscribers here that other shards are told of
  std::uint32_t durable_clients = 0;
  std::uint32_t children = 0;  ///< nodes whose parent this is
  std::uint32_t level_hash = 0;

  bool is_unused() const { return children == 0 && subscribers.empty() && remote == 0 && (!groups || groups->empty()); }
};

/// All subscriptions a shard knows, as a tree of levels: those of its own sessions, and which other shards want what.
/// One hash table holds the children of all nodes. Its version changes with every change, so that what was found for a
/// topic may be remembered until then.
class SubscriptionTree {
 public:
  explicit SubscriptionTree(std::uint64_t seed) : seed_(seed) {}
  ~SubscriptionTree();
  SubscriptionTree(const SubscriptionTree&) = delete;
  SubscriptionTree& operator=(const SubscriptionTree&) = delete;

  std::uint64_t version() const { return version_; }
  /// What findings made so far were based on no longer holds.
  void changed() { ++version_; }

  /// The node of a valid filter of at most kMaxLevels, made if it is not there. Follow with a change, or prune().
  Node& node_of(std::string_view filter);
  Node* find(std::string_view filter);
  /// Drops the node and its ancestors as far as nothing uses them.
  void prune(Node& node);
  static std::string filter_of(const Node& node);

  Group& group_of(Node& node, std::string_view name);
  static Group* find_group(Node& node, std::string_view name);
  /// Drops the group if it has no members anywhere. Follow with prune().
  static void prune_group(Node& node, Group& group);

  /// Calls visit(Node&) for every node whose filter selects this valid topic. `$`-topics are not selected by filters
  /// that begin with a wildcard [MQTT-4.7.2-1].
  template <typename Visit>
  void match(std::string_view topic, Visit&& visit) {
    descend(root_, topic, topic.starts_with('$'), visit);
  }

  static constexpr std::size_t kMaxLevels = 128;
  static bool is_too_deep(std::string_view filter);
  std::size_t size() const { return used_; }

 private:
  template <typename Visit>
  void descend(Node& node, std::string_view rest, bool no_wildcards, Visit& visit) {
    if (node.hash != nullptr && !no_wildcards) visit(*node.hash);
    const auto slash = rest.find('/');
    const std::string_view level = rest.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    if (!last) rest.remove_prefix(slash + 1);
    if (node.plus != nullptr && !no_wildcards) arrive(*node.plus, rest, last, visit);
    if (node.children == (node.plus != nullptr ? 1u : 0u) + (node.hash != nullptr ? 1u : 0u)) return;
    if (Node* child = child_of(node, level)) arrive(*child, rest, last, visit);
  }
  template <typename Visit>
  void arrive(Node& node, std::string_view rest, bool last, Visit& visit) {
    if (!last) return descend(node, rest, false, visit);
    visit(node);
    if (node.hash != nullptr) visit(*node.hash);  // "sport/#" selects "sport" too
  }
  Node* child_of(const Node& node, std::string_view level) const;
  std::uint32_t hash_of(const Node* parent, std::string_view level) const;
  Node* step(Node& node, std::string_view level) const;
  Node& add_child(Node& node, std::string_view level);
  static void drop_wildcards(Node& node);
  void insert(Node* node);
  void remove(const Node* node);
  void grow();

  Node root_;
  std::uint64_t seed_;
  std::uint64_t version_ = 1;
  std::vector<Node*> table_;  ///< open addressing by parent and level
  std::size_t used_ = 0;
};

}  // namespace tercet::broker
