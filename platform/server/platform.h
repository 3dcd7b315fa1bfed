#pragma once
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/registry/directory_feed.h"
#include "platform/registry/journal_store.h"
#include "platform/registry/psk_keys.h"
#include "platform/registry/registry.h"
#include "platform/runtime/pki.h"
#include "platform/runtime/shard_set.h"
#include "platform/server/config.h"
#include "platform/server/consumer_port.h"
#include "platform/server/data_dir.h"
#include "platform/server/file_feed.h"
#include "platform/server/login_feed.h"
#include "platform/server/message_feed.h"
#include "platform/server/ready_file.h"
#include "platform/server/registration_feed.h"
#include "platform/server/rule_engine.h"
#include "platform/server/shard.h"
#include "platform/server/web.h"
#include "platform/thing/retention.h"

namespace tercet::server {

/// The whole platform in one object: store, registry, shards, listeners, web front. Opened, started and stopped by one
/// thread, which does nothing else meanwhile.
class Platform final {
 public:
  /// Opens everything and listens, but serves nobody yet. Problems: whatever stands in the way, with its remedy.
  static runtime::Outcome<std::unique_ptr<Platform>> open(const Config& config);
  ~Platform();  ///< stop()
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  /// Lets the threads run.
  void start();
  /// Says goodbye to clients, makes everything durable, ends the threads. Again: nothing.
  void stop();

  const ReadyInfo& ready() const { return ready_; }
  /// Made at the first start and shown once; else "".
  const std::string& fresh_admin_password() const { return fresh_admin_password_; }

 private:
  explicit Platform(const Config& config);
  runtime::Outcome<void> open_all();
  runtime::Outcome<void> open_store();
  runtime::Outcome<void> open_registry();
  runtime::Outcome<void> open_upgrades();
  runtime::Outcome<void> open_jobs();
  runtime::Outcome<void> open_rules();
  runtime::Outcome<void> open_shards();
  runtime::Outcome<void> open_web();
  runtime::Outcome<void> open_files(const runtime::Pki& pki);
  runtime::Outcome<void> open_consumers(const runtime::Pki& pki);
  runtime::Outcome<void> make_first_secrets();
  std::vector<std::string> certificate_names() const;
  std::string files_url(std::uint16_t port) const;

  const Config config_;
  std::unique_ptr<DataDir> data_;
  std::unique_ptr<runtime::EpollLoop> management_;
  std::unique_ptr<runtime::ShardSet> shard_set_;
  struct Engine;  ///< the stream store and what it stands on
  std::unique_ptr<Engine> engine_;
  store::StreamStore* store_ = nullptr;
  std::vector<std::unique_ptr<registry::Directory>> directories_;
  std::unique_ptr<registry::PskKeys> psk_keys_;
  std::unique_ptr<registry::DirectoryFeed> feed_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::JournalStore> journal_;
  broker::BrokerConfig broker_config_;
  std::size_t http_connections_ = 50;
  std::unique_ptr<broker::ShardBrokers> brokers_;
  std::unique_ptr<registry::FileLinks> files_;
  std::unique_ptr<upgrade::Upgrades> upgrades_;
  std::unique_ptr<job::Jobs> jobs_;
  std::unique_ptr<topology::Topology> topology_;
  std::unique_ptr<tag::Tags> tags_;
  std::unique_ptr<file::Files> device_files_;
  std::unique_ptr<thing::Neighbours> neighbours_;
  std::unique_ptr<RuleEngine> rules_;
  std::unique_ptr<ConsumerPort> consumers_;
  std::vector<std::unique_ptr<LoginFeed>> login_feeds_;
  std::vector<std::unique_ptr<RegistrationFeed>> registration_feeds_;
  std::vector<std::unique_ptr<MessageFeed<thing::UpgradeMessage>>> upgrade_feeds_;
  std::vector<std::unique_ptr<MessageFeed<thing::JobMessage>>> job_feeds_;
  std::vector<std::unique_ptr<FileFeed>> file_feeds_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<thing::Retention> retention_;
  runtime::TlsIdentity device_authority_;
  std::unique_ptr<Web> web_;
  ReadyInfo ready_;
  std::string fresh_admin_password_;
  std::thread management_thread_;
  bool running_ = false;
};

}  // namespace tercet::server
