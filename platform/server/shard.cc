#include "platform/server/shard.h"

namespace tercet::server {
namespace {

broker::Visits::Settings visit_settings(const broker::Limits& limits) {
  broker::Visits::Settings settings;
  settings.topics = {limits.max_topic_bytes, limits.max_custom_slashes};
  settings.per_second = limits.qos1_per_second;
  return settings;
}

}  // namespace

Shard::Shard(std::size_t index, const ShardSurroundings& around, const ShardSettings& settings,
             registry::Directory& directory)
    : index_(index),
      shards_(around.shards),
      loop_(around.shards.loop(index)),
      throttle_(settings.throttle, loop_.random().next()),
      users_(settings.users),
      authenticator_(
          {directory, throttle_, users_, around.journal, around.login_events, around.registrar, around.certificates}),
      http_logins_({directory, throttle_, around.journal, around.login_events,
                    around.brokers.config().cloud.connects_per_minute, loop_.random().next()}),
      scripts_(loop_, around.scripts),
      ingress_({loop_, around.store, directory, around.journal, around.files, around.configured, around.upgrades,
                around.outlet, around.gateways, around.neighbours, &around.login_events, &scripts_, around.tags,
                around.uploads, around.jobs},
               settings.things),
      broker_(around.brokers, index, authenticator_, around.journal, &around.store),
      visits_(broker_, loop_, around.journal, visit_settings(around.brokers.config().cloud)) {
  directory.listen(*this);
  ingress_.attach(visits_);
  visits_.start(ingress_);
  if (around.neighbours != nullptr) around.neighbours->put(index, ingress_.sub_devices());
}

Result<void> Shard::start() {
  if (const auto loaded = ingress_.load(); !loaded) return loaded;
  return broker_.start(ingress_);
}

void Shard::share_throttle(const std::vector<std::unique_ptr<Shard>>& all) {
  auto reports = throttle_.take_reports();
  if (reports.empty()) return;
  const auto failures = std::make_shared<const std::vector<std::uint64_t>>(std::move(reports));
  for (const auto& other : all) {
    if (other.get() == this) continue;
    Shard* shard = other.get();
    // A full queue loses the news: the other shard then counts only what it sees itself.
    static_cast<void>(
        shards_.loop(shard->index_).post([shard, failures] { shard->throttle_.heard(*failures, shard->loop_.now()); }));
  }
}

void Shard::on_device_changed(const registry::Device& device) {
  if (!device.enabled || device.sign_out) broker_.disconnect(broker::device_key(device.product, device.name), false);
}

void Shard::on_device_removed(const registry::Device& device) {
  broker_.disconnect(broker::device_key(device.product, device.name), true);
  things().forget(device.number);
}

}  // namespace tercet::server
