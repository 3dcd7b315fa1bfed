#include "platform/registry/directory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "platform/broker/identity.h"

namespace tercet::registry {
namespace {

/// broker::device_key() on the stack. Names that fit no device give "".
class Key {
 public:
  Key(std::string_view product, std::string_view name) {
    if (product.size() + name.size() + 3 > text_.size()) return;
    add("d/"), add(product), add("/"), add(name);
  }
  operator std::string_view() const { return {text_.data(), size_}; }  // NOLINT: that is what it is

 private:
  void add(std::string_view piece) {
    if (!piece.empty()) std::memcpy(text_.data() + size_, piece.data(), piece.size());
    size_ += piece.size();
  }
  std::array<char, 160> text_;
  std::size_t size_ = 0;
};

}  // namespace

Directory::Directory() = default;
Directory::~Directory() = default;

const Product* Directory::product(std::string_view key) const {
  const auto found = products_.find(key);
  return found == products_.end() ? nullptr : found->second.get();
}

std::shared_ptr<const Product> Directory::shared_product(std::string_view key) const {
  const auto found = products_.find(key);
  return found == products_.end() ? nullptr : found->second;
}

const Device* Directory::device(std::string_view product, std::string_view name) const {
  const auto found = by_name_.find(std::string_view(Key(product, name)));
  return found == by_name_.end() ? nullptr : found->second.get();
}

std::string Directory::copy_secret(std::string_view product, std::string_view name) const {
  const std::shared_lock lock(names_);
  const Device* found = device(product, name);
  return found != nullptr && found->enabled && !found->by_certificate ? found->secret : std::string();
}

const Device* Directory::device(std::uint64_t number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

void Directory::put(std::shared_ptr<const Product> product) {
  auto& place = products_[product->key];
  place = std::move(product);
  const auto kept = place;  // a listener may change the directory
  for (DirectoryListener* listener : listeners_) listener->on_product_changed(*kept);
}

void Directory::put(Device device) {
  const Device& put = place(std::move(device));
  for (DirectoryListener* listener : listeners_) listener->on_device_changed(put);
}

const Device& Directory::place(Device device) {
  const std::unique_lock lock(names_);
  auto& place = by_name_[broker::device_key(device.product, device.name)];
  if (place == nullptr) {
    place = std::make_unique<Device>();
  } else if (place->number == device.number) {
    if (device.activated.ms == 0) device.activated = place->activated;
  } else {
    by_number_.erase(place->number);
  }
  *place = std::move(device);
  by_number_[place->number] = place.get();
  return *place;
}

void Directory::set_activated(std::uint64_t number, UnixMillis at) {
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) return;
  if (found->second->activated.ms == 0) found->second->activated = at;
  found->second->reset = false;
}

void Directory::remove_device(std::string_view product, std::string_view name) {
  remove_sibling(product, name);
  const auto found = by_name_.find(std::string_view(Key(product, name)));
  if (found == by_name_.end()) return;
  std::unique_ptr<Device> gone;
  {
    const std::unique_lock lock(names_);
    gone = std::move(found->second);
    by_name_.erase(found);
  }
  by_number_.erase(gone->number);
  for (DirectoryListener* listener : listeners_) listener->on_device_removed(*gone);
}

void Directory::remove_product(std::string_view key) {
  const auto found = products_.find(key);
  if (found == products_.end()) return;
  products_.erase(found);
  if (const auto kin = siblings_.find(key); kin != siblings_.end()) siblings_.erase(kin);
  for (DirectoryListener* listener : listeners_) listener->on_product_removed(key);
}

void Directory::put_sibling(std::string_view product, std::string_view name, std::string_view secret) {
  auto found = siblings_.find(product);
  if (found == siblings_.end()) found = siblings_.emplace(std::string(product), std::vector<Sibling>{}).first;
  auto& kin = found->second;
  const auto same = std::find_if(kin.begin(), kin.end(), [&](const Sibling& s) { return s.first == name; });
  if (same != kin.end()) {
    same->second = secret;
    return;
  }
  if (kin.size() == kSiblings) kin.erase(kin.begin());
  kin.emplace_back(std::string(name), std::string(secret));
}

void Directory::remove_sibling(std::string_view product, std::string_view name) {
  const auto found = siblings_.find(product);
  if (found != siblings_.end()) std::erase_if(found->second, [&](const Sibling& s) { return s.first == name; });
}

bool Directory::has_sibling(std::string_view product, std::string_view name) const {
  bool has = false;
  each_sibling(product, [&](std::string_view other, std::string_view) { return !(has = other == name); });
  return has;
}

}  // namespace tercet::registry
