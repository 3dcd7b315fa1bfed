// Messages between clients under the standard policy: QoS, sessions, wills, retained messages, MQTT 5.
#include <doctest/doctest.h>

#include <array>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;
using auth::Cause;

namespace {

mqtt::Subscription wish(std::string_view filter, int qos = 0) {
  return {.filter = filter, .qos = static_cast<Qos>(qos)};
}

ConnectOptions with_will(std::string_view id, std::string_view topic, bool retain = false) {
  auto options = client(id);
  options.will = mqtt::Will{.topic = topic, .payload = as_bytes("gone"), .retain = retain};
  return options;
}

/// Two clients, logged in: `a` publishes, `b` subscribes.
struct Pair {
  explicit Pair(TestWorld& in, ProtocolVersion va = ProtocolVersion::v311, ProtocolVersion vb = ProtocolVersion::v311)
      : a(in, kStandard), b(in, kStandard) {
    REQUIRE(a.connect(client("a", true, va)) == 0);
    REQUIRE(b.connect(client("b", true, vb)) == 0);
  }
  TestClient a, b;
};

}  // namespace

TEST_CASE("a message goes to those whose filter selects its topic, once each, in order") {
  TestWorld world;
  Pair pair{world};
  REQUIRE(pair.b.subscribe({wish("home/+/temp"), wish("home/#"), wish("office/#")}) == std::vector<int>{0, 0, 0});
  for (int i = 0; i < 50; ++i) pair.a.say_publish("home/kitchen/temp", std::to_string(i));
  pair.a.say_publish("garden/temp", "no");
  for (int i = 0; i < 50; ++i) CHECK(pair.b.hears("home/kitchen/temp", std::to_string(i)));
  CHECK(pair.b.hears_nothing());
  CHECK(pair.a.received.empty());
  CHECK(world.counters().messages_in == 51);
  CHECK(world.counters().messages_out == 50);
}

TEST_CASE("the QoS of a delivery is the smaller of the publisher's and the granted [MQTT-3.8.4-8]") {
  TestWorld world;
  Pair pair{world};
  for (int granted = 0; granted <= 2; ++granted) {
    const std::string filter = "q" + std::to_string(granted);
    REQUIRE(pair.b.subscribe(filter, granted) == granted);
    for (int qos = 0; qos <= 2; ++qos) {
      pair.a.say_publish(filter, "x", qos, qos == 0 ? 0 : 5);
      if (qos == 1) CHECK(pair.a.hears_ack(PacketType::puback, 5));
      if (qos == 2) {
        CHECK(pair.a.hears_ack(PacketType::pubrec, 5));
        pair.a.say_ack(PacketType::pubrel, 5);
        CHECK(pair.a.hears_ack(PacketType::pubcomp, 5));
      }
      REQUIRE(pair.b.hears(filter, "x"));
      CHECK(static_cast<int>(pair.b.message.qos) == std::min(qos, granted));
      const auto id = pair.b.message.packet_id;
      if (pair.b.message.qos == Qos::at_least_once) pair.b.say_ack(PacketType::puback, id);
      if (pair.b.message.qos == Qos::exactly_once) {
        pair.b.say_ack(PacketType::pubrec, id);
        CHECK(pair.b.hears_ack(PacketType::pubrel, id));
        pair.b.say_ack(PacketType::pubcomp, id);
      }
    }
  }
}

TEST_CASE("a QoS 2 message sent again before its PUBREL is acknowledged again and delivered once [MQTT-4.3.3-10]") {
  TestWorld world;
  Pair pair{world};
  REQUIRE(pair.b.subscribe("t", 0) == 0);
  pair.a.say_publish("t", "once", 2, 7);
  CHECK(pair.a.hears_ack(PacketType::pubrec, 7));
  pair.a.say_publish("t", "once", 2, 7, false, true);
  CHECK(pair.a.hears_ack(PacketType::pubrec, 7));
  CHECK(pair.b.hears("t", "once"));
  CHECK(pair.b.hears_nothing());
  pair.a.say_ack(PacketType::pubrel, 7);
  CHECK(pair.a.hears_ack(PacketType::pubcomp, 7));
  pair.a.say_ack(PacketType::pubrel, 7);  // again: answered again
  CHECK(pair.a.hears_ack(PacketType::pubcomp, 7));
  pair.a.say_publish("t", "twice", 2, 7);  // the id is free
  CHECK(pair.b.hears("t", "twice"));
}

