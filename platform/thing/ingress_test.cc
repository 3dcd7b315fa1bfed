#include "platform/thing/ingress.h"

#include <doctest/doctest.h>

#include "platform/thing/history.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::int64_t kWall = 1'700'000'000'000;  // TestLoop's

std::size_t points(store::StreamStore& store, std::string_view identifier, std::uint64_t device = 1) {
  const auto page =
      query_property(store, device, identifier, {UnixMillis{0}, UnixMillis{kWall * 2}, true, 1000, 100'000});
  REQUIRE(page);
  return page->points.size();
}

/// Something small of the second board is on its way to the disk, so that a small store takes nothing large.
void keep_busy(TestShard& shard) {
  shard.post(R"({"led":1})", 0, 2);
  shard.end_pass();
}

}  // namespace

TEST_CASE("a post is acknowledged and answered when it is durable, not before") {
  store::MemoryStore store;
  TestShard shard(store);
  CHECK(shard.post(R"({"temperature":21.5,"humidity":60})") == Taken::later);
  shard.end_pass();
  CHECK(shard.egress.acknowledged.empty());
  CHECK(shard.egress.sent.empty());
  shard.settle();
  CHECK(shard.egress.acknowledged == std::vector<std::uint32_t>{1});
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].topic == "/sys/a1aaaaaaaaa/board1/thing/event/property/post_reply");
  CHECK(shard.egress.sent[0].payload ==
        R"({"id":"1","code":200,"message":"success","data":{},"method":"thing.event.property.post","version":"1.0"})");
  CHECK(shard.egress.sent[0].qos == 1);
  CHECK(shard.value("temperature") == "21.5");
  CHECK(points(store, "temperature") == 1);
  CHECK(points(store, "humidity") == 1);
}

TEST_CASE("a QoS 0 post is answered when it is durable, at QoS 0, and needs no acknowledgement") {
  store::MemoryStore store;
  TestShard shard(store);
  CHECK(shard.post(R"({"temperature":21.5})", 0) == Taken::done);
  shard.end_pass();
  CHECK(shard.egress.sent.empty());
  shard.settle();
  CHECK(shard.egress.acknowledged.empty());
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].qos == 0);
}

TEST_CASE("posts of one pass become one submission with one record of last values per device") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.settle();
  const auto before = store.counters();
  for (int i = 0; i < 5; ++i) shard.post("{\"temperature\":" + std::to_string(20 + i) + "}");
  shard.settle();
  CHECK(store.counters().commits - before.commits == 1);
  CHECK(store.counters().mutations - before.mutations == 5 + 1);
  CHECK(shard.value("temperature") == "24");
}

TEST_CASE("what does not fit the model is dropped and named, the rest is kept, and the code is 200") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":21.5,"LightCurrent":1,"interval":"x"})");
  shard.settle();
  CHECK(
      shard.last_reply() ==
      R"({"id":"1","code":200,"message":"success","data":{"LightCurrent":"tsl parse: params not exist -> LightCurrent",)"
      R"("interval":"tsl parse: int value not valid -> interval"},"method":"thing.event.property.post","version":"1.0"})");
  CHECK(shard.value("temperature") == "21.5");
  CHECK(shard.value("interval") == "");
  REQUIRE(shard.journal.entries.size() == 2);
  CHECK(shard.journal.entries[0].name == "a1aaaaaaaaa/board1");
  CHECK(shard.journal.entries[0].code == 6304);
  CHECK(shard.journal.entries[0].cause == auth::code(auth::Cause::property_not_in_model));
  CHECK(shard.journal.entries[0].evidence.starts_with(
      R"("LightCurrent":"tsl parse: params not exist -> LightCurrent" [)"));
  CHECK(shard.journal.entries[1].code == 6306);
  CHECK(shard.journal.entries[1].cause == auth::code(auth::Cause::property_wrong_type));
  CHECK(shard.journal.entries[1].evidence.find("interval") != std::string::npos);
}

