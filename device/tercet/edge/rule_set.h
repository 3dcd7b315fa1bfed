#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tercet::edge {

/// A rule set as the engine runs it: flat tables, positions instead of names.

inline constexpr std::uint8_t kNone = 0xFF;
inline constexpr std::size_t kMaxPerRule = 8;  ///< conditions; and actions of one transition
inline constexpr std::size_t kMaxRuleName = 32;
inline constexpr std::int64_t kMostVersion = 2'147'483'647;             ///< of a set: an int of the thing model
inline constexpr std::uint32_t kDefaultBudget = 30, kMostBudget = 240;  ///< actions per minute
inline constexpr std::uint32_t kDefaultStale_s = 600;
inline constexpr std::uint32_t kLongest_s = 604'800;  ///< of `for`, `stale`, `cooldown`: a week
inline constexpr std::uint32_t kLongestWindow_s = 86'400;

enum class Operator : std::uint8_t { above, at_least, below, at_most, equal, not_equal, between };

struct Condition {
  double low = 0, high = 0;  ///< the value; of `between` both
  double hysteresis = 0;
  std::uint32_t for_s = 0, stale_s = 0, window_s = 0;
  std::uint8_t property = 0;   ///< Model::properties
  std::uint8_t other = kNone;  ///< the property that is compared with, instead of `low`
  std::uint8_t rate = kNone;   ///< RuleStorage::rates
  bool per_minute = false;
  Operator op = Operator::above;
};

enum class ActionKind : std::uint8_t { set, call, event };

struct Action {
  double value = 0;  ///< set
  ActionKind kind = ActionKind::set;
  std::uint8_t target = 0;               ///< Model::properties, handlers or events
  std::uint8_t output = 0, outputs = 0;  ///< event: RuleStorage::outputs
};

struct Output {
  std::uint8_t member = 0, property = 0;
};

struct Rule {
  std::uint32_t cooldown_s = 0;
  std::uint16_t name = 0;  ///< into RuleStorage::names
  std::uint8_t name_size = 0;
  bool any = false;
  std::uint8_t condition = 0, conditions = 0;
  std::uint8_t action = 0, enters = 0, leaves = 0;  ///< the actions of `leave` follow those of `enter`
};

/// The last values of a rate condition, at least an eighth of its window apart.
struct RateHistory {
  static constexpr std::size_t kKept = 8;
  std::array<double, kKept> values{};
  std::array<std::uint32_t, kKept>
      times_ms{};  ///< of the monotonic clock; differences count, so that wrapping is harmless
  std::uint8_t kept = 0, next = 0;
};

/// Where a set is kept.
struct RuleStorage {
  std::span<Rule> rules;
  std::span<Condition> conditions;
  std::span<Action> actions;
  std::span<Output> outputs;
  std::span<RateHistory> rates;
  std::span<char> names;
};

/// What a text has been compiled to: how much of the storage it uses.
struct RuleSet {
  std::uint32_t version = 0;  ///< 0: none
  std::uint32_t budget = kDefaultBudget;
  std::uint8_t rules = 0, conditions = 0, actions = 0, outputs = 0, rates = 0;
  std::uint16_t names = 0;
};

}  // namespace tercet::edge