TEST_CASE("outgoing QoS 2: duplicate and strange acknowledgements change nothing") {
  TestWorld world;
  Pair pair{world};
  REQUIRE(pair.b.subscribe("t", 2) == 2);
  pair.a.say_publish("t", "x", 2, 1);
  REQUIRE(pair.b.hears("t", "x"));
  const auto id = pair.b.message.packet_id;
  pair.b.say_ack(PacketType::puback, id);   // not what a QoS 2 message waits for
  pair.b.say_ack(PacketType::pubcomp, id);  // too early
  pair.b.say_ack(PacketType::pubrec, id);
  CHECK(pair.b.hears_ack(PacketType::pubrel, id));
  pair.b.say_ack(PacketType::pubrec, id);
  CHECK(pair.b.hears_ack(PacketType::pubrel, id));
  pair.b.say_ack(PacketType::pubcomp, id);
  pair.b.say_ack(PacketType::pubcomp, id);
  pair.b.say_ack(PacketType::puback, 999);
  pair.b.say_ack(PacketType::pubrec, 999);  // unknown: released, so that the client comes to an end
  CHECK(pair.b.hears_ack(PacketType::pubrel, 999));
  CHECK(!pair.b.is_closed);
}

TEST_CASE("an MQTT 5 PUBREC that refuses ends the exchange; one for an unknown id hears so") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v311, ProtocolVersion::v5};
  REQUIRE(pair.b.subscribe("t", 2) == 2);
  pair.a.say_publish("t", "x", 2, 1);
  REQUIRE(pair.b.hears("t", "x"));
  const auto id = pair.b.message.packet_id;
  pair.b.send_packet(mqtt::Ack{PacketType::pubrec, id, ReasonCode::quota_exceeded, {}});
  CHECK(pair.b.hears_nothing());
  pair.b.say_ack(PacketType::pubrec, id);
  CHECK(pair.b.hears_ack(PacketType::pubrel, id));
  CHECK(pair.b.ack_reason == ReasonCode::packet_identifier_not_found);
}

TEST_CASE("no more than the window is in flight; the rest waits its turn, in order") {
  TestWorld::Options options;
  options.config.standard.max_in_flight = 3;
  TestWorld world{options};
  Pair pair{world};
  REQUIRE(pair.b.subscribe("t", 1) == 1);
  for (std::uint16_t i = 1; i <= 10; ++i) pair.a.say_publish("t", std::to_string(i), 1, i);
  for (std::uint16_t i = 1; i <= 10; ++i) CHECK(pair.a.hears_ack(PacketType::puback, i));
  world.run_for(Millis{100});
  CHECK(pair.b.received.size() == 3);
  CHECK(world.counters().queued_messages == 7);
  for (int i = 1; i <= 10; ++i) {
    REQUIRE(pair.b.hears("t", std::to_string(i)));
    pair.b.say_ack(PacketType::puback, pair.b.message.packet_id);
  }
  CHECK(world.counters().queued_messages == 0);
  CHECK(world.counters().queued_bytes == 0);
}

TEST_CASE("an MQTT 5 client's Receive Maximum is its window") {
  TestWorld world;
  TestClient a{world, kStandard}, b{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  auto with = client("b", true, ProtocolVersion::v5);
  with.receive_maximum = 2;
  REQUIRE(b.connect(with) == 0);
  REQUIRE(b.subscribe("t", 2) == 2);
  for (std::uint16_t i = 1; i <= 5; ++i) a.say_publish("t", std::to_string(i), 2, i);
  world.run_for(Millis{100});
  CHECK(b.received.size() == 2);
}

TEST_CASE("acknowledgements out of order do not disturb the order of what follows") {
  TestWorld::Options options;
  options.config.standard.max_in_flight = 4;
  TestWorld world{options};
  Pair pair{world};
  REQUIRE(pair.b.subscribe("t", 1) == 1);
  for (std::uint16_t i = 1; i <= 40; ++i) pair.a.say_publish("t", std::to_string(i), 1, i);
  std::vector<std::uint16_t> ids;
  int heard = 0;
  while (heard < 40) {
    ids.clear();
    while (static_cast<int>(ids.size()) < std::min(4, 40 - heard)) {
      REQUIRE(pair.b.hears("t", std::to_string(heard + static_cast<int>(ids.size()) + 1)));
      ids.push_back(pair.b.message.packet_id);
    }
    heard += static_cast<int>(ids.size());
    for (std::size_t i = ids.size(); i-- > 0;) pair.b.say_ack(PacketType::puback, ids[i]);
  }
}

TEST_CASE("a slow reader loses QoS 0 and keeps QoS 1") {
  TestWorld::Options options;
  options.config.standard.max_output_bytes = 20'000;
  TestWorld world{options};
  Pair pair{world};
  REQUIRE(pair.b.subscribe("t", 1) == 1);
  pair.b.deaf = true;
  const std::string kilo(1000, 'x');
  for (int i = 0; i < 200; ++i) pair.a.say_publish("t", kilo);
  world.run_for(Millis{200});
  CHECK(world.counters().dropped_slow > 50);
  for (std::uint16_t i = 1; i <= 10; ++i) pair.a.say_publish("t", "kept" + std::to_string(i), 1, i);
  world.run_for(Millis{200});
  CHECK(world.counters().queued_messages == 10);
  pair.b.deaf = false;
  pair.b.listen_again();
  std::vector<std::string> kept;
  for (int i = 0; i < 400 && kept.size() < 10; ++i) {
    if (!pair.b.expect(PacketType::publish)) continue;
    const auto message = *mqtt::decode_publish(pair.b.version, pair.b.last.frame(), mqtt::Sender::server);
    if (message.qos == Qos::at_least_once) kept.emplace_back(as_text(message.payload));
  }
  REQUIRE(kept.size() == 10);
  for (int i = 0; i < 10; ++i) CHECK(kept[static_cast<std::size_t>(i)] == "kept" + std::to_string(i + 1));
}

TEST_CASE("a client that never reads its answers is closed") {
  TestWorld::Options options;
  options.config.standard.max_output_bytes = 1000;
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  a.deaf = true;
  for (int i = 0; i < 60; ++i) {
    std::string pings;
    for (int k = 0; k < 2000; ++k) pings += std::string("\xC0\x00", 2);
    a.send(pings);
    world.run_for(Millis{20});
  }
  CHECK(world.counters().connections == 0);
  CHECK(world.journal.count(Cause::in_flight_exceeded) == 1);
}

// --- persistent sessions ---

TEST_CASE("a persistent session keeps subscriptions and QoS 1 messages while its client is away") {
  TestWorld world;
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    CHECK(!b.session_present);
    REQUIRE(b.subscribe("t", 1) == 1);
    b.disconnect();
  }
  CHECK(a.publishes("t", "one"));
  a.say_publish("t", "qos 0 is not kept");
  CHECK(a.publishes("t", "two"));
  CHECK(world.counters().queued_messages == 2);
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  CHECK(b.session_present);
  CHECK(b.connack.frame().body[0] == 1);
  REQUIRE(b.hears("t", "one"));
  CHECK(!b.message.dup);
  b.say_ack(PacketType::puback, b.message.packet_id);
  REQUIRE(b.hears("t", "two"));
  CHECK(b.hears_nothing());
}

