#include <algorithm>
#include <map>
#include <set>

#include "cli/advise_grade.h"
#include "tercet/alink/envelope.h"
#include "tercet/alink/topic.h"
#include "tercet/auth/client_id.h"
#include "tercet/json/reader.h"
#include "tercet/mqtt/topic.h"

namespace tercet::cli::advise {
namespace {

constexpr std::size_t kLongestTopic = 128, kMostFilters = 8;

bool is_post(const Event& event) {
  if (event.kind != Event::Kind::posted) return false;
  const auto topic = alink::parse_topic(event.topic);
  if (!topic || topic->is_reply) return false;
  return topic->kind == alink::Kind::property_post || topic->kind == alink::Kind::event_post ||
         topic->kind == alink::Kind::property_batch_post;
}

/// The topic a set comes on, spelled for whoever this visit's login says it is.
std::string set_topic_of(const Visit& visit) {
  const auto& user = visit.login->user_name;
  const std::size_t bar = std::min(user.find('&'), user.size());
  const std::string product = bar < user.size() ? user.substr(bar + 1) : "";
  return "/sys/" + product + "/" + user.substr(0, bar) + "/thing/service/property/set";
}

Verdict grade_subscribing(const Record& record) {
  for (const Visit& visit : record.visits) {
    if (!visit.accepted() || !visit.login || visit.resumed) continue;
    if (auth::parse_client_id(visit.login->client_id).auto_subscribe) return pass("_ss=1");
    const auto& events = visit.events;
    const auto post = std::find_if(events.begin(), events.end(), is_post);
    const auto subscribe = std::find_if(events.begin(), events.end(),
                                        [](const Event& event) { return event.kind == Event::Kind::subscribed; });
    if (post == events.end() && subscribe == events.end()) continue;
    if (post < subscribe) return fail_with("posted to " + post->topic + " before any SUBSCRIBE");
    const std::string wanted = set_topic_of(visit);
    std::string filters;
    for (const Event& event : events) {
      if (event.kind != Event::Kind::subscribed) continue;
      if (mqtt::is_valid_filter(event.topic) && mqtt::matches(event.topic, wanted)) return pass(event.topic);
      filters += (filters.empty() ? "" : " ") + event.topic;
    }
    return fail_with("no filter takes property sets: " + filters);
  }
  return not_seen("neither SUBSCRIBE nor a post came in a new session");
}

std::optional<std::string> find_unsupported(const Visit& visit) {
  if (visit.login && visit.login->has_will && visit.login->version != mqtt::ProtocolVersion::v5) return "a will";
  std::map<std::uint16_t, std::size_t> filters;
  for (const Event& event : visit.events) {
    const bool subscribed = event.kind == Event::Kind::subscribed;
    if (!subscribed && event.kind != Event::Kind::posted) continue;
    if (event.qos == mqtt::Qos::exactly_once) return "QoS 2 for " + event.topic;
    if (event.retain && visit.login && visit.login->version != mqtt::ProtocolVersion::v5)
      return "a retained message to " + event.topic;
    if (event.topic.size() > kLongestTopic) return "a topic of " + std::to_string(event.topic.size()) + " bytes";
    if (subscribed && ++filters[event.packet_id] > kMostFilters)
      return std::string("more than 8 filters in one SUBSCRIBE");
  }
  return std::nullopt;
}

Verdict grade_features(const Record& record) {
  bool any = false;
  for (const Visit& visit : record.visits) {
    if (const auto found = find_unsupported(visit)) return fail_with(*found);
    any = any || (visit.accepted() && !visit.events.empty());
  }
  return any ? pass("nothing beyond that was used") : not_seen("no session stood");
}

/// What is wrong with a post; empty when nothing is.
std::string find_fault(const Event& post) {
  if (const auto fault = json::find_fault(post.payload))
    return "not JSON at byte " + std::to_string(fault->offset) + ": " + std::string(fault->reason);
  const auto whole = json::parse(post.payload);
  if (!whole || !whole->is(json::Type::object)) return "not a JSON object";
  const auto id = whole->find("id");
  if (!id || !(id->is(json::Type::string) || id->is(json::Type::number)) || id->raw() == "\"\"") return "no id";
  const auto version = whole->find("version");
  if (!version || version->raw() != "\"1.0\"") return R"(no "version":"1.0")";
  const auto params = whole->find("params");
  if (!params) return "no params";
  if (!params->is(json::Type::object)) return "params is no object";
  char buffer[160];
  const auto topic = alink::parse_topic(post.topic);
  const auto method = alink::method_of(*topic, buffer);
  const auto said = whole->find("method");
  if (said && method && said->text() && !(*said->text() == *method))
    return "method is " + std::string(said->raw()) + ", the topic says " + std::string(*method);
  return {};
}

Verdict grade_envelopes(const Record& record) {
  std::size_t count = 0;
  for (const Visit& visit : record.visits) {
    for (const Event& event : visit.events) {
      if (event.kind == Event::Kind::malformed) return fail_with("a packet that is not MQTT: " + event.payload);
      if (!is_post(event)) continue;
      ++count;
      if (const auto fault = find_fault(event); !fault.empty())
        return fail_with(fault + ": " + event.payload.substr(0, 160));
    }
  }
  return count != 0 ? pass(std::to_string(count) + " posts, all valid") : not_seen("nothing was posted");
}

Verdict grade_ids(const Record& record) {
  std::size_t most = 0;
  for (const Visit& visit : record.visits) {
    std::set<std::string, std::less<>> seen;
    for (const Event& event : visit.events) {
      if (!is_post(event)) continue;
      const auto request = alink::parse_request(event.payload);
      if (!request) continue;
      if (!seen.insert(std::string(request->id)).second && !event.dup)
        return fail_with("id " + std::string(request->id) + " was used twice in one session");
    }
    most = std::max(most, seen.size());
  }
  if (most < 2) return not_seen("fewer than two posts in one session");
  return pass(std::to_string(most) + " posts in one session, each with another id");
}

}  // namespace

Verdict grade_posts(Point point, const Record& record) {
  switch (point) {
    case Point::subscribes:
      return grade_subscribing(record);
    case Point::features:
      return grade_features(record);
    case Point::post_envelope:
      return grade_envelopes(record);
    default:
      return grade_ids(record);
  }
}

}  // namespace tercet::cli::advise
