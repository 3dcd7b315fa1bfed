#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

struct Bench : TestPlatform {
  Bench() {
    make_board();
    add_device("board2");
  }
  std::string devices() const {
    return R"({"targetType":"DEVICE_LIST","targetDevices":[{"productKey":")" + product_key +
           R"(","deviceName":"board1"},{"ProductKey":")" + product_key + R"(","DeviceName":"board2"}]})";
  }
  NamedTexts wanted(NamedTexts changes = {}) const {
    NamedTexts all = std::move(changes);
    const auto usual = [&](const std::string& name, const std::string& value) {
      for (const auto& one : all)
        if (one.first == name) return;
      all.emplace_back(name, value);
    };
    usual("JobName", "calibrate"), usual("Type", "CUSTOM_JOB"), usual("JobDocument", R"({"do":"calibrate"})");
    usual("TargetConfig", devices());
    return all;
  }
  std::string create(NamedTexts changes = {}) {
    const auto made = call("CreateJob", wanted(std::move(changes)));
    REQUIRE(made.at("Success").as_bool());
    return std::string(made.at("JobId").as_string());
  }
  std::string code(const std::string& action, const NamedTexts& more) {
    const auto answer = call(action, more);
    REQUIRE(!answer.at("Success").as_bool());
    return std::string(answer.at("Code").as_string());
  }
  boost::json::object data(const std::string& action, const NamedTexts& more) {
    const auto answer = call(action, more);
    REQUIRE(answer.at("Success").as_bool());
    return answer.at("Data").as_object();
  }
};

}  // namespace

