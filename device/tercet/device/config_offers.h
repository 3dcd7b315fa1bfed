#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/alink/topic.h"
#include "tercet/base/triple.h"
#include "tercet/device/client.h"

namespace tercet::device {

/// A configuration file the platform offers. Views live during the call that gave it.
struct ConfigFile {
  std::string_view id;
  std::string_view url;
  std::uint32_t size = 0;
  bool pushed = false;  ///< else an answer to ask()
};

/// What the platform says of remote configuration: asks for the product's file (`thing/config/get`), takes what is
/// pushed
/// (`thing/config/push`), and knows whether the bytes that were fetched are the ones meant. RemoteConfig fetches them
/// too. Needs room for two subscriptions (DeviceBuffers' kUserFilters). The client's task only.
class ConfigOffers {
 public:
  static constexpr std::uint32_t kMostBytes = 64 * 1024;

  /// Subscribes; call it once after Device::start(). Errors: those of Device::subscribe().
  Result<void> start(Device& device, const DeviceId& id);
  /// Asks for the file of this product. Errors: those of Device::publish(); bad_state, before start().
  Result<void> ask();
  /// Hand it what comes to DeviceEvents::on_message. Nothing: not a configuration, or one that cannot be used (answered
  /// with 460 when it was pushed); the ConfigFile before it stays the last one. An answer without a file (6710) is
  /// nothing too.
  std::optional<ConfigFile> on_message(std::string_view topic, Bytes payload);
  /// Whether these are the bytes of the last ConfigFile: size and SHA-256.
  bool verify(Bytes text) const;
  /// SHA-256 of the last ConfigFile.
  Bytes digest() const { return digest_; }
  /// Tells the platform what became of the last push: 200, or 460 with a reason. Harmless when nothing was pushed.
  Result<void> answer(std::int32_t code);

 private:
  bool take(const json::Value& fields, ConfigFile& file);
  Result<void> answer(std::string_view push_id, std::int32_t code);

  Device* device_ = nullptr;
  FixedString<112> push_, reply_;  ///< topics
  FixedString<24> push_id_;
  std::array<std::uint8_t, 32> digest_{};
  std::uint32_t size_ = 0, asked_ = 0;
};

}  // namespace tercet::device
