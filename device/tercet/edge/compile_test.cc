#include "tercet/edge/compile.h"

#include <doctest/doctest.h>

#include "tercet/edge/test_bench.h"

using namespace tercet;
using namespace tercet::edge;
using namespace tercet::edge::test;

namespace {

constexpr std::string_view kSeed =
    R"({"format": 1, "version": 3, "budget": 20, "stale": 300, "note": "of the seed", "rules": [
  {"name": "too_warm", "cooldown": 5,
   "when": {"property": "temperature", "op": ">", "value": {"property": "limit"}, "hysteresis": 0.5, "for": 30},
   "enter": [{"event": "alarm", "output": {"temperature": "temperature"}}, {"set": "interval", "value": 10}],
   "leave": [{"set": "interval", "value": 60}]},
  {"name": "steep-1", "note": "rate",
   "when": {"any": [{"property": "temperature", "op": "<=", "value": -2.5, "rate": "minute", "over": 120, "stale": 60},
                    {"property": "humidity", "op": "between", "value": [40, 100]},
                    {"property": "door", "op": "==", "value": true}]},
   "enter": [{"call": "buzzer"}], "leave": [{"set": "door", "value": 0}]}]}
)";

struct Refusal {
  const char* text;
  Fault fault;
  std::uint32_t line, column;
};

std::string with_when(std::string_view when) { return one_rule(when); }

Fault fault_of(std::string_view text) {
  EngineBuffers<> buffers;
  Problem problem;
  const auto set = check(text, kModel, buffers.storage().rules, problem);
  CHECK(set.has_value() == (problem.fault == Fault::none));
  return problem.fault;
}

}  // namespace

TEST_CASE("a rule set becomes tables") {
  EngineBuffers<> buffers;
  const auto room = buffers.storage().rules;
  Problem problem;
  const auto checked = check(kSeed, kModel, room, problem);
  REQUIRE(checked);
  const RuleSet set = compile(kSeed, kModel, room);
  CHECK(set.version == 3);
  CHECK(set.budget == 20);
  CHECK((set.rules == 2 && set.conditions == 4 && set.actions == 5 && set.outputs == 1 && set.rates == 1));
  CHECK(checked->names == set.names);
  CHECK(std::string_view(room.names.data(), set.names) == "too_warmsteep-1");
  const Condition& warm = room.conditions[0];
  CHECK(
      (warm.op == Operator::above && warm.property == 0 && warm.other == 3 && warm.for_s == 30 && warm.stale_s == 300));
  CHECK(warm.hysteresis == 0.5);
  const Condition& steep = room.conditions[1];
  CHECK((steep.op == Operator::at_most && steep.rate == 0 && steep.per_minute && steep.window_s == 120));
  CHECK((steep.low == -2.5 && steep.stale_s == 60));
  CHECK((room.conditions[2].low == 40 && room.conditions[2].high == 100));
  CHECK((room.conditions[3].op == Operator::equal && room.conditions[3].low == 1));
  CHECK((room.rules[0].cooldown_s == 5 && room.rules[0].enters == 2 && room.rules[0].leaves == 1));
  CHECK((room.rules[1].any && room.rules[1].condition == 1 && room.rules[1].conditions == 3));
  CHECK((room.actions[1].kind == ActionKind::set && room.actions[1].value == 10 && room.actions[3].target == 0));
}

TEST_CASE("a refused set names the fault and its place") {
  const Refusal table[] = {
      {"", Fault::not_json, 1, 1},
      {"{\"format\":1,\n\"version\":1,\n\"rules\":[}", Fault::not_json, 3, 10},
      {"[]", Fault::not_an_object, 1, 1},
      {R"({"format":2,"version":1,"rules":[]})", Fault::format_version, 1, 11},
      {R"({"version":1,"rules":[]})", Fault::missing_member, 1, 1},
      {R"({"format":1,"rules":[]})", Fault::missing_member, 1, 1},
      {R"({"format":1,"version":1})", Fault::missing_member, 1, 1},
      {R"({"format":1,"version":0,"rules":[]})", Fault::set_version, 1, 23},
      {R"({"format":1,"version":2147483648,"rules":[]})", Fault::set_version, 1, 23},
      {R"({"format":1,"version":1,"rules":{}})", Fault::not_a_list, 1, 33},
      {R"({"format":1,"version":1,"rules":[],"more":1})", Fault::unknown_member, 1, 37},
      {R"({"format":1,"version":1,"rules":[],"version":2})", Fault::repeated_member, 1, 37},
      {R"({"format":1,"version":1,"rules":[],"budget":0})", Fault::bad_number, 1, 45},
      {R"({"format":1,"version":1,"rules":[],"budget":1.5})", Fault::bad_number, 1, 45},
      {R"({"format":1,"version":1,"rules":[],"stale":700000})", Fault::bad_number, 1, 44},
      {R"({"format":1,"version":1,"rules":[],"note":1})", Fault::bad_text, 1, 43},
      {R"({"format":1,"version":1,"rules":[7]})", Fault::not_an_object, 1, 34},
  };
  for (const Refusal& refusal : table) {
    CAPTURE(refusal.text);
    EngineBuffers<> buffers;
    Problem problem;
    CHECK(!check(refusal.text, kModel, buffers.storage().rules, problem));
    CHECK(problem.fault == refusal.fault);
    CHECK(problem.line == refusal.line);
    CHECK(problem.column == refusal.column);
  }
}

