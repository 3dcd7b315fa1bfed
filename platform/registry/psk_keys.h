#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "platform/registry/directory.h"
#include "platform/runtime/tls.h"

namespace tercet::registry {

/// The keys of devices that come with a pre-shared key instead of trusting a certificate (tercet/auth/psk.h). Any
/// thread. A disabled device is as unknown as one that was never registered.
class PskKeys {
 public:
  /// One directory per shard, and which of them an identity key (broker::device_key) lives in. They outlive this.
  PskKeys(std::vector<const Directory*> directories, std::function<std::size_t(std::string_view)> home_of)
      : directories_(std::move(directories)), home_of_(std::move(home_of)) {}

  runtime::PskAnswer answer(std::string_view identity) const;

 private:
  std::vector<const Directory*> directories_;
  std::function<std::size_t(std::string_view)> home_of_;
};

}  // namespace tercet::registry
