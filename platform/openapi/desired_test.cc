#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

struct Bench : TestPlatform {
  Bench() {
    make_board();
    for (auto& one : egress) one.reachable = false;
  }
  boost::json::object ask(const std::string& action, NamedTexts more = {}) {
    NamedTexts all{{"ProductKey", product_key}, {"DeviceName", "board1"}};
    all.insert(all.end(), more.begin(), more.end());
    return call(action, all);
  }
  boost::json::array rows(NamedTexts more = {}) {
    return ask("QueryDeviceDesiredProperty", std::move(more))
        .at("Data")
        .at("List")
        .at("DesiredPropertyInfo")
        .as_array();
  }
};

}  // namespace

TEST_CASE("a desired value is set for a device that is away, shown with its version, and cleared") {
  Bench bench;
  const auto made =
      bench.ask("SetDeviceDesiredProperty", {{"Items", R"({"interval":10,"mode":1})"}, {"Versions", "{}"}});
  REQUIRE(made.at("Success").as_bool());
  CHECK(text(made.at("Data").at("Versions")) == R"({"interval":1,"mode":1})");
  CHECK(made.at("Data").at("MessageId").is_string());
  CHECK(bench.rows().size() == 5);  // those that can be written
  auto rows = bench.rows({{"Identifier.1", "interval"}});
  REQUIRE(rows.size() == 1);
  CHECK(text(rows.at(0).at("Value")) == "10");
  CHECK(rows.at(0).at("Version").to_number<int>() == 1);
  CHECK(text(rows.at(0).at("DataType")) == "int");
  CHECK(rows.at(0).at("Time").is_string());

  const auto cleared = bench.ask("ClearDeviceDesiredProperty", {{"Identifies.1", "interval"}});
  CHECK(text(cleared.at("Data").at("Versions")) == R"({"interval":1})");
  rows = bench.rows({{"Identifier.1", "interval"}});
  CHECK(rows.at(0).as_object().find("Value") == rows.at(0).as_object().end());
  CHECK(rows.at(0).at("Version").to_number<int>() == 1);
}

TEST_CASE("a wish by an old version, of a read-only property or of too many is refused") {
  Bench bench;
  const auto code = [&](const char* items, const char* versions) {
    return text(bench.ask("SetDeviceDesiredProperty", {{"Items", items}, {"Versions", versions}}).at("Code"));
  };
  bench.ask("SetDeviceDesiredProperty", {{"Items", R"({"interval":10})"}});
  CHECK(code(R"({"interval":11})", R"({"interval":0})") == "tercet.desired.VersionConflict");
  CHECK(code(R"({"temperature":11.0})", "{}") == "iot.device.SetDevicePropertyFailed");
  CHECK(code("11", "{}") == "iot.device.InvalidFormattedDevicePropertiesString");
  CHECK(code(R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1})", "{}") ==
        "iot.device.TooManyDevicePropertiesPerTime");
}
