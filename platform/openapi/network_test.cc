#include "platform/openapi/network.h"

#include <doctest/doctest.h>

#include "platform/runtime/loop.h"

using namespace tercet;
using namespace tercet::openapi;

TEST_CASE("an IPv4 address is a party of its own, an IPv6 one shares its /64") {
  const auto of = [](const char* ip) { return network_of(*runtime::make_address(ip, 80)); };
  CHECK(of("192.0.2.1") == "192.0.2.1");
  CHECK(of("2001:db8:0:1::1") == of("2001:db8:0:1:ffff::2"));
  CHECK(of("2001:db8:0:1::1") != of("2001:db8:0:2::1"));
  CHECK(of("2001:db8::1") == "2001:db8::/64");
}
