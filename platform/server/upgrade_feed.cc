#include "platform/server/upgrade_feed.h"

#include <memory>
#include <utility>

namespace tercet::server {

UpgradeFeed::UpgradeFeed(runtime::Loop& loop, runtime::Loop& management, upgrade::Upgrades& upgrades)
    : management_(management), upgrades_(upgrades) {
  loop.each_pass([this] { flush(); });
}

void UpgradeFeed::on_message(thing::UpgradeMessage message) {
  if (gathered_.size() >= kMost) gathered_.erase(gathered_.begin(), gathered_.begin() + kMost / 10);
  gathered_.push_back(std::move(message));
}

bool UpgradeFeed::flush() {
  if (gathered_.empty()) return true;
  const auto batch = std::make_shared<std::vector<thing::UpgradeMessage>>(std::exchange(gathered_, {}));
  if (management_.post([&upgrades = upgrades_, batch] { upgrades.on_messages(*batch); })) return true;
  gathered_ = std::move(*batch);
  return false;
}

}  // namespace tercet::server
