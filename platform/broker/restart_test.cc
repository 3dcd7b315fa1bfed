// What outlives the process, and what is acknowledged when.
#include <doctest/doctest.h>

#include "platform/broker/message.h"
#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

TestWorld::Options stored(std::size_t shards = 1) {
  TestWorld::Options options;
  options.with_store = true;
  options.shards = shards;
  return options;
}

mqtt::Subscription wish(std::string_view filter, int qos) { return {.filter = filter, .qos = static_cast<Qos>(qos)}; }

/// Makes a persistent session with these subscriptions and leaves.
void leave_session(TestWorld& world, std::string_view id, const std::vector<mqtt::Subscription>& wishes) {
  TestClient one{world, kStandard};
  REQUIRE(one.connect(client(id, false)) == 0);
  REQUIRE(one.subscribe(wishes).size() == wishes.size());
  one.disconnect();
}

}  // namespace

TEST_CASE("persistent sessions, their subscriptions and their queues are there after a restart") {
  for (const std::size_t shards : {1, 3}) {
    CAPTURE(shards);
    TestWorld world{stored(shards)};
    for (const auto* id : {"one", "two", "three"}) leave_session(world, id, {wish("t/#", 1), wish("$share/g/s", 1)});
    {
      TestClient a{world, kStandard};
      REQUIRE(a.connect(client("a")) == 0);
      for (int i = 0; i < 5; ++i) CHECK(a.publishes("t/x", std::to_string(i)));
    }
    world.run_for(Millis{50});
    world.restart();
    CHECK(world.total().sessions == 3);
    CHECK(world.total().subscriptions == 6);
    CHECK(world.total().queued_messages == 15);
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    CHECK(a.publishes("t/y", "new"));
    CHECK(a.publishes("s", "shared"));
    for (const auto* id : {"one", "two", "three"}) {
      TestClient b{world, kStandard};
      REQUIRE(b.connect(client(id, false)) == 0);
      CHECK(b.session_present);
      for (int i = 0; i < 5; ++i) {
        REQUIRE(b.hears("t/x", std::to_string(i)));
        b.say_ack(PacketType::puback, b.message.packet_id);
      }
      CHECK(b.hears("t/y", "new"));
      world.run_for(Millis{50});
      b.disconnect();
    }
  }
}

TEST_CASE("PUBACK for a message that has to wait leaves only when the message is on disk") {
  TestWorld world{stored()};
  leave_session(world, "b", {wish("t", 1)});
  world.run_for(Millis{50});
  for (int round = 0; round < 20; ++round) {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    a.say_publish("t", std::to_string(round), 1, 5);
    const bool acknowledged = world.world.run_until([&a] { return !a.received.empty(); }, Millis{3 + round % 3});
    if (acknowledged) a.received.clear();
    world.restart();  // the power goes
    if (acknowledged) {
      CHECK(world.total().queued_messages >= 1);
    }
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    world.run_for(Millis{50});
    bool arrived = false;
    for (const auto& packet : b.received)
      if (packet.type() == PacketType::publish) {
        const auto message = *mqtt::decode_publish(b.version, packet.frame(), mqtt::Sender::server);
        arrived = arrived || as_text(message.payload) == std::to_string(round);
        b.say_ack(PacketType::puback, message.packet_id);
      }
    if (acknowledged) CHECK(arrived);
    world.run_for(Millis{50});
    b.disconnect();
  }
}

TEST_CASE("what was acknowledged does not come again after a restart, what was not does, with the same packet id") {
  TestWorld world{stored()};
  leave_session(world, "b", {wish("t", 2)});
  {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    for (std::uint16_t i = 1; i <= 4; ++i) {
      a.say_publish("t", std::to_string(i), i == 3 ? 2 : 1, i);
      CHECK(a.hears_ack(i == 3 ? PacketType::pubrec : PacketType::puback, i));
    }
  }
  std::uint16_t ids[5] = {};
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    for (int i = 1; i <= 4; ++i) {
      REQUIRE(b.hears("t", std::to_string(i)));
      ids[i] = b.message.packet_id;
    }
    b.say_ack(PacketType::puback, ids[2]);
    world.run_for(Millis{50});
  }
  world.run_for(Millis{50});
  world.restart();
  CHECK(world.counters().queued_messages == 3);
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  for (const int i : {1, 3, 4}) {
    REQUIRE(b.hears("t", std::to_string(i)));
    CHECK(b.message.packet_id == ids[i]);
    CHECK(b.message.qos == (i == 3 ? Qos::exactly_once : Qos::at_least_once));
  }
  CHECK(b.hears_nothing());
}

