#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

struct Bench : TestPlatform {
  Bench() { make_board(); }
  boost::json::object ask(const std::string& action, NamedTexts more = {}) {
    NamedTexts all{{"ProductKey", product_key}, {"DeviceName", "board1"}};
    all.insert(all.end(), more.begin(), more.end());
    return call(action, all);
  }
  boost::json::object update(std::string message, std::string delta = "false") {
    return ask("UpdateDeviceShadow", {{"ShadowMessage", std::move(message)}, {"DeltaUpdate", std::move(delta)}});
  }
};

}  // namespace

TEST_CASE("a shadow is shown as a text, replaced, and merged with DeltaUpdate") {
  Bench bench;
  CHECK(text(bench.ask("GetDeviceShadow").at("ShadowMessage")) == "{}");
  REQUIRE(bench.update(R"({"method":"update","state":{"desired":{"a":1,"b":2}},"version":1})").at("Success").as_bool());
  REQUIRE(
      bench.update(R"({"method":"update","state":{"desired":{"b":3}},"version":2})", "true").at("Success").as_bool());
  CHECK(text(bench.ask("GetDeviceShadow").at("ShadowMessage")).starts_with(R"({"state":{"desired":{"a":1,"b":3}})"));
  REQUIRE(bench.update(R"({"method":"update","state":{"desired":{"c":4}},"version":3})").at("Success").as_bool());
  CHECK(text(bench.ask("GetDeviceShadow").at("ShadowMessage")).starts_with(R"({"state":{"desired":{"c":4}})"));
}

TEST_CASE("each mistake in a shadow message has the cloud's code") {
  Bench bench;
  const auto code = [&](std::string message) { return text(bench.update(std::move(message)).at("Code")); };
  const std::string family = "iot.messagebroker.";
  CHECK(code("no json") == family + "ShadowMessageIsNotJson");
  CHECK(code(R"({"state":{}})") == family + "NotFoundMethodInShadowMessage");
  CHECK(code(R"({"method":"get"})") == family + "MethodValueIsNotUpdate");
  CHECK(code(R"({"method":"update","version":1})") == family + "NotFoundStateInShadowMessage");
  CHECK(code(R"({"method":"update","state":{"desired":{"a":1}}})") == family + "NotFoundVersionOrNullVersionValue");
  REQUIRE(bench.update(R"({"method":"update","state":{"desired":{"a":1}},"version":5})").at("Success").as_bool());
  CHECK(code(R"({"method":"update","state":{"desired":{"a":1}},"version":5})") ==
        family + "InvalidVersionValueInShadowMessage");
  CHECK(code(R"({"method":"update","state":{"desired":{"a":")" + std::string(17'000, 'x') + R"("}},"version":6})") ==
        family + "ShadowMessageLengthIsLarge");
  CHECK(text(bench.call("GetDeviceShadow", {{"ProductKey", bench.product_key}, {"DeviceName", "nobody"}}).at("Code")) ==
        "iot.device.NotExistedDevice");
}
