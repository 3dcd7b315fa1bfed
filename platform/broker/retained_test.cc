#include "platform/broker/retained.h"

#include <doctest/doctest.h>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

constexpr UnixMillis kWall{1'000'000};

Publication retained_one(std::string_view topic, std::string_view payload = "x", std::int64_t expires_ms = 0) {
  Publication publication;
  publication.topic = topic;
  publication.payload = as_bytes(payload);
  publication.expires_ms = expires_ms;
  publication.retain = true;
  return publication;
}

Instant at(std::int64_t ms) { return Instant{Millis{ms}}; }

/// Retains "r/0" to "r/<count-1>".
void fill(TestWorld& world, int count, std::string_view payload) {
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("filler")) == 0);
  for (int i = 0; i < count; ++i) {
    a.say_publish("r/" + std::to_string(i), payload, 1, static_cast<std::uint16_t>(i + 1), true);
    REQUIRE(a.hears_ack(PacketType::puback, static_cast<std::uint16_t>(i + 1)));
  }
}

}  // namespace

TEST_CASE("retained messages are found by every kind of filter, `$`-topics not by wildcards") {
  RetainedMessages retained{{}};
  using Change = RetainedMessages::Change;
  const auto put = [&retained](std::string_view topic, std::int64_t stamp, std::string_view payload = "x") {
    return retained.put(retained_one(topic, payload), 1, {stamp, 0}, at(0), kWall);
  };
  CHECK(put("sport", 1) == Change::set);
  CHECK(put("sport/tennis", 1) == Change::set);
  CHECK(put("$x/sport", 1) == Change::set);
  CHECK(put("sport", 0) == Change::none);  // older than what is there
  const auto found = [&retained](std::string_view filter, std::size_t most) {
    std::string from;
    int count = 0;
    for (;;) {
      std::size_t steps = most;
      if (retained.next(filter, from, steps, at(0)).message)
        ++count;
      else if (steps > 0)
        return count;
    }
  };
  for (const std::size_t steps : {1, 2, 3, 100}) {
    CAPTURE(steps);
    CHECK(found("#", steps) == 2);
    CHECK(found("sport/#", steps) == 2);
    CHECK(found("sport/+", steps) == 1);
    CHECK(found("+/tennis", steps) == 1);
    CHECK(found("sport", steps) == 1);
    CHECK(found("$x/#", steps) == 1);
    CHECK(found("spor", steps) == 0);
  }
  CHECK(put("sport", 2, "") == Change::erased);
  CHECK(put("sport", 3, "") == Change::none);
  CHECK(put("sport", 2) == Change::none);  // older than that
  CHECK(retained.size() == 2);
}

