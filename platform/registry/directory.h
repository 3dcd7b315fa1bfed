#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tercet/base/time.h"

namespace tercet::registry {

/// How strictly a login's timestamp is held against the server's clock (device-protocol 2.2: the cloud does not).
enum class ClockPolicy : std::uint8_t { off, warn, enforce };
/// How thoroughly posted values are checked (device-protocol 5.10).
enum class Validation : std::uint8_t { none, weak, strong };

/// What a shard must know of a product. Immutable; replaced as a whole.
struct Product {
  std::string key;
  std::string name;
  std::string secret;  ///< in memory only; encrypted on disk
  ClockPolicy clock_policy = ClockPolicy::warn;
  bool article_dialect = true;  ///< accept the tutorial's login form (section 3)
  Validation validation = Validation::weak;
  std::string tsl;  ///< thing model as JSON text; "" when none was imported
  std::uint64_t version = 0;
};

/// What a shard must know of a device to let it in.
struct Device {
  std::uint64_t number = 0;  ///< never reused; keys of history begin with it
  std::string iot_id;
  std::string product;
  std::string name;
  std::string secret;  ///< in memory only; encrypted on disk
  bool enabled = true;
  UnixMillis created{};
  UnixMillis activated{};  ///< 0: never logged in
};

/// One shard's copy of the registry: every product, and the devices whose home it is. Changed only by values that the
/// registry posts to the shard; read without locks. Lookups give pointers that live until the next change.
class Directory {
 public:
  const Product* product(std::string_view key) const;
  const Device* device(std::string_view product, std::string_view name) const;
  const Device* device(std::uint64_t number) const;
  std::shared_ptr<const Product> shared_product(std::string_view key) const;
  std::size_t device_count() const { return by_name_.size(); }

  void put(std::shared_ptr<const Product> product);
  void put(Device device);
  void remove_device(std::string_view product, std::string_view name);
  void remove_product(std::string_view key);
  /// Visits devices of one product (for the examination of a wrong login), at most `limit`.
  template <typename Visit>
  void each_device_of(std::string_view product, std::size_t limit, Visit&& visit) const {
    for (const auto& [number, device] : by_number_) {
      if (device->product != product) continue;
      if (limit-- == 0 || !visit(*device)) return;
    }
  }

 private:
  std::unordered_map<std::string, std::shared_ptr<const Product>> products_;
  std::unordered_map<std::string, std::unique_ptr<Device>> by_name_;  ///< broker::device_key()
  std::unordered_map<std::uint64_t, Device*> by_number_;
};

}  // namespace tercet::registry
