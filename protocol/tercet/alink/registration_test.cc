#include "tercet/alink/registration.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace tercet;
using namespace tercet::alink;

namespace {

std::string written(const Registered& registered) {
  std::array<std::uint8_t, 256> room;
  Writer out{room};
  write_registered(out, registered);
  REQUIRE(out.ok());
  return std::string(out.text());
}

constexpr std::string_view kListed =
    R"({"productKey":"a1B2c3D4e5F","deviceName":"sensor_01","deviceSecret":"0123456789abcdef0123456789abcdef"})";
constexpr std::string_view kUnlisted =
    R"({"productKey":"a1B2c3D4e5F","deviceName":"sensor_01","clientId":"Sx2mNq1d","deviceToken":"0011aabb"})";

}  // namespace

TEST_CASE("the message of a registration is written as the cloud writes it, and read back [2.9]") {
  const Registered listed{"a1B2c3D4e5F", "sensor_01", "0123456789abcdef0123456789abcdef", "", ""};
  CHECK(written(listed) == kListed);
  const auto back = parse_registered("/ext/register", as_bytes(kListed));
  REQUIRE(back);
  CHECK(back->product == listed.product);
  CHECK(back->device == listed.device);
  CHECK(back->secret == listed.secret);
  CHECK(!back->is_unlisted());

  const Registered unlisted{"a1B2c3D4e5F", "sensor_01", "", "Sx2mNq1d", "0011aabb"};
  CHECK(written(unlisted) == kUnlisted);
  for (const auto topic : {kUnlistedTopic, kRegisterTopic}) {
    const auto read = parse_registered(topic, as_bytes(kUnlisted));
    REQUIRE(read);
    CHECK(read->client_id == "Sx2mNq1d");
    CHECK(read->token == "0011aabb");
    CHECK(read->is_unlisted());
  }
}

TEST_CASE("what is cut short, incomplete or of another topic is no registration") {
  for (std::size_t size = 0; size < kListed.size(); ++size)
    CHECK(!parse_registered(kRegisterTopic, as_bytes(kListed.substr(0, size))));
  CHECK(!parse_registered("/ext/error", as_bytes(kListed)));
  CHECK(!parse_registered(kRegisterTopic, as_bytes(R"({"productKey":"a","deviceName":"b"})")));
  CHECK(!parse_registered(kRegisterTopic, as_bytes(R"({"productKey":"a","deviceName":"b","clientId":"c"})")));
  CHECK(!parse_registered(kRegisterTopic, as_bytes(R"({"deviceName":"b","deviceSecret":"c"})")));
  CHECK(!parse_registered(kRegisterTopic, as_bytes(R"({"productKey":1,"deviceName":"b","deviceSecret":"c"})")));
  CHECK(!parse_registered(kRegisterTopic, as_bytes(R"({"productKey":"a","deviceName":"b","deviceSecret":"c\n"})")));
}
