#include <doctest/doctest.h>

#include "platform/runtime/loop.h"

using namespace tercet;
using namespace tercet::runtime;

TEST_CASE("addresses are read and written back, IPv4 and IPv6") {
  CHECK(make_address("192.0.2.1", 1883)->text() == "192.0.2.1:1883");
  CHECK(make_address("2001:db8::1", 8883)->text() == "[2001:db8::1]:8883");
  CHECK(make_address("2001:DB8:0::1", 8883)->ip_text() == "2001:db8::1");
  CHECK(make_address("0.0.0.0", 0)->ip_text() == "0.0.0.0");
  CHECK(*make_address("10.0.0.1", 1) != *make_address("10.0.0.1", 2));
}

TEST_CASE("what is no address is malformed") {
  for (const char* text : {"", "localhost", "256.0.0.1", "1.2.3", "::g", "1.2.3.4:80"}) {
    CAPTURE(text);
    const auto address = make_address(text, 1);
    REQUIRE(!address);
    CHECK(address.error() == Error::malformed);
  }
}

TEST_CASE("loopback is 127/8 and ::1") {
  CHECK(make_address("127.0.0.1", 1)->is_loopback());
  CHECK(make_address("127.9.9.9", 1)->is_loopback());
  CHECK(make_address("::1", 1)->is_loopback());
  CHECK(!make_address("192.0.2.127", 1)->is_loopback());
  CHECK(!make_address("::2", 1)->is_loopback());
}