TEST_CASE("each part of a rule is checked") {
  const auto rule = [](std::string_view inside) {
    return std::string(R"({"format":1,"version":1,"budget":1,"rules":[{)") + std::string(inside) + "}]}";
  };
  constexpr const char* kWhen = R"("when":{"property":"temperature","op":">","value":1})";
  const auto named = [&](std::string_view inside) {
    return rule(std::string(R"("name":"a",)") + kWhen + std::string(inside));
  };
  CHECK(fault_of(named(R"(,"enter":[])")) == Fault::none);
  CHECK(fault_of(named("")) == Fault::missing_member);
  CHECK(fault_of(rule(std::string(kWhen) + R"(,"enter":[])")) == Fault::missing_member);
  CHECK(fault_of(rule(R"("name":"a","enter":[])")) == Fault::missing_member);
  CHECK(fault_of(rule(std::string(R"("name":"a b",)") + kWhen + R"(,"enter":[])")) == Fault::bad_name);
  CHECK(fault_of(rule(std::string(R"("name":"",)") + kWhen + R"(,"enter":[])")) == Fault::bad_name);
  CHECK(fault_of(rule(std::string(R"("name":7,)") + kWhen + R"(,"enter":[])")) == Fault::bad_name);
  CHECK(fault_of(named(R"(,"enter":[],"cooldown":-1)")) == Fault::bad_number);
  CHECK(fault_of(named(R"(,"enter":{})")) == Fault::not_a_list);
  CHECK(fault_of(named(R"(,"enter":[{}])")) == Fault::unknown_action);
  CHECK(fault_of(named(R"(,"enter":[{"call":"buzzer","event":"alarm"}])")) == Fault::unknown_action);
  CHECK(fault_of(named(R"(,"enter":[{"call":"buzzer","value":1}])")) == Fault::unknown_action);
  CHECK(fault_of(named(R"(,"enter":[{"call":"nobody"}])")) == Fault::unknown_handler);
  CHECK(fault_of(named(R"(,"enter":[{"call":1}])")) == Fault::unknown_handler);
  CHECK(fault_of(named(R"(,"enter":[{"set":"interval"}])")) == Fault::missing_member);
  CHECK(fault_of(named(R"(,"enter":[{"set":"temperature","value":1}])")) == Fault::not_settable);
  CHECK(fault_of(named(R"(,"enter":[{"set":"nothing","value":1}])")) == Fault::unknown_property);
  CHECK(fault_of(named(R"(,"enter":[{"set":"title","value":1}])")) == Fault::property_type);
  CHECK(fault_of(named(R"(,"enter":[{"set":"interval","value":0}])")) == Fault::value_out_of_range);
  CHECK(fault_of(named(R"(,"enter":[{"set":"interval","value":1.5}])")) == Fault::bad_value);
  CHECK(fault_of(named(R"(,"enter":[{"set":"interval","value":true}])")) == Fault::bad_value);
  CHECK(fault_of(named(R"(,"enter":[{"set":"door","value":2}])")) == Fault::value_out_of_range);
  CHECK(fault_of(named(R"(,"enter":[{"set":"limit","value":21.5}])")) == Fault::none);
  CHECK(fault_of(named(R"(,"enter":[{"event":"other"}])")) == Fault::unknown_event);
  CHECK(fault_of(named(R"(,"enter":[{"event":"alarm","output":{"x":"temperature"}}])")) == Fault::unknown_output);
  CHECK(fault_of(named(R"(,"enter":[{"event":"alarm","output":{"count":"temperature"}}])")) == Fault::output_type);
  CHECK(fault_of(named(R"(,"enter":[{"event":"alarm","output":{"temperature":"interval"}}])")) == Fault::none);
  CHECK(fault_of(named(R"(,"enter":[{"event":"alarm","output":[]}])")) == Fault::not_an_object);
  CHECK(fault_of(named(R"(,"enter":[{"event":"alarm","output":{"count":"interval","count":"interval"}}])")) ==
        Fault::repeated_member);
  CHECK(fault_of(named(R"(,"enter":[{"call":"buzzer"},{"call":"buzzer"}])")) == Fault::over_budget);
}

