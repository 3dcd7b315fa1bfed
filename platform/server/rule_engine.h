#pragma once
#include <map>
#include <memory>
#include <unordered_map>

#include "platform/broker/broker.h"
#include "platform/registry/directory.h"
#include "platform/registry/registry.h"
#include "platform/rule/destinations.h"
#include "platform/rule/rules.h"
#include "platform/server/config.h"
#include "platform/server/data_dir.h"
#include "platform/sink/make.h"
#include "platform/subscription/amqp_server.h"
#include "platform/subscription/groups.h"

namespace tercet::server {

/// The rules, what runs of them, and where it goes: wired to this platform's store, shards and broker. Opened before
/// the shards, which ask it for their outlets, and destroyed after they have stopped and the store is closed.
class RuleEngine {
 public:
  struct Parts {
    runtime::Loop& management;
    runtime::Shards& shards;
    store::StreamStore& store;
    registry::Registry& registry;
    const std::vector<std::unique_ptr<registry::Directory>>& directories;
    const Config& config;
  };
  /// Problems: the database's, and stored state that cannot be read.
  static runtime::Outcome<std::unique_ptr<RuleEngine>> open(const DataDir& data, const Parts& parts);
  RuleEngine(const RuleEngine&) = delete;
  RuleEngine& operator=(const RuleEngine&) = delete;

  /// How the platform publishes in its own name, on a shard. Before begin().
  using Publish = std::function<void(std::size_t shard, std::string_view topic, Bytes payload, std::uint8_t qos)>;
  void attach(Publish publish) { publish_ = std::move(publish); }
  /// Told which consumer groups there are (their destinations), and what tags rules give their messages. Before
  /// begin().
  using UseGroups =
      std::function<void(std::vector<std::uint64_t> destinations, std::vector<subscription::AmqpServer::RuleTag> tags)>;
  void attach(UseGroups use) { use_groups_ = std::move(use); }
  /// What was running when the platform stopped runs again. Before the loops run.
  void begin() { apply(); }
  /// Ends every target's thread. Waits; from the thread that stops the platform, while the loops run.
  void stop();

  rule::Rules& rules() { return *rules_; }
  rule::Destinations& destinations() { return *destinations_; }
  subscription::Groups& groups() { return *groups_; }

 private:
  explicit RuleEngine(const Parts& parts) : parts_(parts) {}
  /// A shard's devices' tags, for attribute(); used on that shard.
  using Tags = std::unordered_map<std::uint64_t, std::map<std::string, std::string, std::less<>>>;
  void keep_tags();
  void apply();
  /// What is wrong with an action that sends to a consumer group.
  std::optional<std::string> check_group(std::string_view configuration);
  bool is_used(std::string_view group);
  bool publish(std::string topic, std::string payload, std::uint8_t qos);

  Parts parts_;
  sink::Surroundings around_;
  Publish publish_;
  UseGroups use_groups_;
  std::vector<std::unique_ptr<Tags>> tags_;
  std::unique_ptr<rule::Rules> rules_;
  std::unique_ptr<subscription::Groups> groups_;
  std::unique_ptr<rule::Destinations> destinations_;
};

}  // namespace tercet::server
