#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/authenticator.h"
#include "platform/broker/config.h"
#include "platform/broker/counters.h"
#include "platform/broker/identity.h"
#include "platform/broker/ingress.h"
#include "platform/broker/refusal.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/shared_count.h"
#include "platform/store/stream_store.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::broker {

class Broker;
class Shard;  // what a broker is made of; shard.h

/// The brokers of one process, found by shard. Made first and destroyed last; filled while no loop runs yet.
class ShardBrokers {
 public:
  /// `shards` and `config` outlive this. More than 64 shards are our own mistake.
  ShardBrokers(runtime::Shards& shards, const BrokerConfig& config);
  std::size_t count() const { return brokers_.size(); }
  runtime::Shards& shards() const { return *shards_; }
  const BrokerConfig& config() const { return *config_; }
  Broker& at(std::size_t shard) const { return *brokers_[shard]; }
  std::size_t home_of(std::string_view identity_key) const { return shards_->home_of(identity_key); }
  /// Open connections of all shards together: that is what the process's files are divided by.
  std::size_t connections() const { return connections_.value(); }

 private:
  friend class Broker;
  friend class Shard;
  runtime::Shards* shards_;
  const BrokerConfig* config_;
  std::vector<Broker*> brokers_;
  runtime::SharedCount connections_;
};

/// The MQTT broker of one shard: its listeners, connections, sessions, subscriptions and retained messages.
///
/// Wiring, all of it before the loops run (or on the shard's thread):
///   ShardBrokers all{shards, config};
///   for each shard k:  Broker b{all, k, authenticator_k, journal, &store};  b.start(ingress_k);
///   then listen() on one shard with `spread`, or on every shard.
/// Afterwards every call is made on the shard's own thread; others post to `shards.loop(k)`. Destroy brokers after
/// their loops have stopped and before the loops: open connections are closed without a word unless shut_down() ran.
class Broker final : public Egress {
 public:
  /// authenticator, journal and store outlive the broker. store may be null: then nothing survives a restart, and
  /// messages for absent persistent sessions are acknowledged once they are in memory.
  Broker(ShardBrokers& all, std::size_t shard, Authenticator& authenticator, Journal& journal,
         store::StreamStore* store);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Restores this shard's persistent sessions, their queues and the retained messages (blocking reads), then serves.
  /// Every broker of the process must have been made. Errors: io_failed, malformed: the store does not give them.
  Result<void> start(Ingress& ingress);

  /// Accepts on this shard's loop. Gives the address bound. Errors: io_failed, see Loop::last_error().
  Result<runtime::Address> listen(std::shared_ptr<const ListenerConfig> listener);
  /// Takes a stream that somebody else accepted (WebSocket, tests), as if this listener had.
  void accept(std::unique_ptr<runtime::Stream> stream, std::shared_ptr<const ListenerConfig> listener);

  // Egress
  void acknowledge(const AckToken& token) override;
  void disconnect(const AckToken& token, Error why) override;
  bool send(SessionRef session, std::string_view topic, Bytes payload, std::uint8_t qos) override;
  bool send_to(std::string_view identity_key, std::string_view topic, Bytes payload, std::uint8_t qos) override;
  void disconnect(std::string_view identity_key, bool forget) override;
  bool send_for_receipt(std::string_view identity_key, std::string_view topic, Bytes payload,
                        std::uint64_t receipt) override;
  bool awaits_receipt(std::string_view identity_key, std::uint64_t receipt) const override;
  bool is_online(std::string_view identity_key) const override;
  void take_in(const SubDeviceLogin& login) override;
  bool admit(const SubDeviceLogin& login) override;
  bool log_out(SessionRef gateway, std::string_view name) override;
  void give_up(const Ride& ride, std::string_view name) override;
  void end_ride(std::string_view identity_key, RideEnd why) override;
  bool speaks_for(SessionRef gateway, std::string_view name) const override;
  std::size_t sub_devices(SessionRef gateway) const override;
  std::optional<runtime::Address> address_of(SessionRef session) const override;

  /// Publishes in the platform's own name to whoever subscribes, on every shard, and to the device that a custom or
  /// downward system topic addresses. Any topic without wildcards; at most 65535 bytes.
  void publish(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain = false);

  /// Tells every client that the server goes down (MQTT 5), publishes no wills, closes, and submits what is unsaved.
  /// Afterwards the store may be closed. Stops listening.
  void shut_down();

  const Counters& counters() const;
  std::size_t shard() const { return index_; }

 private:
  friend class Shard;
  std::size_t index_;
  std::unique_ptr<Shard> shard_;
};

}  // namespace tercet::broker
