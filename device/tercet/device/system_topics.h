#pragma once
#include <array>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/base/writer.h"
#include "tercet/device/client.h"

namespace tercet::device {

/// The topics `/sys/{pk}/{dn}/...` of one part of the SDK that speaks beside the Device's own posts: log, tags,
/// network, configuration. Counts its requests by itself. The client's task only.
class SystemTopics {
 public:
  using Filter = FixedString<112>;

  /// After Device::start(). The device outlives it. Errors: too_large, the names.
  Result<void> start(Device& device, const DeviceId& id);
  /// Messages of `tail` ("thing/config/push") come to DeviceEvents::on_message. The filter lives as long as the device.
  /// Errors: of Device::subscribe(); bad_state, before start(); too_large.
  Result<void> subscribe(std::string_view tail, Filter& filter);
  /// What follows `/sys/{pk}/{dn}/`; "" when it is another's topic.
  std::string_view tail_of(std::string_view topic) const;
  /// Errors: of Device::publish(); bad_state, before start(); too_large.
  Result<void> publish(std::string_view tail, Bytes payload, mqtt::Qos qos = mqtt::Qos::at_least_once);
  /// For the next request; each once.
  MessageId take_id() { return last_id_ = last_id_ == 0xFFFF'FFFF ? 1 : last_id_ + 1; }
  bool is_online() const { return device_ != nullptr && device_->is_online(); }
  Device* device() const { return device_; }

 private:
  Device* device_ = nullptr;
  FixedString<96> head_;
  MessageId last_id_ = 0;
};

/// The digits of a message's id.
class IdText {
 public:
  explicit IdText(MessageId id) : writer_(digits_) { writer_.decimal(std::uint64_t{id}); }
  IdText(const IdText&) = delete;
  IdText& operator=(const IdText&) = delete;
  std::string_view str() const { return writer_.text(); }

 private:
  std::array<std::uint8_t, 12> digits_{};
  Writer writer_;
};

}  // namespace tercet::device