TEST_CASE("each part of a condition is checked") {
  const std::pair<const char*, Fault> table[] = {
      {R"({"property":"temperature","op":">","value":1})", Fault::none},
      {R"({"property":"temperature","op":">"})", Fault::missing_member},
      {R"({"op":">","value":1})", Fault::missing_member},
      {R"({"property":"temperature","value":1})", Fault::missing_member},
      {R"({"property":"temperature","op":"=>","value":1})", Fault::unknown_operator},
      {R"({"property":"temperature","op":1,"value":1})", Fault::unknown_operator},
      {R"({"property":"temprature","op":">","value":1})", Fault::unknown_property},
      {R"({"property":"title","op":"==","value":1})", Fault::property_type},
      {R"({"property":1,"op":"==","value":1})", Fault::bad_text},
      {R"({"property":"temperature","op":">","value":"1"})", Fault::bad_value},
      {R"({"property":"temperature","op":">","value":null})", Fault::bad_value},
      {R"({"property":"temperature","op":">","value":1e999})", Fault::bad_value},
      {R"({"property":"temperature","op":">","value":126})", Fault::value_out_of_range},
      {R"({"property":"temperature","op":"<","value":-41})", Fault::value_out_of_range},
      {R"({"property":"temperature","op":"between","value":3})", Fault::bad_value},
      {R"({"property":"temperature","op":"between","value":[3]})", Fault::bad_value},
      {R"({"property":"temperature","op":"between","value":[3,2]})", Fault::bad_value},
      {R"({"property":"temperature","op":"between","value":[3,3]})", Fault::none},
      {R"({"property":"temperature","op":"between","value":[3,200]})", Fault::value_out_of_range},
      {R"({"property":"temperature","op":"between","value":{"property":"limit"}})", Fault::bad_value},
      {R"({"property":"temperature","op":">","value":{"property":"limit"}})", Fault::none},
      {R"({"property":"temperature","op":">","value":{"property":"door"}})", Fault::bad_value},
      {R"({"property":"temperature","op":">","value":{"property":"limit","x":1}})", Fault::unknown_member},
      {R"({"property":"temperature","op":">","value":{}})", Fault::missing_member},
      {R"({"property":"interval","op":"==","value":1.5})", Fault::bad_value},
      {R"({"property":"interval","op":">","value":1.5})", Fault::none},
      {R"({"property":"door","op":"==","value":false})", Fault::none},
      {R"({"property":"door","op":"!=","value":1})", Fault::none},
      {R"({"property":"door","op":">","value":0})", Fault::operator_type},
      {R"({"property":"door","op":"==","value":1,"rate":"minute","over":10})", Fault::operator_type},
      {R"({"property":"temperature","op":">","value":true})", Fault::bad_value},
      {R"({"property":"temperature","op":"==","value":1,"hysteresis":1})", Fault::hysteresis_unused},
      {R"({"property":"temperature","op":">","value":1,"hysteresis":-1})", Fault::bad_number},
      {R"({"property":"temperature","op":">","value":1,"for":-1})", Fault::bad_number},
      {R"({"property":"temperature","op":">","value":1,"for":"1"})", Fault::bad_number},
      {R"({"property":"temperature","op":">","value":1,"stale":0})", Fault::bad_number},
      {R"({"property":"temperature","op":">","value":1,"rate":"hour","over":10})", Fault::bad_rate},
      {R"({"property":"temperature","op":">","value":1,"rate":"second"})", Fault::bad_rate},
      {R"({"property":"temperature","op":">","value":1,"over":10})", Fault::bad_rate},
      {R"({"property":"temperature","op":">","value":1,"rate":"second","over":1})", Fault::bad_number},
      {R"({"property":"temperature","op":">","value":500,"rate":"second","over":10})", Fault::none},
      {R"({"all":[]})", Fault::empty_list},
      {R"({"all":7})", Fault::not_a_list},
      {R"({"all":[{"property":"door","op":"==","value":1}],"any":[]})", Fault::unknown_member},
      {R"({"any":[{"all":[]}]})", Fault::unknown_member},
      {R"([])", Fault::not_an_object},
  };
  for (const auto& [given, fault] : table) {
    const auto& when = given;
    CAPTURE(when);
    CHECK(fault_of(with_when(when)) == fault);
  }
}