TEST_CASE("of a post with many wrong fields the journal names five, and the fifth says how many more there are") {
  store::MemoryStore store;
  TestShard shard(store);
  const char* const many = R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"f":2,"g":1})";
  shard.post(many);
  REQUIRE(shard.journal.entries.size() == 5);
  CHECK(shard.journal.entries[3].evidence.find("more of this post") == std::string::npos);
  CHECK(shard.journal.entries[4].evidence.find("-> e\", and 2 more of this post [") != std::string::npos);
  shard.post(many);  // nothing new in it
  CHECK(shard.journal.entries.size() == 5);
  shard.post(R"({"x":1,"y":1})");  // the sixth of this minute
  REQUIRE(shard.journal.entries.size() == 6);
  CHECK(shard.journal.entries[5].evidence.find("-> x\", and 1 more of this post [") != std::string::npos);
  shard.loop.advance(Seconds{61});
  shard.post(many);
  CHECK(shard.journal.entries.size() == 11);
}

TEST_CASE("under strong validation each field's entry says whether its type or its range is wrong") {
  store::MemoryStore store;
  TestShard shard(store, registry::Validation::strong);
  shard.post(R"({"interval":"x","temperature":1e9})");
  REQUIRE(shard.journal.entries.size() == 2);
  CHECK(shard.journal.entries[0].cause == auth::code(auth::Cause::property_wrong_type));
  CHECK(shard.journal.entries[1].cause == auth::code(auth::Cause::property_out_of_range));
}

TEST_CASE("a post of which nothing is kept is answered 200 at once") {
  store::MemoryStore store;
  TestShard shard(store);
  for (const auto params : {R"({"nothing":1})", "{}", "\"{}\""}) {
    CHECK(shard.post(params) == Taken::done);
    CHECK(shard.last_reply().find("\"code\":200") != std::string::npos);
  }
  CHECK(store.counters().commits == 0);
}

TEST_CASE("replies can be read by a client that scans for the first match") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"code":1,"data":2,"message":3,"id":4,"temperature":1})");
  shard.settle();
  const auto reply = shard.last_reply();
  // As the C SDK does it: the first "key" in quotes followed by a colon, at any depth.
  const auto scan = [&](const std::string& key) {
    const auto at = reply.find("\"" + key + "\"");
    REQUIRE(at != std::string::npos);
    REQUIRE(reply[at + key.size() + 2] == ':');
    const auto from = at + key.size() + 3;
    return reply[from] == '{' ? std::string("{") : reply.substr(from, reply.find_first_of(",}", from) - from);
  };
  CHECK(scan("id") == "\"1\"");
  CHECK(scan("code") == "200");
  CHECK(scan("message") == "\"success\"");
  CHECK(scan("data") == "{");
  CHECK(reply.find(' ', 0) > reply.find("data"));
}

TEST_CASE("both forms of a value are taken, and ids come back as text whatever they were") {
  store::MemoryStore store;
  TestShard shard(store);
  const auto topic = TestShard::topic("event/property/post");
  shard.publish(topic,
                R"({"id":7,"params":{"temperature":{"value":20.5,"time":1699999999000},"humidity":{"value":50}}})");
  shard.settle();
  CHECK(shard.last_reply().starts_with(R"({"id":"7","code":200,)"));
  const auto summary = shard.latest();
  REQUIRE(summary);
  REQUIRE(summary->values.size() == 2);
  CHECK(summary->values[0].time.ms == 1'699'999'999'000);
  CHECK(summary->values[1].time.ms >= kWall);
  shard.publish(topic, R"({"id":"3|exp-topic|/sys/x","params":{}})");
  CHECK(shard.last_reply().starts_with(R"({"id":"3|exp-topic|/sys/x","code":200,)"));
}

TEST_CASE("sys.ack 0 asks for no reply but for the same durability") {
  store::MemoryStore store;
  TestShard shard(store);
  CHECK(shard.publish(TestShard::topic("event/property/post"),
                      R"({"id":"1","sys":{"ack":0},"params":{"temperature":1.5}})") == Taken::later);
  shard.settle();
  CHECK(shard.egress.acknowledged.size() == 1);
  CHECK(shard.egress.sent.empty());
  CHECK(shard.value("temperature") == "1.5");
}

