#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/broker/ingress.h"
#include "platform/runtime/loop.h"
#include "tercet/alink/codes.h"
#include "tercet/auth/cause.h"

namespace tercet::thing {

/// The login of a sub-device, on its way from the gateway's shard to the sub-device's home shard. A value: nothing in
/// it points anywhere.
struct SubLogin {
  std::uint64_t gateway = 0;  ///< number
  std::string gateway_name;   ///< "<ProductKey>/<DeviceName>"
  std::uint8_t gateway_ext = 0;
  broker::Ride ride;
  runtime::Address peer;
  std::string product, device;
  std::optional<std::string> client_id, timestamp;
  std::string sign, sign_method;
};

/// What its home shard says to it.
struct SubLoginAnswer {
  alink::Code code = alink::Code::success;
  auth::Cause cause = auth::Cause::internal;    ///< when refused
  std::string evidence;                         ///< when refused
  broker::Egress::SubDeviceLogin session = {};  ///< when taken in
};

/// What gateways' shards ask of the home shard of a sub-device. Called on that shard.
class SubDeviceHome {
 public:
  virtual ~SubDeviceHome() = default;
  enum class Step : std::uint8_t { examine, take_in };
  /// Whether the sub-device may log in over that gateway: it exists, is enabled, in the gateway's topology, and the
  /// signature is right, in this order. With `take_in` its session is opened if so.
  virtual SubLoginAnswer log_in(const SubLogin& login, Step step) = 0;
  /// The gateway could not be told that the sub-device was taken in.
  virtual void undo(const SubLogin& login) = 0;
};

/// The shards as gateways and sub-devices see each other. Made before the thing modules, filled while no loop runs.
class Neighbours {
 public:
  explicit Neighbours(runtime::Shards& shards) : shards_(shards), homes_(shards.count(), nullptr) {}
  void put(std::size_t shard, SubDeviceHome& home) { homes_[shard] = &home; }
  std::size_t home_of(std::string_view identity_key) const { return shards_.home_of(identity_key); }
  /// Runs there later. False: that shard's queue is full.
  bool post(std::size_t shard, std::function<void(SubDeviceHome&)> run) {
    return shards_.loop(shard).post([home = homes_[shard], run = std::move(run)] { run(*home); });
  }

 private:
  runtime::Shards& shards_;
  std::vector<SubDeviceHome*> homes_;
};

}  // namespace tercet::thing
