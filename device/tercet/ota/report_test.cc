#include "tercet/ota/report.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tercet/alink/topic.h"

using namespace tercet;
using namespace tercet::ota;

namespace {

template <typename Write>
std::string written(Write&& write) {
  std::array<std::uint8_t, kMaxReportBytes> buffer;
  Writer out{buffer};
  write(out);
  REQUIRE(out.ok());
  return std::string(out.text());
}

const DeviceId kId{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};

}  // namespace

TEST_CASE("the version report is as the protocol has it, with the module when there is one") {
  CHECK(written([](Writer& out) { write_version_report(out, 123, "1.0.1", "MCU"); }) ==
        R"({"id":"123","params":{"version":"1.0.1","module":"MCU"}})");
  CHECK(written([](Writer& out) { write_version_report(out, 1, "1.0.1", ""); }) ==
        R"({"id":"1","params":{"version":"1.0.1"}})");
}

TEST_CASE("progress and failures carry their step as text") {
  CHECK(written([](Writer& out) { write_progress(out, 123, -1, "text", "MCU"); }) ==
        R"({"id":"123","params":{"step":"-1","desc":"text","module":"MCU"}})");
  CHECK(written([](Writer& out) { write_progress(out, 2, 100, "", ""); }) ==
        R"({"id":"2","params":{"step":"100","desc":""}})");
}

TEST_CASE("the pull names its method") {
  CHECK(written([](Writer& out) { write_pull(out, 9, "MCU"); }) ==
        R"({"id":"9","version":"1.0","params":{"module":"MCU"},"method":"thing.ota.firmware.get"})");
  CHECK(written([](Writer& out) { write_pull(out, 9, ""); }) ==
        R"({"id":"9","version":"1.0","params":{},"method":"thing.ota.firmware.get"})");
}

TEST_CASE("texts as long as may be, and in need of escapes, fit") {
  const std::string longest(64, '\\');
  CHECK(written([&](Writer& out) { write_version_report(out, 4294967295u, longest, longest); }).size() > 256);
  CHECK(!written([&](Writer& out) { write_progress(out, 4294967295u, 100, "signature_missing", longest); }).empty());
  CHECK(!written([&](Writer& out) { write_pull(out, 4294967295u, longest); }).empty());
}

TEST_CASE("the topics are those of the protocol") {
  constexpr std::string_view kTopics[kChannels] = {
      "/ota/device/inform/a1B2c3D4e5F/sensor_01",          "/ota/device/progress/a1B2c3D4e5F/sensor_01",
      "/ota/device/upgrade/a1B2c3D4e5F/sensor_01",         "/ota/device/request/a1B2c3D4e5F/sensor_01",
      "/sys/a1B2c3D4e5F/sensor_01/thing/ota/firmware/get", "/sys/a1B2c3D4e5F/sensor_01/thing/ota/firmware/get_reply",
      "/sys/a1B2c3D4e5F/sensor_01/thing/file/download",    "/sys/a1B2c3D4e5F/sensor_01/thing/file/download_reply"};
  for (std::size_t i = 0; i < kChannels; ++i)
    CHECK(written([&](Writer& out) { write_topic(out, static_cast<Channel>(i), kId); }) == kTopics[i]);
}
