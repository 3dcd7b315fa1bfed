#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

std::string code_of(const boost::json::object& answer) { return std::string(answer.at("Code").as_string()); }

constexpr const char* kBoard = "hall_board";

struct Bench : TestPlatform {
  Bench() {
    make_board();
    call("RegisterDevice", {{"ProductKey", product_key}, {"DeviceName", kBoard}});
  }
  std::string make(const std::string& name) {
    const auto made = call("CreateDeviceGroup", {{"GroupName", name}, {"GroupDesc", "d"}});
    return std::string(made.at("Data").at("GroupId").as_string());
  }
};

}  // namespace

TEST_CASE("a group counts its devices, those that were ever online, and those that are") {
  Bench bench;
  const std::string group = bench.make("Shanghai");
  const NamedTexts board{{"GroupId", group},
                         {"Device.1.ProductKey", bench.product_key},
                         {"Device.1.DeviceName", std::string(kBoard)},
                         {"Device.2.ProductKey", bench.product_key},
                         {"Device.2.DeviceName", std::string(kBoard)},
                         {"Device.3.ProductKey", bench.product_key},
                         {"Device.3.DeviceName", "nobody"}};
  const auto added = bench.call("BatchAddDeviceGroupRelations", board);
  CHECK(added.at("ValidDeviceCount") == 1);
  CHECK(added.at("SuccessAddedDeviceCount") == 1);
  CHECK(added.at("AlreadyRelatedGroupDeviceCount") == 0);
  CHECK(added.at("ExceedTenGroupDeviceCount") == 0);
  CHECK(bench.call("BatchAddDeviceGroupRelations", board).at("AlreadyRelatedGroupDeviceCount") == 1);
  const auto info = bench.call("QueryDeviceGroupInfo", {{"GroupId", group}}).at("Data").as_object();
  CHECK(info.at("DeviceCount") == 1);
  CHECK(info.at("GroupName") == "Shanghai");
  CHECK(bench.call("BatchDeleteDeviceGroupRelations", board).at("SuccessDeviceCount") == 1);
  CHECK(bench.call("QueryDeviceGroupInfo", {{"GroupId", group}}).at("Data").at("DeviceCount") == 0);
}

TEST_CASE("what makes no sense of a group is refused by its name") {
  Bench bench;
  const std::string group = bench.make("Shanghai");
  const auto refusal = [&](const char* action, NamedTexts parameters) {
    return code_of(bench.call(action, parameters));
  };
  CHECK(refusal("BatchAddDeviceGroupRelations", {{"GroupId", group}}) == "iot.group.BindGroupRelationFailed");
  NamedTexts many{{"GroupId", group}};
  for (int i = 1; i <= 201; ++i) many.emplace_back("Device." + std::to_string(i) + ".DeviceName", "b");
  CHECK(refusal("BatchAddDeviceGroupRelations", many) == "iot.group.BindGroupRelationFailed");
  for (const char* bad : {"x", "{}", R"([{"tagKey":"a"}])", R"([{"tagKey":1,"tagValue":"b"}])", R"(["a"])"})
    CHECK(refusal("SetDeviceGroupTags", {{"GroupId", group}, {"TagString", bad}}) ==
          "iot.group.InvalidFormattedTagString");
  CHECK(refusal("QueryDeviceGroupByTags", {}) == "iot.group.InvalidFormattedTagString");
  CHECK(refusal("QueryDeviceGroupInfo", {{"GroupId", "nowhere"}}) == "iot.group.NotExistedGroup");
  CHECK(refusal("QuerySuperDeviceGroup", {{"GroupId", "nowhere"}}) == "iot.group.NotExistedGroup");
  CHECK(bench.call("QuerySuperDeviceGroup", {{"GroupId", group}}).at("Data").at("GroupInfo").as_array().empty());
}
