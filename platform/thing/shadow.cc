#include "platform/thing/shadow.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

namespace tercet::thing {
namespace {

namespace json = boost::json;

std::int64_t seconds(UnixMillis at) { return at.ms / 1000; }

/// The document in its parts. Kept as {"reported":{},"desired":{},"metadata":{...},"version":n,"timestamp":n}.
struct Document {
  json::object reported, desired, reported_meta, desired_meta;
  bool has_reported = false, has_desired = false;
  std::int64_t version = 0, timestamp = 0;
};

json::object take_object(json::object& from, std::string_view name, bool& was_there) {
  const auto found = from.find(json::string_view(name.data(), name.size()));
  was_there = found != from.end() && found->value().is_object();
  return was_there ? std::move(found->value().get_object()) : json::object{};
}

Document read(std::string_view text) {
  Document document;
  if (text.empty()) return document;
  boost::system::error_code bad;
  auto value = json::parse(json::string_view(text.data(), text.size()), bad);
  if (bad || !value.is_object()) return document;
  auto& all = value.get_object();
  bool ignored = false;
  document.reported = take_object(all, "reported", document.has_reported);
  document.desired = take_object(all, "desired", document.has_desired);
  document.reported_meta = take_object(all, "reportedMeta", ignored);
  document.desired_meta = take_object(all, "desiredMeta", ignored);
  if (const auto* version = all.if_contains("version")) document.version = version->to_number<std::int64_t>(bad);
  if (const auto* time = all.if_contains("timestamp")) document.timestamp = time->to_number<std::int64_t>(bad);
  return document;
}

std::string write(const Document& document) {
  json::object all;
  if (document.has_reported) all["reported"] = document.reported;
  if (document.has_desired) all["desired"] = document.desired;
  all["reportedMeta"] = document.reported_meta;
  all["desiredMeta"] = document.desired_meta;
  all["version"] = document.version;
  all["timestamp"] = document.timestamp;
  return json::serialize(all);
}

json::object state_of(const Document& document) {
  json::object state;
  if (document.has_reported) state["reported"] = document.reported;
  if (document.has_desired) state["desired"] = document.desired;
  return state;
}

/// A section that was emptied keeps the time of that.
json::object metadata_of(const Document& document) {
  json::object metadata;
  if (document.has_reported || !document.reported_meta.empty()) metadata["reported"] = document.reported_meta;
  if (document.has_desired || !document.desired_meta.empty()) metadata["desired"] = document.desired_meta;
  return metadata;
}

bool is_null(const json::value& value) {
  return value.is_null() || (value.is_string() && value.get_string() == "null");
}

void stamp(json::object& meta, json::string_view name, std::int64_t at) {
  meta[name] = json::object{{"timestamp", at}};
}

/// Writes `from` into `to`, member by member.
void merge(json::object& to, json::object& meta, const json::object& from, std::int64_t at) {
  for (const auto& member : from) {
    if (is_null(member.value())) {
      to.erase(member.key());
      meta.erase(member.key());
      continue;
    }
    if (!member.value().is_object()) {
      to[member.key()] = member.value();
      stamp(meta, member.key(), at);
      continue;
    }
    auto& inner = to[member.key()];
    auto& inner_meta = meta[member.key()];
    if (!inner.is_object()) inner = json::object{}, inner_meta = json::object{};
    if (!inner_meta.is_object()) inner_meta = json::object{};
    merge(inner.get_object(), inner_meta.get_object(), member.value().get_object(), at);
  }
}

/// Takes away what `from` names with "null"; an object names members of members.
void remove(json::object& to, json::object& meta, const json::object& from) {
  for (const auto& member : from) {
    auto* const inner = to.if_contains(member.key());
    if (inner == nullptr) continue;
    if (is_null(member.value())) {
      to.erase(member.key());
      meta.erase(member.key());
    } else if (member.value().is_object() && inner->is_object()) {
      auto* const inner_meta = meta.if_contains(member.key());
      json::object none;
      remove(inner->get_object(), inner_meta != nullptr && inner_meta->is_object() ? inner_meta->get_object() : none,
             member.value().get_object());
    }
  }
}

std::size_t count(const json::object& from) {
  std::size_t all = from.size();
  for (const auto& member : from)
    if (member.value().is_object()) all += count(member.value().get_object());
  return all;
}

int depth(const json::value& value) {
  int deepest = 0;
  if (value.is_object())
    for (const auto& member : value.get_object()) deepest = std::max(deepest, depth(member.value()));
  else if (value.is_array())
    for (const auto& element : value.get_array()) deepest = std::max(deepest, depth(element));
  else
    return 0;
  return deepest + 1;
}

ShadowOutcome refused(ShadowError error, std::string detail, std::int64_t version) {
  ShadowOutcome outcome;
  outcome.error = error;
  outcome.detail = std::move(detail);
  outcome.version = version;
  return outcome;
}

/// One of the sections of `state`, applied.
struct Section {
  json::object& values;
  json::object& meta;
  bool& is_there;
};

void empty(const Section& section, std::int64_t at, bool keeps_time) {
  section.values.clear();
  section.meta.clear();
  section.is_there = false;
  if (keeps_time) section.meta["timestamp"] = at;
}

void put(const Section& section, const json::object& from, std::int64_t at, bool replaces) {
  if (!section.is_there) section.meta.clear();  // the time of its emptying
  if (replaces) section.values.clear(), section.meta.clear();
  section.is_there = true;
  merge(section.values, section.meta, from, at);
}

json::object envelope(const char* method, json::object payload, UnixMillis now) {
  return {{"method", method}, {"payload", std::move(payload)}, {"timestamp", seconds(now)}};
}

}  // namespace

std::string_view text(ShadowError error) {
  switch (error) {
    case ShadowError::none:
      return "success";
#define TERCET_ROW(name, number, words, ...) \
  case ShadowError::name:                    \
    return words;
      TERCET_SHADOW_ERRORS(TERCET_ROW)
#undef TERCET_ROW
  }
  return "";
}

ShadowOutcome apply_shadow(std::string_view old, std::string_view request, ShadowCaller caller, UnixMillis now,
                           const ShadowLimits& limits) {
  Document document = read(old);
  const std::int64_t stored = document.version;
  if (request.size() > limits.max_bytes) return refused(ShadowError::malformed, "more than 16 KB", stored);
  boost::system::error_code bad;
  const json::value parsed = json::parse(json::string_view(request.data(), request.size()), bad);
  if (bad) return refused(ShadowError::malformed, "no JSON: " + bad.message(), stored);
  if (!parsed.is_object()) return refused(ShadowError::malformed, "no JSON object", stored);
  const json::object& all = parsed.get_object();
  if (all.empty()) return refused(ShadowError::empty_state, "", stored);
  const json::value* const method = all.if_contains("method");
  if (method == nullptr || (method->is_string() && method->get_string().empty()))
    return refused(ShadowError::no_method, "", stored);
  const std::string_view verb = method->is_string() ? std::string_view(method->get_string()) : std::string_view{};
  if (verb == "get" && caller == ShadowCaller::device) {
    ShadowOutcome outcome;
    outcome.is_get = true;
    outcome.version = stored;
    return outcome;
  }
  if (verb != "update" && (verb != "delete" || caller != ShadowCaller::device))
    return refused(ShadowError::unknown_method, std::string(verb), stored);

  const json::value* const state = all.if_contains("state");
  if (state == nullptr || !state->is_object()) return refused(ShadowError::no_state, "", stored);
  const json::object& sections = state->get_object();
  if (sections.empty()) return refused(ShadowError::empty_state, "state is {}", stored);
  if (depth(*state) > limits.max_depth) return refused(ShadowError::malformed, "nested deeper than 5 levels", stored);
  const json::value* const version = all.if_contains("version");
  if (version == nullptr || !version->is_int64())
    return refused(ShadowError::bad_version, version == nullptr ? "there is none" : "", stored);
  const std::int64_t wanted = version->get_int64();
  if (wanted != -1 && wanted <= stored && !old.empty())
    return refused(ShadowError::version_conflict,
                   "the shadow has version " + std::to_string(stored) + ", " + std::to_string(wanted) + " is not above",
                   stored);

  const json::value* const reported = caller == ShadowCaller::device ? sections.if_contains("reported") : nullptr;
  const json::value* const desired = sections.if_contains("desired");
  if (reported == nullptr && desired == nullptr)
    return refused(caller == ShadowCaller::device ? ShadowError::no_reported : ShadowError::no_state,
                   caller == ShadowCaller::device ? "" : "state needs desired", stored);
  for (const json::value* section : {reported, desired})
    if (section != nullptr && !section->is_object() && !is_null(*section))
      return refused(ShadowError::malformed, "reported and desired are objects, or \"null\"", stored);
  if (reported != nullptr && reported->is_object() && reported->get_object().empty())
    return refused(ShadowError::empty_reported, "", stored);

  const std::int64_t at = seconds(now);
  const json::object desired_before = document.desired;
  const Section to_reported{document.reported, document.reported_meta, document.has_reported};
  const Section to_desired{document.desired, document.desired_meta, document.has_desired};
  const auto apply = [&](const Section& section, const json::value* from, bool keeps_time, bool replaces) {
    if (from == nullptr) return;
    if (is_null(*from)) return empty(section, at, keeps_time);
    if (verb == "delete")
      remove(section.values, section.meta, from->get_object());
    else
      put(section, from->get_object(), at, replaces);
  };
  apply(to_reported, reported, false, false);
  apply(to_desired, desired, true, caller == ShadowCaller::application);
  for (const json::object* section : {&document.reported, &document.desired})
    if (count(*section) > limits.max_attributes) return refused(ShadowError::too_many_attributes, "", stored);
  document.version = wanted == -1 ? 0 : wanted;
  document.timestamp = at;

  ShadowOutcome outcome;
  outcome.document = write(document);
  // State and metadata double what was sent; the document proper is what the limit is about.
  if (json::serialize(state_of(document)).size() > limits.max_bytes)
    return refused(ShadowError::malformed, "the shadow would have more than 16 KB", stored);
  outcome.is_changed = true;
  outcome.version = document.version;
  outcome.desired_changed = desired != nullptr && desired_before != document.desired;
  return outcome;
}

std::string shadow_refusal(ShadowError error, std::string_view detail, UnixMillis now) {
  std::string message(text(error));
  if (!detail.empty()) message.append(": ").append(detail);
  return json::serialize(envelope(
      "reply",
      {{"status", "error"},
       {"content", json::object{{"errorcode", std::to_string(static_cast<int>(error))}, {"errormessage", message}}}},
      now));
}

std::string shadow_reply(const ShadowOutcome& outcome, std::string_view text, UnixMillis now) {
  if (outcome.error != ShadowError::none) return shadow_refusal(outcome.error, outcome.detail, now);
  if (!outcome.is_get)
    return json::serialize(envelope("reply", {{"status", "success"}, {"version", outcome.version}}, now));
  const Document document = read(text);
  json::object message = envelope(
      "reply", {{"status", "success"}, {"state", state_of(document)}, {"metadata", metadata_of(document)}}, now);
  message["version"] = document.version;
  return json::serialize(message);
}

std::string shadow_control(std::string_view text, UnixMillis now) {
  const Document document = read(text);
  json::object message = envelope(
      "control", {{"status", "success"}, {"state", state_of(document)}, {"metadata", metadata_of(document)}}, now);
  message["version"] = document.version;
  return json::serialize(message);
}

std::string shadow_text(std::string_view text) {
  if (text.empty()) return "{}";
  const Document document = read(text);
  return json::serialize(json::object{{"state", state_of(document)},
                                      {"metadata", metadata_of(document)},
                                      {"timestamp", document.timestamp},
                                      {"version", document.version}});
}

std::int64_t shadow_version(std::string_view text) { return read(text).version; }

}  // namespace tercet::thing
