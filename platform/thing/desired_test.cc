#include <doctest/doctest.h>

#include "platform/thing/record.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;
using Taken = broker::Ingress::Taken;

namespace {

DesiredResult set(TestShard& shard, std::string items, std::string versions = "") {
  std::optional<DesiredResult> result;
  shard.ingress->things().set_desired(1, std::move(items), std::move(versions),
                                      [&](const DesiredResult& r) { result = r; });
  shard.settle();
  REQUIRE(result);
  return *result;
}
DesiredResult clear(TestShard& shard, std::vector<std::string> identifiers) {
  std::optional<DesiredResult> result;
  shard.ingress->things().clear_desired(1, std::move(identifiers), [&](const DesiredResult& r) { result = r; });
  shard.settle();
  REQUIRE(result);
  return *result;
}
/// What the device is told.
std::string ask(TestShard& shard, std::string_view params, std::string_view action = "get") {
  shard.egress.sent.clear();
  shard.publish(TestShard::topic("property/desired/" + std::string(action)),
                R"({"id":"5","version":"1.0","params":)" + std::string(params) + "}");
  shard.settle();
  return shard.last_reply();
}
std::string reply(std::string_view data, std::string_view action = "get") {
  return R"({"id":"5","code":200,"message":"success","data":)" + std::string(data) +
         R"(,"method":"thing.property.desired.)" + std::string(action) + R"(","version":"1.0"})";
}

}  // namespace

TEST_CASE("what is desired while the device is away is found by it on return, also after a restart") {
  store::MemoryStore store;
  {
    TestShard shard(store);
    shard.egress.reachable = false;
    const auto result = set(shard, R"({ "interval": 10, "mode": 1 })");
    REQUIRE(result.kept);
    CHECK(!result.ticket.sent);
    REQUIRE(result.changed.size() == 2);
    CHECK(result.changed[0].version == 1);
    CHECK(set(shard, R"({"interval":20})").changed[0].version == 2);
  }
  TestShard shard(store);
  REQUIRE(shard.ingress->load());
  CHECK(ask(shard, R"(["interval","mode","led","nothing"])") ==
        reply(R"({"interval":{"value":20,"version":2},"mode":{"value":1,"version":1}})"));
  CHECK(shard.egress.sent.back().topic == TestShard::topic("property/desired/get_reply"));
}

TEST_CASE("a device that is online is sent a set at once, when the wish is on disk") {
  store::MemoryStore store;
  TestShard shard(store);
  std::optional<DesiredResult> result;
  shard.ingress->things().set_desired(1, R"({"interval":10})", "", [&](const DesiredResult& r) { result = r; });
  CHECK(shard.egress.sent.empty());
  shard.settle();
  REQUIRE(result);
  CHECK(result->ticket.sent);
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].topic == TestShard::topic("service/property/set"));
  CHECK(shard.egress.sent[0].payload.find(R"("params":{"interval":10})") != std::string::npos);
}

TEST_CASE("the device takes away what it has done, unless a newer wish has come meanwhile") {
  store::MemoryStore store;
  TestShard shard(store);
  set(shard, R"({"interval":10,"mode":1,"led":1})");
  set(shard, R"({"interval":20})");
  CHECK(ask(shard, R"({"interval":{"version":1},"mode":{"version":1},"led":{},"nothing":{}})", "delete") ==
        reply("{}", "delete"));
  CHECK(ask(shard, R"(["interval","mode","led"])") == reply(R"({"interval":{"value":20,"version":2}})"));
  // Versions go on where they were.
  CHECK(set(shard, R"({"mode":0})").changed[0].version == 2);
  CHECK(ask(shard, "{}", "delete") == reply("{}", "delete"));
}

