#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

namespace tercet::thing {
namespace {

constexpr std::uint32_t kAll = 0xFFFFFFFF;

struct World {
  explicit World(std::uint32_t wanted = kAll, registry::Validation validation = registry::Validation::weak)
      : shard(store, validation) {
    shard.outlet.sources = wanted;
    now = std::to_string(shard.loop.wall().ms);
  }
  const std::vector<FakeOutlet::Got>& got() const { return shard.outlet.got; }
  store::MemoryStore store;
  TestShard shard;
  std::string now;
};

TEST_CASE("a property post becomes one message with the value and time of each property") {
  World world;
  world.shard.post(R"({"temperature":21.5,"humidity":{"value":40,"time":1510799670074}})");
  REQUIRE(world.got().size() == 1);
  const auto& message = world.got()[0];
  CHECK(message.source == Source::property);
  CHECK(message.topic == "/a1aaaaaaaaa/board1/thing/event/property/post");
  CHECK(message.payload ==
        R"({"iotId":"","productKey":"a1aaaaaaaaa","deviceName":"board1","gmtCreate":)" + world.now +
            R"(,"deviceType":"CustomCategory","items":{"humidity":{"value":40,"time":1510799670074},)" +
            R"("temperature":{"value":21.5,"time":)" + world.now + "}}}");
}

TEST_CASE("what failed its check is told beside what passed") {
  World world;
  world.shard.post(R"({"temperature":21.5,"colour":"red"})");
  REQUIRE(world.got().size() == 1);
  CHECK(world.got()[0].payload.find(R"("items":{"temperature":)") != std::string::npos);
  CHECK(world.got()[0].payload.find(
            R"("checkFailedData":{"colour":{"time":)" + world.now +
            R"(,"value":"red","code":6304,"message":"tsl parse: params not exist -> colour"}})") != std::string::npos);
  CHECK(json::parse(world.got()[0].payload));
}

TEST_CASE("nobody is told what nobody wants, and that is asked once per product") {
  World world(bit(Source::event));
  for (int i = 0; i < 5; ++i) world.shard.post(R"({"temperature":21.5})");
  CHECK(world.got().empty());
  CHECK(world.shard.outlet.asked == 1);
  world.shard.outlet.sources = kAll;
  world.shard.post(R"({"temperature":21.5})");
  CHECK(world.got().empty());
  ++world.shard.outlet.current;
  world.shard.post(R"({"temperature":21.5})");
  CHECK(world.got().size() == 1);
}

TEST_CASE("a message for applications is durable with the post, and told of after that") {
  World world;
  world.shard.post(R"({"temperature":21.5})");
  CHECK(world.shard.outlet.durable == 0);
  CHECK(world.shard.outlet.submitted == 0);
  world.shard.end_pass();
  CHECK(world.shard.outlet.submitted == 1);
  CHECK(world.shard.outlet.durable == 0);
  world.shard.settle();
  CHECK(world.shard.outlet.durable == 1);
  CHECK(world.store.get(store::Family::meta, "outgoing 1").value() == world.got()[0].payload);
}

TEST_CASE("of a group that the store does not take, applications are told nothing") {
  World world;
  world.shard.post(R"({"temperature":21.5})");
  world.store.fail("no disk");
  world.shard.settle();
  world.shard.loop.advance(Millis{2000});
  CHECK(world.shard.outlet.submitted == 1);
  CHECK(world.shard.outlet.durable == 0);
  CHECK(world.shard.outlet.undone == 1);
}

TEST_CASE("a batch becomes a message for each time and for each event") {
  World world;
  world.shard.publish(
      world.shard.topic("event/property/batch/post"),
      R"({"id":"1","version":"1.0","params":{"properties":{"temperature":[{"value":1,"time":1510799670000},)"
      R"({"value":2,"time":1510799671000}],"humidity":[{"value":3,"time":1510799670000}]},)"
      R"("events":{"alarm":[{"value":{"level":2},"time":1510799670000}]}}})");
  REQUIRE(world.got().size() == 3);
  CHECK(world.got()[0].payload.find(R"("temperature":{"value":1,"time":1510799670000})") != std::string::npos);
  CHECK(world.got()[0].payload.find(R"("humidity":{"value":3,"time":1510799670000})") != std::string::npos);
  CHECK(world.got()[1].payload.find(R"("temperature":{"value":2,"time":1510799671000})") != std::string::npos);
  CHECK(world.got()[2].topic == "/a1aaaaaaaaa/board1/thing/event/alarm/post");
}

TEST_CASE("history goes to topics of its own") {
  World world;
  world.shard.publish(
      world.shard.topic("event/property/history/post"),
      R"({"id":"1","version":"1.0","params":[{"identity":{"productKey":"a1aaaaaaaaa","deviceName":"board1"},)"
      R"("properties":[{"temperature":{"value":1,"time":1510799670000}}],)"
      R"("events":[{"alarm":{"value":{"level":2},"time":1510799670000}}]}]})");
  REQUIRE(world.got().size() == 2);
  CHECK(world.got()[0].source == Source::property_history);
  CHECK(world.got()[0].topic == "/a1aaaaaaaaa/board1/thing/event/property/history/post");
  CHECK(world.got()[1].topic == "/a1aaaaaaaaa/board1/thing/event/alarm/history/post");
}

TEST_CASE("an event is told with its name, type and outputs") {
  World world;
  world.shard.publish(world.shard.topic("event/alarm/post"),
                      R"({"id":"1","params":{"value":{"level":3},"time":1510799670074}})");
  REQUIRE(world.got().size() == 1);
  CHECK(world.got()[0].payload.find(
            R"("identifier":"alarm","name":"Alarm","type":"alert","value":{"level":3},"time":1510799670074})") !=
        std::string::npos);
}

TEST_CASE("products that check nothing have their posts passed on as they are") {
  World world(kAll, registry::Validation::none);
  world.shard.post(R"({"anything":[1,2]})");
  REQUIRE(world.got().size() == 1);
  CHECK(world.got()[0].payload.find(R"("items":{"anything":{"value":[1,2],"time":)") != std::string::npos);
}

TEST_CASE("coming and going is told with Beijing and universal time, in the cloud's form") {
  World world;
  const broker::Identity identity{broker::Identity::Kind::device, "a1aaaaaaaaa/board1"};
  world.shard.ingress->on_online({}, identity, 1, {}, "client");
  world.shard.ingress->on_offline(identity, 1);
  world.shard.ingress->on_offline(identity, 1);
  REQUIRE(world.got().size() == 2);
  CHECK(world.got()[0].topic == "/as/mqtt/status/a1aaaaaaaaa/board1");
  CHECK(world.got()[0].payload.starts_with(R"({"status":"online")"));
  CHECK(world.got()[1].payload.starts_with(R"({"status":"offline")"));
  CHECK(json::parse(world.got()[1].payload));
  const auto parsed = json::parse(world.got()[1].payload);
  CHECK(parsed->find("time")->raw().size() == 25);
  CHECK(parsed->find("utcTime")->raw().size() == 26);
}

TEST_CASE("the answer to a set is told") {
  World world;
  SetResult seen;
  const auto ticket =
      world.shard.ingress->things().set_properties(1, R"({"interval":5})", [&](const SetResult& r) { seen = r; });
  REQUIRE(ticket.sent);
  world.shard.publish(world.shard.topic("service/property/set_reply"),
                      R"({"id":")" + std::to_string(ticket.message_id) + R"(","code":200,"data":{}})");
  CHECK(seen.code == 200);
  REQUIRE(world.got().size() == 1);
  CHECK(world.got()[0].topic == "/a1aaaaaaaaa/board1/thing/downlink/reply/message");
  CHECK(world.got()[0].payload.find(
            R"("code":200,"message":"","topic":"/sys/a1aaaaaaaaa/board1/thing/service/property/set","data":{}})") !=
        std::string::npos);
}

TEST_CASE("a message on a topic of the device's own is told as it was sent, and acknowledged when that is durable") {
  World world;
  const broker::Identity identity{broker::Identity::Kind::device, "a1aaaaaaaaa/board1"};
  broker::AckToken token;
  token.ticket = 7;
  const auto taken = world.shard.ingress->on_custom(
      {{}, identity, 1, 0, "/a1aaaaaaaaa/board1/user/raw?_x=1", as_bytes("\x01\x02"), 1, token});
  CHECK(taken == broker::Ingress::Taken::later);
  REQUIRE(world.got().size() == 1);
  CHECK(world.got()[0].topic == "/a1aaaaaaaaa/board1/user/raw");
  CHECK(world.got()[0].payload == "\x01\x02");
  CHECK(world.shard.egress.acknowledged.empty());
  world.shard.settle();
  CHECK(world.shard.egress.acknowledged == std::vector<std::uint32_t>{7});
}

TEST_CASE("what happened elsewhere is told if it is wanted") {
  World world(bit(Source::lifecycle));
  Announcement message{Source::lifecycle, 1, "a1aaaaaaaaa", "board1", "/a1aaaaaaaaa/board1/thing/lifecycle", "{}"};
  world.shard.ingress->things().tell_applications(message);
  message.source = Source::tags;
  world.shard.ingress->things().tell_applications(message);
  CHECK(world.got().size() == 1);
}

}  // namespace
}  // namespace tercet::thing
