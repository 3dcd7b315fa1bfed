#include "platform/rule/rules.h"

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "tercet/mqtt/topic.h"

namespace tercet::rule {
namespace {

using registry::RegistryProblem;

constexpr std::array<std::string_view, 1> kMigrations{R"sql(
CREATE TABLE rules(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, product TEXT NOT NULL, about TEXT NOT NULL,
  items TEXT NOT NULL, short_topic TEXT NOT NULL, condition TEXT NOT NULL, topic_type INTEGER NOT NULL,
  is_binary INTEGER NOT NULL, is_running INTEGER NOT NULL, revision INTEGER NOT NULL, alarm TEXT NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL);
CREATE TABLE actions(
  id INTEGER PRIMARY KEY AUTOINCREMENT, rule INTEGER NOT NULL REFERENCES rules(id) ON DELETE CASCADE,
  type TEXT NOT NULL, configuration BLOB NOT NULL, is_error INTEGER NOT NULL);
CREATE INDEX actions_by_rule ON actions(rule);
)sql"};

constexpr std::string_view kColumns =
    "id, name, product, about, items, short_topic, condition, topic_type, is_binary, is_running, revision, alarm, "
    "created, modified";

RegistryProblem problem_of(const runtime::Problem& problem) {
  if (problem.code == Error::already_exists)
    return {problem.code, "iot.rule.RuleNameIsAlreadyExisted", "there is a rule of this name already: choose another"};
  return {problem.code, "iot.system.SystemException", problem.detail};
}
RegistryProblem refused(registry::ApiCode code, std::string detail) {
  return {Error::bad_argument, code, std::move(detail)};
}

RuleRecord read_rule(const store::Statement& row) {
  RuleRecord rule;
  rule.id = static_cast<std::uint64_t>(row.integer(0));
  rule.name = row.text(1), rule.product = row.text(2), rule.about = row.text(3);
  rule.select = row.text(4), rule.short_topic = row.text(5), rule.where = row.text(6);
  rule.topic_type = static_cast<TopicType>(row.integer(7));
  rule.is_binary = row.integer(8) != 0;
  rule.is_running = row.integer(9) != 0;
  rule.revision = static_cast<std::uint32_t>(row.integer(10));
  rule.alarm = row.text(11);
  rule.created = {row.integer(12)}, rule.modified = {row.integer(13)};
  return rule;
}

/// 1 to 30 characters: letters, digits, _ and -, and such beyond ASCII (the cloud says Chinese ones).
bool is_name(std::string_view name) {
  std::size_t characters = 0;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_word =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!is_word && byte < 0x80) return false;
    characters += (byte & 0xC0) == 0x80 ? 0 : 1;
  }
  return characters >= 1 && characters <= 30 && mqtt::is_valid_topic(name);  // which is UTF-8
}

/// Topics of devices' own are what TopicType 1 is for, and nothing else is.
std::uint32_t may_be_about(TopicType type) {
  const std::uint32_t custom = bit(thing::Source::custom);
  return type == TopicType::custom ? custom : ~custom;
}

}  // namespace

std::string RuleRecord::topic() const {
  if (topic_type == TopicType::none) return {};
  if (topic_type == TopicType::status) return "/as/mqtt/status/" + product + "/" + short_topic;
  return "/" + product + "/" + short_topic;
}

std::optional<AlarmSettings> alarm_of(std::string_view text, std::string& problem) {
  namespace bj = boost::json;
  boost::system::error_code bad;
  const bj::value parsed = bj::parse(bj::string_view(text.data(), text.size()), bad);
  problem = "an alarm is a JSON object such as {\"silence\":600,\"remind\":3600,\"recovery\":true}";
  if (bad || !parsed.is_object()) return std::nullopt;
  AlarmSettings settings;
  for (const auto& member : parsed.get_object()) {
    const bool is_time = member.key() == "silence" || member.key() == "remind";
    if (is_time && member.value().is_int64() && member.value().get_int64() >= 0 &&
        member.value().get_int64() <= 86400 * 30) {
      (member.key() == "silence" ? settings.silence : settings.remind) = member.value().get_int64() * 1000;
    } else if (member.key() == "recovery" && member.value().is_bool()) {
      settings.recovery = member.value().get_bool();
    } else {
      problem = "the member " + std::string(member.key()) +
                " of an alarm: silence and remind are seconds from 0 to 2592000, recovery is true or false";
      return std::nullopt;
    }
  }
  return settings;
}

