#pragma once
#include <atomic>
#include <cstdint>
#include <string_view>

#include "tercet/device/port.h"

namespace tercet::idf {

/// The board's network as ESP-IDF's events tell it; written by ESP-IDF's event task, read by the client's. One of
/// start_wifi() and start_ethernet() keeps it up from then on: it comes back by itself, with a back-off of 1 s to 60 s,
/// whatever happens, and never restarts the board.
class NetworkState final : public device::Network {
 public:
  bool has_link() const override { return link_.load(std::memory_order_acquire); }
  bool has_address() const override { return has_link() && address_.load(std::memory_order_acquire); }
  /// open_network() has done its part.
  bool is_prepared() const { return prepared_.load(std::memory_order_acquire); }
  void prepared() { prepared_.store(true, std::memory_order_release); }
  void link_is(bool up) { link_.store(up, std::memory_order_release); }
  void address_is(bool there) { address_.store(there, std::memory_order_release); }

 private:
  std::atomic<bool> prepared_{false}, link_{false}, address_{false};
};

/// Prepares what both kinds of network need: event loop, TCP/IP, the events of addresses. Once; `state` lives for ever.
/// Errors: no_space.
Result<void> open_network(NetworkState& state);

/// A cable: the chip's own MAC, or the one of QEMU (Kconfig). Errors: unsupported, the build has no Ethernet;
/// not_found, no transceiver answers; no_space.
Result<void> start_ethernet(NetworkState& state);

/// A Wi-Fi network. Errors: unsupported, the build has no Wi-Fi; bad_argument, the name or password is too long;
/// no_space.
Result<void> start_wifi(NetworkState& state, std::string_view ssid, std::string_view password);
/// Opens a network of the board's own, "Tercet-xxxx" at 192.168.4.1, beside the one it is in. Errors: as start_wifi();
/// bad_argument, the password is shorter than 8 characters.
Result<void> open_access_point(NetworkState& state, std::string_view password);
void close_access_point();
/// "Tercet-" and the end of the board's address.
std::string_view access_point_name();

}  // namespace tercet::idf
