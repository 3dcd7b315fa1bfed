#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/openapi/device_files.h"
#include "platform/openapi/device_port.h"
#include "platform/openapi/device_registration.h"
#include "platform/openapi/http.h"
#include "platform/openapi/http_channel.h"
#include "platform/openapi/models.h"
#include "platform/openapi/site.h"
#include "platform/runtime/tls.h"
#include "platform/script/runner.h"
#include "platform/server/shard.h"

namespace tercet::server {

/// The HTTP front on the management loop: OpenAPI, page, health and metrics; and the files of devices.
class Web {
 public:
  struct Parts {
    runtime::Loop& management;
    runtime::Shards& shard_loops;
    registry::Registry& registry;
    registry::JournalStore& journal;
    store::StreamStore& store;
    const std::vector<std::unique_ptr<Shard>>& shards;
    std::size_t connections;  ///< HTTP connections at a time, of people and of devices each
    const registry::FileLinks& files;
    upgrade::Upgrades& upgrades;
    topology::Topology& topology;
    script::RunnerSettings scripts;
    rule::Rules& rules;
    rule::Destinations& destinations;
    tag::Tags& tags;
    file::Files& device_files;
    subscription::Groups& groups;
    subscription::Consumers& consumers;
    const runtime::TlsIdentity& device_authority;  ///< signs the certificates of devices
    job::Jobs& jobs;
  };
  explicit Web(const Parts& parts);

  /// Problems: io_failed, the port is taken; bad_argument, no address.
  runtime::Outcome<runtime::Address> listen(const std::string& host, std::uint16_t port);
  /// What devices find over HTTPS: their files, and MQTT over WebSocket unless that is off. Problems as listen().
  runtime::Outcome<runtime::Address> listen_for_devices(const std::string& host, std::uint16_t port,
                                                        runtime::TlsServerContext context);
  /// POST /auth and /topic/... on the port for devices.
  void offer_http_channel();
  /// MQTT over WebSocket on the port for devices. Before listen_for_devices().
  void offer_web_sockets(broker::Broker& first) { sockets_ = &first; }
  /// To one device; `told` runs on the management loop. What Upgrades sends with.
  void send(upgrade::Letter letter, std::function<void(thing::Delivery)> told);
  /// The same of a message about a topology.
  void send(topology::Letter letter, std::function<void(bool sent)> told);
  /// An answer about tags.
  void send(tag::Letter letter);
  /// Of jobs: their messages, property sets and service calls.
  void send(job::Letter letter, std::function<void(thing::Delivery)> told);
  void execute(job::Command command, std::function<void(thing::SetTicket)> taken,
               std::function<void(thing::CallResult)> ended);
  /// An answer about a file.
  void send(file::Letter letter);
  void tell_applications(thing::Announcement message) { fleet_.tell_applications(std::move(message)); }
  /// A link or a token that logs in once.
  std::string make_login_token() { return site_.console().make_login_token(); }
  /// Closes every connection. On the management loop.
  void close();

 private:
  void gather_logins();
  void take_sockets(const runtime::Address& address);
  void watch(const Parts& parts);
  void watch_rules(openapi::MetricsText& text) const;
  void watch_consumers(openapi::MetricsText& text) const;

  runtime::Loop& management_;
  rule::Destinations& destinations_;
  subscription::Consumers& consumers_;
  script::Runner scripts_;
  openapi::Fleet fleet_;
  openapi::Models models_;
  openapi::Site site_;
  std::unique_ptr<openapi::HttpServer> http_;
  openapi::DeviceRegistration registration_;
  openapi::DeviceFiles device_files_;
  openapi::DevicePort device_port_;
  std::unique_ptr<openapi::HttpChannel> http_channel_;
  std::unique_ptr<openapi::HttpServer> files_http_;
  broker::Broker* sockets_ = nullptr;  ///< takes WebSockets and shares them out
  runtime::Shards& shard_loops_;
  const std::vector<std::unique_ptr<Shard>>& shards_;
  std::vector<registry::LoginCounters> logins_;  ///< what each shard told last
  runtime::Timer gather_;
};

}  // namespace tercet::server