TEST_CASE("what was sent and not acknowledged is sent again with DUP and the same packet id [MQTT-4.4.0-1]") {
  TestWorld world;
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  std::uint16_t first = 0, second = 0, third = 0;
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("t", 2) == 2);
    a.say_publish("t", "one", 1, 1);
    a.say_publish("t", "two", 2, 2);
    a.say_publish("t", "three", 2, 3);
    REQUIRE(b.hears("t", "one"));
    first = b.message.packet_id;
    REQUIRE(b.hears("t", "two"));
    second = b.message.packet_id;
    REQUIRE(b.hears("t", "three"));
    third = b.message.packet_id;
    b.say_ack(PacketType::pubrec, second);
    CHECK(b.hears_ack(PacketType::pubrel, second));
  }
  world.run_for(Millis{50});
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  REQUIRE(b.hears("t", "one"));
  CHECK(b.message.dup);
  CHECK(b.message.packet_id == first);
  CHECK(b.hears_ack(PacketType::pubrel, second));
  REQUIRE(b.hears("t", "three"));
  CHECK(b.message.dup);
  CHECK(b.message.packet_id == third);
  b.say_ack(PacketType::puback, first);
  b.say_ack(PacketType::pubcomp, second);
  b.say_ack(PacketType::pubrec, third);
  CHECK(b.hears_ack(PacketType::pubrel, third));
}

TEST_CASE("a clean login throws the old session away") {
  TestWorld world;
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
  }
  world.run_for(Millis{50});
  TestClient a{world, kStandard}, b{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  CHECK(a.publishes("t", "x"));
  REQUIRE(b.connect(client("b", true)) == 0);
  CHECK(!b.session_present);
  CHECK(world.counters().queued_messages == 0);
  CHECK(a.publishes("t", "y"));
  CHECK(b.hears_nothing());
}

TEST_CASE("a full queue takes no more, and the journal is told once") {
  TestWorld::Options options;
  options.config.standard.max_queued_messages = 5;
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
    b.disconnect();
  }
  for (int i = 0; i < 9; ++i) CHECK(a.publishes("t", std::to_string(i)));
  CHECK(world.counters().dropped_queue_full == 4);
  REQUIRE(world.journal.count(Cause::offline_queue_full) == 1);
  CHECK(world.journal.entries[0].name == "b");
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  for (int i = 0; i < 5; ++i) CHECK(b.hears("t", std::to_string(i)));
  CHECK(b.hears_nothing());
}

TEST_CASE("the shard's memory for queues is bounded too") {
  TestWorld::Options options;
  options.config.max_queued_bytes = 3000;
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
    b.disconnect();
  }
  for (int i = 0; i < 9; ++i) CHECK(a.publishes("t", std::string(900, 'x')));
  CHECK(world.counters().queued_bytes < 4000);
  CHECK(world.counters().dropped_queue_full > 4);
}