TEST_CASE("names are unique, lists hold eight, and what the board has no room for is refused") {
  const auto rule = [](std::string_view name, int conditions) {
    std::string text = R"({"name":")" + std::string(name) + R"(","when":{"all":[)";
    for (int i = 0; i < conditions; ++i)
      text += std::string(i == 0 ? "" : ",") + R"({"property":"door","op":"==","value":1})";
    return text + R"(]},"enter":[]})";
  };
  const auto set = [](const std::string& rules) { return R"({"format":1,"version":1,"rules":[)" + rules + "]}"; };
  CHECK(fault_of(set("")) == Fault::none);
  CHECK(fault_of(set(rule("a", 1) + "," + rule("b", 1))) == Fault::none);
  CHECK(fault_of(set(rule("a", 1) + "," + rule("b", 1) + "," + rule("a", 1))) == Fault::repeated_name);
  CHECK(fault_of(set(rule("a", 8))) == Fault::none);
  CHECK(fault_of(set(rule("a", 9))) == Fault::too_many);
  CHECK(fault_of(set(rule("a", 8) + "," + rule("b", 8))) == Fault::none);
  CHECK(fault_of(set(rule("a", 8) + "," + rule("b", 8) + "," + rule("c", 1))) == Fault::no_room);
  std::string many;
  for (char c = 'a'; c < 'a' + 8; ++c) many += (many.empty() ? "" : ",") + rule(std::string(1, c), 1);
  CHECK(fault_of(set(many)) == Fault::none);
  CHECK(fault_of(set(many + "," + rule("z", 1))) == Fault::no_room);
  std::string long_names;
  for (char c = 'a'; c < 'a' + 6; ++c) long_names += (long_names.empty() ? "" : ",") + rule(std::string(32, c), 1);
  CHECK(fault_of(set(long_names)) == Fault::no_room);
}

TEST_CASE("every truncation of a rule set is refused and changes nothing") {
  Bench bench(kSeed);
  REQUIRE(bench.loaded);
  const auto end = kSeed.rfind('}');
  for (std::size_t size = 0; size <= end; ++size) {
    CHECK(!bench.load(kSeed.substr(0, size)));
    CHECK(bench.problem.fault == Fault::not_json);
    CHECK(bench.engine.set().version == 3);
    CHECK(bench.engine.size() == 2);
  }
}

TEST_CASE("every change of one byte is refused with a place, or gives a set that runs") {
  std::string text(kSeed);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char was = text[i];
    for (const char other : {'\0', ' ', '"', '{', '}', '[', ']', ',', ':', '0', '9', '-', 'e', 'z', '\\', '\xff'}) {
      text[i] = other;
      EngineBuffers<> buffers;
      Problem problem;
      const auto room = buffers.storage().rules;
      const auto set = check(text, kModel, room, problem);
      CHECK(set.has_value() == (problem.fault == Fault::none));
      if (!set) {
        CHECK((problem.line >= 1 && problem.column >= 1));
        continue;
      }
      ++taken;
      const RuleSet made = compile(text, kModel, room);
      CHECK((made.rules == set->rules && made.conditions == set->conditions && made.actions == set->actions));
    }
    text[i] = was;
  }
  CHECK(taken > 100);
}

TEST_CASE("every fault is told in both languages with its remedy") {
  for (std::size_t i = 1; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    CAPTURE(i);
    CHECK(!name(fault).empty());
#ifndef TERCET_NO_REMEDY_TEXT
    for (const Language language : {Language::english, Language::chinese}) {
      CHECK(!explain(fault, language).empty());
      CHECK(!remedy(fault, language).empty());
    }
#endif
  }
  std::array<std::uint8_t, 256> buffer{};
  Writer out{buffer};
  write_problem(out, {Fault::unknown_property, 3, 14, "\"humdity\""}, Language::english);
#ifndef TERCET_NO_REMEDY_TEXT
  CHECK(out.text() == "line 3, column 14: \"humdity\": the thing model has no such property (correct its spelling)");
#else
  CHECK(out.text() == "line 3, column 14: \"humdity\": unknown_property");
#endif
}
