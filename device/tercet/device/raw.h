#pragma once
#include <string_view>

#include "tercet/alink/topic.h"
#include "tercet/device/client.h"

namespace tercet::device {

/// Messages in bytes of the board's own, for a product whose data format is pass-through: the platform's script for the
/// product (docs/pass-through.md) makes values of them, and bytes of what it sends. A few bytes a message, where JSON
/// takes a hundred. Uses one of the application's filters (kUserFilters); one task, the Device's.
class Raw {
 public:
  /// The device outlives this, and neither moves.
  Raw(Device& device, const DeviceId& id) : device_(device), id_(id) {}

  /// Asks for commands and for answers to posts. After Device::start(). Errors: of Device::subscribe().
  Result<void> listen(mqtt::Qos qos = mqtt::Qos::at_least_once);

  /// At once, as Device::publish(), whose errors it has: nothing is kept while the network is away.
  Result<void> post(Bytes message, mqtt::Qos qos = mqtt::Qos::at_least_once);
  /// The answer to a command. Errors as post().
  Result<void> answer(Bytes message, mqtt::Qos qos = mqtt::Qos::at_least_once);

  /// What a message that came to DeviceEvents::on_message is.
  enum class Kind : std::uint8_t {
    none,     ///< nothing of ours
    command,  ///< bytes the script made of a property set or a service call: answer() them
    reply,    ///< to a post: the script's bytes, or JSON with a code when the script made nothing of the post
  };
  Kind kind_of(std::string_view topic) const;

 private:
  Result<alink::TopicName> topic(std::string_view tail) const;
  Device& device_;
  const DeviceId& id_;
  alink::TopicName filter_;
};

}  // namespace tercet::device