TEST_CASE(
    "a QoS 2 message that the client has taken is released after a restart, in its place, and does not come again") {
  TestWorld world{stored()};
  leave_session(world, "b", {wish("t", 2)});
  {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    for (std::uint16_t i = 1; i <= 3; ++i) {
      a.say_publish("t", std::to_string(i), 2, i);
      CHECK(a.hears_ack(PacketType::pubrec, i));
    }
  }
  std::uint16_t ids[4] = {};
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    for (int i = 1; i <= 3; ++i) {
      REQUIRE(b.hears("t", std::to_string(i)));
      ids[i] = b.message.packet_id;
    }
    b.say_ack(PacketType::pubrec, ids[2]);
    b.say_ack(PacketType::pubrec, ids[2]);
    CHECK(b.hears_ack(PacketType::pubrel, ids[2]));
  }
  world.restart();
  CHECK(world.counters().queued_messages == 2);
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.hears("t", "1"));
    CHECK(b.message.packet_id == ids[1]);
    CHECK(b.hears_ack(PacketType::pubrel, ids[2]));
    REQUIRE(b.hears("t", "3"));
    CHECK(b.message.packet_id == ids[3]);
    b.say_ack(PacketType::pubcomp, ids[2]);
    for (const int i : {1, 3}) {
      b.say_ack(PacketType::pubrec, ids[i]);
      CHECK(b.hears_ack(PacketType::pubrel, ids[i]));
      b.say_ack(PacketType::pubcomp, ids[i]);
    }
    world.run_for(Millis{50});
  }
  world.restart();
  CHECK(world.counters().queued_messages == 0);
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  CHECK(b.hears_nothing());
}

TEST_CASE("PUBREL leaves only when it is on disk that the message has been taken, also to the next connection") {
  TestWorld world{stored()};
  leave_session(world, "b", {wish("t", 2)});
  world.run_for(Millis{50});
  int released_rounds = 0;
  for (std::uint16_t round = 1; round <= 24; ++round) {
    CAPTURE(round);
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    a.say_publish("t", std::to_string(round), 2, round);
    REQUIRE(a.hears_ack(PacketType::pubrec, round));
    auto b = std::make_unique<TestClient>(world, kStandard);
    REQUIRE(b->connect(client("b", false)) == 0);
    REQUIRE(b->hears("t", std::to_string(round)));
    const std::uint16_t id = b->message.packet_id;
    b->say_ack(PacketType::pubrec, id);
    if (round % 2 == 0) {  // the release is stored while the client is away
      world.run_for(Millis{1});
      b = std::make_unique<TestClient>(world, kStandard);
      REQUIRE(b->connect(client("b", false)) == 0);
    }
    const auto has_pubrel = [&b] {
      return std::any_of(b->received.begin(), b->received.end(),
                         [](const auto& packet) { return packet.type() == PacketType::pubrel; });
    };
    const bool released = world.world.run_until(has_pubrel, Millis{1 + round % 4});
    world.restart();  // the power goes
    released_rounds += released ? 1 : 0;
    TestClient again{world, kStandard};
    REQUIRE(again.connect(client("b", false)) == 0);
    if (released) {
      CHECK(again.hears_ack(PacketType::pubrel, id));
    } else if (again.expect(PacketType::publish)) {
      again.say_ack(PacketType::pubrec, id);
      CHECK(again.hears_ack(PacketType::pubrel, id));
    } else {
      CHECK(again.last.type() == PacketType::pubrel);  // stored just before the power went
    }
    again.say_ack(PacketType::pubcomp, id);
    world.run_for(Millis{50});
    CHECK(again.received.empty());
    again.disconnect();
  }
  CHECK(released_rounds > 4);
  CHECK(released_rounds < 24);
}

