#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "platform/broker/ingress.h"
#include "platform/broker/rate.h"

namespace tercet::broker {

/// What a session needs when it is a gateway's, or that of a sub-device: one whose messages travel over the gateway's
/// connection (docs/gateway.md). A session is one or the other. Few sessions have it.
struct SubDevices {
  struct Rider {
    std::uint64_t ride = 0;
    bool auto_subscribe = false;
    std::uint8_t ext = 0;
  };
  std::optional<Ride> over;  ///< of a sub-device: whose connection it uses
  std::map<std::string, Rider, std::less<>>
      speaks_for;  ///< of a gateway: "<ProductKey>/<DeviceName>" that are logged in

  const Rider* find(std::string_view name) const {
    const auto found = speaks_for.find(name);
    return found == speaks_for.end() ? nullptr : &found->second;
  }
};

}  // namespace tercet::broker