TEST_CASE("an older message that comes after its topic was erased is not set, for some seconds and within bounds") {
  RetainedMessages retained{{}};
  using Change = RetainedMessages::Change;
  const auto put = [&retained](std::string_view topic, std::int64_t stamp, std::string_view payload, Instant now) {
    return retained.put(retained_one(topic, payload), 1, {stamp, 0}, now, kWall);
  };
  CHECK(put("a", 5, "", at(0)) == Change::none);  // overtakes what it is to erase
  CHECK(put("a", 4, "x", at(10)) == Change::none);
  CHECK(put("a", 6, "y", at(20)) == Change::set);
  CHECK(put("a", 7, "", at(5000)) == Change::erased);
  CHECK(retained.next_expiry() == at(10'000));
  const auto none = [](std::string_view) { FAIL("nothing has expired"); };
  retained.expire(at(10'000), none);
  CHECK(put("a", 6, "y", at(10'001)) == Change::none);
  retained.expire(at(15'000), none);
  CHECK(retained.next_expiry() == Instant::never());
  CHECK(put("a", 6, "y", at(15'001)) == Change::set);
  for (int i = 0; i < 10'000; ++i) put("b/" + std::to_string(i), 9, "", at(20'000));
  CHECK(put("b/0", 8, "x", at(20'000)) == Change::set);
  CHECK(put("b/9999", 8, "x", at(20'000)) == Change::none);
}

TEST_CASE("the retained messages are bounded in number, in bytes, and each of them") {
  RetainedMessages retained{{.messages = 3, .bytes = 2000, .message_bytes = 500}};
  const auto put = [&retained](std::string_view topic, std::size_t bytes) {
    const std::string payload(bytes, 'x');
    const auto publication = retained_one(topic, payload);
    if (retained.refusal(publication)) return false;
    retained.put(publication, 1, {1, 0}, at(0), kWall);
    return true;
  };
  CHECK(!put("a", 501));
  CHECK(put("a", 500));
  CHECK(put("b", 500));
  CHECK(!put("c", 500));
  CHECK(put("b", 400));
  CHECK(put("c", 100));
  CHECK(!put("d", 1));
  CHECK(retained.bytes() <= 2000);
  CHECK(put("a", 0));  // erasing is always possible
  CHECK(put("d", 1));
  for (const auto* topic : {"b", "c", "d"}) CHECK(put(topic, 0));
  CHECK(retained.bytes() == 0);
}

TEST_CASE("a retained message expires by deadline, and one that replaces it has its own") {
  RetainedMessages retained{{}};
  retained.put(retained_one("a", "x", kWall.ms + 1000), 1, {1, 0}, at(50), kWall);
  retained.put(retained_one("b", "x", kWall.ms + 2000), 1, {1, 0}, at(50), kWall);
  CHECK(retained.next_expiry() == at(1050));
  retained.put(retained_one("a", "y", kWall.ms + 5000), 1, {2, 0}, at(50), kWall);
  CHECK(retained.next_expiry() == at(2050));
  std::string from;
  std::size_t steps = 100;
  CHECK(retained.next("b", from, steps, at(2049)).message);
  from.clear();
  CHECK(!retained.next("b", from, steps, at(2050)).message);
  std::string gone;
  const auto note = [&gone](std::string_view topic) { gone += topic; };
  retained.expire(at(2049), note);
  CHECK(gone.empty());
  retained.expire(at(10'000), note);
  CHECK(gone == "ba");
  CHECK(retained.size() == 0);
  CHECK(retained.next_expiry() == Instant::never());
}

TEST_CASE("a subscriber gets all that is retained for it, however much more that is than its queue holds") {
  for (const int qos : {0, 1, 2}) {
    for (const bool clean : {true, false}) {
      CAPTURE(qos);
      CAPTURE(clean);
      TestWorld::Options options;
      options.config.standard.max_queued_messages = 5;
      options.config.standard.max_in_flight = 3;
      options.config.standard.max_output_bytes = 10'000;
      TestWorld world{options};
      fill(world, 300, std::string(200, 'x'));
      TestClient b{world, kStandard};
      REQUIRE(b.connect(client("b", clean)) == 0);
      REQUIRE(b.subscribe("r/#", qos) == qos);
      int heard = 0;
      for (; heard < 300 && b.expect(PacketType::publish); ++heard) {
        const auto message = *mqtt::decode_publish(b.version, b.last.frame(), mqtt::Sender::server);
        CHECK(message.retain);
        CHECK(world.counters().queued_messages <= 5);
        if (message.qos != Qos::at_most_once) b.say_ack(PacketType::puback, message.packet_id);
      }
      CHECK(heard == 300);
      CHECK(b.hears_nothing());
    }
  }
}

TEST_CASE("a subscriber that reads at once still leaves others their turn while retained messages are looked for") {
  TestWorld world;
  constexpr int kTopics = 20'000, kEach = 1000;
  for (int i = 0; i < kTopics; ++i)
    world.broker().publish("r/" + std::to_string(100'000 + i) + (i % kEach == 0 ? "/x" : "/y"), as_bytes("z"), 0, true);
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b")) == 0);
  b.say_subscribe({mqtt::Subscription{.filter = "r/+/x"}});
  std::uint64_t most = 0, before = 0;
  const auto all_sent = [&] {
    const std::uint64_t now = world.counters().messages_out;
    most = std::max(most, now - before);
    before = now;
    return now == kTopics / kEach;
  };
  REQUIRE(world.world.run_until(all_sent, Seconds{2}));
  CHECK(most <= 10);  // a turn is 4,096 topics, and the pass of SUBSCRIBE may have two
}

TEST_CASE("what a persistent subscriber has not yet been sent comes when it is back; UNSUBSCRIBE ends it") {
  TestWorld::Options options;
  options.config.standard.max_in_flight = 3;
  TestWorld world{options};
  fill(world, 20, "x");
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("r/#", 1) == 1);
    for (int i = 0; i < 3; ++i) CHECK(b.expect(PacketType::publish));
    CHECK(b.hears_nothing());
  }
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(b.expect(PacketType::publish));
    const auto message = *mqtt::decode_publish(b.version, b.last.frame(), mqtt::Sender::server);
    if (i < 9) b.say_ack(PacketType::puback, message.packet_id);
  }
  world.run_for(Millis{50});
  b.received.clear();
  b.unsubscribe({"r/#"});
  for (std::uint16_t id = 1; id <= 20; ++id) b.say_ack(PacketType::puback, id);
  CHECK(b.hears_nothing());
}

TEST_CASE("a retained message over the bound is refused with 0x97, and the journal says which bound") {
  TestWorld::Options options;
  options.config.max_retained_bytes = 1000;
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a", true, ProtocolVersion::v5)) == 0);
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b")) == 0);
  REQUIRE(b.subscribe("#", 1) == 1);
  const std::string large(2000, 'x');
  for (const int qos : {1, 2}) {
    a.say_publish("t", large, qos, 5, true);
    CHECK(a.hears_ack(qos == 1 ? PacketType::puback : PacketType::pubrec, 5));
    CHECK(a.ack_reason == ReasonCode::quota_exceeded);
  }
  CHECK(b.hears_nothing());
  REQUIRE(world.journal.count(auth::Cause::retained_full) == 2);
  CHECK(world.journal.last(auth::Cause::retained_full)->evidence.find("1000") != std::string::npos);
  a.say_publish("t", "small", 2, 5, true);  // the packet id is free
  CHECK(a.hears_ack(PacketType::pubrec, 5));
  CHECK(a.ack_reason == ReasonCode::success);
  CHECK(world.counters().retained == 1);
}

TEST_CASE("expired retained messages go by deadline, from memory and from the store, whatever the wall clock does") {
  for (const std::size_t shards : {1, 3}) {
    CAPTURE(shards);
    TestWorld::Options options;
    options.with_store = true;
    options.shards = shards;
    TestWorld world{options};
    std::uint8_t space[8];
    mqtt::PropertyWriter properties{space};
    properties.message_expiry(Seconds{60});
    {
      TestClient a{world, kStandard};
      auto with = client("a", true, ProtocolVersion::v5);
      REQUIRE(a.connect(with) == 0);
      for (std::uint16_t i = 0; i < 4; ++i) {
        a.say_publish("t/" + std::to_string(i), "x", 1, static_cast<std::uint16_t>(i + 1), true, false,
                      properties.view());
        REQUIRE(a.hears_ack(PacketType::puback, static_cast<std::uint16_t>(i + 1)));
      }
    }
    world.server_host.jump_wall(Seconds{3600});
    world.run_for(Seconds{30});
    CHECK(world.total().retained == 4 * shards);  // not too early
    {
      TestClient b{world, kStandard};
      REQUIRE(b.connect(client("b", true, ProtocolVersion::v5)) == 0);
      REQUIRE(b.subscribe("t/0", 1) == 1);
      REQUIRE(b.hears("t/0", "x"));
      const auto left = b.message.properties.message_expiry().value_or(Seconds{0});
      CHECK(left > Seconds{20});
      CHECK(left <= Seconds{30});
    }
    world.server_host.jump_wall(Seconds{-7200});
    world.run_for(Seconds{40});
    CHECK(world.total().retained == 0);  // nor too late
    const auto in_store = [&world] {
      int count = 0;
      const auto read = world.store->scan(store::Family::session, "r/", "r0", store::StreamStore::Order::ascending,
                                          [&count](std::string_view, std::string_view) { return ++count > 0; });
      REQUIRE(read);
      return count;
    };
    CHECK(in_store() == 0);
  }
}

TEST_CASE("a wall clock set back does not make older retained messages win") {
  for (const std::size_t shards : {1, 2}) {
    TestWorld::Options options;
    options.with_store = true;
    options.shards = shards;
    TestWorld world{options};
    const auto set = [&world](std::string_view id, std::string_view payload) {
      TestClient a{world, kStandard};
      REQUIRE(a.connect(client(id)) == 0);
      CHECK(a.publishes("t", payload, true));
    };
    const auto is_set = [&world](std::string_view payload) {
      for (const auto* id : {"x", "y", "z"}) {
        TestClient b{world, kStandard};
        REQUIRE(b.connect(client(id)) == 0);
        REQUIRE(b.subscribe("t", 1) == 1);
        CHECK(b.hears("t", payload));
      }
    };
    set("a", "old");
    world.server_host.jump_wall(Seconds{-3600});
    for (const auto* id : {"b", "c", "d"}) set(id, id);
    is_set("d");
    world.run_for(Millis{50});
    world.restart();
    is_set("d");
    set("e", "new");
    is_set("new");
  }
}
