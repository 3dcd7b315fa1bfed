#include <boost/json/array.hpp>
#include <chrono>
#include <ctime>

#include "platform/openapi/handlers.h"
#include "platform/rule/secrets.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

Answer not_offered() { return refusal("tercet.rule.NotOffered", "This platform forwards nothing."); }

std::optional<std::uint64_t> id_of(const Call& call, std::string_view name) {
  const auto id = call.parameters.number(name);
  if (!id || *id <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*id);
}
Answer wrong_id(std::string_view name) {
  return gateway_error(registry::ParameterCode::invalid(name), std::string(name) + " is a number above 0.");
}

/// "Thu Feb 28 14:14:33 CST 2019": the clock of Beijing, as the cloud writes it.
std::string beijing_text(UnixMillis at) {
  const std::time_t seconds = at.ms / 1000 + 8 * 3600;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[48];
  return {text, std::strftime(text, sizeof text, "%a %b %d %H:%M:%S CST %Y", &parts)};
}
std::string utc_text(UnixMillis at) {
  const std::time_t seconds = at.ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[48];
  std::string out(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts));
  const std::string rest = std::to_string(1000 + at.ms % 1000);
  return out + "." + rest.substr(1) + "Z";
}

json::object rule_json(const rule::RuleRecord& rule) {
  json::object out{{"Id", rule.id},
                   {"Name", rule.name},
                   {"ProductKey", rule.product},
                   {"RuleDesc", rule.about},
                   {"Select", rule.select},
                   {"ShortTopic", rule.short_topic},
                   {"Topic", rule.topic()},
                   {"TopicType", static_cast<int>(rule.topic_type)},
                   {"Where", rule.where},
                   {"DataType", rule.is_binary ? "BINARY" : "JSON"},
                   {"Status", rule.is_running ? "RUNNING" : "STOP"},
                   {"CreateUserId", 1},
                   {"Created", beijing_text(rule.created)},
                   {"Modified", beijing_text(rule.modified)},
                   {"UtcCreated", utc_text(rule.created)},
                   {"UtcModified", utc_text(rule.modified)}};
  if (!rule.alarm.empty()) out["Alarm"] = rule.alarm;
  return out;
}

rule::RuleChange change_of(const Call& call) {
  rule::RuleChange change;
  const auto take = [&call](std::string_view name, std::optional<std::string>& into) {
    if (call.parameters.has(name)) into = std::string(call.parameters.text(name));
  };
  take("Name", change.name);
  take("ProductKey", change.product);
  take("RuleDesc", change.about);
  take("Select", change.select);
  take("ShortTopic", change.short_topic);
  take("Topic", change.topic);
  take("Where", change.where);
  take("Alarm", change.alarm);
  take("DataType", change.data_type);
  if (change.topic && change.topic->empty()) change.topic.reset();
  if (const auto type = call.parameters.number("TopicType")) change.topic_type = static_cast<int>(*type);
  return change;
}

/// How an action's destination is doing: what the cloud gives as Status, and our own numbers.
json::object state_json(const rule::Destinations& destinations, std::uint64_t action) {
  const auto reports = destinations.reports();
  const auto found = reports.find(action);
  if (found == reports.end()) return {{"Status", "STOP"}};
  const rule::Destinations::Report& report = found->second;
  const bool is_open = report.pump.status == rule::PumpState::Status::open;
  return {{"Status", !report.problem.empty() ? "INVALID"
                     : is_open               ? "SHORTCUT"
                                             : "NORMAL"},
          {"Phase", json::string(rule::name(report.pump.status))},
          {"Waiting", report.waiting},
          {"Sent", report.pump.sent},
          {"Failures", report.pump.failures},
          {"DeadLetters", report.pump.dead},
          {"OldestTime", report.pump.oldest},
          {"Cause", report.problem.empty() ? report.pump.cause : report.problem}};
}

json::object action_json(const rule::ActionRecord& action) {
  return {{"Id", action.id},
          {"RuleId", action.rule},
          {"Type", action.type},
          {"Configuration", rule::without_secrets(action.configuration)},
          {"ErrorActionFlag", action.is_error}};
}

}  // namespace

void create_rule(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto made = services.rules->create(change_of(call));
  if (!made) return reply(refusal(made.problem()));
  reply(success({{"RuleId", made->id}}));
}

