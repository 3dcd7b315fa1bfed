#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/refusal.h"
#include "platform/registry/registry.h"
#include "platform/runtime/loop.h"
#include "platform/thing/outlet.h"
#include "platform/thing/tag_message.h"
#include "tercet/alink/codes.h"
#include "tercet/auth/cause.h"

namespace tercet::tag {

using registry::Answer;

/// One message for one device.
struct Letter {
  std::uint64_t device = 0;
  std::string product, name, topic, payload;
  std::uint8_t qos = 0;
};

/// The tags of devices: what devices say about them, what the API changes, and what applications are told of it. A
/// change is on disk before anybody is answered. Management thread only.
class Tags {
 public:
  struct Parts {
    runtime::Loop& loop;
    registry::Registry& registry;
    broker::Journal& journal;
    std::function<void(Letter letter)> send;                 ///< to a device that is online
    std::function<void(thing::Announcement)> announce = {};  ///< to rules and subscriptions; may be empty
  };
  explicit Tags(Parts parts) : parts_(std::move(parts)) {}
  Tags(const Tags&) = delete;
  Tags& operator=(const Tags&) = delete;

  /// What a device has said; answered by a letter.
  void on_message(const thing::TagMessage& message);

  // The API. Those of the device's SDK are not changed by it.
  /// Sets these; others stay. iot.device.{NotExistedDevice, NoneDeviceProperties, InvalidFormattedDevicePropertyKey,
  /// SaveOrUpdateDevicePropertiesFailed}
  Answer<void> save(const registry::DeviceRef& ref, const std::vector<registry::Tag>& tags);
  /// Takes one away. iot.device.{NotExistedDevice, NullDevicePropertyKey, DeleteDevicePropertyFailed: it has none}
  Answer<void> remove(const registry::DeviceRef& ref, std::string_view key);

 private:
  void update(const thing::TagMessage& message, const registry::Device& device);
  void remove(const thing::TagMessage& message, const registry::Device& device);
  void get(const thing::TagMessage& message);
  void reply(const thing::TagMessage& message, alink::Code code, std::string_view data = "{}");
  void refuse(const thing::TagMessage& message, alink::Code code, auth::Cause cause, std::string_view evidence);
  void announce(const registry::Device& device, std::vector<registry::Tag> changed);

  Parts parts_;
};

}  // namespace tercet::tag