TEST_CASE("messages wait for seven days and no longer") {
  TestWorld world;
  TestClient a{world, kStandard};
  auto forever = client("a");
  forever.keep_alive = 0;
  REQUIRE(a.connect(forever) == 0);
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
    world.run_for(Seconds{10});
    b.disconnect();
  }
  CHECK(a.publishes("t", "old"));
  world.config.standard.max_queued_seconds = 100;  // limits are read where they apply
  world.run_for(Seconds{101});
  CHECK(a.publishes("t", "new"));
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  CHECK(b.hears("t", "new"));
  CHECK(world.counters().dropped_expired == 1);
}

TEST_CASE("a session ends when its expiry has passed, with what was kept for it") {
  TestWorld world;
  TestClient a{world, kStandard};
  auto forever = client("a");
  forever.keep_alive = 0;
  REQUIRE(a.connect(forever) == 0);
  {
    TestClient b{world, kStandard};
    auto with = client("b", false, ProtocolVersion::v5);
    with.expiry = 10;
    REQUIRE(b.connect(with) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
  }
  world.run_for(Millis{50});
  CHECK(a.publishes("t", "x"));
  CHECK(world.counters().sessions == 2);
  world.run_for(Seconds{9});
  CHECK(world.counters().sessions == 2);
  world.run_for(Seconds{2});
  CHECK(world.counters().sessions == 1);
  CHECK(world.counters().queued_messages == 0);
  CHECK(world.counters().queued_bytes == 0);
  CHECK(world.counters().subscriptions == 0);
}

TEST_CASE("DISCONNECT may change the expiry, but not raise it from 0") {
  TestWorld world;
  std::array<std::uint8_t, 8> space;
  mqtt::PropertyWriter properties{space};
  properties.session_expiry(Seconds{0});
  {
    TestClient b{world, kStandard};
    auto with = client("b", false, ProtocolVersion::v5);
    with.expiry = 1000;
    REQUIRE(b.connect(with) == 0);
    b.disconnect(ReasonCode::normal_disconnection, properties.view());
    CHECK(world.counters().sessions == 0);
  }
  TestClient c{world, kStandard};
  REQUIRE(c.connect(client("c", true, ProtocolVersion::v5)) == 0);
  mqtt::PropertyWriter raised{space};
  raised.session_expiry(Seconds{100});
  c.disconnect(ReasonCode::normal_disconnection, raised.view());
  REQUIRE(c.expect(PacketType::disconnect));
  CHECK(c.last.frame().body[0] == 0x82);
}

// --- wills ---

TEST_CASE("the will is published when a connection ends without DISCONNECT, and not after one [MQTT-3.1.2-8]") {
  TestWorld world;
  TestClient watcher{world, kStandard};
  REQUIRE(watcher.connect(client("watcher")) == 0);
  REQUIRE(watcher.subscribe("wills/#") == 0);
  {
    TestClient one{world, kStandard}, two{world, kStandard};
    REQUIRE(one.connect(with_will("one", "wills/one")) == 0);
    REQUIRE(two.connect(with_will("two", "wills/two")) == 0);
    two.disconnect();
    one.drop();
  }
  CHECK(watcher.hears("wills/one", "gone"));
  CHECK(watcher.hears_nothing());
  TestClient three{world, kStandard};
  REQUIRE(three.connect(with_will("three", "wills/three")) == 0);
  three.send(std::string("\x00\x00", 2));  // a protocol error
  CHECK(watcher.hears("wills/three", "gone"));
  TestClient five{world, kStandard};
  auto with = with_will("five", "wills/five");
  with.version = ProtocolVersion::v5;
  REQUIRE(five.connect(with) == 0);
  five.disconnect(ReasonCode::disconnect_with_will);
  CHECK(watcher.hears("wills/five", "gone"));
}

TEST_CASE("a will can be retained, delayed, and called off by coming back in time") {
  TestWorld world;
  TestClient watcher{world, kStandard};
  auto forever = client("watcher");
  forever.keep_alive = 0;
  REQUIRE(watcher.connect(forever) == 0);
  REQUIRE(watcher.subscribe("w") == 0);
  std::array<std::uint8_t, 16> space;
  mqtt::PropertyWriter properties{space};
  properties.will_delay(Seconds{5}).message_expiry(Seconds{60});
  auto with = with_will("one", "w", true);
  with.version = ProtocolVersion::v5;
  with.clean = false;
  with.expiry = 100;
  with.will->properties = properties.view();
  {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(with) == 0);
  }
  CHECK(watcher.hears_nothing(Seconds{3}));
  {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(with) == 0);
    world.run_for(Seconds{6});
  }
  CHECK(watcher.hears_nothing(Seconds{4}));
  CHECK(watcher.hears("w", "gone"));
  TestClient late{world, kStandard};
  REQUIRE(late.connect(client("late", true, ProtocolVersion::v5)) == 0);
  REQUIRE(late.subscribe("w") == 0);
  REQUIRE(late.hears("w", "gone"));
  CHECK(late.message.retain);
  CHECK(late.message.properties.message_expiry().value_or(Seconds{0}) > Seconds{30});
}

