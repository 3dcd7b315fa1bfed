#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/broker/refusal.h"
#include "platform/registry/registry.h"
#include "platform/runtime/loop.h"
#include "platform/thing/gateway_message.h"
#include "platform/thing/outlet.h"
#include "tercet/alink/codes.h"
#include "tercet/alink/sub_device.h"
#include "tercet/auth/cause.h"
#include "tercet/json/reader.h"

namespace tercet::topology {

using registry::Answer;

/// One message for one device; QoS 0 for what is asked again when it is lost.
struct Letter {
  std::uint64_t device = 0;
  std::string product, name, topic, payload;
  std::uint8_t qos = 0;
};

/// What a gateway, or an application in its place, shows of a sub-device: its signature (device-protocol 9.1).
struct Proof {
  std::string product, device;
  std::optional<std::string> client_id, timestamp;
  std::string sign, sign_method;
};

/// The topology of gateways: what they ask, what the API changes, and what both are told of it. The registry keeps it;
/// a change is on disk, and known to every shard, before anybody is answered. Management thread only.
class Topology {
 public:
  struct Parts {
    runtime::Loop& loop;
    registry::Registry& registry;
    broker::Journal& journal;
    /// To a device that is online and listens; `sent` runs on the management loop.
    std::function<void(Letter letter, std::function<void(bool sent)> told)> send;
    /// To rules and subscriptions; may be empty.
    std::function<void(thing::Announcement)> announce = {};
  };
  explicit Topology(Parts parts) : parts_(std::move(parts)) {}
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  /// What a gateway has asked. Answered by a letter when the change is everywhere.
  void on_message(const thing::GatewayMessage& message);

  // The API. Problems besides those of the registry: iot.device.{AddTopoRelationFailed, QueryTopoRelationFailed,
  // RemoveTopoRelationFailed}.
  /// The gateway behind a reference.
  Answer<registry::DeviceRecord> gateway(const registry::DeviceRef& ref, registry::ApiCode code);
  /// Asks a gateway to add these devices; gives the message id. `told` says whether it has been sent.
  Answer<std::string> notify_add(const registry::DeviceRef& gateway, const std::vector<registry::DeviceRef>& devices,
                                 std::function<void(bool sent)> told);
  /// Adds them, all or none; a device of another gateway moves. Gateways are told of it.
  Answer<void> add(const registry::DeviceRef& gateway, const std::vector<Proof>& proofs, runtime::Task applied);
  /// Takes a sub-device from its gateway, which is told.
  Answer<void> remove(const registry::DeviceRef& device, runtime::Task applied);

  /// A device has been enabled or disabled, or is deleted (as it was): its gateway, if it has one, is told.
  enum class Change : std::uint8_t { created = 0, deleted = 1, enabled = 2, disabled = 8 };
  void on_change(const registry::Device& device, Change change);

 private:
  struct Refused {
    alink::Code code;
    auth::Cause cause;
    std::string evidence;
  };
  using Devices = std::vector<registry::Device>;
  template <typename T>
  using Checked = runtime::Outcome<T, Refused>;

  // requests.cc
  void on_add(const thing::GatewayMessage& message, const json::Value& params);
  void on_delete(const thing::GatewayMessage& message, const json::Value& params);
  void on_get(const thing::GatewayMessage& message);
  void on_found(const thing::GatewayMessage& message, const json::Value& params);
  Checked<Devices> own_devices(const thing::GatewayMessage& message, const json::Value& params);
  void reply(const thing::GatewayMessage& message, alink::Code code, std::string_view data);
  void refuse(const thing::GatewayMessage& message, const Refused& why);
  void note(const thing::GatewayMessage& message, const Refused& why);
  /// Whether the device may come under the gateway.
  Checked<registry::Device> check(const registry::Device& gateway, const Proof& proof);

  // identities.cc
  void on_register(const thing::GatewayMessage& message, const json::Value& params);
  void on_product_register(const thing::GatewayMessage& message, const json::Value& params);
  void on_unregister(const thing::GatewayMessage& message, const json::Value& params);
  Checked<registry::Device> may_be_told(const registry::Device& gateway, const std::string& product,
                                        const std::string& device);
  Checked<registry::Device> may_be_told(const registry::Device& gateway, const alink::SubDevice& entry);

  // notices.cc
  void tell_changes(const registry::Device& gateway, const std::vector<registry::Moved>& moved, bool by_itself);
  void tell(std::uint64_t gateway, Change change, const Devices& devices);
  void announce(const registry::Device& gateway, std::string_view action, const Devices& devices);
  void send(const registry::Device& gateway, std::string topic, std::string payload);
  std::string next_id();

  Parts parts_;
  std::uint32_t next_id_ = 1;
};

/// `[{"deviceName":"…","productKey":"…"},…]`
std::string list_of(const std::vector<registry::Device>& devices);

}  // namespace tercet::topology
