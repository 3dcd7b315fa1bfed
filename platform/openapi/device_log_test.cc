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
};

}  // namespace

TEST_CASE("a device's log is switched on and off by the API, which says so, and whether the device was told") {
  Bench bench;
  CHECK(!bench.ask("GetDeviceLogUpload").at("Data").at("Enabled").as_bool());
  const auto on = bench.ask("SetDeviceLogUpload", {{"Enabled", "true"}});
  REQUIRE(on.at("Success").as_bool());
  CHECK(on.at("Data").at("Enabled").as_bool());
  CHECK(on.at("Data").at("Pushed").as_bool());
  CHECK(bench.ask("GetDeviceLogUpload").at("Data").at("Enabled").as_bool());
  for (auto& one : bench.egress) one.reachable = false;
  const auto off = bench.ask("SetDeviceLogUpload", {{"Enabled", "false"}});
  CHECK(!off.at("Data").at("Enabled").as_bool());
  CHECK(!off.at("Data").at("Pushed").as_bool());
  CHECK(bench.ask("SetDeviceLogUpload", {{"Enabled", "maybe"}}).at("Code").as_string() == "InvalidEnabled");
}

TEST_CASE("the queries of logs and of the network ask for a span of time, and are empty where nothing came") {
  Bench bench;
  for (const char* const action : {"QueryDeviceLocalLog", "QueryDeviceNetworkStatus"}) {
    CAPTURE(action);
    const auto page = bench.ask(action, {{"StartTime", "0"}, {"EndTime", "4000000000000"}, {"PageSize", "10"}});
    REQUIRE(page.at("Success").as_bool());
    CHECK(!page.at("Data").at("NextValid").as_bool());
    CHECK(!bench.ask(action, {{"StartTime", "x"}, {"EndTime", "1"}}).at("Success").as_bool());
  }
}