TEST_CASE("a job is created, shown, listed, counted, changed, cancelled, run again and deleted by the API") {
  Bench bench;
  const std::string id = bench.create({{"Description", "of the cellar"},
                                       {"JobFile", R"({"fileUrl":"https://x/y","signMethod":"Md5","sign":"00ff"})"},
                                       {"RolloutConfig", R"({"maximumPerMinute":100,"messageQos":"Qos0"})"},
                                       {"TimeoutConfig", R"({"inProgressTimeoutInMinutes":60})"}});
  auto job = bench.data("QueryJob", {{"JobId", id}});
  CHECK(job.at("Status").as_string() == "IN_PROGRESS");
  CHECK(job.at("JobDocument").as_string() == R"({"do":"calibrate"})");
  CHECK(job.at("JobFile").at("FileUrl").as_string() == "https://x/y");
  CHECK(job.at("RolloutConfig").at("MaximumPerMinute").as_int64() == 100);
  CHECK(job.at("RolloutConfig").at("MessageQoS").as_string() == "QoS0");
  CHECK(job.at("TimeoutConfig").at("InProgressTimeoutInMinutes").as_int64() == 60);
  CHECK(job.at("TargetConfig").at("TargetType").as_string() == "DEVICE_LIST");
  CHECK(job.at("TargetConfig").at("TargetDevices").at("targetDevices").at(1).at("DeviceName").as_string() == "board2");
  const auto list = bench.call("ListJob", {{"CurrentPage", "1"}, {"PageSize", "10"}, {"Status", "IN_PROGRESS"}});
  CHECK(list.at("Total").as_int64() == 1);
  CHECK(list.at("Data").at("data").at(0).at("JobName").as_string() == "calibrate");
  CHECK(bench.data("QueryJobStatistics", {{"JobId", id}}).at("Queued").as_int64() == 2);
  const auto first = bench.call("ListTask", {{"JobId", id}, {"Limit", "1"}, {"Status", "QUEUED"}});
  const auto second = bench.call(
      "ListTask", {{"JobId", id}, {"Limit", "1"}, {"NextToken", std::string(first.at("NextToken").as_string())}});
  CHECK(first.at("Data").at("data").at(0).at("DeviceName").as_string() == "board1");
  CHECK(second.at("Data").at("data").at(0).at("DeviceName").as_string() == "board2");
  const std::string device = R"({"ProductKey":")" + bench.product_key + R"(","DeviceName":"board1"})";
  const auto of_device = bench.data("ListTask", {{"Device", device}});
  const std::string task(of_device.at("data").at(0).at("TaskId").as_string());
  CHECK(bench.data("QueryTask", {{"TaskId", task}}).at("JobName").as_string() == "calibrate");
  REQUIRE(bench.call("UpdateJob", {{"JobId", id}, {"RolloutConfig", R"({"maximumPerMinute":50})"}})
              .at("Success")
              .as_bool());
  CHECK(bench.data("QueryJob", {{"JobId", id}}).at("RolloutConfig").at("MaximumPerMinute").as_int64() == 50);
  REQUIRE(bench.call("CancelJob", {{"JobId", id}}).at("Success").as_bool());
  CHECK(bench.data("QueryJobStatistics", {{"JobId", id}}).at("Cancelled").as_int64() == 2);
  CHECK(bench.data("QueryTask", {{"TaskId", task}}).at("Status").as_string() == "CANCELLED");
  REQUIRE(bench.call("RerunJob", {{"JobId", id}}).at("Success").as_bool());
  REQUIRE(bench.call("DeleteJob", {{"JobId", id}}).at("Success").as_bool());
  CHECK(bench.code("QueryJob", {{"JobId", id}}) == "tercet.job.NotExistedJob");
  CHECK(bench.code("QueryTask", {{"TaskId", task}}) == "tercet.job.NotExistedTask");
}

TEST_CASE("a job that sets a property does so, and fails where the thing model says no") {
  Bench bench;
  bench.log_in("board1");
  const std::string id = bench.create({{"Type", "SET_PROPERTY"}, {"JobDocument", R"({"params":{"nothing":1}})"}});
  bench.run(Seconds{3});
  const auto statistics = bench.data("QueryJobStatistics", {{"JobId", id}});
  CHECK(statistics.at("Failed").as_int64() == 2);
  const auto tasks = bench.data("ListTask", {{"JobId", id}});
  const std::string task(tasks.at("data").at(0).at("TaskId").as_string());
  CHECK(std::string(bench.data("QueryTask", {{"TaskId", task}}).at("Message").as_string())
            .find("not in the thing model") != std::string::npos);
}

TEST_CASE("what is wrong with a call about jobs is named") {
  Bench bench;
  const auto refused = [&](NamedTexts changes) { return bench.code("CreateJob", bench.wanted(std::move(changes))); };
  const std::string bad = "tercet.job.InvalidParameter";
  CHECK(refused({{"Type", "PUB"}}) == bad);
  CHECK(refused({{"TargetConfig", "[]"}}) == bad);
  CHECK(refused({{"TargetConfig", "{}"}}) == bad);
  CHECK(refused({{"TargetConfig", R"({"targetType":"DEVICE_LIST"})"}}) == bad);
  CHECK(refused({{"TargetConfig", R"({"targetType":"GROUP_ID","targetGroup":"x"})"}}) == "iot.group.NotExistedGroup");
  CHECK(refused({{"JobFile", R"({"fileKey":"k","fileUrl":"https://x"})"}}) == bad);
  CHECK(refused({{"JobFile", R"({"fileUrl":"ftp://x"})"}}) == bad);
  CHECK(refused({{"JobFile", R"({"fileKey":"k","signMethod":"Md5"})"}}) == "tercet.job.FilesNotOffered");
  CHECK(bench.code("GenerateFileUploadURL", {{"FileSuffix", "a/b"}}) == "tercet.ota.InvalidFileSuffix");
  CHECK(refused({{"RolloutConfig", "1"}}) == bad);
  CHECK(refused({{"RolloutConfig", R"({"maximumPerMinute":"x"})"}}) == bad);
  CHECK(refused({{"RolloutConfig", R"({"messageQoS":"QoS2"})"}}) == bad);
  CHECK(refused({{"TimeoutConfig", R"({"inProgressTimeoutInMinutes":0})"}}) == bad);
  CHECK(refused({{"ScheduledTime", "soon"}}) == bad);
  CHECK(refused({{"JobDocument", "x"}}) == "tercet.job.InvalidDocument");
  CHECK(bench.code("ListTask", {}) == bad);
  CHECK(bench.code("ListTask", {{"Device", "{"}}) == bad);
  CHECK(bench.code("ListTask", {{"JobId", "x"}}) == "tercet.job.NotExistedJob");
  CHECK(bench.code("ListJob", {{"Status", "x"}}) == bad);
  CHECK(bench.code("ListJob", {{"PageSize", "51"}}) == "iot.common.InvalidPageParams");
}