TEST_CASE("an application that names the version it knows does not overwrite a newer one") {
  store::MemoryStore store;
  TestShard shard(store);
  CHECK(set(shard, R"({"interval":10})", R"({"interval":1})").ticket.error == Error::bad_state);
  CHECK(set(shard, R"({"interval":10})", R"({"interval":0})").kept);
  const auto late = set(shard, R"({"interval":11})", R"({"interval":0})");
  CHECK(!late.kept);
  CHECK(late.ticket.error == Error::bad_state);
  CHECK(late.ticket.detail.find("version 1") != std::string::npos);
  CHECK(set(shard, R"({"interval":12})", R"({"interval":1})").changed[0].version == 2);
  CHECK(set(shard, R"({"interval":12})", "[]").ticket.error == Error::malformed);
}

TEST_CASE("what does not fit the model is not desired") {
  store::MemoryStore store;
  TestShard shard(store);
  CHECK(set(shard, R"({"temperature":10.0})").ticket.error == Error::denied);
  CHECK(set(shard, R"({"interval":"x"})").ticket.error == Error::bad_argument);
  CHECK(set(shard, R"({"none":1})").ticket.error == Error::bad_argument);
  CHECK(set(shard, "{}").ticket.error == Error::malformed);
  CHECK(ask(shard, R"(["interval"])") == reply("{}"));
}

TEST_CASE("an application clears some or all, and versions stay") {
  store::MemoryStore store;
  TestShard shard(store);
  set(shard, R"({"interval":10,"mode":1})");
  const auto cleared = clear(shard, {"interval", "nothing"});
  REQUIRE(cleared.changed.size() == 1);
  CHECK(cleared.changed[0].version == 1);
  CHECK(ask(shard, R"(["interval","mode"])") == reply(R"({"mode":{"value":1,"version":1}})"));
  CHECK(clear(shard, {}).changed.size() == 2);
  CHECK(ask(shard, R"(["interval","mode"])") == reply("{}"));
}

TEST_CASE("wrong questions about desired values are answered with their code and noted") {
  struct Row {
    std::string_view action, params, code;
  };
  std::string many = "[\"a\"";
  for (int i = 0; i < 200; ++i) many += ",\"a\"";
  many += "]";
  for (const Row& row :
       {Row{"get", "{}", "460"}, Row{"get", "[]", "460"}, Row{"get", many, "6104"}, Row{"delete", "[]", "460"}}) {
    CAPTURE(row.code);
    store::MemoryStore store;
    TestShard shard(store);
    CHECK(ask(shard, row.params, row.action).find("\"code\":" + std::string(row.code)) != std::string::npos);
    CHECK(shard.journal.entries.size() == 1);
  }
}

TEST_CASE("records of desired values read back, and nothing that is cut does") {
  std::string record;
  begin_values(record);
  append_desired(record, {"interval", UnixMillis{5}, 7, "20"});
  append_desired(record, {"mode", UnixMillis{6}, 1, ""});
  const auto read = read_desired(record);
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].identifier == "interval");
  CHECK((*read)[0].version == 7);
  CHECK((*read)[0].value == "20");
  CHECK((*read)[1].time.ms == 6);
  for (std::size_t n = 0; n < record.size(); ++n) {
    const std::string cut = record.substr(0, n);
    const auto less = read_desired(cut);
    CHECK((!less || less->size() < 2));
  }
  std::string key;
  append_desired_key(key, 9);
  const auto at = decode_state_key(key);
  REQUIRE(at);
  CHECK(at->is_desired);
  CHECK(at->device == 9);
}

TEST_CASE("a store that is behind keeps neither the wish nor its version, and the application is told") {
  store::MemoryStore store({Millis{2}, 400});
  TestShard shard(store);
  REQUIRE(set(shard, R"({"label":"a"})").kept);
  shard.post(R"({"led":1})", 0, 2);  // something small is on its way, so that nothing large is taken
  shard.end_pass();
  const std::string large = "{\"label\":\"" + std::string(500, 'x') + "\"}";
  const auto refused = set(shard, large);
  CHECK(!refused.kept);
  CHECK(refused.ticket.error == Error::io_failed);
  CHECK(ask(shard, R"(["label"])") == reply(R"({"label":{"value":"a","version":1}})"));
  CHECK(set(shard, R"({"label":"b"})").changed[0].version == 2);
}