TEST_CASE("broken messages are answered with the documented code and keep the connection") {
  struct Row {
    std::string_view payload;
    std::string_view code;
  };
  const Row rows[] = {
      {"{\"id\":\"1\",\"params\":{\"temperature\":}}", "6207"},
      {"hello", "6207"},
      {"", "6207"},
      {"[1]", "460"},
      {R"({"id":"1"})", "460"},
      {R"({"id":"1","params":[1]})", "460"},
      {R"({"id":"1","params":"x"})", "460"},
  };
  for (const auto& row : rows) {
    store::MemoryStore store;
    TestShard shard(store);
    INFO(row.payload);
    CHECK(shard.publish(TestShard::topic("event/property/post"), row.payload) == Taken::done);
    CHECK(shard.last_reply().find("\"code\":" + std::string(row.code) + ",") != std::string::npos);
    CHECK(shard.last_reply().find("\"data\":{}") != std::string::npos);
    CHECK(shard.journal.entries.size() == 1);
  }
}

TEST_CASE("more than 200 properties are refused as a whole") {
  store::MemoryStore store;
  TestShard shard(store);
  std::string params = "{\"temperature\":1";
  for (int i = 0; i < 200; ++i) params += ",\"x" + std::to_string(i) + "\":1";
  shard.post(params + "}");
  CHECK(shard.last_reply().find(R"("code":6106,"message":"map size must less than 200")") != std::string::npos);
  shard.settle();
  CHECK(!shard.latest()->values.size());
}

TEST_CASE("a time that is no time, or more than a day ahead, drops its property with 6326") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(
      R"({"temperature":{"value":1,"time":"soon"},"humidity":{"value":1,"time":1700086500000},"interval":{"value":1,"time":1700086300000},"led":{"value":1,"time":-1}})");
  shard.settle();
  CHECK(shard.last_reply().find(R"("temperature":"tsl parse: time not valid -> temperature")") != std::string::npos);
  CHECK(shard.last_reply().find("\"humidity\":") != std::string::npos);
  CHECK(shard.last_reply().find("\"led\":") != std::string::npos);
  CHECK(shard.last_reply().find("\"interval\":") == std::string::npos);
  CHECK(shard.value("interval") == "1");
}

TEST_CASE("the last value is the one with the newest time, and an older one goes to history only") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":{"value":20,"time":1699999999000}})");
  shard.post(R"({"temperature":{"value":10,"time":1699999990000}})");
  shard.settle();
  CHECK(shard.value("temperature") == "20");
  CHECK(points(store, "temperature") == 2);
}

TEST_CASE("a last value with a time that a wrong server clock has left does not last") {
  store::MemoryStore store;
  Settings trusting;
  trusting.max_future = std::chrono::hours{24 * 365};
  {
    TestShard shard(store, registry::Validation::weak, kBoardTsl, trusting);
    shard.post(R"({"temperature":{"value":20,"time":1710000000000}})");
    shard.post(R"({"temperature":21})");
    CHECK(shard.value("temperature") == "20");
  }
  store.crash();
  TestShard again(store);
  REQUIRE(again.ingress->load());
  again.post(R"({"temperature":22})");
  CHECK(again.value("temperature") == "22");
}

TEST_CASE("a post that is sent again with its time does not double in history") {
  store::MemoryStore store;
  TestShard shard(store);
  for (int i = 0; i < 3; ++i) {
    shard.post(R"({"temperature":{"value":20,"time":1699999999000}})");
    shard.settle();
  }
  CHECK(points(store, "temperature") == 1);
  CHECK(shard.egress.acknowledged.size() == 3);
  shard.post(R"({"temperature":{"value":21,"time":1699999999000}})");
  shard.settle();
  CHECK(points(store, "temperature") == 2);
  CHECK(shard.value("temperature") == "21");
}

TEST_CASE("of two members with one name the last counts") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":1,"temperature":2})");
  shard.settle();
  CHECK(shard.value("temperature") == "2");
  CHECK(points(store, "temperature") == 1);
}

TEST_CASE("properties with different times become records of their own time") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(
      R"({"temperature":{"value":1,"time":1600000000000},"humidity":{"value":2,"time":1600000000001},"interval":{"value":3,"time":1600000000000}})");
  shard.settle();
  const auto page =
      query_property(store, 1, "humidity", {UnixMillis{1'600'000'000'001}, UnixMillis{1'600'000'000'001}});
  REQUIRE(page);
  CHECK(page->points.size() == 1);
  const auto early =
      query_property(store, 1, "interval", {UnixMillis{1'600'000'000'000}, UnixMillis{1'600'000'000'000}});
  REQUIRE(early);
  CHECK(early->points.size() == 1);
}

