#pragma once
#include <string>

#include "platform/runtime/stream.h"

namespace tercet::openapi {

/// Whose address it is, for limits of one party: an IPv4 address, or the /64 of an IPv6 address, which one household or
/// machine has to itself: "192.0.2.1", "2001:db8::/64".
std::string network_of(const runtime::Address& address);

}  // namespace tercet::openapi
