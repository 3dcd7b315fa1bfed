// What a returning client is sent, and how much one session may keep.
#include <doctest/doctest.h>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

ConnectOptions returning(std::string_view id, std::uint16_t window, ProtocolVersion version) {
  auto with = client(id, false, version);
  if (version == ProtocolVersion::v5) with.expiry = 3600;
  with.receive_maximum = window;
  return with;
}

std::size_t publishes_among(const std::deque<Packet>& packets) {
  std::size_t count = 0;
  for (const auto& each : packets) count += each.type() == PacketType::publish ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("what is sent again on a new connection keeps to its smaller Receive Maximum [MQTT-4.9.0-1]") {
  TestWorld world;
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(returning("b", 20, ProtocolVersion::v5)) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
    for (int i = 0; i < 10; ++i) CHECK(a.publishes("t", std::to_string(i)));
    world.run_for(Millis{50});
    CHECK(publishes_among(b.received) == 10);
  }
  world.run_for(Millis{50});
  for (int i = 10; i < 13; ++i) CHECK(a.publishes("t", std::to_string(i)));
  TestClient b{world, kStandard};
  REQUIRE(b.connect(returning("b", 3, ProtocolVersion::v5)) == 0);
  CHECK(a.publishes("t", "13"));
  world.run_for(Millis{100});
  CHECK(publishes_among(b.received) == 3);
  for (int i = 0; i < 14; ++i) {
    REQUIRE(b.hears("t", std::to_string(i)));
    CHECK(b.message.dup == (i < 10));
    CHECK(b.received.size() <= 2);
    b.say_ack(PacketType::puback, b.message.packet_id);
    world.run_for(Millis{20});
  }
  CHECK(b.hears_nothing());
}

TEST_CASE("a released QoS 2 message is released again without a place in the window, and in order") {
  TestWorld world;
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  std::uint16_t ids[4] = {};
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(returning("b", 20, ProtocolVersion::v5)) == 0);
    REQUIRE(b.subscribe("t", 2) == 2);
    for (std::uint16_t i = 0; i < 4; ++i) {
      a.say_publish("t", std::to_string(i), 2, static_cast<std::uint16_t>(i + 1));
      REQUIRE(a.hears_ack(PacketType::pubrec, static_cast<std::uint16_t>(i + 1)));
      REQUIRE(b.hears("t", std::to_string(i)));
      ids[i] = b.message.packet_id;
    }
    b.say_ack(PacketType::pubrec, ids[1]);
    CHECK(b.hears_ack(PacketType::pubrel, ids[1]));
  }
  TestClient b{world, kStandard};
  REQUIRE(b.connect(returning("b", 1, ProtocolVersion::v5)) == 0);
  REQUIRE(b.hears("t", "0"));
  CHECK(b.hears_ack(PacketType::pubrel, ids[1]));
  CHECK(b.hears_nothing());
  b.say_ack(PacketType::pubcomp, ids[1]);
  CHECK(b.hears_nothing());
  b.say_ack(PacketType::pubrec, ids[0]);
  CHECK(b.hears_ack(PacketType::pubrel, ids[0]));
  b.say_ack(PacketType::pubcomp, ids[0]);
  REQUIRE(b.hears("t", "2"));
  b.say_ack(PacketType::pubrec, ids[2]);
  CHECK(b.hears_ack(PacketType::pubrel, ids[2]));
  b.say_ack(PacketType::pubcomp, ids[2]);
  CHECK(b.hears("t", "3"));
}

TEST_CASE("a 3.1.1 client that returns and does not read gets what it missed as its output empties, in order") {
  TestWorld::Options options;
  options.config.standard.max_output_bytes = 20'000;
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  const std::string large(6000, 'x');
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
    for (int i = 0; i < 40; ++i) CHECK(a.publishes("t", std::to_string(i) + large));
    world.run_for(Millis{100});
  }
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  CHECK(a.publishes("t", "new"));
  for (int i = 0; i < 40; ++i) REQUIRE(b.hears("t", std::to_string(i) + large));
  for (int i = 0; i < 40; ++i) b.say_ack(PacketType::puback, static_cast<std::uint16_t>(i + 1));
  CHECK(b.hears("t", "new"));
}

TEST_CASE("one session keeps no more than its share of the shard's bytes, in flight or waiting; others go on") {
  TestWorld::Options options;
  options.config.max_queued_bytes = 80'000;  // 10,000 for one session
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  for (const auto* id : {"greedy", "modest"}) {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client(id, false)) == 0);
    REQUIRE(b.subscribe(id, 1) == 1);
    b.disconnect();
  }
  const std::string large(1000, 'x');
  for (int i = 0; i < 30; ++i) CHECK(a.publishes("greedy", large));
  CHECK(world.counters().queued_bytes < 12'000);
  CHECK(world.counters().dropped_queue_full >= 19);
  REQUIRE(world.journal.count(auth::Cause::offline_queue_full) == 1);
  CHECK(world.journal.last(auth::Cause::offline_queue_full)->client_id == "greedy");
  CHECK(world.journal.last(auth::Cause::offline_queue_full)->evidence.find("10000") != std::string::npos);
  const auto before = world.counters().queued_messages;
  CHECK(a.publishes("modest", large));
  CHECK(world.counters().queued_messages == before + 1);
  // What is sent and not acknowledged still counts.
  TestClient greedy{world, kStandard};
  REQUIRE(greedy.connect(client("greedy", false)) == 0);
  world.run_for(Millis{50});
  greedy.received.clear();
  greedy.drop();
  world.run_for(Millis{50});
  const auto dropped = world.counters().dropped_queue_full;
  CHECK(a.publishes("greedy", large));
  CHECK(world.counters().dropped_queue_full == dropped + 1);
}

TEST_CASE("a full queue is told of again when the session had room in between") {
  TestWorld::Options options;
  options.config.max_queued_bytes = 10'000;
  options.config.queued_share = 1;
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  for (const auto* id : {"greedy", "modest"}) {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client(id, false)) == 0);
    REQUIRE(b.subscribe(id, 1) == 1);
    b.disconnect();
  }
  const std::string large(1000, 'x');
  const auto told_of_modest = [&] {
    while (world.counters().queued_bytes < 10'000) REQUIRE(a.publishes("greedy", large));
    const auto before = world.journal.count(auth::Cause::offline_queue_full);
    for (int i = 0; i < 3; ++i) CHECK(a.publishes("modest", large));
    return world.journal.count(auth::Cause::offline_queue_full) - before;
  };
  CHECK(told_of_modest() == 1);
  CHECK(told_of_modest() == 0);
  {
    TestClient greedy{world, kStandard};
    REQUIRE(greedy.connect(client("greedy", true)) == 0);
    REQUIRE(greedy.subscribe("none") == 0);
  }
  {
    TestClient greedy{world, kStandard};
    REQUIRE(greedy.connect(client("greedy", false)) == 0);
    REQUIRE(greedy.subscribe("greedy", 1) == 1);
    greedy.disconnect();
  }
  CHECK(a.publishes("modest", large));
  CHECK(world.counters().queued_messages == 1);
  CHECK(told_of_modest() == 1);
}
