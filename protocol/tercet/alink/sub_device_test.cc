#include "tercet/alink/sub_device.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace tercet::alink {
namespace {

std::optional<Result<SubDevice>> first_of(std::string_view text) {
  const auto params = json::parse(text);
  if (!params) return std::nullopt;
  SubDevices devices{*params};
  return devices.next();
}

TEST_CASE("an entry of topo/add is read, with the method under either name and the timestamp as text or number") {
  constexpr std::string_view kEntry =
      R"([{"deviceName":"sub_01","productKey":"pk","sign":"AB","signmethod":"hmacSha1","timestamp":"17","clientId":"c"}])";
  const auto found = first_of(kEntry);
  REQUIRE(found);
  REQUIRE(found->has_value());
  const SubDevice& device = **found;
  CHECK(device.product == "pk");
  CHECK(device.device == "sub_01");
  CHECK(device.sign == "AB");
  CHECK(device.sign_method == "hmacSha1");
  CHECK(*device.timestamp == "17");
  CHECK(*device.client_id == "c");
  const auto node =
      first_of(R"({"productKey":"pk","deviceName":"d","timestamp":1700000000000,"signMethod":"hmacsha1"})");
  REQUIRE(node);
  CHECK(*(*node)->timestamp == "1700000000000");
  CHECK((*node)->sign_method == "hmacsha1");
  CHECK(!(*node)->client_id);
}

TEST_CASE("in a batch of the vendor's C SDK 4 the method stands beside the list") {
  const auto params = json::parse(
      R"({"signMethod":"hmacSha256","deviceList":[{"productKey":"pk","deviceName":"a"},{"productKey":"pk","deviceName":"b","signMethod":"hmacMd5"}]})");
  REQUIRE(params);
  SubDevices devices{*params};
  CHECK(devices.ok());
  CHECK(devices.count() == 2);
  CHECK((*devices.next())->sign_method == "hmacSha256");
  CHECK((*devices.next())->sign_method == "hmacMd5");
  CHECK(!devices.next());
}

TEST_CASE("what is no list of sub-devices is not taken for one, and a bad entry does not hide the next") {
  for (const std::string_view bad : {"[]", "3", "\"x\"", R"({"deviceList":{}})", R"({"deviceList":[]})", "null"}) {
    CAPTURE(bad);
    const auto params = json::parse(bad);
    REQUIRE(params);
    SubDevices devices{*params};
    CHECK(!devices.ok());
    CHECK(!devices.next());
  }
  const auto params = json::parse(
      R"([{"productKey":"pk"},7,{"productKey":"p\u006b","deviceName":"d"},{"productKey":"","deviceName":"d"},{"productKey":"pk","deviceName":"d"}])");
  REQUIRE(params);
  SubDevices devices{*params};
  for (int i = 0; i < 4; ++i) CHECK(!devices.next()->has_value());
  CHECK(devices.next()->has_value());
  CHECK(!devices.next());
}

TEST_CASE("no truncation of a batch is read as one") {
  const std::string whole = R"({"deviceList":[{"productKey":"pk","deviceName":"a","sign":"00"}]})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto params = json::parse(std::string_view(whole).substr(0, size));
    CHECK(!params.has_value());
  }
}

TEST_CASE("a sub-device is written in the order of the documents, and read back") {
  std::array<std::uint8_t, 96> space{};
  tercet::Writer out{space};
  json::Writer json{out};
  write_sub_device(json, "pk", "sub_01");
  REQUIRE(out.ok());
  CHECK(out.text() == R"({"deviceName":"sub_01","productKey":"pk"})");
  const auto again = first_of(out.text());
  REQUIRE(again);
  CHECK((*again)->device == "sub_01");
}

}  // namespace
}  // namespace tercet::alink
