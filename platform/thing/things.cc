#include "platform/thing/shard.h"

namespace tercet::thing {

// Reads submit what this pass has gathered, take their copy, and hand it out when all of that is durable. So they show
// every change that has been answered, and none that could still be lost. When the disk fails instead, what was not
// durable is undone and they read anew.

Summary ThingIngress::Shard::summary_of(const DeviceState& device) const {
  Summary out;
  out.device = device.number;
  out.product = device.product->key;
  out.name = device.name;
  out.presence = device.presence();
  out.last_message = UnixMillis{device.last_message};
  out.values.reserve(device.values.size());
  for (const Held& held : device.values) out.values.push_back({*held.name, held.value, UnixMillis{held.time}});
  return out;
}

void ThingIngress::Shard::latest(std::uint64_t number, std::function<void(std::optional<Summary>)> answer) {
  commits_.flush();
  std::optional<Summary> found;
  if (const auto* device = devices_.find(number)) found = summary_of(*device);
  commits_.when_durable(
      {[found = std::move(found), answer] { answer(found); }, [this, number, answer] { latest(number, answer); }});
}

void ThingIngress::Shard::latest_of(std::vector<std::uint64_t> numbers,
                                    std::function<void(std::vector<Summary>)> answer) {
  commits_.flush();
  std::vector<Summary> found;
  for (const auto number : numbers)
    if (const auto* device = devices_.find(number)) found.push_back(summary_of(*device));
  commits_.when_durable({[found = std::move(found), answer] { answer(found); },
                         [this, numbers = std::move(numbers), answer] { latest_of(numbers, answer); }});
}

void ThingIngress::Shard::list(std::string product, std::uint64_t after, std::size_t limit,
                               std::function<void(std::vector<Summary>)> answer) {
  commits_.flush();
  std::vector<Summary> found;
  const auto& ordered = devices_.ordered();
  for (std::size_t at = devices_.after(after); at < ordered.size() && found.size() < limit; ++at)
    if (product.empty() || ordered[at]->product->key == product) found.push_back(summary_of(*ordered[at]));
  commits_.when_durable(
      {[found = std::move(found), answer] { answer(found); },
       [this, product = std::move(product), after, limit, answer] { list(product, after, limit, answer); }});
}

std::optional<Presence> ThingIngress::Shard::presence(std::uint64_t number) const {
  const auto* device = devices_.find(number);
  return device == nullptr ? std::nullopt : std::optional(device->presence());
}

Counts ThingIngress::Shard::counts() const {
  Counts out = counts_;
  out.devices = devices_.size();
  return out;
}

}  // namespace tercet::thing
