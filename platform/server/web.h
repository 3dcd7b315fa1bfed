#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/openapi/device_files.h"
#include "platform/openapi/http.h"
#include "platform/openapi/models.h"
#include "platform/openapi/site.h"
#include "platform/runtime/tls.h"
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
  };
  explicit Web(const Parts& parts);

  /// Problems: io_failed, the port is taken; bad_argument, no address.
  runtime::Outcome<runtime::Address> listen(const std::string& host, std::uint16_t port);
  /// Files for devices, over TLS. Problems as listen().
  runtime::Outcome<runtime::Address> listen_for_devices(const std::string& host, std::uint16_t port,
                                                        runtime::TlsServerContext context);
  /// To one device; `told` runs on the management loop. What Upgrades sends with.
  void send(upgrade::Letter letter, std::function<void(thing::Delivery)> told);
  /// A link or a token that logs in once.
  std::string make_login_token() { return site_.console().make_login_token(); }
  /// Closes every connection. On the management loop.
  void close();

 private:
  void gather_logins();
  void watch(const Parts& parts);

  runtime::Loop& management_;
  openapi::Fleet fleet_;
  openapi::Models models_;
  openapi::Site site_;
  std::unique_ptr<openapi::HttpServer> http_;
  openapi::DeviceFiles device_files_;
  std::unique_ptr<openapi::HttpServer> files_http_;
  runtime::Shards& shard_loops_;
  const std::vector<std::unique_ptr<Shard>>& shards_;
  std::vector<registry::LoginCounters> logins_;  ///< what each shard told last
  runtime::Timer gather_;
};

}  // namespace tercet::server
