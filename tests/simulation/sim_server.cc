#include "tests/simulation/sim_server.h"

#include "platform/thing/record.h"

namespace tercet::simulation {

SimServer::SimServer(runtime::SimHost& host, std::size_t shards) : host_(host), loops_(host, shards) {
  config_.cloud.switch_off_rates();
}

SimServer::~SimServer() {
  shards_.clear();
  brokers_.reset();
  store_.crash();
}

void SimServer::start() {
  brokers_ = std::make_unique<broker::ShardBrokers>(loops_, config_);
  directories_.clear();
  for (std::size_t i = 0; i < loops_.count(); ++i) {
    directories_.push_back(std::make_unique<registry::Directory>());
    for (const auto& product : products_) directories_.back()->put(product);
  }
  for (const registry::Device& device : devices_)
    directories_[loops_.home_of(broker::device_key(device.product, device.name))]->put(device);
  const server::ShardSurroundings around{loops_, store_, *this, *brokers_, *this};
  for (std::size_t i = 0; i < loops_.count(); ++i)
    shards_.push_back(std::make_unique<server::Shard>(i, around, server::ShardSettings{}, *directories_[i]));
  for (const auto& shard : shards_) TERCET_CHECK(shard->start());
  auto listener = std::make_shared<broker::ListenerConfig>();
  listener->address = host_.address(kPort);
  listener->mode = broker::PortMode::plain;
  listener->policy = broker::PolicyKind::cloud;
  listener->spread = true;
  TERCET_CHECK(shards_.front()->broker().listen(std::move(listener)));
}

void SimServer::forget_history(std::uint64_t device) {
  std::string from, to;
  thing::append_key(from, {device, thing::RecordKind::properties, {}, 0});
  thing::append_key(to, {device + 1, thing::RecordKind::properties, {}, 0});
  store::Mutations known;
  const auto note = [&](std::string_view key, std::string_view) {
    known.erase(store::Family::history, key);
    return true;
  };
  TERCET_CHECK(store_.scan(store::Family::history, from, to, store::StreamStore::Order::ascending, note));
  if (!known.empty()) static_cast<void>(store_.submit(loops_.loop(0), std::move(known), {}));
}

void SimServer::kill(runtime::SimHost::Death death) {
  host_.kill(death);
  shards_.clear();
  brokers_.reset();
  directories_.clear();
  store_.crash();
  host_.revive();
}

}  // namespace tercet::simulation
