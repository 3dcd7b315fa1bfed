#include "platform/broker/retained.h"

#include <algorithm>

#include "tercet/mqtt/topic.h"

namespace tercet::broker {
namespace {

constexpr std::size_t kEntryBytes = 160;        // two nodes and what the allocator adds
constexpr Millis kKeepErased{10'000};           // longer than a batch is on its way to another shard
constexpr std::size_t kErasedBytes = 1u << 20;  // of all topics remembered as erased; beyond, the oldest go

}  // namespace

std::size_t RetainedMessages::cost(std::string_view topic, const Message& message) {
  return kEntryBytes + topic.size() + message.size();
}

std::optional<std::string> RetainedMessages::refusal(const Publication& publication) const {
  if (publication.payload.empty()) return std::nullopt;  // erases
  if (publication.payload.size() > bounds_.message_bytes)
    return "a retained message of " + std::to_string(publication.payload.size()) + " bytes, of at most " +
           std::to_string(bounds_.message_bytes);
  const auto found = messages_.find(publication.topic);
  const bool is_new = found == messages_.end();
  if (is_new && messages_.size() >= bounds_.messages)
    return std::to_string(messages_.size()) + " retained messages, of at most " + std::to_string(bounds_.messages);
  const std::size_t without = bytes_ - (is_new ? 0 : cost(found->first, *found->second.message));
  const std::size_t more = kEntryBytes + sizeof(Message) + 2 * publication.topic.size() +
                           publication.properties.size() + publication.payload.size();
  if (without + more <= bounds_.bytes) return std::nullopt;
  return std::to_string(bytes_) + " bytes of retained messages, of at most " + std::to_string(bounds_.bytes);
}

void RetainedMessages::add(Messages::iterator place) {
  bytes_ += cost(place->first, *place->second.message);
  if (place->second.expires_at != Instant::never()) deadlines_.emplace(place->second.expires_at, place->first);
}

void RetainedMessages::forget(Messages::iterator place) {
  bytes_ -= cost(place->first, *place->second.message);
  if (place->second.expires_at != Instant::never()) deadlines_.erase({place->second.expires_at, place->first});
}

RetainedMessages::Change RetainedMessages::put(const Publication& publication, std::uint8_t qos,
                                               const RetainStamp& stamp, Instant now, UnixMillis wall) {
  auto place = messages_.find(publication.topic);
  const bool known = place != messages_.end();
  if (known && stamp < place->second.stamp) return Change::none;
  const auto erased = erased_.empty() ? erased_.end() : erased_.find(publication.topic);
  if (erased != erased_.end() && stamp < erased->second) return Change::none;
  if (known) forget(place);
  if (publication.payload.empty()) {
    remember_erased(publication.topic, stamp, now);
    if (!known) return Change::none;
    messages_.erase(place);
    return Change::erased;
  }
  Entry entry{MessageRef::copy_of(publication, qos, wall), stamp};
  if (publication.expires_ms != 0)
    entry.expires_at = now + Millis{std::max<std::int64_t>(publication.expires_ms - wall.ms, 0)};
  if (known)
    place->second = std::move(entry);
  else
    place = messages_.emplace(publication.topic, std::move(entry)).first;
  add(place);
  return Change::set;
}

void RetainedMessages::remember_erased(std::string_view topic, const RetainStamp& stamp, Instant now) {
  erasures_.push_back({std::string(topic), now + kKeepErased, stamp});
  erased_.insert_or_assign(std::string(topic), stamp);
  erased_bytes_ += kEntryBytes + 2 * topic.size();
  while (erased_bytes_ > kErasedBytes) forget_erasure();
}

/// The oldest. The topic may have been erased again since.
void RetainedMessages::forget_erasure() {
  const Erasure& oldest = erasures_.front();
  erased_bytes_ -= kEntryBytes + 2 * oldest.topic.size();
  const auto place = erased_.find(oldest.topic);
  if (place != erased_.end() && place->second == oldest.stamp) erased_.erase(place);
  erasures_.pop_front();
}

RetainedMessages::Found RetainedMessages::next(std::string_view filter, std::string& at, std::size_t& steps,
                                               Instant now) const {
  const auto wildcard = filter.find_first_of("+#");
  std::string_view prefix = filter.substr(0, wildcard);
  // "sport/#" selects "sport" too.
  if (wildcard != std::string_view::npos && filter[wildcard] == '#' && !prefix.empty()) prefix.remove_suffix(1);
  auto place = at.empty() ? messages_.lower_bound(prefix) : messages_.upper_bound(at);
  for (; place != messages_.end() && place->first.starts_with(prefix); ++place) {
    if (wildcard == std::string_view::npos && place->first != filter) break;
    if (steps == 0) return {};
    --steps;
    if (steps == 0) at = place->first;
    if (place->second.expires_at <= now || !mqtt::matches(filter, place->first)) continue;
    at = place->first;
    return {place->second.message, place->second.expires_at};
  }
  if (steps == 0) steps = 1;  // the end, exactly
  return {};
}

void RetainedMessages::expire(Instant now, const std::function<void(std::string_view topic)>& gone) {
  while (!erasures_.empty() && erasures_.front().until <= now) forget_erasure();
  while (next_expiry() <= now) {
    const auto place = messages_.find(deadlines_.begin()->second);
    gone(place->first);
    forget(place);
    messages_.erase(place);
  }
}

}  // namespace tercet::broker