TEST_CASE("an event is kept, read back, and answered on its own reply topic") {
  store::MemoryStore store;
  TestShard shard(store);
  const auto topic = TestShard::topic("event/alarm/post");
  CHECK(
      shard.publish(
          topic,
          R"({"id":"9","version":"1.0","params":{"value":{"level":3,"text":"hot"},"time":1699999999000},"method":"thing.event.alarm.post"})") ==
      Taken::later);
  shard.settle();
  CHECK(shard.egress.sent.back().topic == topic + "_reply");
  CHECK(shard.last_reply() ==
        R"({"id":"9","code":200,"message":"success","data":{},"method":"thing.event.alarm.post","version":"1.0"})");
  shard.publish(topic, R"({"id":"10","params":{"level":4}})");
  shard.settle();
  const auto model = Model::compile(kBoardTsl).model;
  const auto page = query_events(store, 1, "", "", *model, {UnixMillis{0}, UnixMillis{kWall * 2}});
  REQUIRE(page);
  REQUIRE(page->events.size() == 2);
  CHECK(page->events[0].output == R"({"level":3,"text":"hot"})");
  CHECK(page->events[0].time.ms == 1'699'999'999'000);
  CHECK(page->events[1].output == R"({"level":4})");
}

TEST_CASE("outputs of an event that do not fit are dropped and named; an unknown event is refused with 5160") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.publish(TestShard::topic("event/alarm/post"), R"({"id":"1","params":{"value":{"level":"x","text":"hot"}}})");
  shard.settle();
  CHECK(shard.last_reply().find(R"("data":{"level":"tsl parse: int value not valid -> level"})") != std::string::npos);
  shard.publish(TestShard::topic("event/flood/post"), R"({"id":"2","params":{"value":{}}})");
  CHECK(shard.last_reply().starts_with(R"({"id":"2","code":5160,)"));
  shard.publish(TestShard::topic("event/booted/post"), R"({"id":"3","params":{}})");
  shard.settle();
  CHECK(shard.last_reply().starts_with(R"({"id":"3","code":200,)"));
}

TEST_CASE("an event of more than 200 members is dropped and named") {
  store::MemoryStore store;
  TestShard shard(store);
  for (const int count : {200, 201}) {
    std::string body;
    for (int i = 0; i < count; ++i) body += (i ? ",\"" : "\"") + (i ? "x" + std::to_string(i) : "level") + "\":1";
    shard.publish(TestShard::topic("event/alarm/post"), R"({"id":"1","params":{"value":{)" + body + "}}}");
    shard.settle();
    CHECK(shard.ingress->things().counts().events == 1);
  }
  CHECK(shard.last_reply().find(R"("data":{"alarm":"map size must less than 200 -> alarm"})") != std::string::npos);
}

TEST_CASE("a batch post keeps each sample at its time and moves the last value to the newest") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.publish(
      TestShard::topic("event/property/batch/post"),
      R"({"id":"1","params":{"properties":{"temperature":[{"value":1,"time":1699999990000},{"value":2,"time":1699999991000}],)"
      R"("nothing":[{"value":1}]},"events":{"alarm":[{"value":{"level":1},"time":1699999990000}]}}})");
  shard.settle();
  CHECK(shard.egress.sent.back().topic == TestShard::topic("event/property/batch/post_reply"));
  CHECK(shard.last_reply().find(R"("data":{"nothing":"tsl parse: params not exist -> nothing"})") != std::string::npos);
  CHECK(points(store, "temperature") == 2);
  CHECK(shard.value("temperature") == "2");
  CHECK(shard.ingress->things().counts().events == 1);
  shard.publish(TestShard::topic("event/property/batch/post"), R"({"id":"2","params":{"properties":7}})");
  CHECK(shard.last_reply().find("\"code\":460") != std::string::npos);
  std::string many = R"({"id":"3","params":{"properties":{"temperature":[)";
  for (int i = 0; i < 201; ++i) many += (i ? ",{\"value\":1}" : "{\"value\":1}");
  shard.publish(TestShard::topic("event/property/batch/post"), many + "]}}}");
  CHECK(shard.last_reply().find("\"code\":6106") != std::string::npos);
}