void get_rule(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = id_of(call, "RuleId");
  if (!id) return reply(wrong_id("RuleId"));
  const auto found = services.rules->rule(*id);
  if (!found) return reply(refusal(found.problem()));
  json::object info = rule_json(*found);
  const rule::RuleCounts counts = services.destinations->counts_of(*id);
  info["Counts"] =
      json::object{{"Matched", counts.matched},  {"Met", counts.met},       {"Failed", counts.failed},
                   {"NotJson", counts.not_json}, {"Queued", counts.queued}, {"Overflowed", counts.overflowed}};
  reply(success({{"RuleInfo", std::move(info)}}));
}

void list_rule(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto page = page_of(call.parameters, "CurrentPage", 10, 100);
  if (!page) return reply(bad_page(100));
  const auto found = services.rules->rules(*page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const rule::RuleRecord& one : found->items) rows.push_back(rule_json(one));
  reply(success({{"Data", json::object{{"RuleInfo", std::move(rows)}}},
                 {"Page", found->asked.page},
                 {"PageSize", found->asked.size},
                 {"Total", found->total}}));
}

void update_rule(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = id_of(call, "RuleId");
  if (!id) return reply(wrong_id("RuleId"));
  const auto changed = services.rules->update(*id, change_of(call));
  if (!changed) return reply(refusal(changed.problem()));
  reply(success());
}

namespace {

/// What the calls with one number and no answer have in common.
void with_id(Services& services, const Call& call, Reply& reply, std::string_view name,
             rule::Answer<void> (rule::Rules::*run)(std::uint64_t)) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = id_of(call, name);
  if (!id) return reply(wrong_id(name));
  const auto done = (services.rules->*run)(*id);
  if (!done) return reply(refusal(done.problem()));
  reply(success());
}

}  // namespace

void delete_rule(Services& services, const Call& call, Reply reply) {
  with_id(services, call, reply, "RuleId", &rule::Rules::erase);
}
void start_rule(Services& services, const Call& call, Reply reply) {
  with_id(services, call, reply, "RuleId", &rule::Rules::start);
}
void stop_rule(Services& services, const Call& call, Reply reply) {
  with_id(services, call, reply, "RuleId", &rule::Rules::stop);
}
void delete_rule_action(Services& services, const Call& call, Reply reply) {
  with_id(services, call, reply, "ActionId", &rule::Rules::erase_action);
}

void create_rule_action(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto rule = id_of(call, "RuleId");
  if (!rule) return reply(wrong_id("RuleId"));
  const auto made =
      services.rules->create_action(*rule, call.parameters.text("Type"), call.parameters.text("Configuration"),
                                    call.parameters.flag("ErrorActionFlag").value_or(false));
  if (!made) return reply(refusal(made.problem()));
  reply(success({{"ActionId", made->id}}));
}

/// A secret that is sent back as it was shown stays what it is.
void update_rule_action(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = id_of(call, "ActionId");
  if (!id) return reply(wrong_id("ActionId"));
  const auto before = services.rules->action(*id);
  if (!before) return reply(refusal(before.problem()));
  const auto changed = services.rules->update_action(
      *id, call.parameters.text("Type"),
      rule::with_secrets_of(call.parameters.text("Configuration"), before->configuration));
  if (!changed) return reply(refusal(changed.problem()));
  reply(success());
}

void get_rule_action(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = id_of(call, "ActionId");
  if (!id) return reply(wrong_id("ActionId"));
  const auto found = services.rules->action(*id);
  if (!found) return reply(refusal(found.problem()));
  json::object info = action_json(*found);
  info["State"] = state_json(*services.destinations, *id);
  reply(success({{"RuleActionInfo", std::move(info)}}));
}

void list_rule_actions(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto rule = id_of(call, "RuleId");
  if (!rule) return reply(wrong_id("RuleId"));
  const auto found = services.rules->actions(*rule);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const rule::ActionRecord& one : *found) {
    json::object row = action_json(one);
    row["State"] = state_json(*services.destinations, one.id);
    row["Status"] = row["State"].as_object()["Status"];
    rows.push_back(std::move(row));
  }
  reply(success({{"RuleActionList", json::object{{"RuleActionInfo", std::move(rows)}}}}));
}

}  // namespace tercet::openapi
