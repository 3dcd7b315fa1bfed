#include "platform/thing/device_logs.h"

#include <doctest/doctest.h>

#include "platform/thing/history.h"
#include "platform/thing/record.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

constexpr Range kAll{UnixMillis{0}, UnixMillis{4'000'000'000'000}, true, 100, 1000};

std::string post(TestShard& shard, const std::string& topic, std::string_view params) {
  shard.egress.sent.clear();
  shard.publish(topic, R"({"id":"9","version":"1.0","params":)" + std::string(params) + R"(,"method":"m"})");
  shard.settle();
  return shard.last_reply();
}
std::string log(TestShard& shard, std::string_view params) { return post(shard, TestShard::topic("log/post"), params); }
std::string network(TestShard& shard, std::string_view params) {
  return post(shard, "/sys/a1aaaaaaaaa/board1/_thing/diag/post", params);
}
bool says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

LogUpload upload(TestShard& shard, std::optional<bool> wanted) {
  std::optional<LogUpload> result;
  shard.ingress->things().log_upload(1, wanted, [&](const LogUpload& r) { result = r; });
  shard.settle();
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("the times of log entries are read with their zones") {
  CHECK(parse_collect_time("2020-03-06T15:15:27.464+0800")->ms == 1'583'478'927'464);
  CHECK(parse_collect_time("2020-03-06T07:15:27.464Z")->ms == 1'583'478'927'464);
  CHECK(parse_collect_time("2020-03-06T07:15:27")->ms == 1'583'478'927'000);
  CHECK(parse_collect_time("2020-03-06T02:45:27.5-04:30")->ms == 1'583'478'927'500);
  CHECK(parse_collect_time("1970-01-01T00:00:00Z")->ms == 0);
  const std::string whole = "2020-03-06T15:15:27.464+0800";
  for (std::size_t cut = 0; cut < 19; ++cut) CHECK(!parse_collect_time(whole.substr(0, cut)));
  for (const char* const bad : {"2020-13-06T15:15:27Z", "2020-02-30T15:15:27Z", "2020-03-06 15:15:27",
                                "2020-03-06T25:15:27Z", "2020-03-06T15:15:27+08", "2020-03-06T15:15:27+0800x"})
    CHECK(!parse_collect_time(bad));
}

TEST_CASE("a device's log is kept as it came, by the time the device gives it, and answered when it is kept") {
  store::MemoryStore store;
  TestShard shard(store);
  const std::string reply = log(
      shard,
      R"([{"utcTime":"2020-03-06T15:15:27.464+0800","logLevel":"ERROR","module":"ModuleA","code":"4103","traceContext":"123456","logContent":"no \"route\""},
          {"utcTime":"nonsense","logLevel":"custom","code":7,"logContent":"second"}])");
  CHECK(says(reply, R"("id":"9","code":200)"));
  const auto page = query_logs(store, 1, "", kAll);
  REQUIRE(page);
  REQUIRE(page->entries.size() == 2);
  const LogRecord& first = page->entries[0];
  CHECK(first.time.ms == 1'583'478'927'464);
  CHECK(first.level == "ERROR");
  CHECK(first.module == "ModuleA");
  CHECK(first.code == "4103");
  CHECK(first.trace == "123456");
  CHECK(first.content == "no \"route\"");
  CHECK(page->entries[1].time.ms >= 1'700'000'000'000);  // when it came
  CHECK(page->entries[1].code == "7");
  CHECK(page->entries[1].collected == "nonsense");
  CHECK(query_logs(store, 1, "custom", kAll)->entries.size() == 1);
  CHECK(query_logs(store, 2, "", kAll)->entries.empty());
}

TEST_CASE("of a log post that is wrong anywhere nothing is kept") {
  store::MemoryStore store;
  TestShard shard(store);
  std::string many = "[";
  for (int i = 0; i < 41; ++i) many += std::string(i == 0 ? "" : ",") + R"({"logLevel":"INFO","logContent":"x"})";
  for (const std::string& bad :
       {std::string("{}"), std::string("3"), many + "]", std::string(R"([{"logLevel":"INFO"},5])"),
        std::string(R"([{"logContent":"no level"}])"), std::string(R"([{"logLevel":"INFO","module":[1]}])"),
        R"([{"logLevel":"INFO","logContent":")" + std::string(4097, 'x') + "\"}]"}) {
    CAPTURE(bad.substr(0, 60));
    CHECK(says(log(shard, bad), R"("code":460)"));
  }
  CHECK(query_logs(store, 1, "", kAll)->entries.empty());
  CHECK(says(log(shard, R"([{"logLevel":"INFO","logContent":")" + std::string(4096, 'x') + "\"}]"), R"("code":200)"));
}

TEST_CASE("whether logs are wanted is told on asking and pushed when it changes, and survives a restart") {
  store::MemoryStore store;
  const std::string_view ask = R"({"configScope":"device","getType":"content"})";
  {
    TestShard shard(store);
    CHECK(says(post(shard, TestShard::topic("config/log/get"), ask),
               R"("data":{"getType":"content","content":{"mode":0}})"));
    const LogUpload on = upload(shard, true);
    CHECK(on.kept);
    CHECK(on.wanted);
    CHECK(on.pushed);
    CHECK(shard.egress.sent.back().topic == TestShard::topic("config/log/push"));
    CHECK(says(shard.egress.sent.back().payload, R"("params":{"getType":"content","content":{"mode":1}})"));
    shard.egress.reachable = false;
    CHECK(!upload(shard, true).pushed);
  }
  TestShard shard(store);
  REQUIRE(shard.ingress->load());
  CHECK(upload(shard, {}).wanted);
  CHECK(says(post(shard, TestShard::topic("config/log/get"), ask), R"("mode":1)"));
  CHECK(says(post(shard, TestShard::topic("config/log/get"), R"({"configScope":"product","getType":"content"})"),
             R"("code":6718)"));
  CHECK(says(post(shard, TestShard::topic("config/log/get"), R"({"configScope":"device","getType":"url"})"),
             R"("code":6717)"));
}

TEST_CASE("reports about the network are kept, one or many, with the device's times") {
  store::MemoryStore store;
  TestShard shard(store);
  CHECK(says(
      network(
          shard,
          R"({"p":{"wifi":{"rssi":-40,"snr":20,"per":1,"err_stats":"10,02,01"},"_time":1524448722000},"model":"format=simple|quantity=single|time=now"})"),
      R"("code":200)"));
  CHECK(shard.egress.sent.back().topic == "/sys/a1aaaaaaaaa/board1/_thing/diag/post_reply");
  CHECK(says(
      network(
          shard,
          R"({"p":[{"wifi":{"rssi":-50},"_time":1524448723000},{"wifi":{"rssi":-60}}],"model":"format=simple|quantity=batch|time=history"})"),
      R"("code":200)"));
  const auto page = query_network(store, 1, kAll);
  REQUIRE(page);
  REQUIRE(page->reports.size() == 3);
  CHECK(page->reports[0].time.ms == 1'524'448'722'000);
  CHECK(page->reports[0].report ==
        R"({"wifi":{"rssi":-40,"snr":20,"per":1,"err_stats":"10,02,01"},"_time":1524448722000})");
  CHECK(page->reports[2].time.ms >= 1'700'000'000'000);  // when it came
  for (const char* const bad : {R"({})", R"({"p":5})", R"({"p":[{},7]})", R"([])"})
    CHECK(says(network(shard, bad), R"("code":460)"));
  CHECK(query_network(store, 1, kAll)->reports.size() == 3);
}