TEST_CASE("a history post goes to history and leaves the last value alone, also after a restart") {
  store::MemoryStore store;
  {
    TestShard shard(store);
    shard.post(R"({"temperature":{"value":5,"time":1600000000000}})");
    shard.publish(
        TestShard::topic("event/property/history/post"),
        R"({"id":"1","params":[{"identity":{"productKey":"a1aaaaaaaaa","deviceName":"board1"},)"
        R"("properties":[{"temperature":{"value":30,"time":1600000000500}},{"temperature":{"value":31,"time":1600000000600},"humidity":{"value":1}}],)"
        R"("events":[{"alarm":{"value":{"level":2},"time":1600000000700}}]}]})");
    shard.settle();
    CHECK(shard.last_reply().find(R"("data":{"humidity":"tsl parse: time not valid -> humidity"})") !=
          std::string::npos);
    CHECK(shard.value("temperature") == "5");
    CHECK(points(store, "temperature") == 3);
  }
  store.crash();
  TestShard again(store);
  REQUIRE(again.ingress->load());
  CHECK(again.value("temperature") == "5");
}

TEST_CASE("a history post holds as many values as the limit says, and one more is refused as a whole") {
  store::MemoryStore store;
  TestShard shard(store);
  const auto post = [&](std::size_t properties, std::size_t events) {
    std::string body =
        R"({"id":"1","params":[{"identity":{"productKey":"a1aaaaaaaaa","deviceName":"board1"},"properties":[)";
    for (std::size_t i = 0; i < properties; ++i)
      body += (i ? ",{" : "{") +
              (R"("temperature":{"value":1,"time":)" + std::to_string(1'600'000'000'000 + i * 7919 % 5003)) + "}}";
    body += R"(],"events":[)";
    for (std::size_t i = 0; i < events; ++i)
      body += (i ? ",{" : "{") + (R"("booted":{"value":{},"time":)" + std::to_string(1'600'000'000'000 + i)) + "}}";
    shard.publish(TestShard::topic("event/property/history/post"), body + "]}]}");
    shard.settle();
    return body.size();
  };
  const auto count = [&] {
    return query_property(store, 1, "temperature", {UnixMillis{0}, UnixMillis{kWall}, true, 10'000, 100'000})
        ->points.size();
  };
  post(1999, 2);
  CHECK(shard.last_reply().find("\"code\":460,") != std::string::npos);
  CHECK(post(5000, 0) > 240'000);
  CHECK(shard.last_reply().find("\"code\":460,") != std::string::npos);
  CHECK(count() == 0);
  CHECK(shard.journal.entries.back().cause == auth::code(auth::Cause::too_many_properties));
  CHECK(shard.journal.entries.back().evidence.starts_with("more than 2000 values in one history post"));
  post(1999, 1);
  CHECK(shard.last_reply().find("\"code\":200,") != std::string::npos);
  CHECK(count() == 1999);
  CHECK(shard.ingress->things().counts().events == 1);
}

TEST_CASE("samples of one property at one time are one, wherever in the message they are") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.publish(
      TestShard::topic("event/property/batch/post"),
      R"({"id":"1","params":{"properties":{"temperature":[{"value":1,"time":1600000000002},{"value":2,"time":1600000000001},)"
      R"({"value":3,"time":1600000000002},{"value":4,"time":1600000000001}],"humidity":[{"value":5,"time":1600000000001}]}}})");
  shard.settle();
  CHECK(shard.ingress->things().counts().values == 3);
  CHECK(shard.value("temperature") == "3");
  CHECK(shard.value("humidity") == "5");
  const auto page = query_property(store, 1, "temperature", {UnixMillis{0}, UnixMillis{kWall}, true, 100});
  REQUIRE(page);
  REQUIRE(page->points.size() == 2);
  CHECK(page->points[0].value == "4");
  CHECK(page->points[1].value == "3");
}

TEST_CASE("a reply names each dropped identifier once, at most 200 of them, and counts the rest") {
  store::MemoryStore store;
  TestShard shard(store);
  std::string body =
      R"({"id":"1","params":[{"identity":{"productKey":"a1aaaaaaaaa","deviceName":"board1"},"properties":[)";
  for (int i = 0; i < 2000; ++i)
    body += (i ? ",{\"x" : "{\"x") + std::to_string(i % 250) + R"(":{"value":1,"time":1600000000000}})";
  shard.publish(TestShard::topic("event/property/history/post"), body + "]}]}");
  const auto reply = json::parse(shard.last_reply());
  REQUIRE(reply);
  CHECK(reply->find("data")->size() == 201);
  CHECK(reply->find("data")->find("x199")->text()->raw() == "tsl parse: params not exist -> x199");
  CHECK(reply->find("data")->find("...")->text()->raw() == "400 more values were dropped");
  CHECK(shard.ingress->things().counts().dropped_values == 2000);
}

