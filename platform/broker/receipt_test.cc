#include <doctest/doctest.h>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

constexpr std::string_view kKey = "d/pk/dn";
constexpr std::string_view kTopic = "/shadow/get/pk/dn";

/// What was sent from outside leaves at the end of a pass.
void end_pass(TestWorld& world) {
  REQUIRE(world.shards.loop(0).post([] {}));
}

}  // namespace

TEST_CASE("who sends for a receipt hears of the acknowledgement, once") {
  TestWorld world;
  TestClient board{world, kCloud};
  REQUIRE(board.connect(device("dn")) == 0);
  CHECK(!world.broker().send_for_receipt(kKey, kTopic, as_bytes("early"), 6));  // not subscribed
  world.devices().notes_subscribed = true;
  REQUIRE(board.subscribe(kTopic, 1) == 1);
  CHECK(world.devices().events.back() == "subscribed");
  REQUIRE(world.broker().send_for_receipt(kKey, kTopic, as_bytes("one"), 7));
  REQUIRE(world.broker().send_for_receipt(kKey, kTopic, as_bytes("two"), 8));
  CHECK(world.broker().awaits_receipt(kKey, 7));
  end_pass(world);
  REQUIRE(board.hears(kTopic, "one"));
  board.say_ack(PacketType::puback, board.message.packet_id);
  world.run_for(Millis{20});
  CHECK(world.devices().events.back() == "receipt 7");
  CHECK(!world.broker().awaits_receipt(kKey, 7));
  CHECK(world.broker().awaits_receipt(kKey, 8));
  REQUIRE(board.hears(kTopic, "two"));
  board.say_ack(PacketType::puback, board.message.packet_id);
  world.run_for(Millis{20});
  CHECK(world.devices().events.back() == "receipt 8");
  const std::size_t told = world.devices().events.size();
  REQUIRE(world.broker().send_to(kKey, kTopic, as_bytes("three"), 1));
  end_pass(world);
  REQUIRE(board.hears(kTopic, "three"));
  board.say_ack(PacketType::puback, board.message.packet_id);
  world.run_for(Millis{20});
  CHECK(world.devices().events.size() == told);
}

TEST_CASE("a receipt that a connection has taken with it does not come, unless the session lives on") {
  TestWorld world;
  for (const bool clean : {true, false}) {
    const auto with = device("dn", clean);
    {
      TestClient board{world, kCloud};
      REQUIRE(board.connect(with) == 0);
      REQUIRE(board.subscribe(kTopic, 1) == 1);
      REQUIRE(world.broker().send_for_receipt(kKey, kTopic, as_bytes("one"), 9));
      end_pass(world);
      REQUIRE(board.hears(kTopic, "one"));
    }
    world.run_for(Millis{50});
    CHECK(world.broker().awaits_receipt(kKey, 9) == !clean);
    CHECK(!world.broker().send_for_receipt(kKey, kTopic, as_bytes("away"), 10));
    TestClient again{world, kCloud};
    REQUIRE(again.connect(with) == 0);
    if (clean) continue;
    REQUIRE(again.hears(kTopic, "one"));
    again.say_ack(PacketType::puback, again.message.packet_id);
    world.run_for(Millis{20});
    CHECK(world.devices().events.back() == "receipt 9");
  }
}
