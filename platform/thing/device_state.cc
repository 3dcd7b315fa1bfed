#include "platform/thing/device_state.h"

#include <algorithm>

namespace tercet::thing {

namespace {

std::size_t scatter(std::uint64_t number) {
  const std::uint64_t h = number * 0x9E3779B97F4A7C15u;
  return static_cast<std::size_t>(h ^ (h >> 32));
}

}  // namespace

std::uint32_t DeviceState::find(const std::string* wanted) const {
  const auto count = static_cast<std::uint32_t>(values.size());
  for (std::uint32_t i = 0, at = hint < count ? hint : 0; i < count; ++i, at = at + 1 == count ? 0 : at + 1)
    if (values[at].name == wanted) return at;
  return kNew;
}

void DeviceState::set_login(std::string_view address, std::string_view client_id) {
  login.clear();
  login.reserve(address.size() + 1 + client_id.size());
  login.append(address).append("\n").append(client_id);
}

DeviceState* DeviceTable::find(std::uint64_t number) const {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = scatter(number) & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at] == nullptr || slots_[at]->number == number) return slots_[at];
}

DeviceState& DeviceTable::add(std::unique_ptr<DeviceState> device) {
  DeviceState* const added = device.get();
  ordered_.insert(ordered_.begin() + static_cast<std::ptrdiff_t>(after(device->number)), std::move(device));
  if (ordered_.size() * 2 > slots_.size())
    rebuild(std::max<std::size_t>(64, slots_.size() * 2));
  else
    insert(added);
  return *added;
}

void DeviceTable::remove(std::uint64_t number) {
  const auto at = after(number);
  if (at == 0 || ordered_[at - 1]->number != number) return;
  ordered_.erase(ordered_.begin() + static_cast<std::ptrdiff_t>(at - 1));
  rebuild(slots_.size());
}

std::size_t DeviceTable::after(std::uint64_t number) const {
  if (ordered_.empty() || ordered_.back()->number <= number) return ordered_.size();
  const auto found = std::upper_bound(ordered_.begin(), ordered_.end(), number,
                                      [](std::uint64_t n, const auto& device) { return n < device->number; });
  return static_cast<std::size_t>(found - ordered_.begin());
}

void DeviceTable::insert(DeviceState* device) {
  std::size_t at = scatter(device->number) & (slots_.size() - 1);
  while (slots_[at] != nullptr) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = device;
}

void DeviceTable::rebuild(std::size_t slots) {
  slots_.assign(slots, nullptr);
  for (const auto& device : ordered_) insert(device.get());
}

}  // namespace tercet::thing
