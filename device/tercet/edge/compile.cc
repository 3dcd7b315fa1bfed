#include "tercet/edge/compile.h"

#include <algorithm>
#include <cmath>

#include "tercet/base/check.h"
#include "tercet/json/reader.h"

namespace tercet::edge {
namespace {

using json::Member;
using json::Type;
using json::Value;

constexpr std::size_t kMostText = 64 * 1024;  ///< what remote configuration carries

/// The members of one object: each known, and there once at most.
struct Found {
  static constexpr std::size_t kMost = 10;
  std::array<std::optional<Value>, kMost> values{};
  const std::optional<Value>& operator[](std::size_t i) const { return values[i]; }
};

/// One walk over a text that is JSON. Without `fill` it only checks and counts; the walk with `fill` follows one
/// without, so that it cannot fail.
class Compiler {
 public:
  Compiler(std::string_view text, const Model& model, const RuleStorage& room, bool fill, Problem& problem)
      : text_(text), model_(model), room_(room), fill_(fill), problem_(problem) {}

  bool compile(const Value& root);
  const RuleSet& set() const { return set_; }

 private:
  bool refuse(Fault fault, std::string_view at, std::string_view subject);
  bool refuse(Fault fault, const Value& at) { return refuse(fault, at.raw(), at.raw()); }
  template <std::size_t N>
  bool members(const Value& object, const std::string_view (&names)[N], Found& found);
  bool need(const Value& object, const std::optional<Value>& member, std::string_view name);
  bool whole(const std::optional<Value>& value, double least, double most, std::uint32_t& out);
  bool is_note(const std::optional<Value>& value);
  template <typename T, typename Counter>
  bool put(std::span<T> table, Counter& count, const T& entry, const Value& at);

  bool rule(const Value& object);
  bool rule_name(const Value& value, Rule& rule);
  bool is_repeated(const Value& object, std::string_view name) const;
  bool when(const Value& value, Rule& rule);
  bool condition(const Value& object);
  bool property(const Value& value, std::uint8_t& out);
  bool operation(const Value& value, Operator& out);
  bool compared(const Value& value, Condition& made);
  bool number(const Value& value, const Condition& made, double& out);
  bool rate(const Found& found, const Value& object, Condition& made);
  bool actions(const std::optional<Value>& list, std::uint8_t& count);
  bool action(const Value& object);
  bool set_action(const Value& target, const Value& value, Action& made);
  bool event_action(const Value& target, const std::optional<Value>& output, Action& made);

