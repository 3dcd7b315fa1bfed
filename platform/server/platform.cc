#include "platform/server/platform.h"

#include <rocksdb/env.h>
#include <sys/resource.h>
#include <unistd.h>

#include <future>

#include "platform/registry/password.h"
#include "platform/store/rocks_store.h"
#include "platform/thing/announcements.h"

namespace tercet::server {
namespace {

unsigned shard_count(const Config& config) {
  constexpr unsigned kMost = 64;
  if (config.shards != 0) return std::min(config.shards, kMost);
  return std::clamp(std::thread::hardware_concurrency(), 1U, kMost);
}

/// How the open files of the process are divided: the store, the databases and HTTP keep a part of their own, whatever
/// strangers open on the MQTT ports.
struct FileBudget {
  std::size_t http = 50;          ///< connections
  std::size_t connections = 250;  ///< MQTT
};
/// Raises the limit of open files as far as the system lets us, and divides it.
FileBudget file_budget() {
  constexpr std::size_t kStore = 576;  // RocksDB keeps at most 512 files open; SQLite, listeners, loops
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  const std::size_t files = std::min<std::size_t>(limit.rlim_cur, 100'000'000);
  FileBudget budget;
  budget.http = std::clamp<std::size_t>(files / 100, 20, 1000);
  const std::size_t reserved = kStore + 2 * budget.http;  // people's and devices'
  const std::size_t mqtt = files > 2 * reserved ? files - reserved : files / 4;
  budget.connections = std::max<std::size_t>(mqtt, 128) - 64;  // 64 wait for their refusal
  return budget;
}

broker::BrokerConfig broker_config(const Config& config, std::size_t budget) {
  broker::BrokerConfig made;
  for (broker::Limits* limits : {&made.cloud, &made.standard}) {
    limits->max_packet_bytes = config.max_packet_bytes;
    limits->max_queued_messages = config.offline_messages;
    limits->max_queued_seconds = config.offline_days * 24 * 3600;
  }
  made.cloud.qos0_per_second = config.device_qos0_per_second;
  made.cloud.qos1_per_second = config.device_qos1_per_second;
  made.cloud.down_per_second = config.device_down_per_second;
  made.cloud.bytes_per_second = config.device_bytes_per_second;
  made.cloud.connects_per_minute = config.device_connects_per_minute;
  made.web_sockets = config.web_sockets;
  made.max_queued_bytes = config.offline_bytes;
  made.queued_share = config.offline_share;
  made.max_retained_messages = config.retained_messages;
  made.max_retained_bytes = config.retained_bytes;
  made.max_retained_message_bytes = config.retained_message_bytes;
  if (!config.device_rate_limits) made.cloud.switch_off_rates();
  made.read_buffer_bytes = std::max<std::size_t>(made.read_buffer_bytes, 2 * std::size_t{config.max_packet_bytes});
  made.max_connections = config.max_connections == 0 ? budget : std::min<std::size_t>(config.max_connections, budget);
  return made;
}

ShardSettings shard_settings(const Config& config) {
  ShardSettings settings;
  settings.throttle.per_name = config.bad_logins_per_name;
  settings.throttle.per_address = config.bad_logins_per_address;
  settings.things.set_timeout = Seconds{config.set_reply_timeout_seconds};
  for (const StandardUser& user : config.users)
    settings.users.users.push_back({user.name, registry::hash_password(user.password)});
  for (const ListenerConfig& listener : config.listeners)
    if (listener.anonymous) settings.users.anonymous_on_loopback = true;
  return settings;
}

/// This program again, as a worker: cli/main.cc.
script::RunnerSettings script_worker() {
  script::RunnerSettings settings;
  settings.program = "/proc/self/exe";
  settings.arguments = {"script-worker"};
  return settings;
}

/// Runs a task on a loop and waits until it is done. A queue that is full gets a second to empty itself.
void run_on(runtime::Loop& loop, std::function<void()> work) {
  std::promise<void> done;
  auto future = done.get_future();
  for (int tries = 0; tries < 1000; ++tries) {
    if (loop.post([&work, &done] {
          work();
          done.set_value();
        }))
      return future.wait();
    future.wait_for(Millis{1});  // the loop works its queue off meanwhile
  }
}

}  // namespace

struct Platform::Engine {
  std::unique_ptr<rocksdb::Env> memory;  ///< history.in_memory: a file system without a disk
  std::unique_ptr<store::RocksStore> store;
};

runtime::Outcome<std::unique_ptr<Platform>> Platform::open(const Config& config) {
  std::unique_ptr<Platform> platform(new Platform(config));
  if (const auto opened = platform->open_all(); !opened) return opened.problem();
  return platform;
}

Platform::Platform(const Config& config) : config_(config) {}

Platform::~Platform() { stop(); }

runtime::Outcome<void> Platform::open_all() {
  auto data = DataDir::open(config_.data_dir);
  if (!data) return data.problem();
  data_ = std::move(*data);
  auto management = runtime::EpollLoop::open();
  auto shards = runtime::ShardSet::open(shard_count(config_));
  if (!management || !shards)
    return runtime::Problem{Error::io_failed, "no file descriptors are left; raise `ulimit -n`"};
  management_ = std::move(*management);
  shard_set_ = std::move(*shards);
  // The databases first: their versions are seen before anything is written.
  for (const auto step : {&Platform::open_registry, &Platform::open_store, &Platform::open_upgrades,
                          &Platform::open_jobs, &Platform::open_rules, &Platform::open_shards, &Platform::open_web})
    if (const auto done = (this->*step)(); !done) return done.problem();
  return {};
}

runtime::Outcome<void> Platform::open_store() {
  engine_ = std::make_unique<Engine>();
  store::RocksOptions options;
  options.folder = data_->file("stream");
  options.durability = config_.synced ? store::Durability::synced : store::Durability::memory;
  options.max_waiting_bytes = config_.waiting_bytes;
  options.accept_loss = config_.accept_data_loss;
  if (config_.history_in_memory) {
    engine_->memory.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    options.env = engine_->memory.get();
    options.folder = "/stream";
  }
  auto opened = store::RocksStore::open(options);
  if (!opened) return opened.problem();
  engine_->store = std::move(*opened);
  store_ = engine_->store.get();
  return {};
}

runtime::Outcome<void> Platform::open_registry() {
  auto key = data_->master_key();
  if (!key) return key.problem();
  std::vector<registry::Directory*> directories;
  for (std::size_t i = 0; i < shard_set_->count(); ++i) {
    directories_.push_back(std::make_unique<registry::Directory>());
    directories.push_back(directories_.back().get());
  }
  psk_keys_ = std::make_unique<registry::PskKeys>(
      std::vector<const registry::Directory*>(directories.begin(), directories.end()),
      [this](std::string_view identity) { return shard_set_->home_of(identity); });
  feed_ = std::make_unique<registry::DirectoryFeed>(*management_, *shard_set_, directories);
  auto opened = registry::Registry::open(data_->file("registry.db"), std::move(*key), *management_, *feed_);
  if (!opened) return opened.problem();
  registry_ = std::move(*opened);
  auto journal = registry::JournalStore::open(data_->file("journal.db"), *management_, [this](std::string_view name) {
    const auto slash = name.find('/');
    return slash != std::string_view::npos && registry_->is_known(name.substr(0, slash), name.substr(slash + 1));
  });
  if (!journal) return journal.problem();
  journal_ = std::move(*journal);
  return {};
}

runtime::Outcome<void> Platform::make_first_secrets() {
  if (registry_->access_keys().empty()) {
    if (const auto made = registry_->create_access_key("made at the first start"); !made)
      return runtime::Problem{made.problem().error, made.problem().detail};
  }
  if (registry_->has_admin_password()) return {};
  static constexpr char kLetters[] = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  for (int i = 0; i < 16; ++i) fresh_admin_password_ += kLetters[management_->random().next() % (sizeof kLetters - 1)];
  if (const auto set = registry_->set_admin_password(fresh_admin_password_); !set)
    return runtime::Problem{set.problem().error, set.problem().detail};
  return {};
}

runtime::Outcome<void> Platform::open_upgrades() {
  files_ = std::make_unique<registry::FileLinks>(management_->random());
  auto opened = upgrade::Upgrades::open(data_->file("ota.db"), data_->file("ota"),
                                        {*management_, *registry_, files_.get(),
                                         [this](upgrade::Letter letter, std::function<void(thing::Delivery)> told) {
                                           web_->send(std::move(letter), std::move(told));
                                         },
                                         [this](thing::Announcement message) {
                                           if (web_) web_->tell_applications(std::move(message));
                                         }});
  if (!opened) return opened.problem();
  upgrades_ = std::move(*opened);
  topology_ = std::make_unique<topology::Topology>(
      topology::Topology::Parts{*management_, *registry_, *journal_,
                                [this](topology::Letter letter, std::function<void(bool)> told) {
                                  web_->send(std::move(letter), std::move(told));
                                },
                                [this](thing::Announcement message) { web_->tell_applications(std::move(message)); }});
  tags_ = std::make_unique<tag::Tags>(tag::Tags::Parts{
      *management_, *registry_, *journal_, [this](tag::Letter letter) { web_->send(std::move(letter)); },
      [this](thing::Announcement message) { web_->tell_applications(std::move(message)); }});
  auto device_files = file::Files::open(
      data_->file("files.db"), data_->file("files"),
      {*management_, *registry_, *journal_, [this](file::Letter letter) { web_->send(std::move(letter)); }});
  if (!device_files) return device_files.problem();
  device_files_ = std::move(*device_files);
  registry_->listen([this](const registry::Device& device, registry::Lifecycle change) {
    if (change == registry::Lifecycle::deleted) device_files_->forget(device.number);
    if (web_) web_->tell_applications(thing::lifecycle_message(device, change, management_->wall()));
  });
  neighbours_ = std::make_unique<thing::Neighbours>(*shard_set_);
  return {};
}

runtime::Outcome<void> Platform::open_jobs() {
  job::Jobs::Wiring wiring{*management_, *registry_,
                           [this](job::Letter letter, std::function<void(thing::Delivery)> told) {
                             web_->send(std::move(letter), std::move(told));
                           },
                           [this](job::Command command, std::function<void(thing::SetTicket)> taken,
                                  std::function<void(thing::CallResult)> ended) {
                             web_->execute(std::move(command), std::move(taken), std::move(ended));
                           }};
  wiring.files.claim = [this](const std::string& key) -> registry::Answer<job::Files::Facts> {
    const auto facts = upgrades_->claim_file(key);
    if (!facts) return facts.problem();
    return job::Files::Facts{facts->md5, facts->sha256};
  };
  wiring.files.drop = [this](const std::string& key) { upgrades_->drop_file(key); };
  wiring.files.link = [this](const std::string& key) {
    constexpr Seconds kHour{3600};
    return files_->is_offered() ? files_->link("/files/job/" + key, management_->wall(), kHour) : std::string();
  };
  auto opened = job::Jobs::open(data_->file("job.db"), std::move(wiring));
  if (!opened) return opened.problem();
  jobs_ = std::move(*opened);
  return {};
}

runtime::Outcome<void> Platform::open_rules() {
  auto opened = RuleEngine::open(*data_, {*management_, *shard_set_, *store_, *registry_, directories_, config_});
  if (!opened) return opened.problem();
  rules_ = std::move(*opened);
  rules_->attach([this](std::size_t shard, std::string_view topic, Bytes payload, std::uint8_t qos) {
    shards_[shard]->broker().publish(topic, payload, qos);
  });
  auto consumers = ConsumerPort::open({*management_, *store_, static_cast<std::uint16_t>(shard_set_->count()),
                                       *registry_, *journal_, rules_->groups(), rules_->destinations(), config_});
  if (!consumers) return consumers.problem();
  consumers_ = std::move(*consumers);
  rules_->attach([this](std::vector<std::uint64_t> groups, std::vector<subscription::AmqpServer::RuleTag> tags) {
    consumers_->use(std::move(groups), std::move(tags));
  });
  return {};
}

runtime::Outcome<void> Platform::open_shards() {
  const FileBudget budget = file_budget();
  http_connections_ = budget.http;
  broker_config_ = broker_config(config_, budget.connections);
  brokers_ = std::make_unique<broker::ShardBrokers>(*shard_set_, broker_config_);
  const ShardSettings settings = shard_settings(config_);
  for (std::size_t i = 0; i < shard_set_->count(); ++i) {
    login_feeds_.push_back(std::make_unique<LoginFeed>(shard_set_->loop(i), *management_, *registry_));
    LoginFeed* const feed = login_feeds_.back().get();
    upgrade_feeds_.push_back(std::make_unique<MessageFeed<thing::UpgradeMessage>>(
        shard_set_->loop(i), *management_,
        [this](const std::vector<thing::UpgradeMessage>& messages) { upgrades_->on_messages(messages); }));
    auto* const upgrades = upgrade_feeds_.back().get();
    job_feeds_.push_back(std::make_unique<MessageFeed<thing::JobMessage>>(
        shard_set_->loop(i), *management_,
        [this](const std::vector<thing::JobMessage>& messages) { jobs_->on_messages(messages); }));
    auto* const jobs = job_feeds_.back().get();
    file_feeds_.push_back(std::make_unique<FileFeed>(shard_set_->loop(i), *management_, *device_files_));
    FileFeed* const uploads = file_feeds_.back().get();
    registration_feeds_.push_back(std::make_unique<RegistrationFeed>(shard_set_->loop(i), *management_, *registry_));
    const ShardSurroundings around{
        *shard_set_,
        *store_,
        *journal_,
        *brokers_,
        *feed,
        files_.get(),
        [feed](const registry::ConfigurationAnswer& answer) { feed->on_configuration_answer(answer); },
        [upgrades](thing::UpgradeMessage message) { upgrades->on_message(std::move(message)); },
        registration_feeds_.back().get(),
        [this](thing::GatewayMessage message) {
          return management_->post([this, message = std::move(message)] { topology_->on_message(message); });
        },
        neighbours_.get(),
        script_worker(),
        &rules_->destinations().outlet(i),
        [this](thing::TagMessage message) {
          return management_->post([this, message = std::move(message)] { tags_->on_message(message); });
        },
        [uploads](thing::FileMessage message) { return uploads->on_message(std::move(message)); },
        &registry_->certificate_index(),
        [jobs](thing::JobMessage message) { jobs->on_message(std::move(message)); }};
    shards_.push_back(std::make_unique<Shard>(i, around, settings, *directories_[i]));
  }
  for (const auto& shard : shards_)
    if (const auto started = shard->start(); !started)
      return runtime::Problem{started.error(), "the stored state in " + data_->file("stream").string() +
                                                   " cannot be read (" + std::string(name(started.error())) +
                                                   "); restore it from a backup"};
  for (const auto& shard : shards_) {
    Shard* one = shard.get();
    shard_set_->loop(one->broker().shard()).each_pass([this, one] { one->share_throttle(shards_); });
  }
  return {};
}

std::vector<std::string> Platform::certificate_names() const {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1", "*.iot-as-mqtt.cn-shanghai.aliyuncs.com"};
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0 && host[0] != 0) names.emplace_back(host);
  for (const std::string& name : config_.names) names.push_back(name);
  return names;
}

