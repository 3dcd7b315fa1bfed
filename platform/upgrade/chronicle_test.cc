#include <doctest/doctest.h>

#include "platform/upgrade/test_upgrades.h"

namespace tercet::upgrade {
namespace {

using thing::Source;

std::vector<std::string> of(const TestUpgrades& bench, Source source) {
  std::vector<std::string> payloads;
  for (const thing::Announcement& one : bench.told_applications)
    if (one.source == source) payloads.push_back(one.payload);
  return payloads;
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("applications are told of a job, of progress, and how each device ended, once") {
  TestUpgrades bench(2);
  bench.inform(1, "1.0");
  bench.inform(2, "1.0");
  const Job job = bench.job(bench.firmware("2.0"));
  bench.run();
  bench.progress(1, 40);
  bench.progress(1, 40);
  bench.progress(1, 80);
  bench.inform(1, "2.0");
  bench.progress(2, 10);
  bench.progress(2, -2);
  bench.run();
  const auto jobs = of(bench, Source::ota_job);
  REQUIRE(jobs.size() == 2);
  CHECK(has(jobs[0], R"("status":"IN_PROGRESS")"));
  CHECK(has(jobs[1], R"("status":"COMPLETED")"));
  CHECK(has(jobs[0], R"("jobId":")" + job.id + "\""));
  const auto progress = of(bench, Source::ota_progress);
  REQUIRE(progress.size() == 3);
  CHECK(has(progress[0], R"("step":40)"));
  CHECK(has(progress[1], R"("step":80)"));
  CHECK(has(progress[2], R"("step":10)"));
  const auto results = of(bench, Source::ota_result);
  REQUIRE(results.size() == 2);
  CHECK(has(results[0], R"("status":"SUCCEEDED")"));
  CHECK(has(results[0], R"("srcVersion":"1.0","destVersion":"2.0")"));
  CHECK(has(results[1], R"("status":"FAILED")"));
  CHECK(has(results[1], R"("deviceName":"board2")"));
}

TEST_CASE("a version is told when it is another one than before, and over a restart it is known") {
  TestUpgrades bench(1);
  bench.inform(1, "1.0");
  bench.inform(1, "1.0");
  bench.run();
  bench.restart();
  bench.inform(1, "1.0");
  bench.inform(1, "1.1");
  bench.inform(1, "7", "radio");
  const auto versions = of(bench, Source::ota_version);
  REQUIRE(versions.size() == 3);
  CHECK(has(versions[0], R"("moduleName":"default","moduleVersion":"1.0")"));
  CHECK(has(versions[1], R"("moduleVersion":"1.1")"));
  CHECK(has(versions[2], R"("moduleName":"radio","moduleVersion":"7")"));
}

TEST_CASE("a task that is canceled, or gives way to another job's, is no result") {
  TestUpgrades bench(1);
  bench.inform(1, "1.0");
  const Job job = bench.job(bench.firmware("2.0"));
  bench.run();
  CHECK(bench.upgrades->cancel_job(job.id, {true, true, true, true, true}));
  CHECK(of(bench, Source::ota_result).empty());
  const auto jobs = of(bench, Source::ota_job);
  REQUIRE(!jobs.empty());
  CHECK(has(jobs.back(), R"("status":"CANCELED")"));
}

}  // namespace tercet::upgrade
