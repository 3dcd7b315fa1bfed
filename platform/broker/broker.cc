#include "platform/broker/broker.h"

#include "platform/broker/shard.h"
#include "tercet/base/check.h"

namespace tercet::broker {

ShardBrokers::ShardBrokers(runtime::Shards& shards, const BrokerConfig& config)
    : shards_(&shards), config_(&config), brokers_(shards.count(), nullptr) {
  TERCET_CHECK(shards.count() >= 1 && shards.count() <= 64);
}

Broker::Broker(ShardBrokers& all, std::size_t shard, Authenticator& authenticator, Journal& journal,
               store::StreamStore* store)
    : index_(shard), shard_(std::make_unique<Shard>(all, shard, authenticator, journal, store)) {
  all.brokers_[shard] = this;
}

Broker::~Broker() = default;

Result<void> Broker::start(Ingress& ingress) { return shard_->start(ingress); }

Result<runtime::Address> Broker::listen(std::shared_ptr<const ListenerConfig> listener) {
  return shard_->listen(std::move(listener));
}

void Broker::accept(std::unique_ptr<runtime::Stream> stream, std::shared_ptr<const ListenerConfig> listener) {
  shard_->accept(std::move(stream), std::move(listener));
}

void Broker::acknowledge(const AckToken& token) { shard_->acknowledge(token); }

void Broker::disconnect(const AckToken& token, Error why) { shard_->disconnect(token, why); }

bool Broker::send(SessionRef session, std::string_view topic, Bytes payload, std::uint8_t qos) {
  Session* found = shard_->sessions().at(session);
  return found != nullptr && shard_->send_alone(*found, topic, payload, qos);
}

bool Broker::send_to(std::string_view identity_key, std::string_view topic, Bytes payload, std::uint8_t qos) {
  Session* found = shard_->find(identity_key);
  return found != nullptr && shard_->send_alone(*found, topic, payload, qos);
}

bool Broker::send_for_receipt(std::string_view identity_key, std::string_view topic, Bytes payload,
                              std::uint64_t receipt) {
  Session* found = shard_->find(identity_key);
  return found != nullptr && found->connection != nullptr && shard_->send_for_receipt(*found, topic, payload, receipt);
}

bool Broker::awaits_receipt(std::string_view identity_key, std::uint64_t receipt) const {
  const Session* found = shard_->find(identity_key);
  return found != nullptr && shard_->awaits_receipt(*found, receipt);
}

void Broker::disconnect(std::string_view identity_key, bool forget) { shard_->disconnect(identity_key, forget); }

bool Broker::is_online(std::string_view identity_key) const {
  const Session* found = shard_->find(identity_key);
  return found != nullptr && found->is_online();
}

void Broker::take_in(const SubDeviceLogin& login) { shard_->take_in(login); }

bool Broker::admit(const SubDeviceLogin& login) { return shard_->admit(login); }

bool Broker::log_out(SessionRef gateway, std::string_view name) { return shard_->log_out(gateway, name); }

void Broker::give_up(const Ride& ride, std::string_view name) { shard_->give_up(ride, name); }

void Broker::end_ride(std::string_view key, RideEnd why) { shard_->end_ride(key, why); }

bool Broker::speaks_for(SessionRef gateway, std::string_view name) const {
  const Session* found = shard_->sessions().at(gateway);
  return found != nullptr && found->rider(name) != nullptr;
}

std::size_t Broker::sub_devices(SessionRef gateway) const {
  const Session* found = shard_->sessions().at(gateway);
  return found != nullptr && found->sub_devices ? found->sub_devices->speaks_for.size() : 0;
}

std::optional<runtime::Address> Broker::address_of(SessionRef session) const {
  const Session* found = shard_->sessions().at(session);
  if (found == nullptr || found->connection == nullptr) return std::nullopt;
  return found->connection->peer();
}

void Broker::publish(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain) {
  shard_->publish_own(topic, payload, qos, retain);
}

void Broker::shut_down() { shard_->shut_down(); }

const Counters& Broker::counters() const { return shard_->counters(); }

}  // namespace tercet::broker