runtime::Outcome<void> Platform::open_web() {
  const std::string pki_dir = data_->file("pki").string();
  std::error_code bad;
  std::filesystem::create_directories(pki_dir, bad);
  const auto pki = runtime::Pki::open(pki_dir, certificate_names(), management_->wall());
  if (!pki) return pki.problem();
  auto listeners = open_listeners(
      config_, *pki, shards_.front()->broker(),
      [this](std::string_view identity) { return psk_keys_->answer(identity); },
      [this] { return registry_->certificate_index().in_use(); });
  device_authority_ = pki->devices;
  if (!listeners) return listeners.problem();

  web_ = std::make_unique<Web>(Web::Parts{*management_, *shard_set_, *registry_, *journal_, *store_, shards_,
                                          http_connections_, *files_, *upgrades_, *topology_, script_worker(),
                                          rules_->rules(), rules_->destinations(), *tags_, *device_files_,
                                          rules_->groups(), *consumers_, device_authority_, *jobs_});
  const auto web_address = web_->listen(config_.http_host, config_.http_port);
  if (!web_address) return web_address.problem();
  if (const auto opened = open_files(*pki); !opened) return opened.problem();
  if (const auto opened = open_consumers(*pki); !opened) return opened.problem();
  // Only now that nothing stands in the way any more: a start that fails would take the password with it, unseen.
  if (const auto made = make_first_secrets(); !made) return made.problem();

  thing::Retention::Settings keep;
  keep.days = static_cast<int>(config_.history_days);
  retention_ = std::make_unique<thing::Retention>(*management_, *store_, keep);
  retention_->start();

  rules_->begin();

  const registry::AccessKey key = registry_->access_keys().front();
  ready_.listeners = std::move(*listeners);
  ready_.ca_path = pki->roots_path;
  ready_.files_url = files_->base();
  ready_.openapi_url = "http://" + web_address->text();
  ready_.access_key_id = key.id;
  ready_.access_key_secret = key.secret;
  ready_.page_url = ready_.openapi_url + "/login?token=" + web_->make_login_token();
  ready_.page_token = web_->make_login_token();
  ready_.pid = ::getpid();
  return {};
}

