#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "platform/registry/records.h"
#include "platform/registry/secret_box.h"
#include "platform/rule/rule_set.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite.h"

namespace tercet::rule {

using registry::Answer;

/// The number of the cloud's TopicType.
enum class TopicType : std::int8_t { none = -1, system = 0, custom = 1, status = 2 };

/// A rule as it is managed: SQL in its parts, and what it is to be.
struct RuleRecord {
  std::uint64_t id = 0;
  std::string name, product, about;
  std::string select, short_topic, where;  ///< select "" while there is no SQL
  TopicType topic_type = TopicType::none;
  bool is_binary = false;
  bool is_running = false;
  std::uint32_t revision = 0;  ///< raised with each change of the SQL
  std::string alarm;           ///< JSON; "" when the rule is none of a state (docs/rules.md)
  UnixMillis created{}, modified{};
  std::string topic() const;  ///< as the SQL sees it: `/{pk}/+/thing/event/property/post`
};

/// What a rule does with its results: the type of a destination and how to reach it.
struct ActionRecord {
  std::uint64_t id = 0;  ///< the number of its queue, too
  std::uint64_t rule = 0;
  std::string type;            ///< "REPUBLISH", "HTTP", ...
  std::string configuration;   ///< JSON; with its secrets
  bool is_error = false;       ///< gets what other actions could not deliver
  std::string rule_name = {};  ///< of those that run
  std::uint64_t queue = 0;     ///< where its records wait when that is not its own queue: a consumer group's; 0 mostly
};

/// What may change of a rule; what is not there stays.
struct RuleChange {
  std::optional<std::string> name, product, about, select, short_topic, topic, where, alarm;
  std::optional<int> topic_type;
  std::optional<std::string> data_type;  ///< "JSON", "BINARY"; when a rule is created
};

/// Parses an alarm's settings: {"silence":seconds,"remind":seconds,"recovery":true}. problem: what is wrong with them.
std::optional<AlarmSettings> alarm_of(std::string_view json, std::string& problem);

/// The rules, their actions, and what of them runs. SQLite; configurations encrypted, for they hold secrets. Whatever
/// changes what runs is told to `changed` before the call returns. Management thread.
class Rules {
 public:
  static constexpr std::size_t kMaxRules = 1000, kMaxActions = 10;  ///< documented
  struct Wiring {
    runtime::Loop& loop;
    std::function<bool(std::string_view product)> is_product;
    /// What is wrong with an action's configuration, for people; nothing when it will do. Reaches for no network.
    std::function<std::optional<std::string>(std::string_view type, std::string_view configuration)> check;
    /// The rules and actions that run have changed.
    std::function<void()> changed;
  };
  static runtime::Outcome<std::unique_ptr<Rules>> open(const std::filesystem::path& file, registry::SecretBox box,
                                                       Wiring wiring);

  Answer<RuleRecord> create(const RuleChange& wanted);
  Answer<RuleRecord> update(std::uint64_t id, const RuleChange& change);  ///< a running one takes it up at once
  Answer<void> erase(std::uint64_t id);                                   ///< not a running one
  Answer<RuleRecord> rule(std::uint64_t id);
  Answer<registry::Page<RuleRecord>> rules(registry::PageRequest page);  ///< newest first
  Answer<void> start(std::uint64_t id);
  Answer<void> stop(std::uint64_t id);

  Answer<ActionRecord> create_action(std::uint64_t rule, std::string_view type, std::string_view configuration,
                                     bool is_error);
  Answer<ActionRecord> update_action(std::uint64_t id, std::string_view type, std::string_view configuration);
  Answer<ActionRecord> action(std::uint64_t id);
  Answer<std::vector<ActionRecord>> actions(std::uint64_t rule);
  Answer<void> erase_action(std::uint64_t id);

  /// What shards are to hold messages against.
  std::vector<RunningRule> running();
  /// The actions of rules that run.
  std::vector<ActionRecord> running_actions();
  /// Every action there is.
  std::vector<ActionRecord> all_actions();
  /// Every rule there is with the number of its SQL, and every action: of others nothing is remembered.
  std::unordered_map<std::uint64_t, std::uint32_t> revisions();
  std::unordered_set<std::uint64_t> action_ids();

 private:
  Rules(store::Database database, registry::SecretBox box, Wiring wiring);
  Answer<void> check_sql(RuleRecord& rule);
  Answer<void> apply(RuleRecord& rule, const RuleChange& change);
  Answer<void> write(const RuleRecord& rule);
  Answer<void> set_running(std::uint64_t id, bool is_running);
  std::optional<ActionRecord> read_action(store::Statement& row);
  std::string sealed(std::uint64_t id, std::string_view configuration) const;

  store::Database database_;
  registry::SecretBox box_;
  Wiring wiring_;
};

}  // namespace tercet::rule