TEST_CASE("a delayed will is published at the latest when the session ends") {
  TestWorld world;
  TestClient watcher{world, kStandard};
  REQUIRE(watcher.connect(client("watcher")) == 0);
  REQUIRE(watcher.subscribe("w") == 0);
  std::array<std::uint8_t, 16> space;
  mqtt::PropertyWriter properties{space};
  properties.will_delay(Seconds{50});
  auto with = with_will("one", "w");
  with.version = ProtocolVersion::v5;
  with.expiry = 2;
  with.will->properties = properties.view();
  {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(with) == 0);
  }
  CHECK(watcher.hears_nothing(Millis{1500}));
  CHECK(watcher.hears("w", "gone"));
}

TEST_CASE("a forbidden will is dropped and journaled when it falls due") {
  TestWorld world;
  {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(with_will("one", "$SYS/x")) == 0);
  }
  world.run_for(Millis{50});
  CHECK(world.journal.count(Cause::topic_forbidden) == 1);
  CHECK(world.counters().dropped_forbidden == 1);
}

// --- retained messages ---

TEST_CASE("a retained message is sent to later subscribers with the retain bit, and to present ones without") {
  TestWorld world;
  Pair pair{world};
  REQUIRE(pair.b.subscribe("state/#") == 0);
  pair.a.say_publish("state/lamp", "on", 0, 0, true);
  REQUIRE(pair.b.hears("state/lamp", "on"));
  CHECK(!pair.b.message.retain);
  TestClient c{world, kStandard};
  REQUIRE(c.connect(client("c")) == 0);
  REQUIRE(c.subscribe("state/+", 1) == 1);
  REQUIRE(c.hears("state/lamp", "on"));
  CHECK(c.message.retain);
  CHECK(c.message.qos == Qos::at_most_once);
  CHECK(world.counters().retained == 1);
  pair.a.say_publish("state/lamp", "off", 1, 3, true);
  world.run_for(Millis{50});
  TestClient d{world, kStandard};
  REQUIRE(d.connect(client("d")) == 0);
  REQUIRE(d.subscribe("state/lamp", 1) == 1);
  REQUIRE(d.hears("state/lamp", "off"));
  CHECK(d.message.qos == Qos::at_least_once);
  pair.a.say_publish("state/lamp", "", 0, 0, true);
  world.run_for(Millis{50});
  CHECK(world.counters().retained == 0);
  TestClient e{world, kStandard};
  REQUIRE(e.connect(client("e")) == 0);
  REQUIRE(e.subscribe("state/lamp") == 0);
  CHECK(e.hears_nothing());
}

TEST_CASE("retain handling and retain as published [MQTT 5, 3.8.3.1]") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v5, ProtocolVersion::v5};
  pair.a.say_publish("t", "kept", 0, 0, true);
  world.run_for(Millis{50});
  auto never = wish("t");
  never.retain_handling = mqtt::RetainHandling::do_not_send;
  CHECK(pair.b.subscribe({never}) == std::vector<int>{0});
  CHECK(pair.b.hears_nothing());
  auto if_new = wish("t");
  if_new.retain_handling = mqtt::RetainHandling::send_if_new;
  CHECK(pair.b.subscribe({if_new}) == std::vector<int>{0});  // not new
  CHECK(pair.b.hears_nothing());
  CHECK(pair.b.unsubscribe({"t"}) == std::vector<int>{0});
  if_new.retain_as_published = true;
  CHECK(pair.b.subscribe({if_new}) == std::vector<int>{0});
  REQUIRE(pair.b.hears("t", "kept"));
  pair.a.say_publish("t", "again", 0, 0, true);
  REQUIRE(pair.b.hears("t", "again"));
  CHECK(pair.b.message.retain);
}

// --- more MQTT 5 ---

TEST_CASE("no local: a client does not hear itself through such a subscription") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v5, ProtocolVersion::v5};
  auto quiet = wish("t");
  quiet.no_local = true;
  REQUIRE(pair.b.subscribe({quiet}) == std::vector<int>{0});
  pair.b.say_publish("t", "mine");
  CHECK(pair.b.hears_nothing());
  pair.a.say_publish("t", "yours");
  CHECK(pair.b.hears("t", "yours"));
  REQUIRE(pair.b.subscribe("+") == 0);  // this one does not mind
  pair.b.say_publish("t", "mine");
  CHECK(pair.b.hears("t", "mine"));
}