runtime::Outcome<std::unique_ptr<Rules>> Rules::open(const std::filesystem::path& file, registry::SecretBox box,
                                                     Wiring wiring) {
  auto database = store::Database::open(file);
  if (!database) return database.problem();
  if (const auto migrated = database->migrate(kMigrations); !migrated) return migrated.problem();
  return std::unique_ptr<Rules>(new Rules(std::move(*database), std::move(box), std::move(wiring)));
}

Rules::Rules(store::Database database, registry::SecretBox box, Wiring wiring)
    : database_(std::move(database)), box_(std::move(box)), wiring_(std::move(wiring)) {}

std::string Rules::sealed(std::uint64_t id, std::string_view configuration) const {
  return box_.seal(configuration, "rule action " + std::to_string(id));
}

// --- rules ---

/// Checks the SQL as a whole, and brings its topic into one form.
Answer<void> Rules::check_sql(RuleRecord& rule) {
  if (rule.select.empty()) {
    rule.topic_type = TopicType::none;
    return {};
  }
  if (rule.topic_type == TopicType::none || rule.short_topic.empty())
    return refused("iot.rule.NullSqlForRule",
                   "SQL needs ProductKey, TopicType (0, 1 or 2) and ShortTopic such as +/user/update");
  std::string part;
  const Compiled compiled = compile_parts(rule.select, rule.topic(), rule.where, part);
  if (!compiled.query) return refused("iot.messagebroker.IncorrectRuleSql", part + ", " + compiled.problem->text());
  const std::uint32_t sources = sources_of(rule.topic());
  if (sources == 0)
    return refused("iot.messagebroker.IncorrectSysTopic",
                   "no message has the topic " + rule.topic() + ": see the list of sources in docs/rules.md");
  const bool is_custom = rule.topic_type == TopicType::custom;
  if (rule.is_binary && !is_custom)
    return refused("iot.messagebroker.IncorrectRuleSql", "a BINARY rule is about topics of devices' own: TopicType 1");
  const bool names_custom = rule.short_topic.find("/user/") != std::string::npos;
  if ((sources & may_be_about(rule.topic_type)) == 0 || (!is_custom && names_custom))
    return refused("iot.messagebroker.IncorrectSysTopic",
                   is_custom ? "TopicType 1 is for topics of devices' own: {deviceName or +}/user/..."
                             : "a topic of devices' own has TopicType 1");
  return {};
}

Answer<void> Rules::apply(RuleRecord& rule, const RuleChange& change) {
  if (change.name) rule.name = *change.name;
  if (!is_name(rule.name))
    return refused("iot.rule.InvalidRuleName", "a rule's name has 1 to 30 letters, digits, _ and -");
  if (change.about) rule.about = *change.about;
  if (rule.about.size() > 1000) return refused("iot.rule.InvalidRuleDesc", "a description has at most 1000 bytes");
  const RuleRecord before = rule;
  if (change.product) rule.product = *change.product;
  if (change.select) rule.select = *change.select;
  if (change.where) rule.where = *change.where;
  if (change.topic_type) {
    if (*change.topic_type < 0 || *change.topic_type > 2)
      return refused("iot.rule.IncorrectTopicType", "TopicType is 0 (system), 1 (custom) or 2 (status)");
    rule.topic_type = static_cast<TopicType>(*change.topic_type);
  }
  if (change.short_topic) rule.short_topic = *change.short_topic;
  if (change.topic) {  // in full: /sys/{pk}/+/thing/..., /{pk}/+/user/..., /as/mqtt/status/{pk}/+
    const std::string whole = application_topic(*change.topic);
    std::string_view topic = whole;
    constexpr std::string_view kStatus = "/as/mqtt/status/";
    const bool is_status = topic.starts_with(kStatus);
    topic.remove_prefix(is_status ? kStatus.size() : topic.starts_with('/') ? 1 : 0);
    const std::size_t slash = topic.find('/');
    if (slash == std::string_view::npos || slash == 0)
      return refused("iot.messagebroker.IncorrectSysTopic", "no topic: " + *change.topic);
    rule.product = topic.substr(0, slash);
    rule.short_topic = topic.substr(slash + 1);
    if (is_status) rule.topic_type = TopicType::status;
  }
  // Of a status rule the short topic is the device's name alone; the console writes it in full.
  if (rule.topic_type == TopicType::status && rule.short_topic.empty()) rule.short_topic = "+";
  if (change.data_type) {
    if (*change.data_type != "JSON" && *change.data_type != "BINARY")
      return refused("iot.rule.IncorrectDataType", "DataType is JSON or BINARY");
    rule.is_binary = *change.data_type == "BINARY";
  }
  if (!rule.product.empty() && rule.product != "+" && !wiring_.is_product(rule.product))
    return refused("iot.prod.NotExistedProduct", "there is no product " + rule.product);
  if (const auto checked = check_sql(rule); !checked) return checked;
  if (change.alarm) {
    std::string problem;
    if (!change.alarm->empty() && !alarm_of(*change.alarm, problem))
      return refused("tercet.rule.InvalidAlarm", problem);
    rule.alarm = *change.alarm;
    if (!rule.alarm.empty() && rule.where.empty())
      return refused("tercet.rule.InvalidAlarm", "an alarm needs a condition: give the rule a Where");
  }
  if (rule.select != before.select || rule.where != before.where || rule.topic() != before.topic() ||
      rule.alarm != before.alarm)
    ++rule.revision;
  return {};
}

