#include "cli/rule_file.h"

#include <doctest/doctest.h>

namespace tercet::cli {
namespace {

TEST_CASE("a rule file whose messages come out as it says has no failures") {
  const auto report = run_rule_file(
      R"x([{"name":"hot","sql":"SELECT temperature AS t, deviceName() AS d FROM \"/a1/+/user/update\" WHERE temperature > 30",
    "messages":[
      {"topic":"/a1/board/user/update","payload":{"temperature":31},"expect":{"t":31,"d":"board"}},
      {"payload":{"temperature":30}},
      {"topic":"/a1/board/user/other","payload":{"temperature":99},"expect":null}]},
    {"sql":"SELECT concatt(a) FROM \"/a1/+/user/update\"","problem":"concat"}])x",
      "f");
  INFO(report.problem);
  for (const auto& failure : report.failures) INFO(failure);
  CHECK(report.ok());
  CHECK(report.rules == 2);
  CHECK(report.messages == 3);
}

TEST_CASE("a message that comes out otherwise is named with what was expected and what came") {
  const auto report = run_rule_file(
      R"x({"name":"hot","sql":"SELECT a FROM \"/a1/+/user/update\"","messages":[
        {"topic":"/a1/b/user/update","payload":{"a":1},"expect":{"a":2}},{"payload":{"a":1}}]})x",
      "f");
  REQUIRE(report.failures.size() == 2);
  CHECK(report.failures[0] == "f, rule 1 (hot), message 1: expected {\"a\":2}, got {\"a\":1}");
  CHECK(report.failures[1] == "f, rule 1 (hot), message 2: expected nothing, got {\"a\":1}");
}

TEST_CASE("an alarm is tried with the time that messages say, its states by name") {
  const auto report = run_rule_file(
      R"x({"sql":"SELECT h FROM \"/a1/+/user/update\" WHERE h > 80","alarm":{"silence":0,"remind":60,"recovery":true},"messages":[
        {"topic":"/a1/b/user/update","payload":{"h":85},"expect":{"$state":"raised","h":85}},
        {"after":10,"payload":{"h":86}},
        {"after":60,"payload":{"h":86},"expect":{"$state":"reminder"}},
        {"after":1,"payload":{"h":70},"expect":{"$state":"recovered","h":70}}]})x",
      "f");
  for (const auto& failure : report.failures) MESSAGE(failure);
  CHECK(report.ok());
}

TEST_CASE("what is wrong with the file itself is said, and members that do not exist are refused") {
  CHECK(run_rule_file("{", "f").problem.find("f is no JSON") == 0);
  const auto report = run_rule_file(R"({"sq":"SELECT"})", "f");
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].find("there is no member sq of a rule") != std::string::npos);
}

}  // namespace
}  // namespace tercet::cli