TEST_CASE("a device's QoS 1 set waits on disk and in order, through a restart") {
  TestWorld world{stored()};
  {
    TestClient board{world, kCloud};
    REQUIRE(board.connect(device("dn", false)) == 0);
    REQUIRE(board.subscribe("/sys/pk/dn/thing/service/property/set", 1) == 1);
    board.disconnect();
  }
  CHECK(world.broker().send_to("d/pk/dn", "/sys/pk/dn/thing/service/property/set", as_bytes("{}"), 1));
  {
    TestClient any{world, kStandard};
    any.connect(client("any"));
  }  // passes
  world.run_for(Millis{50});
  world.restart();
  TestClient board{world, kCloud};
  REQUIRE(board.connect(device("dn", false)) == 0);
  CHECK(board.session_present);
  CHECK(board.hears("/sys/pk/dn/thing/service/property/set", "{}"));
}

TEST_CASE("clean sessions leave nothing behind, and a clean login erases what was stored") {
  TestWorld world{stored()};
  {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(client("one")) == 0);
    REQUIRE(one.subscribe("t", 1) == 1);
    one.say_publish("t", "x", 1, 1);
    CHECK(one.hears("t", "x"));
    CHECK(one.hears_ack(PacketType::puback, 1));
  }
  leave_session(world, "two", {wish("t", 1)});
  world.run_for(Millis{50});
  {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    CHECK(a.publishes("t", "x"));
    TestClient two{world, kStandard};
    REQUIRE(two.connect(client("two", true)) == 0);
  }
  world.run_for(Millis{50});
  world.restart();
  CHECK(world.counters().sessions == 0);
  CHECK(world.counters().queued_messages == 0);
}

TEST_CASE("a session that was online when the process died expires from then on; one whose time has come is gone") {
  TestWorld world{stored()};
  auto with = client("short", false, ProtocolVersion::v5);
  with.expiry = 10;
  TestClient stays{world, kStandard};
  REQUIRE(stays.connect(with) == 0);
  with.client_id = "leaves";
  {
    TestClient leaves{world, kStandard};
    REQUIRE(leaves.connect(with) == 0);
    REQUIRE(leaves.subscribe("t", 1) == 1);
  }
  world.run_for(Seconds{8});
  world.store->close();
  world.server_host.kill(runtime::SimHost::Death::process);
  world.brokers.clear();
  world.run_for(Seconds{4});
  world.server_host.revive();
  world.start();
  CHECK(world.counters().sessions == 1);
  world.run_for(Seconds{11});
  CHECK(world.counters().sessions == 0);
}

TEST_CASE("retained messages survive, and erased ones do not") {
  for (const std::size_t shards : {1, 2}) {
    TestWorld world{stored(shards)};
    {
      TestClient a{world, kStandard};
      REQUIRE(a.connect(client("a")) == 0);
      CHECK(a.publishes("keep", "me", true));
      CHECK(a.publishes("drop", "me", true));
      CHECK(a.publishes("drop", "", true));
    }
    world.restart();
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b")) == 0);
    REQUIRE(b.subscribe("#", 1) == 1);
    REQUIRE(b.hears("keep", "me"));
    CHECK(b.message.retain);
    CHECK(b.hears_nothing());
  }
}

TEST_CASE("a store with something else in it is refused at start") {
  for (const int kind : {0, 1, 2, 3}) {
    TestWorld world{stored()};
    store::Mutations mutations;
    if (kind == 0) mutations.put(store::Family::session, "c/x", std::string("\x63", 1));
    if (kind == 1) mutations.put(store::Family::queue, "c/x", "nonsense");
    if (kind == 2) mutations.put(store::Family::session, "r/t", "nonsense");
    if (kind == 3) mutations.put(store::Family::session, "c/x", std::string("\x01\x00\x00", 3));
    REQUIRE(world.store->submit(world.server_host.loop(0), mutations, runtime::Task{[] {}}));
    world.store->close();
    world.server_host.kill(runtime::SimHost::Death::process);
    world.brokers.clear();
    world.server_host.revive();
    ShardBrokers all{world.shards, world.config};
    Broker broker{all, 0, world.authenticator, world.journal, world.store.get()};
    const auto started = broker.start(*world.ingress[0]);
    REQUIRE(!started);
    CHECK(started.error() == Error::malformed);
  }
}

TEST_CASE("the first message after a restart reaches absent sessions of shards that have had nothing to do yet") {
  TestWorld world{stored(2)};
  const auto named = [&world](std::size_t shard) {
    for (int i = 0;; ++i)
      if (world.home_of("c/n" + std::to_string(i)) == shard) return "n" + std::to_string(i);
  };
  const std::string absent = named(1), other = named(0);
  leave_session(world, absent, {wish("t/#", 1)});
  world.run_for(Millis{50});
  world.restart();
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client(other)) == 0);
  REQUIRE(a.publishes("t/x", "first"));
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client(absent, false)) == 0);
  CHECK(b.hears("t/x", "first"));
}