Answer<void> Rules::write(const RuleRecord& rule) {
  auto write = database_.must_prepare(
      "UPDATE rules SET name=?, product=?, about=?, items=?, short_topic=?, condition=?, topic_type=?, is_binary=?, "
      "revision=?, alarm=?, modified=? WHERE id=?");
  const auto done = write
                        .bind(rule.name, rule.product, rule.about, rule.select, rule.short_topic, rule.where,
                              static_cast<int>(rule.topic_type), rule.is_binary, rule.revision, rule.alarm,
                              wiring_.loop.wall().ms, rule.id)
                        .run();
  if (!done) return problem_of(done.problem());
  return {};
}

Answer<RuleRecord> Rules::create(const RuleChange& wanted) {
  RuleRecord rule;
  if (const auto applied = apply(rule, wanted); !applied) return applied.problem();
  auto count = database_.must_prepare("SELECT count(*) FROM rules");
  if (const auto row = count.step(); !row) return problem_of(row.problem());
  if (static_cast<std::size_t>(count.integer(0)) >= kMaxRules)
    return refused("iot.rule.RuleCountExceedMax", "there are 1000 rules already: delete one");
  auto write = database_.must_prepare(
      "INSERT INTO rules(name, product, about, items, short_topic, condition, topic_type, is_binary, is_running, "
      "revision, "
      "alarm, created, modified) VALUES(?,?,?,?,?,?,?,?,0,?,?,?,?)");
  const auto now = wiring_.loop.wall().ms;
  const auto done = write
                        .bind(rule.name, rule.product, rule.about, rule.select, rule.short_topic, rule.where,
                              static_cast<int>(rule.topic_type), rule.is_binary, rule.revision, rule.alarm, now, now)
                        .run();
  if (!done) return problem_of(done.problem());
  return this->rule(static_cast<std::uint64_t>(database_.last_row()));
}

Answer<RuleRecord> Rules::rule(std::uint64_t id) {
  auto read = database_.must_prepare("SELECT " + std::string(kColumns) + " FROM rules WHERE id=?");
  const auto row = read.bind(id).step();
  if (!row) return problem_of(row.problem());
  if (!*row) return refused("iot.rule.NotFoundRule", "there is no rule " + std::to_string(id));
  return read_rule(read);
}

Answer<RuleRecord> Rules::update(std::uint64_t id, const RuleChange& change) {
  auto found = rule(id);
  if (!found) return found;
  RuleRecord changed = *found;
  if (const auto applied = apply(changed, change); !applied) return applied.problem();
  if (changed.is_running && changed.select.empty())
    return refused("iot.rule.NullSqlForRule", "the rule runs: stop it before its SQL is taken away");
  if (const auto written = write(changed); !written) return written.problem();
  if (changed.is_running) wiring_.changed();
  return rule(id);
}

Answer<void> Rules::erase(std::uint64_t id) {
  const auto found = rule(id);
  if (!found) return found.problem();
  if (found->is_running) return refused("iot.rule.DeleteRuleFailed", "the rule is running: stop it first");
  auto erase = database_.must_prepare("DELETE FROM rules WHERE id=?");
  if (const auto done = erase.bind(id).run(); !done) return problem_of(done.problem());
  wiring_.changed();
  return {};
}

