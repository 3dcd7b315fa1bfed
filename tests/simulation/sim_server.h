#pragma once
#include <memory>
#include <vector>

#include "platform/runtime/sim.h"
#include "platform/server/shard.h"
#include "platform/store/memory_store.h"

namespace tercet::simulation {

/// A disk that takes nothing for a while, when told so.
class SlowStore final : public store::StreamStore {
 public:
  bool is_behind = false;
  void crash() { disk_.crash(); }

  Result<void> submit(runtime::Loop& origin, store::Mutations mutations, runtime::Task on_durable) override {
    if (is_behind) return fail(Error::no_space);
    return disk_.submit(origin, std::move(mutations), std::move(on_durable));
  }
  Result<std::string> get(store::Family family, std::string_view key) override { return disk_.get(family, key); }
  Result<void> scan(store::Family family, std::string_view from, std::string_view to, Order order,
                    const Visit& visit) override {
    return disk_.scan(family, from, to, order, visit);
  }
  void close() override { disk_.close(); }
  Counters counters() const override { return disk_.counters(); }

 private:
  store::MemoryStore disk_;
};

/// The real platform's shards (broker, authenticator, things) on a simulated host, with a disk in memory. Can be killed
/// and started again; what was not synced is then lost.
class SimServer final : private registry::LoginEvents, private broker::Journal {
 public:
  static constexpr std::uint16_t kPort = 1883;
  SimServer(runtime::SimHost& host, std::size_t shards);
  ~SimServer();

  void add(std::shared_ptr<const registry::Product> product) { products_.push_back(std::move(product)); }
  void add(registry::Device device) { devices_.push_back(std::move(device)); }
  void start();
  void kill(runtime::SimHost::Death death);
  bool is_running() const { return !shards_.empty(); }

  runtime::Address address() const { return host_.address(kPort); }
  store::StreamStore& store() { return store_; }
  /// Takes out of the store what the history of this device has now.
  void forget_history(std::uint64_t device);
  /// From now on the disk takes what it is given, or nothing.
  void fall_behind(bool is_behind) { store_.is_behind = is_behind; }
  std::size_t refusals() const { return refusals_; }

 private:
  void on_first_login(std::uint64_t, UnixMillis) override {}
  void on_login(std::uint64_t, UnixMillis, const runtime::Address&) override {}
  void record(broker::Refusal) override { ++refusals_; }

  runtime::SimHost& host_;
  runtime::SimShards loops_;
  SlowStore store_;
  broker::BrokerConfig config_;
  std::vector<std::shared_ptr<const registry::Product>> products_;
  std::vector<registry::Device> devices_;
  std::vector<std::unique_ptr<registry::Directory>> directories_;
  std::unique_ptr<broker::ShardBrokers> brokers_;
  std::vector<std::unique_ptr<server::Shard>> shards_;
  std::size_t refusals_ = 0;
};

}  // namespace tercet::simulation