  std::string_view text_;
  const Model& model_;
  const RuleStorage& room_;
  bool fill_;
  Problem& problem_;
  RuleSet set_;
  std::uint32_t stale_s_ = kDefaultStale_s;
  Value rules_;
};

bool Compiler::refuse(Fault fault, std::string_view at, std::string_view subject) {
  problem_ = {fault, 1, 1, subject.substr(0, std::min<std::size_t>(subject.size(), 40))};
  for (const char c : text_.substr(0, static_cast<std::size_t>(at.data() - text_.data()))) {
    ++problem_.column;
    if (c == '\n') ++problem_.line, problem_.column = 1;
  }
  return false;
}

template <std::size_t N>
bool Compiler::members(const Value& object, const std::string_view (&names)[N], Found& found) {
  static_assert(N <= Found::kMost);
  if (!object.is(Type::object)) return refuse(Fault::not_an_object, object);
  for (const Member& member : object.members()) {
    std::size_t i = 0;
    while (i < N && !(member.name == names[i])) ++i;
    const std::string_view name = member.name.raw();
    if (i == N) return refuse(Fault::unknown_member, name, name);
    if (found.values[i]) return refuse(Fault::repeated_member, name, name);
    found.values[i] = member.value;
  }
  return true;
}

bool Compiler::need(const Value& object, const std::optional<Value>& member, std::string_view name) {
  return member || refuse(Fault::missing_member, object.raw(), name);
}

/// A whole number within bounds; a member that is not there leaves `out` as it is.
bool Compiler::whole(const std::optional<Value>& value, double least, double most, std::uint32_t& out) {
  if (!value) return true;
  const auto got = value->integer();
  if (!got || static_cast<double>(*got) < least || static_cast<double>(*got) > most)
    return refuse(Fault::bad_number, *value);
  out = static_cast<std::uint32_t>(*got);
  return true;
}

bool Compiler::is_note(const std::optional<Value>& value) {
  return !value || value->is(Type::string) || refuse(Fault::bad_text, *value);
}

template <typename T, typename Counter>
bool Compiler::put(std::span<T> table, Counter& count, const T& entry, const Value& at) {
  if (count >= table.size() || count >= kNone) return refuse(Fault::no_room, at);
  if (fill_) table[count] = entry;
  ++count;
  return true;
}

bool Compiler::compile(const Value& root) {
  static constexpr std::string_view kNames[] = {"format", "version", "rules", "budget", "stale", "note"};
  Found found;
  if (!members(root, kNames, found)) return false;
  if (!need(root, found[0], "format") || !need(root, found[1], "version") || !need(root, found[2], "rules"))
    return false;
  if (found[0]->integer() != 1) return refuse(Fault::format_version, *found[0]);
  const auto version = found[1]->integer();
  if (!version || *version < 1 || *version > kMostVersion) return refuse(Fault::set_version, *found[1]);
  set_.version = static_cast<std::uint32_t>(*version);
  if (!whole(found[3], 1, kMostBudget, set_.budget) || !whole(found[4], 1, kLongest_s, stale_s_) || !is_note(found[5]))
    return false;
  rules_ = *found[2];
  if (!rules_.is(Type::array)) return refuse(Fault::not_a_list, rules_);
  for (const Value& object : rules_.elements())
    if (!rule(object)) return false;
  return true;
}

bool Compiler::rule(const Value& object) {
  static constexpr std::string_view kNames[] = {"name", "when", "enter", "leave", "cooldown", "note"};
  Found found;
  if (!members(object, kNames, found) || !need(object, found[0], "name") || !need(object, found[1], "when"))
    return false;
  Rule made;
  if (!rule_name(*found[0], made)) return false;
  if (is_repeated(object, found[0]->text()->raw())) return refuse(Fault::repeated_name, *found[0]);
  made.condition = set_.conditions;
  if (!when(*found[1], made)) return false;
  if (!whole(found[4], 0, kLongest_s, made.cooldown_s) || !is_note(found[5])) return false;
  if (!found[2] && !found[3]) return refuse(Fault::missing_member, object.raw(), "enter");
  made.action = set_.actions;
  return actions(found[2], made.enters) && actions(found[3], made.leaves) && put(room_.rules, set_.rules, made, object);
}

bool Compiler::rule_name(const Value& value, Rule& rule) {
  const auto text = value.text();
  const std::string_view name = text ? text->raw() : std::string_view{};
  const bool is_good = !name.empty() && name.size() <= kMaxRuleName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!is_good) return refuse(Fault::bad_name, value);
  if (name.size() > room_.names.size() - set_.names) return refuse(Fault::no_room, value);
  rule.name = set_.names, rule.name_size = static_cast<std::uint8_t>(name.size());
  if (fill_) std::ranges::copy(name, room_.names.begin() + set_.names);
  set_.names = static_cast<std::uint16_t>(set_.names + name.size());
  return true;
}

/// Whether a rule before this one has the name. Walked again instead of kept: there are few.
bool Compiler::is_repeated(const Value& object, std::string_view name) const {
  for (const Value& other : rules_.elements()) {
    if (other.raw().data() == object.raw().data()) return false;
    const auto text = other.find("name")->text();
    if (text && text->raw() == name) return true;
  }
  return false;
}

bool Compiler::when(const Value& value, Rule& rule) {
  const auto all = value.find("all"), any = value.find("any");
  if (!all && !any) {
    rule.conditions = 1;
    return condition(value);
  }
  static constexpr std::string_view kNames[] = {"all", "any"};
  Found found;
  if (!members(value, kNames, found)) return false;
  if (all && any) return refuse(Fault::unknown_member, any->raw(), "any");
  rule.any = any.has_value();
  const Value& list = all ? *all : *any;
  if (!list.is(Type::array)) return refuse(Fault::not_a_list, list);
  for (const Value& object : list.elements()) {
    if (rule.conditions == kMaxPerRule) return refuse(Fault::too_many, object);
    if (!condition(object)) return false;
    ++rule.conditions;
  }
  return rule.conditions != 0 || refuse(Fault::empty_list, list);
}

bool Compiler::condition(const Value& object) {
  static constexpr std::string_view kNames[] = {"property", "op",    "value", "hysteresis",
                                                "for",      "stale", "rate",  "over"};
  Found found;
  if (!members(object, kNames, found) || !need(object, found[0], "property") || !need(object, found[1], "op") ||
      !need(object, found[2], "value"))
    return false;
  Condition made;
  made.stale_s = stale_s_;
  if (!property(*found[0], made.property) || !operation(*found[1], made.op)) return false;
  const bool is_equality = made.op == Operator::equal || made.op == Operator::not_equal;
  if (model_.properties[made.property].type == ValueType::boolean && (!is_equality || found[6]))
    return refuse(Fault::operator_type, *found[1]);
  if (!rate(found, object, made) || !compared(*found[2], made)) return false;
  if (found[3]) {
    if (is_equality) return refuse(Fault::hysteresis_unused, *found[3]);
    const auto width = found[3]->real();
    if (!width || !(*width >= 0) || *width > 1e15) return refuse(Fault::bad_number, *found[3]);
    made.hysteresis = *width;
  }
  return whole(found[4], 0, kLongest_s, made.for_s) && whole(found[5], 1, kLongest_s, made.stale_s) &&
         put(room_.conditions, set_.conditions, made, object);
}

bool Compiler::property(const Value& value, std::uint8_t& out) {
  const auto text = value.text();
  if (!text) return refuse(Fault::bad_text, value);
  const auto found = position(model_.properties, text->raw());
  if (!found) return refuse(Fault::unknown_property, value);
  if (model_.properties[*found].type == ValueType::other) return refuse(Fault::property_type, value);
  out = *found;
  return true;
}

bool Compiler::operation(const Value& value, Operator& out) {
  static constexpr std::string_view kNames[] = {">", ">=", "<", "<=", "==", "!=", "between"};  // as Operator
  const auto text = value.text();
  for (std::uint8_t i = 0; text && i < std::size(kNames); ++i) {
    if (!(*text == kNames[i])) continue;
    out = static_cast<Operator>(i);
    return true;
  }
  return refuse(Fault::unknown_operator, value);
}

bool Compiler::rate(const Found& found, const Value& object, Condition& made) {
  const auto &unit = found[6], &over = found[7];
  if (!unit && !over) return true;
  const auto text = unit ? unit->text() : std::nullopt;
  made.per_minute = text && *text == "minute";
  if (!made.per_minute && !(text && *text == "second")) return refuse(Fault::bad_rate, unit ? *unit : *over);
  if (!over) return refuse(Fault::bad_rate, object);
  if (!whole(over, 2, kLongestWindow_s, made.window_s)) return false;
  made.rate = set_.rates;
  return put(room_.rates, set_.rates, RateHistory{}, object);
}

bool Compiler::compared(const Value& value, Condition& made) {
  if (value.is(Type::object)) {
    static constexpr std::string_view kNames[] = {"property"};
    Found found;
    if (!members(value, kNames, found) || !need(value, found[0], "property")) return false;
    if (!property(*found[0], made.other)) return false;
    const bool is_boolean = model_.properties[made.property].type == ValueType::boolean;
    if (made.op == Operator::between || is_boolean != (model_.properties[made.other].type == ValueType::boolean))
      return refuse(Fault::bad_value, value);
    return true;
  }
  if (made.op != Operator::between) return number(value, made, made.low);
  if (!value.is(Type::array) || value.size() != 2) return refuse(Fault::bad_value, value);
  auto both = value.elements();
  const Value low = *both.next(), high = *both.next();
  if (!number(low, made, made.low) || !number(high, made, made.high)) return false;
  return made.low <= made.high || refuse(Fault::bad_value, value);
}

/// A value the property can have; of a rate any number.
bool Compiler::number(const Value& value, const Condition& made, double& out) {
  const PropertySpec& spec = model_.properties[made.property];
  const auto said = value.boolean();
  const auto real = said && spec.type == ValueType::boolean ? std::optional<double>(*said ? 1 : 0) : value.real();
  if (!real || !std::isfinite(*real)) return refuse(Fault::bad_value, value);
  out = *real;
  if (made.rate != kNone) return true;
  const bool is_equality = made.op == Operator::equal || made.op == Operator::not_equal;
  if (is_equality && spec.type != ValueType::real && std::trunc(*real) != *real) return refuse(Fault::bad_value, value);
  return (*real >= spec.min && *real <= spec.max) || refuse(Fault::value_out_of_range, value);
}

bool Compiler::actions(const std::optional<Value>& list, std::uint8_t& count) {
  if (!list) return true;
  if (!list->is(Type::array)) return refuse(Fault::not_a_list, *list);
  for (const Value& object : list->elements()) {
    if (count == kMaxPerRule) return refuse(Fault::too_many, object);
    if (!action(object)) return false;
    ++count;
  }
  return count <= set_.budget || refuse(Fault::over_budget, *list);
}

bool Compiler::action(const Value& object) {
  static constexpr std::string_view kNames[] = {"set", "value", "call", "event", "output"};
  Found found;
  if (!members(object, kNames, found)) return false;
  const auto &set = found[0], &value = found[1], &call = found[2], &event = found[3], &output = found[4];
  const bool is_one =
      set.has_value() + call.has_value() + event.has_value() == 1 && (set || !value) && (event || !output);
  if (!is_one) return refuse(Fault::unknown_action, object);
  Action made;
  if (set) {
    if (!need(object, value, "value") || !set_action(*set, *value, made)) return false;
  } else if (call) {
    const auto text = call->text();
    const auto found_at = text ? position(model_.handlers, text->raw()) : std::nullopt;
    if (!found_at) return refuse(Fault::unknown_handler, *call);
    made.kind = ActionKind::call, made.target = *found_at;
  } else if (!event_action(*event, output, made)) {
    return false;
  }
  return put(room_.actions, set_.actions, made, object);
}

bool Compiler::set_action(const Value& target, const Value& value, Action& made) {
  if (!property(target, made.target)) return false;
  if (!model_.properties[made.target].writable) return refuse(Fault::not_settable, target);
  Condition as_equal;  // what can be compared for equality can be set
  as_equal.property = made.target, as_equal.op = Operator::equal;
  return number(value, as_equal, made.value);
}

bool Compiler::event_action(const Value& target, const std::optional<Value>& output, Action& made) {
  const auto text = target.text();
  const auto event = text ? position(model_.events, text->raw()) : std::nullopt;
  if (!event) return refuse(Fault::unknown_event, target);
  made.kind = ActionKind::event, made.target = *event, made.output = set_.outputs;
  if (!output) return true;
  if (!output->is(Type::object)) return refuse(Fault::not_an_object, *output);
  const auto known = model_.events[*event].outputs;
  std::uint32_t seen = 0;
  for (const Member& member : output->members()) {
    Output pair;
    const std::string_view name = member.name.raw();
    if (made.outputs == kMaxPerRule) return refuse(Fault::too_many, member.value);
    const auto at = position(known, name);
    if (!at || *at >= 32) return refuse(Fault::unknown_output, name, name);
    if ((seen & 1u << *at) != 0) return refuse(Fault::repeated_member, name, name);
    seen |= 1u << *at;
    if (!property(member.value, pair.property)) return false;
    pair.member = *at;
    const ValueType want = known[*at].type, have = model_.properties[pair.property].type;
    if (want != have && !(want == ValueType::real && have == ValueType::integer))
      return refuse(Fault::output_type, member.value);
    if (!put(room_.outputs, set_.outputs, pair, member.value)) return false;
    ++made.outputs;
  }
  return true;
}

}  // namespace

std::optional<RuleSet> check(std::string_view text, const Model& model, const RuleStorage& room, Problem& problem) {
  problem = {};
  if (text.size() > kMostText) {
    problem.fault = Fault::too_large;
    return std::nullopt;
  }
  const auto root = json::parse(text);
  if (!root) {
    const auto fault = json::find_fault(text).value_or(json::Fault{0, {}});
    problem = {Fault::not_json, 1, 1, fault.reason};
    for (const char c : text.substr(0, fault.offset)) {
      ++problem.column;
      if (c == '\n') ++problem.line, problem.column = 1;
    }
    return std::nullopt;
  }
  Compiler compiler(text, model, room, false, problem);
  if (!compiler.compile(*root)) return std::nullopt;
  return compiler.set();
}

RuleSet compile(std::string_view text, const Model& model, const RuleStorage& into) {
  Problem problem;
  Compiler compiler(text, model, into, true, problem);
  const auto root = json::parse(text);
  TERCET_CHECK(root && compiler.compile(*root));
  return compiler.set();
}

}  // namespace tercet::edge
