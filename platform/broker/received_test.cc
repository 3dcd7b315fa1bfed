// QoS 2 from clients: what a repetition means, on another connection and after a restart.
#include <doctest/doctest.h>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

constexpr Millis kSlow{200};

/// A server with a slow disk, and an absent subscriber "b" of "t" whose messages go there.
struct SlowWorld : TestWorld {
  explicit SlowWorld(std::size_t count = 1, Millis sync = kSlow) : TestWorld(with(count)) {
    brokers.clear();
    store = std::make_unique<store::MemoryStore>(store::MemoryOptions{.sync_delay = sync});
    server_host.kill(runtime::SimHost::Death::process);
    server_host.revive();
    start();
    TestClient b{*this, kStandard};
    REQUIRE(b.connect(client(absent(), false)) == 0);
    REQUIRE(b.subscribe("t", 2) == 2);
    b.disconnect();
    run_for(Seconds{2});
  }
  static Options with(std::size_t count) {
    Options options;
    options.shards = count;
    options.with_store = true;
    return options;
  }
  /// A name on the last shard, and one on the first.
  std::string absent() { return named(shards.count() - 1); }
  std::string present() { return named(0) + "-"; }
  std::string named(std::size_t shard) {
    for (int i = 0;; ++i)
      if (home_of("c/n" + std::to_string(i)) == shard && home_of("c/n" + std::to_string(i) + "-") == 0)
        return "n" + std::to_string(i);
  }
};

}  // namespace

TEST_CASE("a QoS 2 message that its limit refused counts as new on the next connection") {
  SlowWorld world;
  world.config.standard.max_unacknowledged = 2;
  {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a", false)) == 0);
    for (std::uint16_t i = 1; i <= 2; ++i) a.say_publish("t", "x", 1, i);
    a.say_publish("t", "third", 2, 3);
    CHECK(a.is_closed_within(Seconds{1}));
  }
  world.run_for(Seconds{1});
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  a.say_publish("t", "third", 2, 3, false, true);
  CHECK(a.hears_ack(PacketType::pubrec, 3));
  CHECK(world.total().queued_messages == 3);
}

TEST_CASE("PUBREC for a repetition on another connection waits for the commit of the first copy") {
  for (const std::size_t shards : {1, 2}) {
    CAPTURE(shards);
    SlowWorld world{shards};
    {
      TestClient a{world, kStandard};
      REQUIRE(a.connect(client(world.present(), false)) == 0);
      world.run_for(Seconds{1});
      a.say_publish("t", "x", 2, 3);
      CHECK(a.hears_nothing(Millis{20}));
    }
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client(world.present(), false)) == 0);
    CHECK(a.session_present);
    a.say_publish("t", "x", 2, 3, false, true);
    CHECK(a.hears_nothing(kSlow / 2));
    CHECK(a.hears_ack(PacketType::pubrec, 3));
    a.say_publish("t", "x", 2, 3, false, true);
    CHECK(a.hears_ack(PacketType::pubrec, 3));
    CHECK(a.hears_nothing());
    CHECK(world.total().queued_messages == 1);
  }
}

TEST_CASE("after a restart a repetition of what had its PUBREC counts once, and a released packet id is free") {
  for (const std::size_t shards : {1, 2}) {
    CAPTURE(shards);
    SlowWorld world{shards, Millis{1}};
    const auto me = client(world.present(), false);
    {
      TestClient a{world, kStandard};
      REQUIRE(a.connect(me) == 0);
      a.say_publish("t", "one", 2, 7);
      CHECK(a.hears_ack(PacketType::pubrec, 7));
    }
    world.restart();
    CHECK(world.total().queued_messages == 1);
    {
      TestClient a{world, kStandard};
      REQUIRE(a.connect(me) == 0);
      CHECK(a.session_present);
      a.say_publish("t", "one", 2, 7, false, true);
      CHECK(a.hears_ack(PacketType::pubrec, 7));
      CHECK(world.total().queued_messages == 1);
      a.say_ack(PacketType::pubrel, 7);
      CHECK(a.hears_ack(PacketType::pubcomp, 7));
    }
    world.restart();
    TestClient a{world, kStandard};
    REQUIRE(a.connect(me) == 0);
    a.say_publish("t", "two", 2, 7);
    CHECK(a.hears_ack(PacketType::pubrec, 7));
    CHECK(world.total().queued_messages == 2);
  }
}

