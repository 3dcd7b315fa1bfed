#include <algorithm>

#include "platform/broker/identity.h"
#include "platform/thing/shard.h"

namespace tercet::thing {

namespace {

constexpr std::size_t kSlice = 256;

}  // namespace

/// On its way to the devices, a slice at a time.
struct ThingIngress::Shard::Broadcast {
  std::string product, id, payload;
  std::vector<std::uint64_t> devices;
  std::size_t next = 0, sent = 0;
  std::function<void(std::size_t)> done;
};

void ThingIngress::Shard::broadcast(std::string product, std::string id, std::string payload,
                                    std::function<void(std::size_t sent)> done) {
  auto broadcast = std::make_shared<Broadcast>();
  for (const auto& device : devices_.ordered())
    if (device->online && device->product->key == product) broadcast->devices.push_back(device->number);
  broadcast->product = std::move(product), broadcast->id = std::move(id), broadcast->payload = std::move(payload);
  broadcast->done = std::move(done);
  broadcast_slice(broadcast);
}

void ThingIngress::Shard::broadcast_slice(const std::shared_ptr<Broadcast>& broadcast) {
  do {
    const std::size_t end = std::min(broadcast->devices.size(), broadcast->next + kSlice);
    for (; broadcast->next < end; ++broadcast->next) {
      const DeviceState* const device = devices_.find(broadcast->devices[broadcast->next]);
      if (device == nullptr || !device->online) continue;
      topic_.assign("/sys/").append(broadcast->product).append("/").append(device->name);
      topic_.append("/broadcast/request/").append(broadcast->id);
      // QoS 0: for devices that are online, and for them only.
      const std::string key = broker::device_key(broadcast->product, device->name);
      if (egress_->send_to(key, topic_, as_bytes(broadcast->payload), 0)) ++broadcast->sent;
    }
    if (broadcast->next == broadcast->devices.size()) return broadcast->done(broadcast->sent);
    // A full queue: the next slice at once, rather than never.
  } while (!loop_.post([this, broadcast] { broadcast_slice(broadcast); }));
}

}  // namespace tercet::thing
