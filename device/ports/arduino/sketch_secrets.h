#pragma once
#include <optional>
#include <string_view>

#include "tercet/device/port.h"

namespace tercet::arduino {

/// The secret that a sketch was built with. Whoever reads the board's flash has it: the README says when that is too
/// little.
class SketchSecrets final : public device::SecretStore {
 public:
  /// The text lives as long as the program.
  void set(const DeviceId& owner, std::string_view secret) { owner_ = owner, secret_ = secret; }
  Result<DeviceSecret> secret_of(const DeviceId& device) override {
    if (!owner_ || !(*owner_ == device)) return fail(Error::not_found);
    return DeviceSecret::parse(secret_);
  }

 private:
  std::optional<DeviceId> owner_;
  std::string_view secret_;
};

}  // namespace tercet::arduino
