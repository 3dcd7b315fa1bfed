#include <doctest/doctest.h>

#include "platform/store/memory_store.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

struct Bench {
  Bench() : shard(store) {
    shard.ingress =
        std::make_unique<ThingIngress>(Wiring{shard.loop,
                                              store,
                                              shard.directory,
                                              shard.journal,
                                              nullptr,
                                              {},
                                              [this](UpgradeMessage message) { told.push_back(std::move(message)); }},
                                       Settings{});
    shard.ingress->attach(shard.egress);
  }
  std::string ota(const std::string& what) const {
    return "/ota/device/" + what + "/" + std::string(kProduct) + "/board1";
  }
  store::MemoryStore store;
  TestShard shard;
  std::vector<UpgradeMessage> told;
};

}  // namespace

TEST_CASE("[7.1] versions are told, of the device and of its modules, in the spellings that devices use") {
  Bench bench;
  bench.shard.publish(bench.ota("inform"), R"({"id":1, "params":{"version":"1.0.1"}})");
  bench.shard.publish(bench.ota("inform"), R"({"id":"2","params":{"version":"2","module":"MCU"}})");
  bench.shard.publish(bench.ota("inform"), R"({"id":"3","params":{"version":"3","module":"default",}})");
  REQUIRE(bench.told.size() == 3);
  CHECK(bench.told[0].kind == UpgradeMessage::Kind::inform);
  CHECK(bench.told[0].device == 1);
  CHECK(bench.told[0].name == "board1");
  CHECK(bench.told[0].version == "1.0.1");
  CHECK(bench.told[0].module.empty());
  CHECK(bench.told[1].module == "MCU");
  CHECK(bench.told[2].module.empty());
  CHECK(bench.shard.egress.sent.empty());
}

TEST_CASE("[7.3] a step is a text or a number; one that is neither goes to the journal") {
  Bench bench;
  bench.shard.publish(bench.ota("progress"), R"({"id":"1","params":{"step":"-3","desc":"md5 \"x\"","module":"MCU"}})");
  bench.shard.publish(bench.ota("progress"), R"({"id":"1","params":{"step":40}})");
  REQUIRE(bench.told.size() == 2);
  CHECK(bench.told[0].step == -3);
  CHECK(bench.told[0].text == "md5 \"x\"");
  CHECK(bench.told[1].step == 40);
  for (const std::string bad : {R"({"params":{"step":"x"}})", R"({"params":{}})", "[]", "{"})
    bench.shard.publish(bench.ota("progress"), bad);
  bench.shard.publish(bench.ota("inform"), R"({"params":{"version":""}})");
  CHECK(bench.told.size() == 2);
  CHECK(bench.shard.journal.entries.size() == 1);  // what repeats within a minute is said once
}

TEST_CASE("[7.4] [7.6] pulls and requests for blocks are told with all their numbers") {
  Bench bench;
  bench.shard.publish(TestShard::topic("ota/firmware/get"), R"({"id":7, "params":{}})");
  bench.shard.publish(bench.ota("request"), R"({"id":"8","params":{"version":"1"}})");
  bench.shard.publish(
      TestShard::topic("file/download"),
      R"({"id":"9","version":"1.0","params":{"fileToken":"t","fileInfo":{"streamId":4,"fileId":1,},"fileBlock":{"size":512,"offset":1024}}})");
  REQUIRE(bench.told.size() == 3);
  CHECK(bench.told[0].kind == UpgradeMessage::Kind::pull);
  CHECK(bench.told[0].id == "7");
  CHECK(bench.told[1].kind == UpgradeMessage::Kind::request);
  CHECK(bench.told[2].stream == 4);
  CHECK(bench.told[2].offset == 1024);
  CHECK(bench.told[2].size == 512);
  CHECK(bench.told[2].token == "t");
  bench.shard.publish(TestShard::topic("file/download"), R"({"id":"9","params":{}})");
  CHECK(bench.told.size() == 3);
  CHECK(bench.shard.last_reply().find("\"code\":460") != std::string::npos);
}

TEST_CASE("a login is told, and a message down says how it was taken") {
  Bench bench;
  auto& things = bench.shard.ingress->things();
  const Bytes text = as_bytes(std::string_view("x"));
  CHECK(things.send(1, bench.ota("upgrade"), text, 1) == Delivery::offline);
  bench.shard.ingress->on_online({}, {broker::Identity::Kind::device, "x"}, 1, {}, "client");
  REQUIRE(bench.told.size() == 1);
  CHECK(bench.told[0].kind == UpgradeMessage::Kind::online);
  CHECK(things.send(1, bench.ota("upgrade"), text, 1) == Delivery::sent);
  CHECK(bench.shard.egress.sent.back().topic == bench.ota("upgrade"));
  bench.shard.egress.reachable = false;
  CHECK(things.send(1, bench.ota("upgrade"), text, 1) == Delivery::not_subscribed);
  CHECK(things.send(99, bench.ota("upgrade"), text, 1) == Delivery::offline);
}
