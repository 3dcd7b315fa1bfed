#include "tercet/auth/psk.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::auth;

namespace {

constexpr std::string_view kIdentity = "devicename|hmacsha256|a1B2c3D4e5F&sensor_01|2524608000000";
constexpr std::string_view kKey = "1A4412322E8DAA34FBCC95BB5BAB489F9E2E55063602C3F40E94BEABB27F70EB";

Triple triple() {
  return {{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")},
          *DeviceSecret::parse("0123456789abcdef0123456789abcdef")};
}

}  // namespace

TEST_CASE("identity and key of a pre-shared key equal what the vendor's C SDKs make") {
  const auto made = make_psk_credentials(triple());
  REQUIRE(made);
  CHECK(made->identity.str() == kIdentity);
  CHECK(made->key.str() == kKey);
}

TEST_CASE("an identity is taken apart, and the key follows from it and the secret") {
  const auto identity = parse_psk_identity(kIdentity);
  REQUIRE(identity);
  CHECK(identity->product == "a1B2c3D4e5F");
  CHECK(identity->device == "sensor_01");
  CHECK(identity->timestamp == "2524608000000");
  CHECK(make_psk_key(*identity, triple().secret.str()).str() == kKey);
  CHECK(make_psk_key(*identity, "another").str() != kKey);
  const auto older = parse_psk_identity("devicename|hmacsha1|pk&dn|1700000000000");
  REQUIRE(older);
  CHECK(make_psk_key(*older, "s").str().size() == 40);
}

TEST_CASE("the longest names fit") {
  const Triple longest{{*ProductKey::parse(std::string(20, 'p')), *DeviceName::parse(std::string(32, 'd'))},
                       *DeviceSecret::parse(std::string(64, 's'))};
  const auto made = make_psk_credentials(longest);
  REQUIRE(made);
  CHECK(parse_psk_identity(made->identity.str()));
}

TEST_CASE("what is not such an identity is refused: every cut, a field too many, other types, no digits") {
  for (std::size_t size = 0; size <= kIdentity.rfind('|') + 1; ++size)
    CHECK(!parse_psk_identity(kIdentity.substr(0, size)));
  for (const char* bad :
       {"devicename|hmacsha256|pk&dn|12|", "devicename|hmacsha256|pk&dn|12|3", "id2|hmacsha256|pk&dn|12",
        "devicename|sm3|pk&dn|12", "devicename|hmacsha256|pk|12", "devicename|hmacsha256|pk&dn&x|12",
        "devicename|hmacsha256|pk&dn|1x", "devicename|hmacsha256|pk&dn|123456789012345678901"})
    CHECK(!parse_psk_identity(bad));
}
