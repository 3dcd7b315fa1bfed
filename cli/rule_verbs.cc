#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "cli/manage.h"
#include "cli/perform.h"
#include "cli/rule_file.h"
#include "cli/verbs.h"

namespace tercet::cli {
namespace {

struct Words {
  std::string id, action, name, product, about, sql, select, topic, where, alarm, type, configuration, device;
  std::vector<std::string> files;
  bool is_binary = false, is_error = false, starts = false;
  int page = 1, hours = 24, count = 10'000;
};

/// Text, "@FILE" for a file's, "-" for standard input's.
bool read_argument(Verbs& verbs, const std::string& given, std::string& text) {
  if (given != "-" && !given.starts_with('@')) {
    text = given;
    return true;
  }
  std::ostringstream all;
  if (given == "-") {
    all << std::cin.rdbuf();
  } else {
    std::ifstream in(given.substr(1));
    if (!in) {
      std::cerr << "tercet: " << given.substr(1) << " cannot be read\n";
      verbs.exit_code = 2;
      return false;
    }
    all << in.rdbuf();
  }
  text = all.str();
  return true;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return text;
}

/// Cuts `SELECT ... FROM "..." [WHERE ...]` into the parts that the OpenAPI has. The platform checks each.
bool split_sql(const std::string& sql, Words& words) {
  const std::string loud = upper(sql);
  const auto word = [&loud](const char* name, std::size_t from) {
    char quote = 0;
    const std::string_view wanted = name;
    for (std::size_t i = from; i + wanted.size() <= loud.size(); ++i) {
      const char c = loud[i];
      if (quote != 0) {
        quote = c == quote ? '\0' : quote;
        continue;
      }
      if (c == '\'' || c == '"') quote = c;
      const bool starts = i == 0 || std::isspace(static_cast<unsigned char>(loud[i - 1])) != 0 || loud[i - 1] == ')';
      const std::size_t end = i + wanted.size();
      const bool ends = end == loud.size() || std::isspace(static_cast<unsigned char>(loud[end])) != 0 ||
                        loud[end] == '"' || loud[end] == '(';
      if (starts && ends && std::string_view(loud).substr(i, wanted.size()) == wanted) return i;
    }
    return std::string::npos;
  };
  const std::size_t select = word("SELECT", 0);
  const std::size_t from = select == std::string::npos ? select : word("FROM", select + 6);
  if (from == std::string::npos) return false;
  const std::size_t where = word("WHERE", from + 4);
  const auto trimmed = [](std::string text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
    std::size_t start = 0;
    while (start < text.size() && std::isspace(static_cast<unsigned char>(text[start])) != 0) ++start;
    return text.substr(start);
  };
  words.select = trimmed(sql.substr(select + 6, from - select - 6));
  std::string topic = trimmed(sql.substr(from + 4, where == std::string::npos ? where : where - from - 4));
  if (topic.size() >= 2 && (topic.front() == '"' || topic.front() == '\'') && topic.back() == topic.front())
    topic = topic.substr(1, topic.size() - 2);
  words.topic = topic;
  words.where = where == std::string::npos ? "" : trimmed(sql.substr(where + 5));
  return true;
}

bool put_sql(Verbs& verbs, Words& words, std::map<std::string, std::string>& parameters) {
  if (words.sql.empty()) return true;
  std::string sql;
  if (!read_argument(verbs, words.sql, sql)) return false;
  if (!split_sql(sql, words)) {
    std::cerr << "tercet: a rule's SQL is SELECT ... FROM \"topic\" [WHERE ...]\n";
    verbs.exit_code = 2;
    return false;
  }
  std::string_view topic = words.topic;
  if (topic.starts_with("/sys/")) topic.remove_prefix(4);
  const bool is_status = topic.starts_with("/as/mqtt/status/");
  const bool is_custom = topic.find("/user/") != std::string_view::npos;
  parameters["Select"] = words.select;
  parameters["Topic"] = words.topic;
  parameters["TopicType"] = is_status ? "2" : is_custom ? "1" : "0";
  parameters["Where"] = words.where;
  return true;
}

void add_change_options(CLI::App* verb, Words& words) {
  verb->add_option("--sql", words.sql, "SELECT ... FROM \"topic\" WHERE ..., @FILE, or - for standard input");
  verb->add_option("--about", words.about, "what the rule is for");
  verb->add_option("--alarm", words.alarm,
                   R"(told once when it begins and ends: {"silence":600,"remind":0,"recovery":true})");
}

void add_action_verbs(CLI::App& rule, Verbs& verbs) {
  CLI::App* action = rule.add_subcommand("action", "what a rule does with its results");
  action->require_subcommand(1);

  CLI::App* add = verb_of(*action, verbs, "add", "add an action; prints its number");
  auto made = std::make_shared<Words>();
  add->add_option("rule", made->id, "number of the rule")->required();
  add->add_option("type", made->type, "HTTP, SQLITE, POSTGRESQL, WECOM, ... (docs/rules.md)")->required();
  add->add_option("configuration", made->configuration, "JSON, @FILE, or - for standard input")->required();
  add->add_flag("--on-error", made->is_error, "gets what the others could not deliver");
  add->callback([&verbs, made] {
    std::string text;
    if (!read_argument(verbs, made->configuration, text)) return;
    perform(verbs, {"CreateRuleAction",
                    {{"RuleId", made->id},
                     {"Type", upper(made->type)},
                     {"Configuration", text},
                     {"ErrorActionFlag", made->is_error ? "true" : "false"}},
                    "",
                    {}});
  });

  CLI::App* set = verb_of(*action, verbs, "set", "change an action; secrets shown as ****** stay what they are");
  auto changed = std::make_shared<Words>();
  set->add_option("action", changed->action, "number of the action")->required();
  set->add_option("type", changed->type, "its type")->required();
  set->add_option("configuration", changed->configuration, "JSON, @FILE, or - for standard input")->required();
  set->callback([&verbs, changed] {
    std::string text;
    if (!read_argument(verbs, changed->configuration, text)) return;
    perform(verbs, {"UpdateRuleAction",
                    {{"ActionId", changed->action}, {"Type", upper(changed->type)}, {"Configuration", text}},
                    "",
                    {}});
  });

  struct Row {
    const char *verb, *what, *call, *list;
    std::vector<std::string> columns;
  };
  for (const Row& row : {Row{"show", "an action and how its target is doing", "GetRuleAction", "RuleActionInfo", {}},
                         Row{"remove", "take an action away, with what waits for it", "DeleteRuleAction", "", {}}}) {
    CLI::App* verb = verb_of(*action, verbs, row.verb, row.what);
    auto words = std::make_shared<Words>();
    verb->add_option("action", words->action, "number of the action")->required();
    verb->callback([&verbs, words, row] { perform(verbs, {row.call, {{"ActionId", words->action}}, row.list, {}}); });
  }
}

void add_letter_verbs(CLI::App& rule, Verbs& verbs) {
  CLI::App* dead = rule.add_subcommand("dead", "what an action could not deliver");
  dead->require_subcommand(1);
  CLI::App* list = verb_of(*dead, verbs, "list", "dead letters, oldest first, with their causes");
  auto listed = std::make_shared<Words>();
  list->add_option("action", listed->action, "number of the action")->required();
  list->add_option("--page", listed->page, "page, from 1");
  list->callback([&verbs, listed] {
    perform(verbs, {"QueryDeadLetters",
                    {{"ActionId", listed->action}, {"CurrentPage", std::to_string(listed->page)}, {"PageSize", "50"}},
                    "Data.List.Letter",
                    {"Time", "DeviceName", "Topic", "Cause", "Content"},
                    true});
  });
  CLI::App* replay = verb_of(*dead, verbs, "replay", "send them again, oldest first");
  auto again = std::make_shared<Words>();
  replay->add_option("action", again->action, "number of the action")->required();
  replay->add_option("--count", again->count, "at most so many")->check(CLI::Range(1, 1'000'000));
  replay->callback([&verbs, again] {
    perform(verbs,
            {"ReplayDeadLetters", {{"ActionId", again->action}, {"Count", std::to_string(again->count)}}, "Data", {}});
  });
  CLI::App* discard = verb_of(*dead, verbs, "discard", "forget them");
  auto gone = std::make_shared<Words>();
  discard->add_option("action", gone->action, "number of the action")->required();
  discard->callback([&verbs, gone] { perform(verbs, {"DiscardDeadLetters", {{"ActionId", gone->action}}, "", {}}); });
}

void add_test_verb(CLI::App& rule, Verbs& verbs) {
  CLI::App* test = rule.add_subcommand("test", "run rule files: rules, messages and what is to come of them");
  auto words = std::make_shared<Words>();
  test->add_option("files", words->files, "JSON files (docs/rules.md), - for standard input")->required();
  test->callback([&verbs, words] {
    std::size_t rules = 0, messages = 0, failures = 0;
    for (const std::string& file : words->files) {
      std::string text;
      if (!read_argument(verbs, file == "-" ? file : "@" + file, text)) return;
      const RuleFileReport report = run_rule_file(text, file);
      if (!report.problem.empty()) {
        std::cerr << "tercet: " << report.problem << "\n";
        verbs.exit_code = 2;
        return;
      }
      for (const std::string& failure : report.failures) std::cout << failure << "\n";
      rules += report.rules, messages += report.messages, failures += report.failures.size();
    }
    std::cout << rules << " rules, " << messages << " messages, " << failures << " not as expected\n";
    verbs.exit_code = failures == 0 ? 0 : 1;
  });
}

}  // namespace

void add_rule_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* rule = app.add_subcommand("rule", "rules: from messages to databases, chats and queues");
  rule->require_subcommand(1);

