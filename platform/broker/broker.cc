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

void Broker::disconnect(std::string_view identity_key, bool forget) { shard_->disconnect(identity_key, forget); }

bool Broker::is_online(std::string_view identity_key) const {
  const Session* found = shard_->find(identity_key);
  return found != nullptr && found->connection != nullptr;
}

void Broker::publish(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain) {
  shard_->publish_own(topic, payload, qos, retain);
}

void Broker::shut_down() { shard_->shut_down(); }

const Counters& Broker::counters() const { return shard_->counters(); }

}  // namespace tercet::broker
