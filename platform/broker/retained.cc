#include "platform/broker/retained.h"

#include "tercet/mqtt/topic.h"

namespace tercet::broker {

RetainedMessages::Change RetainedMessages::put(const Publication& publication, std::uint8_t qos,
                                               const RetainStamp& stamp) {
  const auto found = messages_.find(publication.topic);
  if (found != messages_.end() && stamp < found->second.stamp) return Change::none;
  if (publication.payload.empty()) {
    if (found == messages_.end()) return Change::none;
    messages_.erase(found);
    return Change::erased;
  }
  Entry entry{MessageRef::copy_of(publication, qos, UnixMillis{stamp.wall_ms}), stamp};
  if (found != messages_.end()) {
    found->second = std::move(entry);
    return Change::set;
  }
  if (messages_.size() >= limit_) return Change::full;
  messages_.emplace(publication.topic, std::move(entry));
  return Change::set;
}

void RetainedMessages::match(std::string_view filter, UnixMillis wall,
                             const std::function<void(const Message&)>& visit) const {
  const auto wildcard = filter.find_first_of("+#");
  std::string_view prefix = filter.substr(0, wildcard);
  // "sport/#" selects "sport" too.
  if (wildcard != std::string_view::npos && filter[wildcard] == '#' && !prefix.empty()) prefix.remove_suffix(1);
  for (auto at = messages_.lower_bound(prefix); at != messages_.end() && at->first.starts_with(prefix); ++at)
    if (!at->second.message->is_expired(wall) && mqtt::matches(filter, at->first)) visit(*at->second.message);
}

}  // namespace tercet::broker
