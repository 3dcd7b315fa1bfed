#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

struct Bench {
  store::MemoryStore store;
  TestShard shard{store};
  /// The reply to a pack with these params.
  std::string pack(const std::string& params) {
    shard.publish(TestShard::topic("event/property/pack/post"),
                  R"({"id":"7","version":"1.0","params":)" + params + R"(,"method":"thing.event.property.pack.post"})");
    shard.settle();
    CHECK(shard.egress.sent.back().topic == TestShard::topic("event/property/pack/post_reply"));
    return shard.last_reply();
  }
};

}  // namespace

TEST_CASE("a pack post keeps the device's own properties and events, and is answered when they are durable") {
  Bench bench;
  const auto reply = bench.pack(R"({"properties":{"temperature":{"value":21.5,"time":1699999990000},"mode":1},)"
                                R"("events":{"alarm":{"value":{"level":2},"time":1699999990000}},"subDevices":[]})");
  CHECK(reply.find("\"code\":200") != std::string::npos);
  CHECK(reply.find("thing.event.property.pack.post") != std::string::npos);
  CHECK(bench.shard.value("temperature") == "21.5");
  CHECK(bench.shard.value("mode") == "1");
  CHECK(bench.shard.ingress->things().counts().events == 1);
}

TEST_CASE("a pack post of which anything is wrong is not kept at all, and the journal says what") {
  const std::string right = R"("temperature":{"value":21.5})";
  const std::pair<std::string, const char*> rows[] = {
      {R"({"properties":{)" + right + R"(,"nothing":1}})", "\"code\":6304"},
      {R"({"properties":{)" + right + R"(,"mode":"eco"}})", "\"code\":6309"},
      {R"({"properties":{)" + right + R"(},"events":{"none":{"value":{}}}})", "\"code\":6304"},
      {R"({"properties":{)" + right + R"(},"events":{"alarm":{"value":{"level":"high"}}}})", "\"code\":6306"},
      {R"({"properties":{)" + right + R"(},"events":{"alarm":{"value":{"level":1},"time":9999999999999}}})",
       "\"code\":6326"},
  };
  for (const auto& row : rows) {
    Bench bench;
    CAPTURE(row.first);
    CHECK(bench.pack(row.first).find(row.second) != std::string::npos);
    CHECK(bench.shard.value("temperature").empty());
    CHECK(bench.shard.ingress->things().counts().events == 0);
    REQUIRE(!bench.shard.journal.entries.empty());
    CHECK(bench.shard.journal.entries.back().evidence.find("tsl parse") != std::string::npos);
  }
}

TEST_CASE("a pack post holds 200 properties, 20 events and 20 sub-devices, and none that is not below the sender") {
  Bench bench;
  const auto many = [](std::size_t count, const std::string& one) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + one;
    return out;
  };
  const std::string sub = R"({"identity":{"productKey":"a","deviceName":"b"},"properties":{}})";
  CHECK(bench.pack("{\"properties\":{" + many(201, "\"mode\":1") + "}}").find("\"code\":6106") != std::string::npos);
  CHECK(bench.pack("{\"events\":{" + many(21, "\"alarm\":{\"value\":{}}") + "}}").find("\"code\":6356") !=
        std::string::npos);
  CHECK(bench.pack("{\"subDevices\":[" + many(21, sub) + "]}").find("\"code\":6357") != std::string::npos);
  CHECK(bench.pack("{\"properties\":{\"mode\":1},\"subDevices\":[" + sub + "]}").find("\"code\":6401") !=
        std::string::npos);
  CHECK(bench.shard.value("mode").empty());
  for (const char* params :
       {"[]", R"({"properties":[]})", R"({"events":3})", R"({"subDevices":{}})", R"({"subDevices":[{}]})"})
    CHECK(bench.pack(params).find("\"code\":460") != std::string::npos);
}
