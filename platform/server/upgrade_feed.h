#pragma once
#include <vector>

#include "platform/runtime/loop.h"
#include "platform/upgrade/upgrades.h"

namespace tercet::server {

/// What one shard's devices say about their firmware, on its way to the management thread: what a pass has gathered
/// goes over together, and is kept while that thread has no room. Beyond kMost the oldest goes: devices report their
/// version at every login. Shard's thread.
class UpgradeFeed {
 public:
  static constexpr std::size_t kMost = 100'000;

  UpgradeFeed(runtime::Loop& loop, runtime::Loop& management, upgrade::Upgrades& upgrades);
  UpgradeFeed(const UpgradeFeed&) = delete;
  UpgradeFeed& operator=(const UpgradeFeed&) = delete;

  void on_message(thing::UpgradeMessage message);
  /// Called by itself at the end of every pass. False: the management thread has no room; it is kept.
  bool flush();

 private:
  runtime::Loop& management_;
  upgrade::Upgrades& upgrades_;
  std::vector<thing::UpgradeMessage> gathered_;
};

}  // namespace tercet::server
