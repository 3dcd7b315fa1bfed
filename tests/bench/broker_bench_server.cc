// The broker alone under a load generator: anonymous, standard policy, loopback, no store, no limits.
//   broker_bench_server [shards] [--tls CERT.pem KEY.pem]
// Prints "port pid" and serves until its standard input closes or it is told to stop.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/broker.h"
#include "platform/runtime/shard_set.h"
#include "platform/runtime/tls.h"

namespace {

using namespace tercet;

class Everyone final : public broker::Authenticator {
 public:
  std::string home_key(const broker::LoginAttempt& attempt) const override {
    return "c/" + std::string(attempt.client_id);
  }
  broker::Verdict authenticate(const broker::LoginAttempt& attempt) override {
    broker::Verdict verdict;
    verdict.accepted = true;
    verdict.identity = {broker::Identity::Kind::client, std::string(attempt.client_id)};
    return verdict;
  }
};

class Nowhere final : public broker::Journal {
 public:
  void record(broker::Refusal) override {}
};

class NoDevices final : public broker::Ingress {
 public:
  Taken on_message(const broker::Inbound&) override { return Taken::done; }
  void on_online(broker::SessionRef, const broker::Identity&, std::uint64_t, const runtime::Address&,
                 std::string_view) override {}
  void on_offline(const broker::Identity&, std::uint64_t) override {}
};

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  std::size_t count = 1;
  std::shared_ptr<runtime::TlsServerContext> tls;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--tls" && i + 2 < arguments.size()) {
      const runtime::TlsIdentity identity{read_file(argv[i + 2]), read_file(argv[i + 3])};
      auto context = runtime::TlsServerContext::open(runtime::TlsProfile::modern, std::span(&identity, 1));
      if (!context) return std::fprintf(stderr, "certificate or key\n"), 1;
      tls = std::make_shared<runtime::TlsServerContext>(std::move(*context));
      i += 2;
    } else {
      count = static_cast<std::size_t>(std::atoi(argv[i + 1]));
    }
  }
  auto shards = runtime::ShardSet::open(count == 0 ? 1 : count);
  if (!shards) return 1;
  broker::BrokerConfig config;
  config.standard.max_in_flight = 65535;
  config.standard.max_unacknowledged = 65535;
  config.standard.max_queued_messages = 1'000'000;
  config.queued_share = 1;
  config.standard.max_output_bytes = 64u << 20;
  broker::ShardBrokers all{**shards, config};
  Everyone everyone;
  Nowhere nowhere;
  NoDevices ingress;
  std::vector<std::unique_ptr<broker::Broker>> brokers;
  for (std::size_t k = 0; k < all.count(); ++k)
    brokers.push_back(std::make_unique<broker::Broker>(all, k, everyone, nowhere, nullptr));
  auto listener = std::make_shared<broker::ListenerConfig>();
  listener->policy = broker::PolicyKind::standard;
  listener->mode = tls ? broker::PortMode::tls : broker::PortMode::plain;
  if (tls)
    listener->secure = [tls](std::unique_ptr<runtime::Stream> plain, Bytes first) {
      return Result<std::unique_ptr<runtime::Stream>>(tls->wrap(std::move(plain), first));
    };
  listener->address = *runtime::make_address("127.0.0.1", 0);
  for (const auto& each : brokers) {
    if (!each->start(ingress)) return 1;
    const auto bound = each->listen(listener);
    if (!bound) return std::fprintf(stderr, "cannot listen\n"), 1;
    listener->address = *bound;
  }
  std::printf("%u %d\n", unsigned{listener->address.port}, getpid());
  std::fflush(stdout);
  (*shards)->start();
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  (*shards)->stop_and_join();
  return 0;
}