TEST_CASE("a dropped name of any length is shown cut") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post("{\"" + std::string(100'000, 'x') + "\":1}");
  CHECK(shard.last_reply().size() < 500);
  CHECK(json::parse(shard.last_reply())->find("data")->find(std::string(128, 'x')).has_value());
}

TEST_CASE("a history post for another device is refused as a whole") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.publish(
      TestShard::topic("event/property/history/post"),
      R"({"id":"1","params":[{"identity":{"productKey":"a1aaaaaaaaa","deviceName":"board1"},"properties":[{"temperature":{"value":30,"time":1600000000500}}]},)"
      R"({"identity":{"productKey":"a1aaaaaaaaa","deviceName":"board2"},"properties":[]}]})");
  CHECK(shard.last_reply().find("\"code\":6401") != std::string::npos);
  shard.settle();
  CHECK(points(store, "temperature") == 0);
}

TEST_CASE("a store that is behind refuses the pass: 429, nothing kept, last values as they were") {
  store::MemoryStore store({Millis{2}, 400});
  TestShard shard(store);
  shard.post(R"({"temperature":1})");
  shard.settle();
  CHECK(shard.value("temperature") == "1");
  keep_busy(shard);
  const auto sent = shard.egress.sent.size();
  for (int i = 0; i < 20; ++i)
    shard.post("{\"temperature\":" + std::to_string(50 + i) + ",\"label\":\"abcdefghijkl\"}",
               static_cast<std::uint8_t>(i % 2), 1 + i % 2);
  shard.end_pass();
  REQUIRE(shard.egress.sent.size() == sent + 20);
  CHECK(
      shard.last_reply() ==
      R"({"id":"22","code":429,"message":"too many requests","data":{},"method":"thing.event.property.post","version":"1.0"})");
  shard.settle();
  CHECK(shard.value("temperature") == "1");
  CHECK(shard.value("label") == "");
  CHECK(points(store, "temperature") == 1);
  CHECK(shard.ingress->things().counts().store_full == 20);
  shard.post(R"({"temperature":2})");
  shard.settle();
  CHECK(shard.value("temperature") == "2");
}

TEST_CASE("a QoS 1 post that the store refuses is not acknowledged: its connection is closed after the reply") {
  store::MemoryStore store({Millis{2}, 400});
  TestShard shard(store);
  const std::string large = R"({"label":")" + std::string(500, 'x') + R"("})";
  keep_busy(shard);
  shard.post(large, 1);
  shard.post(large, 0);
  shard.post(R"({"label":"small"})", 1);
  shard.egress.on_disconnect = [&](const broker::AckToken&) { CHECK(shard.egress.sent.size() == 3); };
  shard.end_pass();
  CHECK(shard.egress.acknowledged.empty());
  REQUIRE(shard.egress.disconnected.size() == 2);
  CHECK(shard.egress.disconnected[0].ticket == 2);
  CHECK(shard.egress.disconnected[1].ticket == 4);
  CHECK(shard.egress.disconnected[0].why == Error::no_space);
  for (const auto& reply : shard.egress.sent) {
    CHECK(reply.payload.find("\"code\":429,") != std::string::npos);
    CHECK(reply.qos == 0);  // nothing that a session would keep for the next connection
  }
  shard.settle();
  shard.post(R"({"label":"small"})", 1);
  shard.settle();
  CHECK(shard.egress.acknowledged == std::vector<std::uint32_t>{5});
  CHECK(shard.last_reply().find("\"code\":200,") != std::string::npos);
}

TEST_CASE("a refusal that asked for no reply is told all the same, and the journal of each device says why") {
  store::MemoryStore store({Millis{2}, 400});
  TestShard shard(store);
  const std::string label(500, 'x');
  keep_busy(shard);
  shard.publish(TestShard::topic("event/property/post"),
                R"({"id":"1","sys":{"ack":0},"params":{"label":")" + label + "\"}}");
  for (int i = 0; i < 3; ++i) shard.post("{\"label\":\"" + label + "\"}", 1, 2);
  shard.end_pass();
  CHECK(shard.egress.sent.size() == 4);
  REQUIRE(shard.journal.entries.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(shard.journal.entries[i].name == "a1aaaaaaaaa/board" + std::to_string(i + 1));
    CHECK(shard.journal.entries[i].cause == auth::code(auth::Cause::store_full));
    CHECK(shard.journal.entries[i].code == 429);
  }
}

