#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

struct Bench : TestPlatform {
  Bench() { make_board(); }
  boost::json::object ask(const std::string& action, NamedTexts more = {}) {
    NamedTexts all{{"ProductKey", product_key}, {"DeviceName", "board1"}};
    all.insert(all.end(), more.begin(), more.end());
    return call(action, all);
  }
  std::string code(const std::string& action, const NamedTexts& more) {
    const auto answer = ask(action, more);
    REQUIRE(!answer.at("Success").as_bool());
    return std::string(answer.at("Code").as_string());
  }
};

}  // namespace

TEST_CASE("tags are saved, shown and deleted by the API, and devices found by them") {
  Bench bench;
  CHECK(bench.ask("QueryDeviceProp").at("Props").as_string() == "{}");
  REQUIRE(bench.ask("SaveDeviceProp", {{"Props", R"({"room":"厨房","floor":2})"}}).at("Success").as_bool());
  REQUIRE(bench.ask("SaveDeviceProp", {{"Props", R"({"floor":"3"})"}}).at("Success").as_bool());
  CHECK(bench.ask("QueryDeviceProp").at("Props").as_string() == R"({"floor":"3","room":"厨房"})");
  const auto found = bench.call("QueryDeviceByTags",
                                {{"Tag.1.TagKey", "room"}, {"Tag.1.TagValue", "厨房"}, {"Tag.2.TagKey", "floor"}});
  REQUIRE(found.at("Success").as_bool());
  CHECK(found.at("Total").to_number<int>() == 1);
  const auto row = found.at("Data").at("SimpleDeviceInfo").at(0);
  CHECK(row.at("DeviceName").as_string() == "board1");
  CHECK(row.at("ProductName").as_string() == "climate");
  REQUIRE(bench.ask("DeleteDeviceProp", {{"PropKey", "room"}}).at("Success").as_bool());
  CHECK(bench.ask("QueryDeviceProp").at("Props").as_string() == R"({"floor":"3"})");
  CHECK(bench.call("QueryDeviceByTags", {{"Tag.1.TagKey", "room"}}).at("Total").to_number<int>() == 0);
}

TEST_CASE("what is wrong with a call about tags is said with the cloud's codes") {
  Bench bench;
  CHECK(bench.code("SaveDeviceProp", {{"Props", "[1]"}}) == "iot.device.InvalidFormattedDevicePropertiesString");
  CHECK(bench.code("SaveDeviceProp", {{"Props", R"({"a":{}})"}}) ==
        "iot.device.InvalidFormattedDevicePropertiesString");
  CHECK(bench.code("SaveDeviceProp", {{"Props", "{\"a\":\"" + std::string(5 * 1024, 'v') + "\"}"}}) ==
        "iot.device.LongDevicePropertiesString");
  CHECK(bench.code("SaveDeviceProp", {{"Props", R"({"a b":"v"})"}}) == "iot.device.InvalidFormattedDevicePropertyKey");
  CHECK(bench.code("DeleteDeviceProp", {{"PropKey", "none"}}) == "iot.device.DeleteDevicePropertyFailed");
  NamedTexts many;
  for (int i = 1; i <= 11; ++i) many.push_back({"Tag." + std::to_string(i) + ".TagKey", "k"});
  CHECK(bench.code("QueryDeviceByTags", many) == "iot.device.NullDevicePropertyKey");
  CHECK(bench.code("QueryDeviceByTags", {{"Tag.1.TagKey", "k"}, {"PageSize", "51"}}) == "iot.common.InvalidPageParams");
}