Answer<registry::Page<RuleRecord>> Rules::rules(registry::PageRequest page) {
  registry::Page<RuleRecord> found;
  found.asked = page;
  auto count = database_.must_prepare("SELECT count(*) FROM rules");
  if (const auto row = count.step(); !row) return problem_of(row.problem());
  found.total = static_cast<std::uint64_t>(count.integer(0));
  auto read =
      database_.must_prepare("SELECT " + std::string(kColumns) + " FROM rules ORDER BY id DESC LIMIT ? OFFSET ?");
  read.bind(page.size, (page.page - 1) * page.size);
  while (true) {
    const auto row = read.step();
    if (!row) return problem_of(row.problem());
    if (!*row) return found;
    found.items.push_back(read_rule(read));
  }
}

Answer<void> Rules::set_running(std::uint64_t id, bool is_running) {
  auto write = database_.must_prepare("UPDATE rules SET is_running=? WHERE id=?");
  if (const auto done = write.bind(is_running, id).run(); !done) return problem_of(done.problem());
  wiring_.changed();
  return {};
}

Answer<void> Rules::start(std::uint64_t id) {
  auto found = rule(id);
  if (!found) return found.problem();
  if (found->is_running) return refused("iot.ruleng.RuleAlreadyIsStarted", "the rule is running already");
  if (found->select.empty())
    return refused("iot.rule.NullSqlForRule", "the rule has no SQL yet: UpdateRule with Select, ShortTopic, TopicType");
  RuleRecord checked = *found;
  if (const auto sql = check_sql(checked); !sql) return sql;
  const auto all = actions(id);
  if (!all) return all.problem();
  bool has_one = false;
  for (const ActionRecord& one : *all) has_one |= !one.is_error;
  if (!has_one) return refused("iot.rule.NullForwardDestForRule", "the rule has no action yet: CreateRuleAction");
  return set_running(id, true);
}

Answer<void> Rules::stop(std::uint64_t id) {
  const auto found = rule(id);
  if (!found) return found.problem();
  if (!found->is_running) return refused("iot.rule.StopRuleFailed", "the rule is not running");
  return set_running(id, false);
}

// --- actions ---

std::optional<ActionRecord> Rules::read_action(store::Statement& row) {
  ActionRecord action;
  action.id = static_cast<std::uint64_t>(row.integer(0));
  action.rule = static_cast<std::uint64_t>(row.integer(1));
  action.type = row.text(2);
  auto configuration = box_.open(row.text(3), "rule action " + std::to_string(action.id));
  if (!configuration) return std::nullopt;
  action.configuration = std::move(*configuration);
  action.is_error = row.integer(4) != 0;
  return action;
}

Answer<std::vector<ActionRecord>> Rules::actions(std::uint64_t rule) {
  if (const auto known = this->rule(rule); !known) return known.problem();
  auto read =
      database_.must_prepare("SELECT id, rule, type, configuration, is_error FROM actions WHERE rule=? ORDER BY id");
  read.bind(rule);
  std::vector<ActionRecord> found;
  while (true) {
    const auto row = read.step();
    if (!row) return problem_of(row.problem());
    if (!*row) return found;
    auto action = read_action(read);
    if (!action)
      return RegistryProblem{Error::unauthenticated, "iot.system.SystemException",
                             "an action's configuration does not open under the master key"};
    found.push_back(std::move(*action));
  }
}

Answer<ActionRecord> Rules::action(std::uint64_t id) {
  auto read = database_.must_prepare("SELECT id, rule, type, configuration, is_error FROM actions WHERE id=?");
  const auto row = read.bind(id).step();
  if (!row) return problem_of(row.problem());
  if (!*row) return refused("iot.rule.NotFoundRuleAction", "there is no action " + std::to_string(id));
  auto action = read_action(read);
  if (!action)
    return RegistryProblem{Error::unauthenticated, "iot.system.SystemException",
                           "the action's configuration does not open under the master key"};
  return std::move(*action);
}

Answer<ActionRecord> Rules::create_action(std::uint64_t rule, std::string_view type, std::string_view configuration,
                                          bool is_error) {
  const auto owner = this->rule(rule);
  if (!owner) return owner.problem();
  if (const auto wrong = wiring_.check(type, configuration))
    return refused("iot.rule.ParseRuleActionConfigError", *wrong);
  const auto others = actions(rule);
  if (!others) return others.problem();
  if (others->size() >= kMaxActions) return refused("iot.rule.TooManyRuleAction", "a rule has at most 10 actions");
  for (const ActionRecord& other : *others) {
    if (is_error && other.is_error)
      return refused("iot.rule.RuleActionIsAlreadyCreated", "the rule has an action for failures already");
    if (other.type == type && other.configuration == configuration)
      return refused("iot.rule.RuleActionIsAlreadyCreated", "the rule has this action already");
  }
  auto transaction = database_.begin();
  if (!transaction) return problem_of(transaction.problem());
  auto write = database_.must_prepare("INSERT INTO actions(rule, type, configuration, is_error) VALUES(?,?,'',?)");
  if (const auto done = write.bind(rule, type, is_error).run(); !done) return problem_of(done.problem());
  const auto id = static_cast<std::uint64_t>(database_.last_row());
  auto fill = database_.must_prepare("UPDATE actions SET configuration=? WHERE id=?");
  if (const auto done = fill.bind(sealed(id, configuration), id).run(); !done) return problem_of(done.problem());
  if (const auto done = transaction->commit(); !done) return problem_of(done.problem());
  if (owner->is_running) wiring_.changed();
  return action(id);
}