  CLI::App* create = verb_of(*rule, verbs, "create", "make a rule; prints its number");
  auto made = std::make_shared<Words>();
  create->add_option("name", made->name, "1 to 30 letters, digits, _ and -")->required();
  create->add_flag("--binary", made->is_binary, "payloads are bytes, not JSON");
  add_change_options(create, *made);
  create->callback([&verbs, made] {
    std::map<std::string, std::string> parameters{{"Name", made->name},
                                                  {"DataType", made->is_binary ? "BINARY" : "JSON"}};
    if (!put_sql(verbs, *made, parameters)) return;
    if (!made->about.empty()) parameters["RuleDesc"] = made->about;
    if (!made->alarm.empty()) parameters["Alarm"] = made->alarm;
    perform(verbs, {"CreateRule", parameters, "", {}});
  });

  CLI::App* update = verb_of(*rule, verbs, "update", "change a rule; one that runs takes it up at once");
  auto changed = std::make_shared<Words>();
  update->add_option("rule", changed->id, "number of the rule")->required();
  update->add_option("--name", changed->name, "another name");
  add_change_options(update, *changed);
  update->callback([&verbs, changed, update] {
    std::map<std::string, std::string> parameters{{"RuleId", changed->id}};
    if (!put_sql(verbs, *changed, parameters)) return;
    if (!changed->name.empty()) parameters["Name"] = changed->name;
    if (update->count("--about") != 0) parameters["RuleDesc"] = changed->about;
    if (update->count("--alarm") != 0) parameters["Alarm"] = changed->alarm;
    perform(verbs, {"UpdateRule", parameters, "", {}});
  });

