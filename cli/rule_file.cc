#include "cli/rule_file.h"

#include <boost/json.hpp>

#include "platform/rule/trial.h"

namespace tercet::cli {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

/// Product and device of a topic as applications see it.
void read_topic(std::string_view given, rule::Trial::Message& message) {
  const std::string whole = rule::application_topic(given);
  std::string_view topic = whole;
  constexpr std::string_view kStatus = "/as/mqtt/status";
  if (topic.starts_with(kStatus)) topic.remove_prefix(kStatus.size());
  if (topic.starts_with('/')) topic.remove_prefix(1);
  const std::size_t slash = std::min(topic.find('/'), topic.size());
  message.product = topic.substr(0, slash);
  topic.remove_prefix(std::min(slash + 1, topic.size()));
  message.device_name = topic.substr(0, topic.find('/'));
}

/// Numbers by size, "*" for anything.
bool is_same(const json::value& expected, const json::value& got) {
  if (expected.is_string() && view(expected.get_string()) == "*") return true;
  if (expected.is_number() && got.is_number()) {
    const double a = expected.to_number<double>(), b = got.to_number<double>();
    return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
  }
  if (expected.kind() != got.kind()) return false;
  if (expected.is_object()) {
    if (expected.get_object().size() != got.get_object().size()) return false;
    for (const auto& member : expected.get_object()) {
      const json::value* other = got.get_object().if_contains(member.key());
      if (other == nullptr || !is_same(member.value(), *other)) return false;
    }
    return true;
  }
  if (expected.is_array()) {
    if (expected.get_array().size() != got.get_array().size()) return false;
    for (std::size_t i = 0; i < expected.get_array().size(); ++i)
      if (!is_same(expected.get_array()[i], got.get_array()[i])) return false;
    return true;
  }
  return expected == got;
}

class Run {
 public:
  Run(RuleFileReport& report, const std::string& name) : report_(report), name_(name) {}

  void rule(const json::value& given) {
    ++report_.rules;
    message_ = 0;
    rule_name_.clear();
    const json::object* object = given.if_object();
    if (object == nullptr) return fail("a rule is a JSON object with sql and messages");
    if (const auto* named = object->if_contains("name"); named != nullptr && named->is_string())
      rule_name_ = view(named->get_string());
    for (const auto& member : *object)
      if (!is_one_of(view(member.key()), {"name", "sql", "alarm", "problem", "messages", "about"}))
        return fail("there is no member " + std::string(member.key()) +
                    " of a rule; there are name, about, sql, alarm, problem and messages");
    const json::value* sql = object->if_contains("sql");
    if (sql == nullptr || !sql->is_string()) return fail("sql is missing: \"SELECT ... FROM \\\"...\\\" WHERE ...\"");
    const json::value* alarm = object->if_contains("alarm");
    std::string problem;
    const auto trial =
        rule::Trial::begin(view(sql->get_string()), alarm == nullptr ? "" : json::serialize(*alarm), problem);
    if (const json::value* expected = object->if_contains("problem")) {
      if (trial) return fail("the SQL is right, though a problem was expected");
      if (!expected->is_string() || problem.find(view(expected->get_string())) == std::string::npos)
        fail("expected a problem with " + json::serialize(*expected) + ", got: " + problem);
      return;
    }
    if (!trial) return fail(problem);
    const json::value* messages = object->if_contains("messages");
    if (messages == nullptr || !messages->is_array()) return fail("messages is missing: a list");
    std::int64_t time = 1'700'000'000'000;
    for (const json::value& one : messages->get_array()) message(*trial, one, time);
  }

 private:
  static bool is_one_of(std::string_view name, std::initializer_list<std::string_view> all) {
    for (const std::string_view one : all)
      if (one == name) return true;
    return false;
  }

  void message(rule::Trial& trial, const json::value& given, std::int64_t& time) {
    ++report_.messages;
    ++message_;
    const json::object* object = given.if_object();
    if (object == nullptr) return fail("a message is a JSON object with topic and payload");
    for (const auto& member : *object)
      if (!is_one_of(view(member.key()), {"topic", "payload", "after", "at", "tags", "expect"}))
        return fail("there is no member " + std::string(member.key()) +
                    " of a message; there are topic, payload, after, at, tags and expect");
    rule::Trial::Message sent;
    const json::value* topic = object->if_contains("topic");
    if (topic != nullptr && topic->is_string()) last_topic_ = view(topic->get_string());
    if (last_topic_.empty()) return fail("topic is missing");
    sent.topic = last_topic_;
    read_topic(sent.topic, sent);
    if (const json::value* payload = object->if_contains("payload"))
      sent.payload = payload->is_string() ? std::string(view(payload->get_string())) : json::serialize(*payload);
    boost::system::error_code bad;
    if (const json::value* after = object->if_contains("after"))
      time += static_cast<std::int64_t>(after->to_number<double>(bad) * 1000);
    if (const json::value* at = object->if_contains("at")) time = at->to_number<std::int64_t>(bad);
    if (bad) return fail("after is a number of seconds, at is milliseconds since 1970");
    sent.time = time;
    if (const json::value* tags = object->if_contains("tags"); tags != nullptr && tags->is_object())
      for (const auto& tag : tags->get_object())
        if (tag.value().is_string()) sent.tags[std::string(tag.key())] = view(tag.value().get_string());
    const auto row = trial.feed(sent);
    const json::value* expected = object->if_contains("expect");
    const bool is_expected = expected != nullptr && !expected->is_null();
    const std::string why = trial.failure().empty() ? "" : " (" + std::string(trial.failure()) + ")";
    if (!row && is_expected) return fail("expected " + json::serialize(*expected) + ", got nothing" + why);
    if (row && !is_expected) return fail("expected nothing, got " + row->result);
    if (!row) return;
    const json::value got = json::parse(row->result, bad);
    const json::object* wanted = expected->if_object();
    const json::value* state = wanted == nullptr ? nullptr : wanted->if_contains("$state");
    if (state != nullptr && (!state->is_string() || view(state->get_string()) != rule::name(row->alarm)))
      return fail("expected the state " + json::serialize(*state) + ", got " + std::string(rule::name(row->alarm)));
    json::value result = *expected;
    if (state != nullptr) result.get_object().erase("$state");
    if (state != nullptr && result.get_object().empty()) return;
    if (bad ? view(result.is_string() ? result.get_string() : json::string()) != row->result : !is_same(result, got))
      fail("expected " + json::serialize(result) + ", got " + row->result);
  }

  void fail(const std::string& what) {
    std::string where = name_ + ", rule " + std::to_string(report_.rules);
    if (!rule_name_.empty()) where += " (" + rule_name_ + ")";
    if (message_ != 0) where += ", message " + std::to_string(message_);
    report_.failures.push_back(where + ": " + what);
  }

  RuleFileReport& report_;
  const std::string& name_;
  std::string rule_name_, last_topic_;
  std::size_t message_ = 0;
};

}  // namespace

RuleFileReport run_rule_file(std::string_view text, const std::string& name) {
  RuleFileReport report;
  boost::system::error_code bad;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), bad);
  if (bad) {
    report.problem = name + " is no JSON: " + bad.message();
    return report;
  }
  Run run(report, name);
  if (parsed.is_array())
    for (const json::value& one : parsed.get_array()) run.rule(one);
  else
    run.rule(parsed);
  return report;
}

}  // namespace tercet::cli
