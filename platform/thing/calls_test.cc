#include <doctest/doctest.h>

#include "platform/thing/history.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

constexpr std::int64_t kWall = 1'700'000'000'000;  // TestLoop's

/// A shard, and how its calls ended.
struct Bench {
  store::MemoryStore store;
  TestShard shard{store};
  std::vector<CallResult> results;

  explicit Bench(registry::Validation validation = registry::Validation::weak) {
    if (validation != registry::Validation::weak) shard.put_product(validation, kBoardTsl, 2);
  }
  SetTicket invoke(std::string_view service, std::string_view args) {
    return shard.ingress->things().invoke_service(1, service, args,
                                                  [this](const CallResult& result) { results.push_back(result); });
  }
  SetTicket rrpc(std::string_view topic, std::string_view payload, Millis timeout = Millis{5000}) {
    return shard.ingress->things().rrpc(1, topic, as_bytes(payload), timeout,
                                        [this](const CallResult& result) { results.push_back(result); });
  }
  std::vector<ServiceRecord> records() {
    shard.settle();
    const auto page = query_services(store, 1, "", {UnixMillis{0}, UnixMillis{kWall * 2}, true, 100, 100'000});
    REQUIRE(page);
    return page->calls;
  }
  std::string answer(const SetTicket& ticket, int code, std::string_view data) {
    return "{\"id\":\"" + std::to_string(ticket.message_id) + "\",\"code\":" + std::to_string(code) +
           ",\"data\":" + std::string(data) + "}";
  }
};

}  // namespace

TEST_CASE("an asynchronous service goes to its topic at QoS 1, and call and answer become one record") {
  Bench bench;
  const auto ticket = bench.invoke("reboot", "{ \"delay\": 5 }");
  REQUIRE(ticket.sent);
  CHECK(!ticket.answers);
  const auto& sent = bench.shard.egress.sent.back();
  CHECK(sent.topic == TestShard::topic("service/reboot"));
  CHECK(sent.qos == 1);
  CHECK(sent.payload == "{\"id\":\"" + std::to_string(ticket.message_id) +
                            R"(","version":"1.0","params":{"delay":5},"method":"thing.service.reboot"})");
  // A call that nobody has answered is seen as such.
  auto records = bench.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].identifier == "reboot");
  CHECK(records[0].input == R"({"delay":5})");
  CHECK(records[0].output.empty());

  const std::string answer = bench.answer(ticket, 200, "{}");
  bench.shard.publish(TestShard::topic("service/reboot_reply"), answer);
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].code == 200);
  records = bench.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].output == answer);
  // Once.
  bench.shard.publish(TestShard::topic("service/reboot_reply"), answer);
  CHECK(bench.results.size() == 1);
  REQUIRE(bench.shard.journal.entries.size() == 1);
  CHECK(bench.shard.journal.entries[0].cause == auth::code(auth::Cause::reply_unexpected));
}

TEST_CASE("an asynchronous call waits an hour for its answer, then stays in the records without one") {
  Bench bench;
  REQUIRE(bench.invoke("reboot", R"({"delay":5})").sent);
  bench.shard.loop.advance(std::chrono::minutes{59});
  CHECK(bench.results.empty());
  bench.shard.loop.advance(std::chrono::minutes{2});
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].timed_out);
  CHECK(bench.records().at(0).output.empty());
}

TEST_CASE("a synchronous service goes over /ext/rrpc to who takes it, and over rrpc/request to the others") {
  for (const bool ext : {true, false}) {
    CAPTURE(ext);
    Bench bench;
    if (!ext) bench.shard.egress.unsubscribed = "/ext/rrpc/";
    const auto ticket = bench.invoke("weigh", R"({"times":3})");
    REQUIRE(ticket.sent);
    CHECK(ticket.answers);
    const std::string id = std::to_string(ticket.message_id);
    const std::string pk(kProduct);
    const auto sent = bench.shard.egress.sent.back();
    CHECK(sent.topic ==
          (ext ? "/ext/rrpc/" + id + TestShard::topic("service/weigh") : "/sys/" + pk + "/board1/rrpc/request/" + id));
    CHECK(sent.qos == 0);
    CHECK(sent.payload ==
          "{\"id\":\"" + id + R"(","version":"1.0","params":{"times":3},"method":"thing.service.weigh"})");
    // The answer of another device, or to another id, is none.
    const std::string reply_topic = ext ? sent.topic : "/sys/" + pk + "/board1/rrpc/response/" + id;
    const std::string answer = bench.answer(ticket, 200, R"({"grams":12.5})");
    if (ext) bench.shard.publish(reply_topic, answer, 0, 2);
    if (!ext) bench.shard.publish(reply_topic + "1", answer, 0);
    bench.shard.publish(TestShard::topic("service/weigh_reply"), answer, 0);
    CHECK(bench.results.empty());
    bench.shard.publish(reply_topic, answer, 0);
    REQUIRE(bench.results.size() == 1);
    CHECK(bench.results[0].code == 200);
    CHECK(bench.results[0].data == R"({"grams":12.5})");
    CHECK(bench.records().at(0).output == answer);
  }
}