/// How a device reaches the port: by the first of the names that the certificate carries and a person has given, else
/// by the address it listens on, else by this machine's name.
std::string Platform::files_url(std::uint16_t port) const {
  if (!config_.files_url.empty()) return config_.files_url;
  std::string host = config_.files_host;
  if (host == "0.0.0.0" || host == "::") host = "localhost";
  char machine[256] = {};
  if (host == "localhost" && config_.files_host != "localhost" && ::gethostname(machine, sizeof machine - 1) == 0 &&
      machine[0] != 0)
    host = machine;
  for (const std::string& name : config_.names) {
    if (name.find('*') != std::string::npos) continue;
    host = name;
    break;
  }
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "https://" + host + (port == 443 ? "" : ":" + std::to_string(port));
}

runtime::Outcome<void> Platform::open_files(const runtime::Pki& pki) {
  if (!config_.files_offered) return {};
  auto context =
      runtime::TlsServerContext::open(runtime::TlsProfile::compatible, pki.identities(runtime::TlsProfile::modern));
  if (!context) return context.problem();
  if (config_.http_channel) web_->offer_http_channel();
  if (config_.web_sockets) web_->offer_web_sockets(shards_.front()->broker());
  const auto address = web_->listen_for_devices(config_.files_host, config_.files_port, std::move(*context));
  if (!address) return address.problem();
  files_->set_base(files_url(address->port));
  return {};
}