  CLI::App* list = verb_of(*rule, verbs, "list", "every rule");
  auto listed = std::make_shared<Words>();
  list->add_option("--page", listed->page, "page, from 1");
  list->callback([&verbs, listed] {
    perform(verbs, {"ListRule",
                    {{"CurrentPage", std::to_string(listed->page)}, {"PageSize", "100"}},
                    "Data.RuleInfo",
                    {"Id", "Name", "Status", "Topic", "Select", "Where"}});
  });

  struct Row {
    const char *verb, *what, *call, *list;
    std::vector<std::string> columns;
  };
  for (const Row& row :
       {Row{"show", "a rule, and what it has done since the platform started", "GetRule", "RuleInfo", {}},
        Row{"start", "let a rule run", "StartRule", "", {}},
        Row{"stop", "let a rule rest; what waits for its actions stays", "StopRule", "", {}},
        Row{"delete", "delete a rule that does not run, with its actions", "DeleteRule", "", {}},
        Row{"actions",
            "its actions, and how their targets are doing",
            "ListRuleActions",
            "RuleActionList.RuleActionInfo",
            {"Id", "Type", "Status", "ErrorActionFlag", "Configuration"}}}) {
    CLI::App* verb = verb_of(*rule, verbs, row.verb, row.what);
    auto words = std::make_shared<Words>();
    verb->add_option("rule", words->id, "number of the rule")->required();
    verb->callback([&verbs, words, row] {
      perform(verbs, {row.call, {{"RuleId", words->id}}, row.list, row.columns});
    });
  }

  CLI::App* dry = verb_of(*rule, verbs, "dry-run", "what a rule would have made of the messages of the last hours");
  auto tried = std::make_shared<Words>();
  dry->add_option("--rule", tried->id, "number of a rule");
  dry->add_option("--sql", tried->sql, "or SQL that is no rule yet")->excludes("--rule");
  dry->add_option("--alarm", tried->alarm, "with such an alarm");
  dry->add_option("--device", tried->device, "DeviceName; every device of the product without it");
  dry->add_option("--hours", tried->hours, "how far back")->check(CLI::Range(1, 24 * 3650));
  dry->callback([&verbs, tried] {
    using namespace std::chrono;
    const std::int64_t now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    std::map<std::string, std::string> parameters{
        {"StartTime", std::to_string(now - std::int64_t{tried->hours} * 3'600'000)}, {"EndTime", std::to_string(now)}};
    if (!put_sql(verbs, *tried, parameters)) return;
    if (!tried->id.empty()) parameters["RuleId"] = tried->id;
    if (!tried->device.empty()) parameters["DeviceName"] = tried->device;
    if (!tried->alarm.empty()) parameters["Alarm"] = tried->alarm;
    perform(verbs, {"DryRunRule", parameters, "Data.Rows.Row", {"Time", "DeviceName", "State", "Result"}});
  });

  add_action_verbs(*rule, verbs);
  add_letter_verbs(*rule, verbs);
  add_test_verb(*rule, verbs);
}

}  // namespace tercet::cli
