#pragma once
#include <string_view>

namespace tercet::setup {

/// Whom a request means, by its Host header. A page of another site can make a browser ask the board under that site's
/// name, by a name that leads to the board (DNS rebinding); the name is then still the other site's.
enum class Host {
  own,     ///< the board's own address: it may see the page
  portal,  ///< where telephones and computers look whether they are online: lead them to the board's address
  other,   ///< refuse it
};

/// `header`: as it came, with or without a port; empty when there was none, which is Host::other.
/// `address`: the board's own, "192.168.4.1". Port 80 alone is answered.
Host host_of(std::string_view header, std::string_view address);

}  // namespace tercet::setup