Answer<ActionRecord> Rules::update_action(std::uint64_t id, std::string_view type, std::string_view configuration) {
  const auto before = action(id);
  if (!before) return before;
  if (const auto wrong = wiring_.check(type, configuration))
    return refused("iot.rule.ParseRuleActionConfigError", *wrong);
  auto write = database_.must_prepare("UPDATE actions SET type=?, configuration=? WHERE id=?");
  if (const auto done = write.bind(type, sealed(id, configuration), id).run(); !done) return problem_of(done.problem());
  wiring_.changed();
  return action(id);
}

Answer<void> Rules::erase_action(std::uint64_t id) {
  if (const auto known = action(id); !known) return known.problem();
  auto erase = database_.must_prepare("DELETE FROM actions WHERE id=?");
  if (const auto done = erase.bind(id).run(); !done) return problem_of(done.problem());
  wiring_.changed();
  return {};
}

// --- what runs ---

std::vector<RunningRule> Rules::running() {
  auto read = database_.must_prepare("SELECT " + std::string(kColumns) + " FROM rules WHERE is_running=1 ORDER BY id");
  std::vector<RuleRecord> records;
  for (auto row = read.step(); row && *row; row = read.step()) records.push_back(read_rule(read));
  std::vector<RunningRule> found;
  for (const RuleRecord& record : records) {
    std::string part, problem;
    const Compiled compiled = compile_parts(record.select, record.topic(), record.where, part);
    const auto all = actions(record.id);
    if (!compiled.query || !all) continue;  // it compiled when it was saved
    RunningRule rule;
    rule.id = record.id;
    rule.revision = record.revision;
    rule.query = compiled.query;
    rule.sources = may_be_about(record.topic_type);
    rule.is_binary = record.is_binary;
    if (!record.alarm.empty()) rule.alarm = alarm_of(record.alarm, problem);
    for (const ActionRecord& action : *all) {
      if (action.is_error)
        rule.keeps_payload = true;
      else
        rule.destinations.push_back(action.id);
    }
    found.push_back(std::move(rule));
  }
  return found;
}

std::vector<ActionRecord> Rules::all_actions() {
  auto read = database_.must_prepare("SELECT id, rule, type, configuration, is_error FROM actions ORDER BY id");
  std::vector<ActionRecord> found;
  for (auto row = read.step(); row && *row; row = read.step())
    if (auto action = read_action(read)) found.push_back(std::move(*action));
  return found;
}

std::vector<ActionRecord> Rules::running_actions() {
  auto read = database_.must_prepare(
      "SELECT a.id, a.rule, a.type, a.configuration, a.is_error, r.name FROM actions a JOIN rules r ON r.id=a.rule "
      "WHERE r.is_running=1 ORDER BY a.id");
  std::vector<ActionRecord> found;
  for (auto row = read.step(); row && *row; row = read.step()) {
    auto action = read_action(read);
    if (!action) continue;
    action->rule_name = read.text(5);
    found.push_back(std::move(*action));
  }
  return found;
}

std::unordered_map<std::uint64_t, std::uint32_t> Rules::revisions() {
  auto read = database_.must_prepare("SELECT id, revision FROM rules");
  std::unordered_map<std::uint64_t, std::uint32_t> found;
  for (auto row = read.step(); row && *row; row = read.step())
    found[static_cast<std::uint64_t>(read.integer(0))] = static_cast<std::uint32_t>(read.integer(1));
  return found;
}

std::unordered_set<std::uint64_t> Rules::action_ids() {
  auto read = database_.must_prepare("SELECT id FROM actions");
  std::unordered_set<std::uint64_t> found;
  for (auto row = read.step(); row && *row; row = read.step())
    found.insert(static_cast<std::uint64_t>(read.integer(0)));
  return found;
}

}  // namespace tercet::rule
