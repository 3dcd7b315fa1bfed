#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

struct Bench {
  store::MemoryStore store;
  TestShard shard{store};
  std::vector<CallResult> results;
  SetTicket get(std::vector<std::string> identifiers) {
    return shard.ingress->things().get_properties(1, std::move(identifiers),
                                                  [this](const CallResult& result) { results.push_back(result); });
  }
};

}  // namespace

TEST_CASE("a property get asks for an array of identifiers, and its answer changes nothing") {
  Bench bench;
  const auto ticket = bench.get({"temperature", "mode"});
  REQUIRE(ticket.sent);
  CHECK(ticket.answers);
  const std::string id = std::to_string(ticket.message_id);
  CHECK(bench.shard.egress.sent.back().topic == TestShard::topic("service/property/get"));
  CHECK(bench.shard.last_reply() == "{\"id\":\"" + id +
                                        R"(","version":"1.0","params":["temperature","mode"],)"
                                        R"("method":"thing.service.property.get"})");
  const std::string answer = "{\"id\":\"" + id + R"(","code":200,"data":{"temperature":21.5,"mode":1}})";
  bench.shard.publish(TestShard::topic("service/property/get_reply"), answer);
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].data == R"({"temperature":21.5,"mode":1})");
  CHECK(bench.shard.value("temperature").empty());
  bench.shard.publish(TestShard::topic("service/property/get_reply"), answer);  // twice
  CHECK(bench.results.size() == 1);
  REQUIRE(bench.shard.journal.entries.size() == 1);
  CHECK(bench.shard.journal.entries[0].cause == "message.reply_unexpected");
}

TEST_CASE("a property get that is not answered within 8 seconds has timed out") {
  Bench bench;
  REQUIRE(bench.get({"temperature"}).sent);
  bench.shard.loop.advance(Millis{7999});
  CHECK(bench.results.empty());
  bench.shard.loop.advance(Millis{2});
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].timed_out);
}

TEST_CASE("a property get that cannot be is not sent and says why") {
  Bench bench;
  CHECK(bench.get({}).error == Error::malformed);
  CHECK(bench.get({"no_such"}).error == Error::bad_argument);
  CHECK(bench.get(std::vector<std::string>(201, "mode")).error == Error::too_large);
  bench.shard.egress.unsubscribed = TestShard::topic("service/property/get");
  CHECK(bench.get({"mode"}).error == Error::denied);
  bench.shard.egress.reachable = false;
  CHECK(bench.get({"mode"}).error == Error::closed);
  CHECK(bench.results.empty());
}
