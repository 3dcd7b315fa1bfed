#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/device/properties.h"
#include "tercet/edge/model.h"
#include "tercet/edge/problem.h"
#include "tercet/edge/rule_set.h"

namespace tercet::edge {

/// Why an action is done. Views live during the call.
struct Cause {
  std::string_view rule;
  bool entered = true;  ///< of `enter`; else of `leave`
};

/// A step of a rule, for traces and logs. Views live during the call.
struct Step {
  enum class What : std::uint8_t {
    entered,
    left,
    blind,     ///< `target` has no value, or a stale one; told once until all are back
    sighted,   ///< all values are there again
    deferred,  ///< the minute's budget is used up; told once until it is over
    did,       ///< an action succeeded
    failed,    ///< an action failed; it may be tried again
    gave_up,   ///< it will not be
  };
  Instant at;
  std::string_view rule;
  What what = What::entered;
  std::optional<ActionKind> action;  ///< of did, failed, gave_up
  std::string_view target = {};      ///< property, handler or event
  double value = 0;                  ///< of a set
  Error error = Error::internal;     ///< of failed and gave_up
};

/// What actions are done with. The engine calls it from run() and from load(); it may call observe(), nothing else.
class Actor {
 public:
  /// As the platform's set: checked and confirmed by the application. Errors: as the application refuses.
  virtual Result<void> set(const device::PropertyValue& value) = 0;
  /// The handler of that name in Model::handlers.
  virtual Result<void> call(std::string_view handler, const Cause& cause) = 0;
  virtual Result<void> post_event(std::string_view event, std::span<const device::PropertyValue> output) = 0;
  virtual void on_step(const Step& step) { static_cast<void>(step); }

 protected:
  ~Actor() = default;
};

/// What is to be known of one rule from outside.
struct RuleStatus {
  std::string_view name;
  bool active = false;
  bool waiting = false;   ///< a condition holds, but not for long enough yet; or the cooldown is not over
  bool blind = false;     ///< a value is missing or stale
  bool deferred = false;  ///< would change, but the budget is used up
  std::string_view blind_property;
  std::uint32_t entered = 0;  ///< times
};

/// Whether the set behaves.
struct Health {
  std::uint32_t failed_actions = 0;  ///< sets and calls that failed; each of the three tries counts
  std::uint32_t deferrals = 0;       ///< minutes in which the budget was used up
  std::uint32_t actions = 0;         ///< that succeeded
};

struct ValueSlot {
  double value = 0;
  Instant at{};
  bool known = false;
};

struct ConditionState {
  Instant since{};  ///< while `level`
  bool level = false;
};

struct RuleState {
  Instant entered_at{}, retry_at{};
  std::uint32_t entered = 0;
  std::uint8_t due = 0;  ///< actions of the last change not done yet, a bit each
  std::uint8_t tries = 0;
  std::uint8_t blind = kNone;  ///< property
  bool active = false, waiting = false, deferred = false;
};

/// All memory of an engine besides itself. Outlives it.
struct EngineStorage {
  RuleStorage rules;
  std::span<ValueSlot> values;  ///< one for each property of the model
  std::span<ConditionState> conditions;
  std::span<RuleState> states;
};

/// The arrays behind it. The default takes 2.3 KB.
template <std::size_t kRules = 8, std::size_t kConditions = 16, std::size_t kActions = 24, std::size_t kOutputs = 16,
          std::size_t kRates = 2, std::size_t kProperties = 16, std::size_t kNames = 160>
struct EngineBuffers {
  static_assert(kRules < kNone && kConditions < kNone && kActions < kNone && kOutputs < kNone && kRates < kNone);
  std::array<Rule, kRules> rules;
  std::array<Condition, kConditions> conditions;
  std::array<Action, kActions> actions;
  std::array<Output, kOutputs> outputs;
  std::array<RateHistory, kRates> rates;
  std::array<char, kNames> names;
  std::array<ValueSlot, kProperties> values;
  std::array<ConditionState, kConditions> condition_states;
  std::array<RuleState, kRules> rule_states;
  EngineStorage storage() {
    return {{rules, conditions, actions, outputs, rates, names}, values, condition_states, rule_states};
  }
};

/// Evaluates a rule set. One task; nothing is allocated; one run() takes one look at each condition, then does each
/// action at most once. `now` never goes back; an earlier one is taken for the latest.
///
///   idle --conditions hold, cooldown over, budget left: enter actions--> active --they do not: leave actions--> idle
class Engine {
 public:
  /// All outlive the engine. The model has no more properties than there are value slots: the rest counts as missing.
  Engine(const EngineStorage& storage, const Model& model, Actor& actor)
      : storage_(storage), model_(model), actor_(actor) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes a set if it is right, and says in `problem` what is not; then the running set goes on. Active rules of the
  /// set before leave. What was observed stays known. Errors: malformed; bad_state, called from an action.
  Result<void> load(std::string_view text, Instant now, Problem& problem);
  /// Only says whether load() would take it.
  std::optional<RuleSet> check(std::string_view text, Problem& problem) const;
  /// Runs no rules from now on; active ones leave.
  void clear(Instant now);

  /// A property's newest value; those not in the model, not finite, or not numbers are passed over.
  void observe(const device::PropertyValue& value, Instant now);
  void observe(std::span<const device::PropertyValue> values, Instant now) {
    for (const auto& value : values) observe(value, now);
  }

  /// Call it after values were observed, and when next_deadline() has come.
  void run(Instant now);
  Instant next_deadline() const { return dirty_ ? now_ : deadline_; }

  /// Inside an action: rules cannot be replaced now.
  bool is_acting() const { return acting_; }
  const RuleSet& set() const { return set_; }
  const Health& health() const { return health_; }
  std::size_t size() const { return set_.rules; }
  RuleStatus status(std::size_t rule) const;
  const Model& model() const { return model_; }

 private:
  struct View {  ///< what conditions of one rule came to
    bool holds = false, waiting = false;
    std::uint8_t blind = kNone;
  };
  View look(const Rule& rule);
  bool look(const Condition& condition, ConditionState& state, View& view);
  std::optional<double> value_of(std::uint8_t property, const Condition& condition, View& view);
  std::optional<double> rate_of(const Condition& condition) const;
  void decide(std::size_t i);
  bool may_spend(RuleState& state, std::uint8_t actions, std::string_view rule);
  void change(std::size_t i, bool active);
  void act(std::size_t i);
  Result<void> perform(const Action& action, const Cause& cause);
  device::PropertyValue value_for(const PropertySpec& as, double value) const;
  void leave_all();
  void tell_blind(const Rule& rule, RuleState& state, std::uint8_t blind);
  void step(const Rule& rule, Step::What what, std::string_view target = {});
  void step(const Rule& rule, Step::What what, const Action& action, Error error);
  std::string_view target_of(const Action& action) const;
  std::string_view name_of(const Rule& rule) const { return {storage_.rules.names.data() + rule.name, rule.name_size}; }
  void wake_at(Instant at) { deadline_ = at < deadline_ ? at : deadline_; }
  void turn_to(Instant now) { now_ = now > now_ ? now : now_; }

  EngineStorage storage_;
  const Model& model_;
  Actor& actor_;
  RuleSet set_;
  Health health_;
  Instant now_{}, deadline_ = Instant::never();
  Instant minute_{};  ///< when the present minute of the budget began
  std::uint32_t spent_ = 0;
  bool dirty_ = false, acting_ = false, over_ = false;
};

}  // namespace tercet::edge