TEST_CASE("subscription identifiers of all matching filters come with the one copy") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v5, ProtocolVersion::v5};
  REQUIRE(pair.b.subscribe({wish("a/b", 1)}, 7) == std::vector<int>{1});
  REQUIRE(pair.b.subscribe({wish("a/+")}, 300) == std::vector<int>{0});
  REQUIRE(pair.b.subscribe({wish("#")}) == std::vector<int>{0});
  const auto identifiers = [&pair] {
    std::vector<std::uint32_t> found;
    auto all = pair.b.message.properties.all();
    while (const auto property = all.next())
      if (property->id == mqtt::Property::subscription_identifier) found.push_back(property->number);
    std::sort(found.begin(), found.end());
    return found;
  };
  pair.a.say_publish("a/b", "x", 1, 1);
  REQUIRE(pair.b.hears("a/b", "x"));
  CHECK(pair.b.message.qos == Qos::at_least_once);
  CHECK(identifiers() == std::vector<std::uint32_t>{7, 300});
  pair.a.say_publish("a/c", "x");
  REQUIRE(pair.b.hears("a/c", "x"));
  CHECK(identifiers() == std::vector<std::uint32_t>{300});
  pair.a.say_publish("b", "x");
  REQUIRE(pair.b.hears("b", "x"));
  CHECK(identifiers().empty());
}

TEST_CASE("properties that concern the receiver are passed on unchanged, and not to 3.1.1") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v5, ProtocolVersion::v5};
  TestClient old{world, kStandard};
  REQUIRE(old.connect(client("old")) == 0);
  REQUIRE(old.subscribe("ask") == 0);
  REQUIRE(pair.b.subscribe("ask") == 0);
  std::array<std::uint8_t, 128> space;
  mqtt::PropertyWriter properties{space};
  properties.payload_format_indicator(true).content_type("text/plain").response_topic("answer");
  properties.correlation_data(as_bytes("42")).user_property("k", "v").user_property("k", "w");
  pair.a.say_publish("ask", "?", 0, 0, false, false, properties.view());
  REQUIRE(pair.b.hears("ask", "?"));
  const auto& got = pair.b.message.properties;
  CHECK(as_text(got.encoded()) == as_text(properties.view().encoded()));
  REQUIRE(old.hears("ask", "?"));
  pair.b.say_publish(*got.response_topic(), "!");
  world.run_for(Millis{20});
  CHECK(world.counters().messages_in == 2);
}

TEST_CASE("message expiry counts down while a message waits, and drops it at the end") {
  TestWorld world;
  TestClient a{world, kStandard};
  auto forever = client("a", true, ProtocolVersion::v5);
  forever.keep_alive = 0;
  REQUIRE(a.connect(forever) == 0);
  auto with = client("b", false, ProtocolVersion::v5);
  with.expiry = 1000;
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(with) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
  }
  world.run_for(Millis{20});
  std::array<std::uint8_t, 32> space;
  for (const int seconds : {5, 100}) {
    mqtt::PropertyWriter properties{space};
    properties.message_expiry(Seconds{seconds}).user_property("a", "b");
    a.say_publish("t", std::to_string(seconds), 1, 1, false, false, properties.view());
    CHECK(a.hears_ack(PacketType::puback, 1));
  }
  world.run_for(Seconds{40});
  TestClient b{world, kStandard};
  REQUIRE(b.connect(with) == 0);
  REQUIRE(b.hears("t", "100"));
  const auto left = b.message.properties.message_expiry();
  REQUIRE(left.has_value());
  CHECK(left->count() >= 59);
  CHECK(left->count() <= 60);
  CHECK(b.message.properties.has(mqtt::Property::user_property));
  CHECK(world.counters().dropped_expired == 1);
}

TEST_CASE("topic aliases stand for the topic last given with them") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v5, ProtocolVersion::v5};
  REQUIRE(pair.b.subscribe("#") == 0);
  std::array<std::uint8_t, 8> space;
  const auto alias = [&space](std::uint16_t number) {
    mqtt::PropertyWriter properties{space};
    properties.topic_alias(number);
    return properties.view();
  };
  pair.a.say_publish("one", "1", 0, 0, false, false, alias(1));
  pair.a.say_publish("two", "2", 0, 0, false, false, alias(20));
  pair.a.say_publish("", "3", 0, 0, false, false, alias(1));
  pair.a.say_publish("", "4", 0, 0, false, false, alias(20));
  CHECK(pair.b.hears("one", "1"));
  CHECK(!pair.b.message.properties.has(mqtt::Property::topic_alias));
  CHECK(pair.b.hears("two", "2"));
  CHECK(pair.b.hears("one", "3"));
  CHECK(pair.b.hears("two", "4"));
  SUBCASE("over the maximum") {
    pair.a.say_publish("x", "x", 0, 0, false, false, alias(21));
    REQUIRE(pair.a.expect(PacketType::disconnect));
    CHECK(pair.a.last.frame().body[0] == 0x94);
  }
  SUBCASE("never given") {
    pair.a.say_publish("", "x", 0, 0, false, false, alias(2));
    REQUIRE(pair.a.expect(PacketType::disconnect));
    CHECK(pair.a.last.frame().body[0] == 0x82);
  }
}

