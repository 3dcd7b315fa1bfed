#pragma once
#include <functional>
#include <memory>

#include "platform/broker/broker.h"
#include "platform/broker/visits.h"
#include "platform/registry/directory.h"
#include "platform/registry/http_logins.h"
#include "platform/registry/login.h"
#include "platform/registry/standard_users.h"
#include "platform/registry/throttle.h"
#include "platform/script/runner.h"
#include "platform/thing/ingress.h"

namespace tercet::server {

/// What all shards share while they are wired; outlives them.
struct ShardSurroundings {
  runtime::Shards& shards;
  store::StreamStore& store;
  broker::Journal& journal;
  broker::ShardBrokers& brokers;
  registry::LoginEvents& login_events;
  const registry::FileLinks* files = nullptr;  ///< null: no remote configuration
  std::function<void(const registry::ConfigurationAnswer&)> configured = {};
  std::function<void(thing::UpgradeMessage)> upgrades = {};  ///< empty: no firmware
  registry::Registrar* registrar = nullptr;                  ///< null: boards must be registered beforehand
  std::function<bool(thing::GatewayMessage)> gateways = {};  ///< empty: no topology
  thing::Neighbours* neighbours = nullptr;                   ///< null: no sub-devices
  script::RunnerSettings scripts = {};
  thing::Outlet* outlet = nullptr;                           ///< of this shard; null: no rules
  std::function<bool(thing::TagMessage)> tags = {};          ///< empty: no tags
  std::function<bool(thing::FileMessage)> uploads = {};      ///< empty: no files
  const registry::CertificateIndex* certificates = nullptr;  ///< null: no device logs in with one
  std::function<void(thing::JobMessage)> jobs = {};          ///< empty: no jobs
};
struct ShardSettings {
  registry::ThrottleLimits throttle;
  registry::StandardPolicy users;
  thing::Settings things;
};

/// Everything of one shard: directory, authenticator, broker, things, wired to each other. Made before the loops run,
/// destroyed after they have stopped.
class Shard final : private registry::DirectoryListener {
 public:
  Shard(std::size_t index, const ShardSurroundings& around, const ShardSettings& settings,
        registry::Directory& directory);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Restores what was stored (blocking). After every shard has been made, before the loops run. Errors: io_failed,
  /// malformed.
  Result<void> start();
  /// The other shards' throttles hear of bad logins here. On the shard's thread.
  void share_throttle(const std::vector<std::unique_ptr<Shard>>& all);

  broker::Broker& broker() { return broker_; }
  broker::Visits& visits() { return visits_; }
  registry::HttpLogins& http_logins() { return http_logins_; }
  thing::Things& things() { return ingress_.things(); }
  const registry::LoginAuthenticator& authenticator() const { return authenticator_; }

 private:
  void on_device_changed(const registry::Device& device) override;
  void on_device_removed(const registry::Device& device) override;

  std::size_t index_;
  runtime::Shards& shards_;
  runtime::Loop& loop_;
  registry::Throttle throttle_;
  registry::StandardUsers users_;
  registry::LoginAuthenticator authenticator_;
  registry::HttpLogins http_logins_;
  script::Runner scripts_;
  thing::ThingIngress ingress_;
  broker::Broker broker_;
  broker::Visits visits_;
};

}  // namespace tercet::server
