#pragma once
#include <string>

namespace tercet::isolation {

/// A device as the reference knows it.
struct Names {
  std::string product, device;
};

/// The rules of the cloud policy once more, written from the protocol's tables with plain strings and no regard for
/// speed, so that the broker's own decisions can be compared with it.
bool may_publish(const Names& own, const std::string& topic);
bool may_subscribe(const Names& own, const std::string& filter);

}  // namespace tercet::isolation