TEST_CASE("a message larger than the client takes is not sent to it, of any QoS [MQTT-3.1.2-24]") {
  TestWorld world;
  TestClient a{world, kStandard}, b{world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  auto with = client("b", false, ProtocolVersion::v5);
  with.max_packet = 100;
  with.expiry = 100;
  REQUIRE(b.connect(with) == 0);
  REQUIRE(b.subscribe("t", 1) == 1);
  a.say_publish("t", std::string(200, 'x'));
  CHECK(a.publishes("t", std::string(200, 'x')));
  CHECK(a.publishes("t", "small"));
  CHECK(b.hears("t", "small"));
  CHECK(world.counters().dropped_too_large == 2);
  TestClient c{world, kStandard};
  auto clean = client("c", true, ProtocolVersion::v5);
  clean.max_packet = 100;
  REQUIRE(c.connect(clean) == 0);
  REQUIRE(c.subscribe("t", 1) == 1);
  CHECK(a.publishes("t", std::string(200, 'x')));
  CHECK(c.hears_nothing());
}

TEST_CASE("a shared subscription gives each message to one member, in turn, online ones first") {
  TestWorld world;
  Pair pair{world};
  TestClient c{world, kStandard}, d{world, kStandard};
  REQUIRE(c.connect(client("c")) == 0);
  REQUIRE(d.connect(client("d", false)) == 0);
  for (TestClient* member : {&pair.b, &c, &d}) REQUIRE(member->subscribe("$share/g/t/#", 1) == 1);
  REQUIRE(d.subscribe("t/x", 0) == 0);  // an ordinary one beside it
  for (std::uint16_t i = 1; i <= 30; ++i) pair.a.say_publish("t/y", std::to_string(i), 1, i);
  world.run_for(Millis{100});
  CHECK(pair.b.received.size() == 10);
  CHECK(c.received.size() == 10);
  CHECK(d.received.size() == 10);
  d.disconnect();
  for (std::uint16_t i = 1; i <= 20; ++i) pair.a.say_publish("t/y", std::to_string(i), 1, i);
  world.run_for(Millis{100});
  CHECK(pair.b.received.size() + c.received.size() == 40);
  pair.b.drop();
  c.drop();
  world.run_for(Millis{50});
  pair.a.say_publish("t/y", "kept", 1, 9);
  world.run_for(Millis{50});
  CHECK(world.counters().queued_messages == 1);  // for the persistent member
  CHECK(pair.a.received.size() == 51);
}

TEST_CASE("unsubscribing ends deliveries and says so to MQTT 5") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v311, ProtocolVersion::v5};
  REQUIRE(pair.b.subscribe({wish("a"), wish("b"), wish("$share/g/c")}).size() == 3);
  CHECK(world.counters().subscriptions == 3);
  CHECK(pair.b.unsubscribe({"a", "never", "$share/g/c", "$share/h/c", "a/b"}) ==
        std::vector<int>{0, 0x11, 0, 0x11, 0x11});
  CHECK(world.counters().subscriptions == 1);
  for (const auto* topic : {"a", "b", "c"}) pair.a.say_publish(topic, topic);
  CHECK(pair.b.hears("b", "b"));
  CHECK(pair.b.hears_nothing());
  REQUIRE(pair.a.unsubscribe({"a"}).empty());  // 3.1.1: no codes
}

TEST_CASE("subscribing again replaces the old one") {
  TestWorld world;
  Pair pair{world};
  REQUIRE(pair.b.subscribe("t", 0) == 0);
  REQUIRE(pair.b.subscribe("t", 1) == 1);
  CHECK(world.counters().subscriptions == 1);
  pair.a.say_publish("t", "x", 1, 1);
  REQUIRE(pair.b.hears("t", "x"));
  CHECK(pair.b.message.qos == Qos::at_least_once);
  CHECK(pair.b.hears_nothing());
}

TEST_CASE("bad filters are refused one by one in the SUBACK") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v311, ProtocolVersion::v5};
  const std::string deep = std::string(130, '/') + "x";
  CHECK(pair.a.subscribe({wish("a/#/b"), wish("ok", 1), wish("a+"), wish("$share//x"), wish(deep),
                          wish("$share/g/#")}) == std::vector<int>{0x80, 1, 0x80, 0x80, 0x80, 0});
  CHECK(pair.b.subscribe({wish("a/#/b"), wish(deep)}) == std::vector<int>{0x8F, 0x87});
  CHECK(world.journal.count(Cause::filter_malformed) == 4);
  CHECK(world.journal.count(Cause::topic_too_deep) == 2);
}

