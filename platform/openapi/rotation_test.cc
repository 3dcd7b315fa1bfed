#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

}  // namespace

TEST_CASE("RotateDeviceSecret gives the new secret and the end of the earlier one, EndDeviceSecretRotation ends it") {
  TestPlatform platform;
  const auto product = platform.call("CreateProduct", {{"ProductName", "rotating"}, {"NodeType", "0"}});
  NamedTexts device{{"ProductKey", text(product.at("ProductKey"))}, {"DeviceName", "sensor_01"}};
  const std::string first = text(platform.call("RegisterDevice", device).at("Data").at("DeviceSecret"));
  NamedTexts call = device;
  call.emplace_back("OverlapSeconds", "");

  for (const char* wrong : {"-1", "7776001", "24h", "9223372036854775807"}) {
    CAPTURE(std::string(wrong));
    call.back().second = wrong;
    CHECK(text(platform.call("RotateDeviceSecret", call).at("Code")) == "tercet.rotation.InvalidOverlap");
  }
  CHECK(text(platform.call("QueryDeviceDetail", device).at("Data").at("DeviceSecret")) == first);

  call.back().second = "3600";
  const UnixMillis before = platform.loop.wall();
  const auto rotated = platform.call("RotateDeviceSecret", call);
  REQUIRE(rotated.at("Success").as_bool());
  const std::string second = text(rotated.at("Data").at("DeviceSecret"));
  CHECK(second != first);
  const auto until = rotated.at("Data").at("EarlierSecretUntil").to_number<std::int64_t>();
  CHECK(until >= before.ms + 3'600'000);
  CHECK(until <= platform.loop.wall().ms + 3'600'000);
  CHECK(text(platform.call("QueryDeviceDetail", device).at("Data").at("DeviceSecret")) == second);
  CHECK(text(platform.call("RotateDeviceSecret", call).at("Code")) == "tercet.rotation.Running");
  CHECK(platform.call("EndDeviceSecretRotation", device).at("Success").as_bool());
  CHECK(text(platform.call("EndDeviceSecretRotation", device).at("Code")) == "tercet.rotation.NotRunning");
}
