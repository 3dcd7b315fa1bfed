#include "platform/rule/rules.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "platform/store/test_folder.h"
#include "platform/store/test_loop.h"

namespace tercet::rule {
namespace {

struct World {
  World() { open(); }
  void open() {
    rules.reset();
    Rules::Wiring wiring{loop, [](std::string_view product) { return product == "a1"; },
                         [](std::string_view type, std::string_view configuration) -> std::optional<std::string> {
                           if (type != "HTTP") return "there is no type " + std::string(type);
                           if (configuration.find("url") == std::string_view::npos) return "url is missing";
                           return std::nullopt;
                         },
                         [this] { ++changes; }};
    auto opened = Rules::open(folder.path() / "rules.db", registry::SecretBox(registry::SecretBox::Key{1, 2, 3}),
                              std::move(wiring));
    REQUIRE(opened);
    rules = std::move(*opened);
  }
  RuleChange wanted(std::string name = "rule_1") {
    RuleChange change;
    change.name = std::move(name);
    change.product = "a1";
    change.select = "deviceName() AS d, items.t.value AS t";
    change.short_topic = "+/thing/event/property/post";
    change.topic_type = 0;
    change.where = "items.t.value > 20";
    return change;
  }
  store::TestFolder folder;
  store::TestLoop loop;
  int changes = 0;
  std::unique_ptr<Rules> rules;
};

template <typename T>
std::string code(const Answer<T>& answer) {
  return answer ? "" : std::string(answer.problem().code);
}

TEST_CASE("a rule is created, started with an action, and runs; it outlasts a restart") {
  World world;
  const auto rule = world.rules->create(world.wanted());
  REQUIRE(rule);
  CHECK(rule->topic() == "/a1/+/thing/event/property/post");
  CHECK(!rule->is_running);
  CHECK(code(world.rules->start(rule->id)) == "iot.rule.NullForwardDestForRule");
  const auto action = world.rules->create_action(rule->id, "HTTP", R"({"url":"http://x","secret":"s3cret"})", false);
  REQUIRE(action);
  CHECK(world.changes == 0);
  CHECK(world.rules->start(rule->id));
  CHECK(world.changes == 1);
  CHECK(code(world.rules->start(rule->id)) == "iot.ruleng.RuleAlreadyIsStarted");
  CHECK(code(world.rules->erase(rule->id)) == "iot.rule.DeleteRuleFailed");
  world.open();
  const auto running = world.rules->running();
  REQUIRE(running.size() == 1);
  CHECK(running[0].id == rule->id);
  CHECK(running[0].destinations == std::vector<std::uint64_t>{action->id});
  REQUIRE(world.rules->running_actions().size() == 1);
  CHECK(world.rules->running_actions()[0].configuration == R"({"url":"http://x","secret":"s3cret"})");
  CHECK(world.rules->stop(rule->id));
  CHECK(world.rules->running().empty());
  CHECK(world.rules->erase(rule->id));
  CHECK(code(world.rules->action(action->id)) == "iot.rule.NotFoundRuleAction");
}

TEST_CASE("secrets of configurations are not in the file") {
  World world;
  const auto rule = world.rules->create(world.wanted());
  REQUIRE(world.rules->create_action(rule->id, "HTTP", R"({"url":"http://x","secret":"s3cret-value"})", false));
  world.rules.reset();
  for (const char* name : {"rules.db", "rules.db-wal"}) {
    std::ifstream file(world.folder.path() / name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    CHECK(bytes.find("s3cret-value") == std::string::npos);
  }
}

TEST_CASE("wrong SQL is refused when it is saved, with the part and the place") {
  World world;
  auto change = world.wanted();
  change.where = "items.t.value >";
  const auto refused = world.rules->create(change);
  REQUIRE(!refused);
  CHECK(refused.problem().code == "iot.messagebroker.IncorrectRuleSql");
  CHECK(refused.problem().detail == "Where, line 1, column 16: found the end; expected a value");
  change = world.wanted();
  change.short_topic = "+/nothing/known";
  CHECK(code(world.rules->create(change)) == "iot.messagebroker.IncorrectSysTopic");
  change = world.wanted();
  change.topic_type = 1;
  CHECK(code(world.rules->create(change)) == "iot.messagebroker.IncorrectSysTopic");
  change.topic_type = 0;
  change.short_topic = "+/user/#";
  CHECK(code(world.rules->create(change)) == "iot.messagebroker.IncorrectSysTopic");
  change.short_topic = "+/+/ota/job/status";  // selects topics of devices' own, too, but is not about them
  CHECK(code(world.rules->create(change)).empty());
  change = world.wanted();
  change.topic_type = 7;
  CHECK(code(world.rules->create(change)) == "iot.rule.IncorrectTopicType");
  change = world.wanted();
  change.data_type = "BINARY";
  CHECK(code(world.rules->create(change)) == "iot.messagebroker.IncorrectRuleSql");
  change = world.wanted();
  change.product = "a2";
  CHECK(code(world.rules->create(change)) == "iot.prod.NotExistedProduct");
  change = world.wanted("bad name");
  CHECK(code(world.rules->create(change)) == "iot.rule.InvalidRuleName");
  CHECK(world.rules->create(world.wanted("温度规则")));
  CHECK(code(world.rules->create(world.wanted("温度规则"))) == "iot.rule.RuleNameIsAlreadyExisted");
}

TEST_CASE("a rule may be made first and get its SQL later, and a topic in full is understood") {
  World world;
  RuleChange bare;
  bare.name = "later";
  const auto rule = world.rules->create(bare);
  REQUIRE(rule);
  CHECK(rule->topic_type == TopicType::none);
  CHECK(code(world.rules->start(rule->id)) == "iot.rule.NullSqlForRule");
  RuleChange sql;
  sql.select = "*";
  sql.topic = "/sys/a1/+/thing/event/property/post";
  sql.topic_type = 0;
  const auto changed = world.rules->update(rule->id, sql);
  REQUIRE(changed);
  CHECK(changed->product == "a1");
  CHECK(changed->topic() == "/a1/+/thing/event/property/post");
  CHECK(changed->revision == rule->revision + 1);
  sql.topic = "/as/mqtt/status/a1/+";
  sql.topic_type = 2;
  REQUIRE(world.rules->update(rule->id, sql));
  CHECK(world.rules->rule(rule->id)->topic() == "/as/mqtt/status/a1/+");
}

TEST_CASE("actions are checked, bounded, and one of them may be for failures") {
  World world;
  const auto rule = world.rules->create(world.wanted());
  CHECK(code(world.rules->create_action(rule->id, "FAX", "{}", false)) == "iot.rule.ParseRuleActionConfigError");
  CHECK(code(world.rules->create_action(99, "HTTP", "{}", false)) == "iot.rule.NotFoundRule");
  const auto failure = world.rules->create_action(rule->id, "HTTP", R"({"url":"e"})", true);
  REQUIRE(failure);
  CHECK(code(world.rules->create_action(rule->id, "HTTP", R"({"url":"f"})", true)) ==
        "iot.rule.RuleActionIsAlreadyCreated");
  CHECK(code(world.rules->start(rule->id)) == "iot.rule.NullForwardDestForRule");
  for (int i = 0; i < 9; ++i)
    REQUIRE(world.rules->create_action(rule->id, "HTTP", "{\"url\":\"" + std::to_string(i) + "\"}", false));
  CHECK(code(world.rules->create_action(rule->id, "HTTP", R"({"url":"x"})", false)) == "iot.rule.TooManyRuleAction");
  REQUIRE(world.rules->start(rule->id));
  CHECK(world.rules->running()[0].keeps_payload);
  CHECK(world.rules->running()[0].destinations.size() == 9);
  CHECK(world.rules->update_action(failure->id, "HTTP", R"({"url":"g"})"));
  CHECK(world.rules->erase_action(failure->id));
  CHECK(world.rules->actions(rule->id)->size() == 9);
}

TEST_CASE("an alarm's settings are checked") {
  World world;
  auto change = world.wanted();
  change.alarm = R"({"silence":600,"remind":3600,"recovery":false})";
  const auto rule = world.rules->create(change);
  REQUIRE(rule);
  REQUIRE(world.rules->create_action(rule->id, "HTTP", R"({"url":"x"})", false));
  REQUIRE(world.rules->start(rule->id));
  const auto running = world.rules->running();
  REQUIRE(running[0].alarm);
  CHECK(running[0].alarm->silence == 600'000);
  CHECK(running[0].alarm->remind == 3'600'000);
  CHECK(!running[0].alarm->recovery);
  change = world.wanted("two");
  change.alarm = R"({"silense":1})";
  CHECK(code(world.rules->create(change)) == "tercet.rule.InvalidAlarm");
  change.alarm = "{}";
  change.where = "";
  CHECK(code(world.rules->create(change)) == "tercet.rule.InvalidAlarm");
}

TEST_CASE("lists begin with the newest") {
  World world;
  for (int i = 0; i < 5; ++i) REQUIRE(world.rules->create(world.wanted("r" + std::to_string(i))));
  const auto page = world.rules->rules({2, 2});
  REQUIRE(page);
  CHECK(page->total == 5);
  REQUIRE(page->items.size() == 2);
  CHECK(page->items[0].name == "r2");
}

}  // namespace
}  // namespace tercet::rule
