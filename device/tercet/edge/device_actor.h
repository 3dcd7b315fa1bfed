#pragma once
#include <span>
#include <string_view>

#include "tercet/device/client.h"
#include "tercet/edge/engine.h"

namespace tercet::edge {

/// A local function that rules may call. Its name stands in Model::handlers too.
struct Handler {
  std::string_view name;
  /// context: as below. Errors count against the rule set: see KeeperOptions::most_failures.
  Result<void> (*call)(void* context, const Cause& cause) = nullptr;
  void* context = nullptr;
};

/// Does the actions of rules with the SDK: a set goes to the owner's on_set() like the platform's and what it confirms
/// is posted; events are posted. The client's task only.
class DeviceActor final : public Actor {
 public:
  /// All outlive the actor. owner: whose on_set() obeys; usually what Device was given.
  DeviceActor(device::Device& device, device::DeviceEvents& owner, std::span<const Handler> handlers = {})
      : device_(device), owner_(owner), handlers_(handlers) {}

  /// Errors: denied, the owner does not accept it; too_large, its identifier is longer than 96 bytes.
  Result<void> set(const device::PropertyValue& value) override { return obey(value); }
  /// Errors: not_found; those of the handler.
  Result<void> call(std::string_view handler, const Cause& cause) override { return find_and_call(handler, cause); }
  /// Errors: those of Device::post_event().
  Result<void> post_event(std::string_view event, std::span<const device::PropertyValue> output) override {
    return post(event, output);
  }

 private:
  // What is virtual is inline, so that this class can be used from code built with run-time type information.
  Result<void> obey(const device::PropertyValue& value);
  Result<void> find_and_call(std::string_view handler, const Cause& cause);
  Result<void> post(std::string_view event, std::span<const device::PropertyValue> output);

  device::Device& device_;
  device::DeviceEvents& owner_;
  std::span<const Handler> handlers_;
};

}  // namespace tercet::edge