TEST_CASE("when the disk fails, what is in flight is answered 500 and its connections are closed") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":1})");
  shard.settle();
  shard.post(R"({"temperature":2,"humidity":2})");
  shard.end_pass();
  shard.post(R"({"temperature":3})", 0);
  shard.end_pass();
  store.fail("no such device");
  shard.loop.advance(Seconds{1});  // no further message is needed
  CHECK(shard.egress.acknowledged.size() == 1);
  REQUIRE(shard.egress.disconnected.size() == 1);
  CHECK(shard.egress.disconnected[0].why == Error::io_failed);
  REQUIRE(shard.egress.sent.size() == 3);
  for (std::size_t i = 1; i < 3; ++i) {
    CHECK(shard.egress.sent[i].payload.find("\"id\":\"" + std::to_string(i + 1) + "\",\"code\":500,") !=
          std::string::npos);
  }
  CHECK(shard.value("temperature") == "1");
  CHECK(shard.value("humidity") == "");
  shard.post(R"({"temperature":4})");
  shard.settle();
  CHECK(shard.egress.disconnected.size() == 2);
  CHECK(shard.value("temperature") == "1");
}

TEST_CASE("what was durable before the disk failed is acknowledged, though its completion comes after the failure") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":1})");
  shard.end_pass();
  shard.loop.timers().advance(shard.loop.now() + Millis{2});  // durable; the completion waits in the loop
  shard.post(R"({"temperature":2})");
  store.fail("no such device");
  std::string shown;
  shard.ingress->things().latest(1, [&](std::optional<Summary> found) { shown = found->values.at(0).value; });
  shard.settle();
  CHECK(shown == "1");
  CHECK(shard.egress.acknowledged == std::vector<std::uint32_t>{1});
  REQUIRE(shard.egress.disconnected.size() == 1);
  CHECK(shard.egress.disconnected[0].ticket == 2);
  CHECK(shard.value("temperature") == "1");
}

TEST_CASE("last values come back after a restart, many properties of a device included") {
  std::string tsl = R"({"properties":[)";
  for (int i = 0; i < 40; ++i)
    tsl += (i ? "," : "") + (R"({"identifier":"p)" + std::to_string(i)) +
           R"(","name":"P","accessMode":"r","dataType":{"type":"int","specs":{}}})";
  tsl += "]}";
  store::MemoryStore store;
  {
    TestShard shard(store, registry::Validation::weak, tsl);
    for (int i = 39; i >= 0; --i) shard.post("{\"p" + std::to_string(i) + "\":" + std::to_string(i) + "}");
    shard.settle();
    shard.post(R"({"p20":2000})");
    shard.settle();
  }
  store.crash();
  TestShard again(store, registry::Validation::weak, tsl);
  REQUIRE(again.ingress->load());
  const auto summary = again.latest();
  REQUIRE(summary);
  CHECK(summary->values.size() == 40);
  CHECK(again.value("p20") == "2000");
  CHECK(again.value("p0") == "0");
}

TEST_CASE("a damaged or newer record stops the start instead of being misread") {
  store::MemoryStore store;
  store::TestLoop loop;
  store::Mutations mutations;
  mutations.put(store::Family::state, std::string_view("\0\0\0\0\0\0\0\1v\0\0", 11), "\x02whatever");
  REQUIRE(store.submit(loop, std::move(mutations), [] {}));
  loop.advance(Millis{10});
  TestShard shard(store);
  const auto loaded = shard.ingress->load();
  REQUIRE(!loaded);
  CHECK(loaded.error() == Error::malformed);
}

TEST_CASE("validation none answers 200 and keeps nothing") {
  store::MemoryStore store;
  TestShard shard(store, registry::Validation::none);
  CHECK(shard.post(R"({"temperature":"x","anything":{}})") == Taken::done);
  CHECK(shard.last_reply().find(R"("code":200,"message":"success","data":{})") != std::string::npos);
  shard.publish(TestShard::topic("event/whatever/post"), R"({"id":"2","params":{"value":{"a":1}}})");
  CHECK(shard.last_reply().find("\"code\":200") != std::string::npos);
  shard.settle();
  CHECK(store.counters().commits == 0);
}