TEST_CASE("the number of subscriptions is limited") {
  TestWorld::Options options;
  options.config.standard.max_subscriptions = 3;
  options.config.standard.max_filters = 4;
  TestWorld world{options};
  Pair pair{world};
  CHECK(pair.b.subscribe({wish("a"), wish("b"), wish("c"), wish("d")}) == std::vector<int>{0, 0, 0, 0x80});
  CHECK(pair.b.subscribe("$share/g/e") == 0x80);
  CHECK(pair.b.subscribe("a", 1) == 1);  // not one more
  CHECK(world.journal.count(Cause::too_many_subscriptions) == 2);
  CHECK(pair.b.subscribe(std::vector<mqtt::Subscription>(5, wish("a"))) == std::vector<int>(5, 0x80));
  CHECK(world.journal.count(Cause::too_many_filters) == 1);
}

TEST_CASE("what the server says of itself cannot be published by others") {
  TestWorld world;
  Pair pair{world, ProtocolVersion::v5, ProtocolVersion::v311};
  REQUIRE(pair.b.subscribe({wish("#"), wish("$SYS/#"), wish("$other/#")}).size() == 3);
  pair.a.say_publish("$SYS/uptime", "x", 1, 4);
  CHECK(pair.a.hears_ack(PacketType::puback, 4));
  CHECK(pair.a.ack_reason == ReasonCode::not_authorized);
  pair.a.say_publish("$other/x", "y");  // `#` does not select it [MQTT-4.7.2-1]
  CHECK(pair.b.hears("$other/x", "y"));
  CHECK(pair.b.hears_nothing());
}

TEST_CASE("too many unanswered QoS 2 messages end the connection") {
  TestWorld::Options options;
  options.config.standard.max_unacknowledged = 4;
  TestWorld world{options};
  Pair pair{world, ProtocolVersion::v5, ProtocolVersion::v5};
  for (std::uint16_t i = 1; i <= 5; ++i) pair.a.say_publish("t", "x", 2, i);
  for (std::uint16_t i = 1; i <= 4; ++i) CHECK(pair.a.hears_ack(PacketType::pubrec, i));
  REQUIRE(pair.a.expect(PacketType::disconnect));
  CHECK(pair.a.last.frame().body[0] == 0x93);
}

TEST_CASE("the platform publishes in its own name") {
  TestWorld world;
  Pair pair{world};
  REQUIRE(pair.b.subscribe("news", 1) == 1);
  world.broker().publish("news", as_bytes("hello"), 1, true);
  world.broker().publish("no+topic", as_bytes("x"), 0);
  world.brokers[0]->publish("", as_bytes("x"), 0);
  pair.a.say_publish("other", "x");  // a pass
  REQUIRE(pair.b.hears("news", "hello"));
  REQUIRE(pair.a.subscribe("news") == 0);
  CHECK(pair.a.hears("news", "hello"));
}

TEST_CASE("garbage after a login, in every position, is survived") {
  TestWorld world;
  auto& random = world.world.random();
  for (int round = 0; round < 300; ++round) {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(client("one", round % 2 == 0, round % 3 == 0 ? ProtocolVersion::v5 : ProtocolVersion::v311)) ==
            0);
    std::string bytes;
    for (std::size_t i = 0, size = random.below(60); i < size; ++i)
      bytes.push_back(
          static_cast<char>(i == 0 ? (random.below(15) + 1) << 4 | random.below(16) : random.below(i < 3 ? 30 : 256)));
    one.send(bytes);
    world.run_for(Millis{3});
  }
  CHECK(world.counters().sessions <= 2);
}

TEST_CASE("refusals count among what a client may leave unanswered") {
  for (const bool by_rate : {false, true}) {
    CAPTURE(by_rate);
    TestWorld::Options options;
    options.fast_limits = !by_rate;
    options.config.cloud.max_unacknowledged = by_rate ? 15 : 5;
    TestWorld world{options};
    world.devices().later = true;
    TestClient board{world, kCloud};
    auto with = device();
    with.version = by_rate ? ProtocolVersion::v5 : ProtocolVersion::v311;
    REQUIRE(board.connect(with) == 0);
    const std::string_view answered_late = "/sys/pk/dn/thing/event/property/post";
    board.say_publish(answered_late, "{}", 1, 1);
    for (std::uint16_t i = 2; i <= 30; ++i) board.say_publish(by_rate ? answered_late : "/sys/other/x", "{}", 1, i);
    CHECK(board.is_closed_within(Seconds{1}));
    CHECK(world.journal.count(auth::Cause::in_flight_exceeded) == 1);
  }
}
