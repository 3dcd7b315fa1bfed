#include "platform/rule/rule_set.h"

#include "platform/rule/test_query.h"

namespace tercet::rule {
namespace {

using thing::Source;

TEST_CASE("a filter names the sources whose topics it can select") {
  CHECK(sources_of("/a1/+/thing/event/property/post") == (bit(Source::property) | bit(Source::event)));
  CHECK(sources_of("/a1/+/thing/event/alarm/post") == bit(Source::event));
  CHECK((sources_of("/a1/+/user/#") & ~bit(Source::ota_job)) == bit(Source::custom));  // a job could be called user
  CHECK(sources_of("/as/mqtt/status/a1/+") == bit(Source::status));
  CHECK((sources_of("/a1/+/thing/#") & bit(Source::lifecycle)) != 0);
  CHECK((sources_of("/a1/+/thing/#") & bit(Source::custom)) == 0);
  CHECK(sources_of("/a1/+/ota/version/post") == bit(Source::ota_version));
  CHECK(sources_of("/a1/+/shadow/update") == bit(Source::shadow));
  CHECK(sources_of("/a1/+/nothing") == 0);
}

RunningRule rule_of(std::uint64_t id, std::string_view from) {
  RunningRule rule;
  rule.id = id;
  rule.query = must_compile("SELECT * FROM " + std::string(from));
  return rule;
}

TEST_CASE("a rule is about no other sources than it may be, whatever else its topic selects") {
  RunningRule jobs = rule_of(1, "\"/a1/+/+/ota/job/status\"");
  jobs.sources = ~bit(Source::custom);
  const RuleSet rules(2, {jobs}, {});
  CHECK(rules.wanted("a1") == bit(Source::ota_job));
}

TEST_CASE("rules are found by product and source, each once") {
  const RuleSet rules(
      3,
      {rule_of(1, "\"/a1/+/user/#\""), rule_of(2, "\"/+/+/user/x\", \"/a1/+/user/y\""),
       rule_of(3, "\"/as/mqtt/status/a1/+\""), rule_of(4, "\"/a1/+/user/a\", \"/a1/+/thing/lifecycle\"")},
      {{"a2", bit(Source::event), 9}});
  CHECK(rules.version() == 3);
  const auto found = [&](std::string_view product, Source source) {
    std::string ids;
    rules.each_rule(product, bit(source), [&](const RunningRule& rule) { ids += std::to_string(rule.id); });
    return ids;
  };
  CHECK(found("a1", Source::custom) == "142");
  CHECK(found("a2", Source::custom) == "2");
  CHECK(found("a1", Source::status) == "3");
  CHECK(found("a1", Source::lifecycle) == "4");
  CHECK((rules.wanted("a1") & ~bit(Source::ota_job)) ==
        (bit(Source::custom) | bit(Source::status) | bit(Source::lifecycle)));
  CHECK((rules.wanted("a2") & ~bit(Source::ota_job)) == (bit(Source::custom) | bit(Source::event)));
  int subscribed = 0;
  rules.each_subscription("a2", bit(Source::event), [&](const Subscription&) { ++subscribed; });
  rules.each_subscription("a1", bit(Source::event), [&](const Subscription&) { ++subscribed; });
  CHECK(subscribed == 1);
}

}  // namespace
}  // namespace tercet::rule