TEST_CASE("without a thing model every property is dropped and the journal says why") {
  store::MemoryStore store;
  TestShard shard(store, registry::Validation::weak, "");
  shard.post(R"({"temperature":1})");
  CHECK(shard.last_reply().find("params not exist -> temperature") != std::string::npos);
  REQUIRE(shard.journal.entries.size() == 1);
  CHECK(shard.journal.entries[0].cause == auth::code(auth::Cause::model_missing));
}

TEST_CASE("a new version of the model counts from the next message on") {
  store::MemoryStore store;
  TestShard shard(store, registry::Validation::weak, "");
  shard.post(R"({"temperature":1})");
  shard.put_product(registry::Validation::weak, kBoardTsl, 2);
  shard.post(R"({"temperature":2})");
  shard.settle();
  CHECK(shard.value("temperature") == "2");
  const auto other =
      Model::compile(
          R"({"properties":[{"identifier":"only","name":"O","accessMode":"r","dataType":{"type":"int","specs":{}}}]})")
          .model;
  shard.ingress->things().put_model(std::string(kProduct), 3, other);
  shard.put_product(registry::Validation::weak, kBoardTsl, 3);
  shard.post(R"({"only":7})");
  shard.settle();
  CHECK(shard.value("only") == "7");
}

TEST_CASE("the journal is told a few times a minute, not for every message") {
  store::MemoryStore store;
  TestShard shard(store);
  for (int i = 0; i < 100; ++i) shard.post(i % 2 ? R"({"nothing":1})" : R"({"temperature":"x"})");
  CHECK(shard.journal.entries.size() == 6);
  shard.loop.advance(Seconds{61});
  shard.post(R"({"nothing":1})");
  CHECK(shard.journal.entries.size() == 7);
}

TEST_CASE("what the journal shows of a payload can be printed, whatever a device has sent") {
  struct Row {
    std::string payload, shown;
  };
  const Row rows[] = {
      {std::string("\xFF\x00\x1B[2J", 6), "\\xff\\x00\\x1b[2J"},
      {"{\"label\":\"\xE6\xB8\xA9\xE5\xBA\xA6", "{\"label\":\"\xE6\xB8\xA9\xE5\xBA\xA6"},
      {"{\"label\":\"\xE6\xB8", "{\"label\":\"\\xe6\\xb8"},
  };
  for (const auto& row : rows) {
    store::MemoryStore store;
    TestShard shard(store);
    shard.publish(TestShard::topic("event/property/post"), row.payload);
    REQUIRE(shard.journal.entries.size() == 1);
    CHECK(shard.journal.entries[0].evidence.find(": " + row.shown + " [") != std::string::npos);
  }
  for (const std::size_t before : {31, 32, 33}) {  // nor is a character cut
    store::MemoryStore store;
    TestShard shard(store);
    std::string text;
    for (int i = 0; i < 50; ++i) text += "\xE6\xB8\xA9";
    shard.publish(TestShard::topic("event/property/post"),
                  "{\"label\":\"" + text + std::string(before, ' ') + "\x01" + text);
    REQUIRE(shard.journal.entries.size() == 1);
    CHECK(shard.journal.entries[0].evidence.find("\\x01") != std::string::npos);
    CHECK(shard.journal.entries[0].evidence.find("\\x", shard.journal.entries[0].evidence.find("\\x01") + 1) ==
          std::string::npos);
    CHECK(shard.journal.entries[0].evidence.find("\\x") == shard.journal.entries[0].evidence.find("\\x01"));
  }
}

TEST_CASE("identifiers with escapes and forgiven commas are understood without harming what is kept") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temper\u0061ture":3,"position":{"lat":1,"fix":1,},"bad\"name":1,})");
  shard.settle();
  CHECK(shard.value("temperature") == "3");
  CHECK(shard.value("position") == "");
  const auto reply = json::parse(shard.last_reply());
  REQUIRE(reply);
  CHECK(reply->find("data")->find("bad\"name").has_value());
  CHECK(reply->find("data")->find("position").has_value());
}
