#include "tercet/edge/engine.h"

#include <algorithm>
#include <cmath>

#include "tercet/edge/compile.h"

namespace tercet::edge {
namespace {

constexpr Millis kMinute{60'000};
constexpr Millis kRetry{1'000};
constexpr double kMostWhole = 9e15;  ///< beyond, a double is not exact
constexpr std::uint8_t kTries = 3;   ///< of a set or a call

Millis seconds(std::uint32_t count) { return Millis{std::int64_t{count} * 1000}; }

/// `slack` is the hysteresis while the condition holds.
bool compare(Operator op, double x, double low, double high, double slack) {
  switch (op) {
    case Operator::above:
      return x > low - slack;
    case Operator::at_least:
      return x >= low - slack;
    case Operator::below:
      return x < low + slack;
    case Operator::at_most:
      return x <= low + slack;
    case Operator::equal:
      return x == low;
    case Operator::not_equal:
      return x != low;
    case Operator::between:
      return x >= low - slack && x <= high + slack;
  }
  return false;
}

std::uint32_t millis32(Instant at) { return static_cast<std::uint32_t>(at.since_start.count()); }

/// Values closer together than an eighth of the window are not kept: eight then reach back over it.
void remember(RateHistory& history, const Condition& condition, double value, Instant at, const ValueSlot& last) {
  const Millis window = seconds(condition.window_s);
  if (last.known && at - last.at > window) history.kept = 0;
  const std::uint32_t time = millis32(at);
  if (history.kept != 0) {
    const std::size_t newest = (history.next + RateHistory::kKept - 1) % RateHistory::kKept;
    if (time - history.times_ms[newest] < condition.window_s * 125u) return;
  }
  history.values[history.next] = value, history.times_ms[history.next] = time;
  history.next = static_cast<std::uint8_t>((history.next + 1) % RateHistory::kKept);
  if (history.kept < RateHistory::kKept) ++history.kept;
}

}  // namespace

std::optional<RuleSet> Engine::check(std::string_view text, Problem& problem) const {
  return edge::check(text, model_, storage_.rules, problem);
}

Result<void> Engine::load(std::string_view text, Instant now, Problem& problem) {
  if (acting_) {
    problem = {Fault::busy, 0, 0, {}};
    return fail(Error::bad_state);
  }
  if (!check(text, problem)) return fail(Error::malformed);
  clear(now);
  set_ = compile(text, model_, storage_.rules);
  for (std::size_t i = 0; i < set_.conditions; ++i) storage_.conditions[i] = {};
  for (std::size_t i = 0; i < set_.rules; ++i) storage_.states[i] = {};
  for (std::size_t i = 0; i < set_.rates; ++i) storage_.rules.rates[i] = {};
  dirty_ = set_.rules != 0;
  return {};
}

void Engine::clear(Instant now) {
  turn_to(now);
  leave_all();
  set_ = {};
  health_ = {};
  spent_ = 0, minute_ = now_, over_ = false, dirty_ = false;
  deadline_ = Instant::never();
}

/// Each leave action once, whatever the budget says, and those still owed: what a rule has switched on is not left on
/// for ever.
void Engine::leave_all() {
  acting_ = true;
  for (std::size_t i = 0; i < set_.rules; ++i) {
    RuleState& state = storage_.states[i];
    if (state.active) change(i, false);
    state.retry_at = now_;
    act(i);
  }
  acting_ = false;
}

void Engine::observe(const device::PropertyValue& value, Instant now) {
  using Type = device::PropertyValue::Type;
  turn_to(now);
  if (value.type == Type::text || value.type == Type::date) return;
  const double number = value.type == Type::real ? value.real : static_cast<double>(value.integer);
  const auto at = position(model_.properties, value.identifier);
  if (!at || *at >= storage_.values.size() || !std::isfinite(number)) return;
  ValueSlot& slot = storage_.values[*at];
  for (std::size_t i = 0; i < set_.conditions; ++i) {
    const Condition& condition = storage_.rules.conditions[i];
    if (condition.rate == kNone || condition.property != *at) continue;
    remember(storage_.rules.rates[condition.rate], condition, number, now_, slot);
  }
  slot = {number, now_, true};
  dirty_ = set_.rules != 0;
}

void Engine::run(Instant now) {
  if (acting_) return;
  turn_to(now);
  dirty_ = false, deadline_ = Instant::never();
  if (now_ - minute_ >= kMinute) minute_ = now_, spent_ = 0, over_ = false;
  acting_ = true;
  for (std::size_t i = 0; i < set_.rules; ++i) decide(i);
  for (std::size_t i = 0; i < set_.rules; ++i) act(i);
  acting_ = false;
}

void Engine::decide(std::size_t i) {
  const Rule& rule = storage_.rules.rules[i];
  RuleState& state = storage_.states[i];
  const View view = look(rule);
  tell_blind(rule, state, view.blind);
  state.waiting = view.waiting && !view.holds;
  if (view.holds == state.active) {
    state.deferred = false;
    return;
  }
  if (view.holds && state.entered != 0 && now_ - state.entered_at < seconds(rule.cooldown_s)) {
    state.waiting = true;
    return wake_at(state.entered_at + seconds(rule.cooldown_s));
  }
  if (may_spend(state, view.holds ? rule.enters : rule.leaves, name_of(rule))) change(i, view.holds);
}

bool Engine::may_spend(RuleState& state, std::uint8_t actions, std::string_view rule) {
  if (actions == 0 || spent_ + actions <= set_.budget) {
    // The minute begins with its first action.
    if (actions != 0 && spent_ == 0) minute_ = now_;
    spent_ += actions;
    state.deferred = false;
    return true;
  }
  if (!over_) ++health_.deferrals;
  over_ = true;
  wake_at(minute_ + kMinute);
  if (!state.deferred) actor_.on_step({.at = now_, .rule = rule, .what = Step::What::deferred, .action = {}});
  state.deferred = true;
  return false;
}

void Engine::change(std::size_t i, bool active) {
  const Rule& rule = storage_.rules.rules[i];
  RuleState& state = storage_.states[i];
  state.active = active;
  if (active) state.entered_at = now_, ++state.entered;
  const unsigned count = active ? rule.enters : rule.leaves;
  state.due = static_cast<std::uint8_t>((1u << count) - 1);
  state.tries = 0;
  state.retry_at = now_;
  step(rule, active ? Step::What::entered : Step::What::left);
}

void Engine::act(std::size_t i) {
  const Rule& rule = storage_.rules.rules[i];
  RuleState& state = storage_.states[i];
  if (state.due == 0) return;
  if (now_ < state.retry_at) return wake_at(state.retry_at);
  ++state.tries;
  const unsigned first = state.active ? rule.action : rule.action + rule.enters;
  const Cause cause{name_of(rule), state.active};
  for (unsigned bit = 0; bit < kMaxPerRule; ++bit) {
    if ((state.due & 1u << bit) == 0) continue;
    const Action& action = storage_.rules.actions[first + bit];
    const auto done = perform(action, cause);
    const bool is_event = action.kind == ActionKind::event;
    const bool gives_up = !done && !is_event && state.tries >= kTries;
    if (done || gives_up) state.due = static_cast<std::uint8_t>(state.due & ~(1u << bit));
    if (done)
      ++health_.actions;
    else if (!is_event)
      ++health_.failed_actions;
    step(rule,
         done       ? Step::What::did
         : gives_up ? Step::What::gave_up
                    : Step::What::failed,
         action, done ? Error::internal : done.error());
  }
  if (state.due == 0) return;
  if (state.tries > kTries) state.tries = kTries;  // only events are left
  state.retry_at = now_ + kRetry;
  wake_at(state.retry_at);
}

Result<void> Engine::perform(const Action& action, const Cause& cause) {
  if (action.kind == ActionKind::call) return actor_.call(model_.handlers[action.target], cause);
  if (action.kind == ActionKind::set) return actor_.set(value_for(model_.properties[action.target], action.value));
  std::array<device::PropertyValue, kMaxPerRule> values{};
  std::size_t count = 0;
  const EventSpec& event = model_.events[action.target];
  for (std::size_t i = 0; i < action.outputs; ++i) {
    const Output& output = storage_.rules.outputs[action.output + i];
    if (output.property >= storage_.values.size() || !storage_.values[output.property].known) continue;
    values[count++] = value_for(event.outputs[output.member], storage_.values[output.property].value);
  }
  return actor_.post_event(event.identifier, std::span(values).first(count));
}

device::PropertyValue Engine::value_for(const PropertySpec& as, double value) const {
  using Type = device::PropertyValue::Type;
  device::PropertyValue made;
  made.identifier = as.identifier;
  made.type = as.type == ValueType::real ? Type::real : as.type == ValueType::boolean ? Type::boolean : Type::integer;
  if (made.type == Type::real)
    made.real = value;
  else
    made.integer = static_cast<std::int64_t>(std::clamp(value, -kMostWhole, kMostWhole));
  return made;
}

Engine::View Engine::look(const Rule& rule) {
  View view;
  view.holds = !rule.any;
  for (std::size_t i = rule.condition; i < std::size_t{rule.condition} + rule.conditions; ++i) {
    // Each is looked at, also when the others have decided already: its time runs on.
    const bool holds = look(storage_.rules.conditions[i], storage_.conditions[i], view);
    view.holds = rule.any ? view.holds || holds : view.holds && holds;
  }
  return view;
}

bool Engine::look(const Condition& condition, ConditionState& state, View& view) {
  auto x = value_of(condition.property, condition, view);
  auto limit = condition.other == kNone ? std::optional(condition.low) : value_of(condition.other, condition, view);
  if (x && condition.rate != kNone) x = rate_of(condition);
  const bool had_level = state.level;
  state.level = x && limit && compare(condition.op, *x, *limit, condition.high, had_level ? condition.hysteresis : 0);
  if (!state.level) return false;
  if (!had_level) state.since = now_;
  const Instant from = state.since + seconds(condition.for_s);
  if (now_ >= from) return true;
  view.waiting = true;
  wake_at(from);
  return false;
}

std::optional<double> Engine::value_of(std::uint8_t property, const Condition& condition, View& view) {
  const Millis fresh_for = seconds(condition.stale_s);
  if (property < storage_.values.size()) {
    const ValueSlot& slot = storage_.values[property];
    if (slot.known && now_ - slot.at <= fresh_for) {
      wake_at(slot.at + fresh_for + Millis{1});
      return slot.value;
    }
  }
  if (view.blind == kNone) view.blind = property;
  return std::nullopt;
}

std::optional<double> Engine::rate_of(const Condition& condition) const {
  const RateHistory& history = storage_.rules.rates[condition.rate];
  const ValueSlot& newest = storage_.values[condition.property];
  const std::uint32_t window_ms = condition.window_s * 1000u, end = millis32(newest.at);
  for (std::size_t back = history.kept; back > 0; --back) {
    const std::size_t i = (history.next + RateHistory::kKept - back) % RateHistory::kKept;
    const std::uint32_t age = end - history.times_ms[i];
    if (age > window_ms) continue;
    if (age < window_ms / 2) return std::nullopt;
    const double per_second = (newest.value - history.values[i]) * 1000 / static_cast<double>(age);
    return condition.per_minute ? per_second * 60 : per_second;
  }
  return std::nullopt;
}

void Engine::tell_blind(const Rule& rule, RuleState& state, std::uint8_t blind) {
  if (blind == state.blind) return;
  const bool was_blind = state.blind != kNone;
  state.blind = blind;
  if (blind != kNone)
    step(rule, Step::What::blind, model_.properties[blind].identifier);
  else if (was_blind)
    step(rule, Step::What::sighted);
}

void Engine::step(const Rule& rule, Step::What what, std::string_view target) {
  actor_.on_step({.at = now_, .rule = name_of(rule), .what = what, .action = {}, .target = target});
}

void Engine::step(const Rule& rule, Step::What what, const Action& action, Error error) {
  actor_.on_step({now_, name_of(rule), what, action.kind, target_of(action), action.value, error});
}

std::string_view Engine::target_of(const Action& action) const {
  switch (action.kind) {
    case ActionKind::set:
      return model_.properties[action.target].identifier;
    case ActionKind::call:
      return model_.handlers[action.target];
    case ActionKind::event:
      return model_.events[action.target].identifier;
  }
  return {};
}

RuleStatus Engine::status(std::size_t rule) const {
  if (rule >= set_.rules) return {};
  const RuleState& state = storage_.states[rule];
  const bool blind = state.blind != kNone;
  return {name_of(storage_.rules.rules[rule]),
          state.active,
          state.waiting,
          blind,
          state.deferred,
          blind ? model_.properties[state.blind].identifier : std::string_view{},
          state.entered};
}

}  // namespace tercet::edge