TEST_CASE("a session's record is written once a pass, however many of its filters change") {
  TestWorld world{stored()};
  TestClient one{world, kStandard};
  REQUIRE(one.connect(client("one", false)) == 0);
  world.run_for(Millis{50});
  const auto before = world.store->counters().mutations;
  constexpr int kChanges = 400;
  std::vector<std::string> filters;
  for (int i = 0; i < kChanges; ++i) filters.push_back("a/" + std::to_string(i % 50));
  for (const auto& filter : filters) one.say_subscribe({wish(filter, 1)});
  for (int i = 0; i < kChanges; ++i) REQUIRE(one.suback().size() == 1);
  world.run_for(Millis{50});
  CHECK(world.store->counters().mutations - before < kChanges / 10);
  world.restart();
  CHECK(world.total().subscriptions == 50);
}

TEST_CASE("packet ids of a session that is no more go at the next start") {
  TestWorld world{stored(2)};
  store::Mutations mutations;
  for (int i = 0; i < 8; ++i)
    mutations.put(store::Family::session, "q/c/gone" + std::to_string(i) + std::string("\0\0\7", 3),
                  std::string_view("\x01", 1));
  REQUIRE(world.store->submit(world.server_host.loop(0), mutations, runtime::Task{[] {}}));
  world.run_for(Millis{50});
  world.restart();
  for (int i = 0; i < 8; ++i) {
    TestClient any{world, kStandard};
    REQUIRE(any.connect(client("any" + std::to_string(i))) == 0);
  }
  world.run_for(Millis{50});
  int left = 0;
  REQUIRE(world.store->scan(store::Family::session, "q/", "q0", store::StreamStore::Order::ascending,
                            [&left](std::string_view, std::string_view) { return ++left > 0; }));
  CHECK(left == 0);
}

TEST_CASE("retained messages stored before their records had a format are read, and written with one") {
  TestWorld world{stored()};
  std::string old(16, '\0');  // the time and the order, big end first
  old[7] = old[15] = 1;
  Publication publication;
  publication.topic = "t";
  publication.payload = as_bytes("old");
  encode_message(old, publication, 1, true);
  store::Mutations mutations;
  mutations.put(store::Family::session, "r/t", old);
  REQUIRE(world.store->submit(world.server_host.loop(0), mutations, runtime::Task{[] {}}));
  world.run_for(Millis{50});
  world.restart();
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b")) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
    CHECK(b.hears("t", "old"));
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    CHECK(a.publishes("t", "new", true));
  }
  const auto value = world.store->get(store::Family::session, "r/t");
  REQUIRE(value);
  CHECK(value->starts_with('\1'));
  world.restart();
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client("b")) == 0);
  REQUIRE(b.subscribe("t", 1) == 1);
  CHECK(b.hears("t", "new"));
}

TEST_CASE(
    "what is retained for a new subscription and was not yet sent is sent after a restart, once it all was no more") {
  auto options = stored();
  options.config.standard.max_in_flight = 3;
  TestWorld world{options};
  {
    TestClient a{world, kStandard};
    REQUIRE(a.connect(client("a")) == 0);
    for (int i = 0; i < 9; ++i) REQUIRE(a.publishes("r/" + std::to_string(i), "x", true));
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    REQUIRE(b.subscribe("r/#", 1) == 1);
    world.run_for(Millis{50});
    CHECK(b.received.size() == 3);
  }
  world.restart();
  const auto hear_all = [&world] {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client("b", false)) == 0);
    int heard = 0;
    std::string last;
    while (const auto packet = b.next(Millis{200})) {
      if (packet->type() != PacketType::publish) continue;
      const auto message = *mqtt::decode_publish(b.version, packet->frame(), mqtt::Sender::server);
      b.say_ack(PacketType::puback, message.packet_id);
      last = message.topic;
      ++heard;
    }
    CHECK((heard == 0 || last == "r/8"));
    world.run_for(Millis{50});
    b.disconnect();
    return heard;
  };
  CHECK(hear_all() == 3 + 9);  // those in flight, then all again
  world.restart();
  CHECK(hear_all() == 0);
}
