#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "platform/broker/refusal.h"
#include "platform/registry/registry.h"
#include "platform/rule/destinations.h"
#include "platform/runtime/epoll_loop.h"
#include "platform/runtime/tls.h"
#include "platform/server/config.h"
#include "platform/subscription/consumers.h"
#include "platform/subscription/groups.h"

namespace tercet::server {

/// Server-side subscription: the AMQP port on a thread of its own, wired to this platform's groups, keys and queues.
/// Opened, begun and stopped as the rest of the platform; what else is on the management thread.
class ConsumerPort final : public subscription::Consumers {
 public:
  struct Parts {
    runtime::Loop& management;
    store::StreamStore& store;
    std::uint16_t shards;
    registry::Registry& registry;
    broker::Journal& journal;
    subscription::Groups& groups;
    rule::Destinations& destinations;
    const Config& config;
  };
  /// Problems: io_failed, no descriptors are left.
  static runtime::Outcome<std::unique_ptr<ConsumerPort>> open(const Parts& parts);
  ~ConsumerPort() override;
  ConsumerPort(const ConsumerPort&) = delete;
  ConsumerPort& operator=(const ConsumerPort&) = delete;

  /// Problems: bad_argument, no address; io_failed, the port is taken.
  runtime::Outcome<runtime::Address> listen(const std::string& host, std::uint16_t port,
                                            runtime::TlsServerContext context);
  void start();
  /// Says goodbye and ends the thread. Waits; from the thread that stops the platform, while the management loop runs
  /// and before the store is closed.
  void stop();
  /// The groups that there are, and the tags that rules give.
  void use(std::vector<std::uint64_t> destinations, std::vector<subscription::AmqpServer::RuleTag> tags);

  bool status(std::uint64_t destination, std::function<void(subscription::GroupStatus)> then) override;
  bool clear(std::uint64_t destination, std::function<void(std::uint64_t)> then) override;
  subscription::AmqpServer::Counters counters() const override { return counters_; }

 private:
  ConsumerPort(const Parts& parts, std::unique_ptr<runtime::EpollLoop> loop);
  void authenticate(subscription::ConsumerLogin login, std::string password,
                    std::function<void(subscription::AmqpServer::Verdict)> then);
  subscription::AmqpServer::Verdict judge(const subscription::ConsumerLogin& login, const std::string& password);
  void wake(std::uint64_t destination);
  void look();
  void take_up();

  Parts parts_;
  std::unique_ptr<runtime::EpollLoop> loop_;
  std::unique_ptr<subscription::AmqpServer> server_;  ///< of loop_
  std::thread thread_;
  struct Wanted {
    std::vector<std::uint64_t> destinations;
    std::vector<subscription::AmqpServer::RuleTag> tags;
  };
  std::mutex mutex_;  ///< over the next two: shards and the management thread put in, the port's thread takes out
  std::unordered_set<std::uint64_t> woken_;
  std::optional<Wanted> wanted_;
  subscription::AmqpServer::Counters counters_;
  runtime::Timer look_;
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tercet::server
