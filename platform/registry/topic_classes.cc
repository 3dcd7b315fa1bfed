#include "platform/registry/topic_classes.h"

namespace tercet::registry {
namespace {

constexpr std::string_view kHead = "user/";
constexpr std::size_t kMaxName = 64;

/// The next level, and the rest behind its slash.
struct Levels {
  std::string_view rest;
  bool at_end = false;
  std::optional<std::string_view> next() {
    if (at_end) return std::nullopt;
    const auto slash = rest.find('/');
    const auto level = rest.substr(0, slash);
    at_end = slash == std::string_view::npos;
    if (!at_end) rest.remove_prefix(slash + 1);
    return level;
  }
};

/// Whether the class holds every topic that the filter can match; a topic is a filter for itself.
bool holds(std::string_view name, std::string_view filter) {
  Levels ours{name}, theirs{filter};
  for (;;) {
    const auto own = ours.next();
    if (own && *own == "#") return true;
    const auto other = theirs.next();
    if (!own || !other) return !own && !other;
    if (*other == "#") return false;
    if (*own != "+" && *own != *other) return false;
  }
}

bool is_plain_level(std::string_view level) {
  if (level.empty()) return false;
  for (const char c : level)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

}  // namespace

std::optional<TopicClassRefusal> topic_class_refusal(const std::vector<TopicClass>& classes, bool is_free,
                                                     std::string_view rest, bool publishes) {
  const TopicClass* found = nullptr;
  if (rest.starts_with(kHead)) {
    rest.remove_prefix(kHead.size());
    for (const TopicClass& one : classes) {
      if (!holds(one.name, rest)) continue;
      if (one.right == TopicRight::both || (one.right == TopicRight::publish) == publishes) return std::nullopt;
      if (found == nullptr) found = &one;
    }
  }
  using auth::Cause;
  if (found != nullptr)
    return TopicClassRefusal{publishes ? Cause::topic_class_publish : Cause::topic_class_subscribe, found->name};
  if (is_free) return std::nullopt;
  return TopicClassRefusal{Cause::topic_class_missing, {}};
}

bool is_topic_class(std::string_view name, TopicRight right) {
  if (name.size() > kMaxName) return false;
  Levels levels{name};
  while (const auto level = levels.next()) {
    const bool is_wild = *level == "+" || (*level == "#" && levels.at_end);
    if (!is_plain_level(*level) && !(is_wild && right == TopicRight::subscribe)) return false;
  }
  return true;
}

std::vector<TopicClass> default_topic_classes() {
  return {
      {0, "update", TopicRight::publish}, {0, "update/error", TopicRight::publish}, {0, "get", TopicRight::subscribe}};
}

}  // namespace tercet::registry