runtime::Outcome<void> Platform::open_consumers(const runtime::Pki& pki) {
  if (!config_.amqp_offered) return {};
  auto context =
      runtime::TlsServerContext::open(runtime::TlsProfile::modern, pki.identities(runtime::TlsProfile::modern));
  if (!context) return context.problem();
  auto address = consumers_->listen(config_.amqp_host, config_.amqp_port, std::move(*context));
  if (!address) return address.problem();
  const std::string ip = address->ip_text();
  const std::string host = ip == "0.0.0.0" ? "127.0.0.1" : ip == "::" ? "[::1]" : ip;
  ready_.amqp_url = "amqps://" + host + ":" + std::to_string(address->port);
  return {};
}

void Platform::start() {
  running_ = true;
  shard_set_->start();
  consumers_->start();
  management_thread_ = runtime::run_in_thread(*management_, "management");
}

void Platform::stop() {
  if (!running_) return;
  running_ = false;
  for (const auto& shard : shards_) {
    broker::Broker& broker = shard->broker();
    run_on(shard_set_->loop(broker.shard()), [&broker] { broker.shut_down(); });
  }
  // What that pass gathered is handed to the store at its end: only after one more pass is it there.
  for (std::size_t i = 0; i < shards_.size(); ++i)
    run_on(shard_set_->loop(i), [&feed = *login_feeds_[i]] { feed.flush(); });
  run_on(*management_, [this] {
    web_->close();
    retention_.reset();
    upgrades_->flush();
    jobs_->flush();
    registry_->flush();
    journal_->flush();
  });
  rules_->stop();
  consumers_->stop();
  // Queries that HTTP had sent to shards have run after one more pass; from then on nobody reads the store.
  for (const auto& shard : shards_) run_on(shard_set_->loop(shard->broker().shard()), [] {});
  store_->close();
  shard_set_->stop_and_join();
  management_->stop();
  management_thread_.join();
}

}  // namespace tercet::server
