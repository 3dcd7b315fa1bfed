#include <doctest/doctest.h>

#include "cli/edge_model.h"
#include "cli/edge_simulation.h"
#include "cli/edge_values.h"

using namespace tercet;
using namespace tercet::cli;

namespace {

const std::string kRules = R"({"format":1,"version":1,"stale":60,"rules":[{"name":"warm",
  "when":{"property":"temperature","op":">","value":{"property":"alarm_threshold"},"hysteresis":1,"for":10},
  "enter":[{"event":"alarm","output":{"temperature":"temperature"}},{"set":"report_interval","value":10},{"call":"fan"}],
  "leave":[{"call":"fan"}]}]})";

const edge::Model& climate() {
  static std::string problem;
  static const auto model = EdgeModel::load("", kRules, problem);
  REQUIRE(model);
  return model->model();
}

std::string trace_of(const std::string& rules, std::string_view values, bool json = false) {
  EdgeRun run;
  run.json = json;
  std::string problem;
  run.settings.push_back({3, 30});  // alarm_threshold
  REQUIRE(read_edge_values(values, climate(), run.rows, problem));
  const auto outcome = run_edge_rules(rules, climate(), run);
  REQUIRE(outcome.accepted);
  return outcome.trace;
}

}  // namespace

TEST_CASE("a run prints each step with its time, between rows too") {
  const std::string csv = "time,temperature,humidity\n0,25,50\n5,31,\n20,31,49\n30,29.5,\n40,29,\n";
  const std::string expected =
      "15.000 warm entered\n"
      "15.000 warm event alarm {\"temperature\":31.0}\n"
      "15.000 warm set report_interval 10\n"
      "15.000 warm call fan \"enter\"\n"
      "40.000 warm left\n"
      "40.000 warm call fan \"leave\"\n";
  CHECK(trace_of(kRules, csv) == expected);
  CHECK(trace_of(kRules, csv) == expected);
  const std::string lines =
      "{\"time\":0,\"temperature\":25}\n\n{\"time\":5,\"temperature\":31}\n{\"temperature\":31,\"time\":20}\n"
      "{\"time\":30,\"temperature\":29.5}\n{\"time\":40,\"temperature\":29}\n";
  CHECK(trace_of(kRules, lines) == expected);
}

TEST_CASE("a trace of JSON is JSON, and blindness is told") {
  const std::string csv = "time,temperature\r\n0,31\r\n100.5,31\r\n";
  CHECK(trace_of(kRules, csv) ==
        "10.000 warm entered\n10.000 warm event alarm {\"temperature\":31.0}\n10.000 warm set report_interval 10\n"
        "10.000 warm call fan \"enter\"\n60.001 warm blind temperature\n60.001 warm left\n"
        "60.001 warm call fan \"leave\"\n100.500 warm sighted\n");
  const std::string trace = trace_of(kRules, csv, true);
  std::size_t lines = 0;
  for (std::size_t at = 0; at < trace.size(); ++lines) {
    const auto end = trace.find('\n', at);
    CHECK(json::parse(std::string_view(trace).substr(at, end - at)));
    at = end + 1;
  }
  CHECK(lines == 8);
}

TEST_CASE("what a rule sets is seen by the other rules, and a set that would be rolled back is told") {
  const std::string chase = R"({"format":1,"version":1,"budget":4,"rules":[
    {"name":"up","when":{"property":"report_interval","op":"<","value":50},"enter":[{"set":"report_interval","value":100}]},
    {"name":"down","when":{"property":"report_interval","op":">=","value":50},"enter":[{"set":"report_interval","value":4}]}]})";
  const std::string trace = trace_of(chase, "time,report_interval\n0,60\n");
  CHECK(trace.find("0.000 up set report_interval 100\n") != std::string::npos);
  CHECK(trace.find("deferred\n") != std::string::npos);
  CHECK(trace.find("0.000 - rolled_back budget\n") != std::string::npos);
}

TEST_CASE("values that make no sense are refused with their line") {
  const std::pair<const char*, const char*> table[] = {
      {"", "no values in it"},
      {"time,temperature\n", "no values in it"},
      {"time,temprature\n0,1\n", "line 1: the thing model has no property temprature"},
      {"time,temperature\n0,warm\n", "line 2: warm is no number"},
      {"time,temperature\n0,nan\n", "line 2: nan is no number"},
      {"time,temperature\n0,1,2\n", "line 2: more cells than columns"},
      {"time,temperature\n,1\n", "line 2: no time"},
      {"time,temperature\n-1,1\n", "line 2: time is seconds, not negative"},
      {"time,temperature\n5,1\n\n4,1\n", "line 4: time goes back"},
      {"{\"time\":1}\n{\"time\":2\n", "line 2: not a JSON object"},
      {"{\"time\":1,\"temperature\":\"1\"}\n", "line 1: \"1\" is no number"},
      {"{\"temperature\":1}\n", "line 1: no time"},
      {"{\"time\":1,\"x\":1}\n", "line 1: the thing model has no property x"},
  };
  for (const auto& [given, expected] : table) {
    const auto& text = given;
    CAPTURE(text);
    std::vector<EdgeRow> rows;
    std::string problem;
    CHECK(!read_edge_values(text, climate(), rows, problem));
    CHECK(problem == expected);
  }
}

TEST_CASE("a setting names a property of the model and a number") {
  std::pair<std::size_t, double> setting;
  std::string problem;
  CHECK(read_edge_setting("alarm_threshold=30.5", climate(), setting, problem));
  CHECK((setting.first == 3 && setting.second == 30.5));
  for (const char* text : {"", "x=1", "alarm_threshold", "alarm_threshold=", "alarm_threshold=x", "time=1"})
    CHECK(!read_edge_setting(text, climate(), setting, problem));
}

TEST_CASE("a check says what a set takes of a board, and what is wrong where") {
  edge::Problem problem;
  std::string used;
  REQUIRE(check_edge_rules(kRules, climate(), false, problem, used));
  CHECK(used.starts_with(
      "version 1: 1 of 8 rules, 1 of 16 conditions, 4 of 24 actions, 1 of 16 outputs, 0 of 2 rates, "));
  std::string wrong = kRules;
  wrong.replace(wrong.find("alarm_threshold"), 5, "alerm");
  CHECK(!check_edge_rules(wrong, climate(), false, problem, used));
  CHECK((problem.fault == edge::Fault::unknown_property && problem.line == 2));
}

TEST_CASE("generated values repeat themselves for a seed") {
  const auto one = generate_edge_values(climate(), 1, 7), same = generate_edge_values(climate(), 1, 7);
  CHECK(one.size() == 721);
  REQUIRE(one.size() == same.size());
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(one[i].values == same[i].values);
}