TEST_CASE("a synchronous call that is not answered within 8 seconds has timed out, and a late answer is noted") {
  Bench bench;
  const auto ticket = bench.invoke("weigh", R"({"times":3})");
  bench.shard.loop.advance(Millis{7'990});
  CHECK(bench.results.empty());
  bench.shard.loop.advance(Millis{20});
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].timed_out);
  bench.shard.publish("/sys/" + std::string(kProduct) + "/board1/rrpc/response/" + std::to_string(ticket.message_id),
                      bench.answer(ticket, 200, "{}"), 0);
  CHECK(bench.results.size() == 1);
  CHECK(bench.shard.journal.entries.back().cause == auth::code(auth::Cause::reply_unexpected));
  CHECK(bench.shard.ingress->things().counts().call_timeouts == 1);
}

TEST_CASE("an answer that is no reply ends a synchronous call with 6207 and goes to the journal") {
  Bench bench;
  const auto ticket = bench.invoke("weigh", R"({"times":3})");
  bench.shard.publish("/sys/" + std::string(kProduct) + "/board1/rrpc/response/" + std::to_string(ticket.message_id),
                      "\x01\x02", 0);
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].code == 6207);
  CHECK(bench.shard.journal.entries.back().cause == auth::code(auth::Cause::payload_not_json));
  CHECK(bench.records().at(0).output == R"({"code":6207})");
}

TEST_CASE("a call that does not fit the model, or reaches nobody, is not sent and says why") {
  struct Row {
    std::string_view service, args;
    Error error;
    int code;
  };
  const Row rows[] = {
      {"none", "{}", Error::bad_argument, 6313},
      {"a/b", "{}", Error::bad_argument, 6313},
      {"weigh", "{}", Error::bad_argument, 6302},
      {"weigh", R"({"times":"3"})", Error::bad_argument, 6306},
      {"weigh", R"({"times":3,"kilos":1})", Error::bad_argument, 6304},
      {"weigh", "[]", Error::malformed, 200},
      {"weigh", "{", Error::malformed, 200},
  };
  Bench bench;
  for (const Row& row : rows) {
    CAPTURE(row.args);
    const auto ticket = bench.invoke(row.service, row.args);
    CHECK(!ticket.sent);
    CHECK(ticket.error == row.error);
    CHECK(alink::number(ticket.code) == row.code);
    CHECK(!ticket.detail.empty());
  }
  CHECK(bench.shard.egress.sent.empty());
  bench.shard.egress.reachable = false;
  CHECK(bench.invoke("weigh", R"({"times":3})").error == Error::closed);
  CHECK(bench.invoke("reboot", R"({"delay":3})").error == Error::closed);
  CHECK(bench.rrpc("", "x").error == Error::closed);
  bench.shard.egress.reachable = true;
  bench.shard.egress.unsubscribed = "/";
  CHECK(bench.invoke("weigh", R"({"times":3})").error == Error::denied);
  CHECK(bench.rrpc("", "x").error == Error::denied);
  CHECK(bench.records().empty());
}

TEST_CASE("an input out of its range is refused where the product checks all, and passes where it checks types") {
  Bench weak, strong(registry::Validation::strong), none(registry::Validation::none);
  CHECK(weak.invoke("weigh", R"({"times":10})").sent);
  CHECK(alink::number(strong.invoke("weigh", R"({"times":10})").code) == 6306);
  const auto unchecked = none.invoke("weigh", R"({"anything":[1]})");
  CHECK(unchecked.sent);
  CHECK(!unchecked.answers);
}

TEST_CASE("an RRPC carries any bytes there and back on both kinds of topic and leaves no record") {
  for (const std::string& topic : {std::string(), "/" + std::string(kProduct) + "/board1/user/get"}) {
    CAPTURE(topic);
    Bench bench;
    const std::string payload("\0\xFF?", 3);
    const auto ticket = bench.rrpc(topic, payload);
    REQUIRE(ticket.sent);
    const auto sent = bench.shard.egress.sent.back();
    CHECK(sent.payload == payload);
    const std::string id = std::to_string(ticket.message_id);
    CHECK(sent.topic ==
          (topic.empty() ? "/sys/" + std::string(kProduct) + "/board1/rrpc/request/" + id : "/ext/rrpc/" + id + topic));
    bench.shard.publish(topic.empty() ? "/sys/" + std::string(kProduct) + "/board1/rrpc/response/" + id : sent.topic,
                        payload, 0);
    REQUIRE(bench.results.size() == 1);
    CHECK(bench.results[0].payload == payload);
    CHECK(bench.records().empty());
  }
}

TEST_CASE("calls with different patience time out each at its own time, whatever the order they were made in") {
  Bench bench;
  bench.rrpc("", "slow", Millis{8000});
  bench.rrpc("", "quick", Millis{1000});
  bench.shard.loop.advance(Millis{1100});
  CHECK(bench.results.size() == 1);
  bench.shard.loop.advance(Millis{7000});
  CHECK(bench.results.size() == 2);
}

TEST_CASE("as many calls wait as the settings allow") {
  store::MemoryStore store;
  Settings settings;
  settings.max_pending_sets = 2;
  TestShard shard(store, registry::Validation::weak, kBoardTsl, settings);
  auto& things = shard.ingress->things();
  for (int i = 0; i < 2; ++i) CHECK(things.rrpc(1, "", as_bytes("x"), Millis{1000}, {}).sent);
  CHECK(things.rrpc(1, "", as_bytes("x"), Millis{1000}, {}).error == Error::no_space);
  shard.loop.advance(Millis{1100});
  CHECK(things.rrpc(1, "", as_bytes("x"), Millis{1000}, {}).sent);
}
