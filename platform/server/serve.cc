#include "platform/server/serve.h"

#include <pthread.h>

#include <csignal>
#include <cstdio>

#include "platform/runtime/atomic_file.h"
#include "platform/server/platform.h"

namespace tercet::server {
namespace {

void introduce(const Platform& platform, const Config& config) {
  std::printf("Tercet is ready. Data in %s\n", config.data_dir.c_str());
  for (const OpenListener& one : platform.ready().listeners) {
    const bool plain_refused = one.config.transport == ListenerConfig::Transport::sniff && !one.config.allow_plain;
    std::printf("  %-12s %-22s %s, %s%s\n", one.config.name.c_str(), one.address.text().c_str(),
                one.config.policy == ListenerConfig::Policy::cloud ? "devices with a triple" : "MQTT clients",
                one.config.transport == ListenerConfig::Transport::plain ? "plain TCP" : "TLS",
                plain_refused ? " (plain TCP refused)" : "");
  }
  std::printf("  API          %s\n  page         %s\n  CA           %s\n", platform.ready().openapi_url.c_str(),
              platform.ready().page_url.c_str(), platform.ready().ca_path.c_str());
  if (!platform.ready().files_url.empty())
    std::printf("  files        %s, for devices\n", platform.ready().files_url.c_str());
  if (!platform.ready().amqp_url.empty())
    std::printf("  AMQP         %s, for consumers\n", platform.ready().amqp_url.c_str());
  if (!platform.fresh_admin_password().empty())
    std::printf("  admin password, shown this once: %s\n", platform.fresh_admin_password().c_str());
  std::fflush(stdout);
}

}  // namespace

int serve(const Config& config) {
  // Blocked before any thread is made, so that only sigwait() takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto platform = Platform::open(config);
  if (!platform) {
    std::fprintf(stderr, "tercet serve: %s\n", platform.problem().detail.c_str());
    return 1;
  }
  (*platform)->start();
  introduce(**platform, config);
  if (!config.ready_file.empty()) {
    const auto written = runtime::write_file_atomically(config.ready_file, render_ready((*platform)->ready()),
                                                        runtime::FileMode::secret);
    if (!written) {
      std::fprintf(stderr, "tercet serve: %s\n", written.problem().detail.c_str());
      return 1;
    }
  }
  int signal = 0;
  sigwait(&signals, &signal);
  std::printf("Tercet stops (signal %d)\n", signal);
  (*platform)->stop();
  return 0;
}

}  // namespace tercet::server
