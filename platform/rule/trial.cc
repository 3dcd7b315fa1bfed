#include "platform/rule/trial.h"

#include <functional>

#include "platform/rule/rules.h"

namespace tercet::rule {
namespace {

std::unique_ptr<Trial> no_alarm(const std::string& why, std::string& problem) {
  problem = "Alarm: " + why;
  return nullptr;
}

}  // namespace

Trial::Trial(std::shared_ptr<const Query> query, std::optional<AlarmSettings> alarm)
    : query_(std::move(query)),
      alarm_(alarm),
      evaluator_([this] { return seed_ = seed_ * 6364136223846793005ULL + 1442695040888963407ULL; }) {}

std::unique_ptr<Trial> Trial::begin(std::string_view select, std::string_view topic, std::string_view where,
                                    std::string_view alarm, std::string& problem) {
  std::string part;
  const Compiled compiled = compile_parts(select, topic, where, part);
  if (!compiled.query) {
    problem = part + ", " + compiled.problem->text();
    return nullptr;
  }
  std::optional<AlarmSettings> settings;
  if (!alarm.empty()) {
    std::string why;
    settings = alarm_of(alarm, why);
    if (!settings) return no_alarm(why, problem);
  }
  return std::unique_ptr<Trial>(new Trial(compiled.query, settings));
}

std::unique_ptr<Trial> Trial::begin(std::string_view sql, std::string_view alarm, std::string& problem) {
  const Compiled compiled = compile(sql);
  if (!compiled.query) {
    problem = compiled.problem->text();
    return nullptr;
  }
  std::optional<AlarmSettings> settings;
  if (!alarm.empty()) {
    std::string why;
    settings = alarm_of(alarm, why);
    if (!settings) return no_alarm(why, problem);
  }
  return std::unique_ptr<Trial>(new Trial(compiled.query, settings));
}

std::optional<Trial::Row> Trial::feed(const Message& message) {
  ++counts_.messages;
  failure_.clear();
  const std::string topic = application_topic(message.topic);
  if (!query_->is_about(topic)) return std::nullopt;
  ++counts_.matched;
  const auto parsed = json::parse(message.payload);
  const bool is_json = parsed && (parsed->is(json::Type::object) || parsed->is(json::Type::array));
  const std::string id = std::to_string(1'000'000'000'000'000'000ULL + counts_.messages);
  const std::function<std::string_view(std::string_view)> attribute = [&](std::string_view key) {
    const auto found = message.tags.find(std::string(key));
    return found == message.tags.end() ? std::string_view{} : std::string_view(found->second);
  };
  rule::Message seen;
  seen.topic = topic;
  seen.product = message.product;
  seen.device_name = message.device_name;
  seen.payload = message.payload;
  seen.id = id;
  seen.time = message.time;
  seen.root = is_json ? &*parsed : nullptr;
  seen.attribute = &attribute;
  DeviceMemory& memory = memories_[message.product + "/" + message.device_name];
  memory.memories.resize(query_->memories());
  const Verdict verdict = evaluator_.decide(*query_, seen, &memory);
  if (verdict == Verdict::failed) {
    ++counts_.failed;
    failure_ = evaluator_.failure();
  }
  Row row{message.time, message.device_name, message.topic, {}, AlarmState::none};
  bool is_changed = false;
  if (alarm_) row.alarm = advance_alarm(*alarm_, verdict, message.time, memory, is_changed);
  if (alarm_ ? row.alarm == AlarmState::none : verdict != Verdict::met) return std::nullopt;
  if (!evaluator_.select(*query_, seen, &memory, row.result)) {
    ++counts_.failed;
    failure_ = evaluator_.failure();
    return std::nullopt;
  }
  ++counts_.met;
  return row;
}

}  // namespace tercet::rule