TEST_CASE("PUBCOMP leaves only when the store has forgotten the packet id") {
  SlowWorld world;
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  world.run_for(Seconds{1});
  a.say_publish("t", "one", 2, 7);
  CHECK(a.hears_ack(PacketType::pubrec, 7));
  a.say_ack(PacketType::pubrel, 7);
  CHECK(a.hears_nothing(kSlow / 2));
  CHECK(a.hears_ack(PacketType::pubcomp, 7));
}

TEST_CASE("a repeated PUBREL is not answered before the store has forgotten the packet id either") {
  SlowWorld world;
  const auto login = [&world](TestClient& a) {
    REQUIRE(a.connect(client("a", false)) == 0);
    world.run_for(Seconds{1});
  };
  {
    TestClient a{world, kStandard};
    login(a);
    a.say_publish("t", "one", 2, 7);
    CHECK(a.hears_ack(PacketType::pubrec, 7));
    a.say_ack(PacketType::pubrel, 7);
    a.say_ack(PacketType::pubrel, 7);
    CHECK(a.hears_nothing(kSlow / 2));
    for (int i = 0; i < 2; ++i) CHECK(a.hears_ack(PacketType::pubcomp, 7));
    a.say_publish("t", "two", 2, 7);
    CHECK(a.hears_ack(PacketType::pubrec, 7));
    CHECK(world.total().queued_messages == 2);
    a.say_ack(PacketType::pubrel, 7);
    world.run_for(Millis{5});
  }
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  a.say_ack(PacketType::pubrel, 7);
  CHECK(a.hears_nothing(kSlow / 2));
  CHECK(a.hears_ack(PacketType::pubcomp, 7));
  a.say_ack(PacketType::pubrel, 7);  // unknown by now
  CHECK(a.hears_ack(PacketType::pubcomp, 7));
}

TEST_CASE("a PUBREL that the failed disk cannot keep is never answered") {
  SlowWorld world;
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  world.run_for(Seconds{1});
  a.say_publish("t", "one", 2, 7);
  CHECK(a.hears_ack(PacketType::pubrec, 7));
  world.store->fail("no disk");
  a.say_ack(PacketType::pubrel, 7);
  CHECK(a.is_closed_within(Seconds{3}));
  TestClient again{world, kStandard};
  REQUIRE(again.connect(client("a", false)) == 0);
  again.say_ack(PacketType::pubrel, 7);
  CHECK(again.is_closed_within(Seconds{3}));
  CHECK(again.received.empty());
}

TEST_CASE("PUBRELs count among what a client may leave unanswered") {
  SlowWorld world;
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  world.run_for(Seconds{1});
  a.say_publish("t", "one", 2, 7);
  CHECK(a.hears_ack(PacketType::pubrec, 7));
  world.config.standard.max_unacknowledged = 2;
  for (std::uint16_t i = 1; i <= 2; ++i) a.say_publish("t", "x", 1, i);
  a.say_ack(PacketType::pubrel, 7);
  CHECK(a.is_closed_within(Millis{50}));
  CHECK(world.journal.count(auth::Cause::in_flight_exceeded) == 1);
}

TEST_CASE("a clean login forgets the packet ids that the session before it had taken") {
  SlowWorld world{1, Millis{1}};
  {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a", false)) == 0);
    a.say_publish("t", "one", 2, 7);
    CHECK(a.hears_ack(PacketType::pubrec, 7));
  }
  {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a", true)) == 0);
  }
  world.run_for(Millis{50});
  world.restart();
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  a.say_publish("t", "two", 2, 7);
  CHECK(a.hears_ack(PacketType::pubrec, 7));
  CHECK(world.total().queued_messages == 2);
}
