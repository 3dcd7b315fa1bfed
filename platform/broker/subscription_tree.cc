#include "platform/broker/subscription_tree.h"

#include <algorithm>

#include "platform/broker/hash.h"
#include "tercet/mqtt/topic.h"

namespace tercet::broker {

/// Wildcard children hang on their parents; the others stand in the table.
void SubscriptionTree::drop_wildcards(Node& node) {
  for (Node* child : {node.plus, node.hash}) {
    if (child == nullptr) continue;
    drop_wildcards(*child);
    delete child;
  }
}

SubscriptionTree::~SubscriptionTree() {
  drop_wildcards(root_);
  for (Node* node : table_) {
    if (node == nullptr) continue;
    drop_wildcards(*node);
    delete node;
  }
}

bool SubscriptionTree::is_too_deep(std::string_view filter) {
  return static_cast<std::size_t>(std::count(filter.begin(), filter.end(), '/')) >= kMaxLevels;
}

std::uint32_t SubscriptionTree::hash_of(const Node* parent, std::string_view level) const {
  return static_cast<std::uint32_t>(seeded_hash(level, seed_ ^ reinterpret_cast<std::uintptr_t>(parent)));
}

Node* SubscriptionTree::child_of(const Node& node, std::string_view level) const {
  if (table_.empty()) return nullptr;
  const std::uint32_t hash = hash_of(&node, level);
  for (std::size_t at = hash & (table_.size() - 1);; at = (at + 1) & (table_.size() - 1)) {
    Node* child = table_[at];
    if (child == nullptr) return nullptr;
    if (child->level_hash == hash && child->parent == &node && child->level == level) return child;
  }
}

Node* SubscriptionTree::step(Node& node, std::string_view level) const {
  if (level == "+") return node.plus;
  if (level == "#") return node.hash;
  return child_of(node, level);
}

Node& SubscriptionTree::add_child(Node& node, std::string_view level) {
  auto* child = new Node;
  child->level = level;
  child->parent = &node;
  ++node.children;
  if (level == "+")
    node.plus = child;
  else if (level == "#")
    node.hash = child;
  else
    insert(child);
  return *child;
}

void SubscriptionTree::insert(Node* node) {
  if ((used_ + 1) * 3 > table_.size() * 2) grow();
  node->level_hash = hash_of(node->parent, node->level);
  std::size_t at = node->level_hash & (table_.size() - 1);
  while (table_[at] != nullptr) at = (at + 1) & (table_.size() - 1);
  table_[at] = node;
  ++used_;
}

void SubscriptionTree::grow() {
  std::vector<Node*> old(std::max<std::size_t>(16, table_.size() * 2), nullptr);
  old.swap(table_);
  for (Node* node : old) {
    if (node == nullptr) continue;
    std::size_t at = node->level_hash & (table_.size() - 1);
    while (table_[at] != nullptr) at = (at + 1) & (table_.size() - 1);
    table_[at] = node;
  }
}

void SubscriptionTree::remove(const Node* node) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = node->level_hash & mask;
  while (table_[hole] != node) hole = (hole + 1) & mask;
  // Close the gap: whatever follows in the run and may stand in the hole moves there.
  for (std::size_t at = (hole + 1) & mask; table_[at] != nullptr; at = (at + 1) & mask) {
    const std::size_t home = table_[at]->level_hash & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = nullptr;
  --used_;
}

Node& SubscriptionTree::node_of(std::string_view filter) {
  Node* node = &root_;
  mqtt::Levels levels{filter};
  while (const auto level = levels.next()) {
    Node* child = step(*node, *level);
    node = child != nullptr ? child : &add_child(*node, *level);
  }
  return *node;
}

Node* SubscriptionTree::find(std::string_view filter) {
  Node* node = &root_;
  mqtt::Levels levels{filter};
  while (const auto level = levels.next()) {
    node = step(*node, *level);
    if (node == nullptr) return nullptr;
  }
  return node;
}

void SubscriptionTree::prune(Node& node) {
  Node* at = &node;
  while (at != &root_ && at->is_unused()) {
    Node* parent = at->parent;
    --parent->children;
    if (parent->plus == at)
      parent->plus = nullptr;
    else if (parent->hash == at)
      parent->hash = nullptr;
    else
      remove(at);
    delete at;
    at = parent;
  }
}

std::string SubscriptionTree::filter_of(const Node& node) {
  std::string filter = node.level;
  for (const Node* at = node.parent; at != nullptr && at->parent != nullptr; at = at->parent)
    filter.insert(0, "/").insert(0, at->level);
  return filter;
}

Group* SubscriptionTree::find_group(Node& node, std::string_view name) {
  if (!node.groups) return nullptr;
  for (const auto& group : *node.groups)
    if (group->name == name) return group.get();
  return nullptr;
}

Group& SubscriptionTree::group_of(Node& node, std::string_view name) {
  if (Group* group = find_group(node, name)) return *group;
  if (!node.groups) node.groups = std::make_unique<std::vector<std::unique_ptr<Group>>>();
  node.groups->push_back(std::make_unique<Group>());
  node.groups->back()->name = name;
  return *node.groups->back();
}

void SubscriptionTree::prune_group(Node& node, Group& group) {
  if (!group.members.empty() || group.members_elsewhere > 0) return;
  std::erase_if(*node.groups, [&group](const auto& each) { return each.get() == &group; });
  if (node.groups->empty()) node.groups.reset();
}

}  // namespace tercet::broker
