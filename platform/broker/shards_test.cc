// Several shards: connections move home, subscriptions are known everywhere, messages cross.
#include <doctest/doctest.h>

#include <set>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;
using auth::Cause;

namespace {

TestWorld::Options sharded(std::size_t shards, bool with_store = false, std::uint64_t seed = 1) {
  TestWorld::Options options;
  options.shards = shards;
  options.with_store = with_store;
  options.seed = seed;
  return options;
}

/// A client id (or device name) whose home is that shard.
std::string named(TestWorld& world, std::size_t shard, std::string_view stem = "c/", std::string_view salt = "x") {
  for (int i = 0;; ++i) {
    const std::string name = std::string(salt) + std::to_string(i);
    if (world.home_of(std::string(stem) + name) == shard) return name;
  }
}

}  // namespace

TEST_CASE("wherever a connection is accepted, its session lives on its home shard") {
  TestWorld world{sharded(3)};
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<TestClient>(world, kStandard));
    const std::string id = "client" + std::to_string(i);
    REQUIRE(clients.back()->connect(client(id)) == 0);
    CHECK(world.brokers[world.home_of("c/" + id)]->is_online("c/" + id));
  }
  CHECK(world.total().connections == 30);
  for (const auto& broker : world.brokers) CHECK(broker->counters().online > 0);
}

TEST_CASE("the bound on connections is one for all shards, wherever their homes are") {
  auto options = sharded(3);
  options.config.max_connections = 12;
  TestWorld world{options};
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<TestClient>(world, kStandard));
    CHECK(clients.back()->connect(client(named(world, 1, "c/", "n" + std::to_string(i) + "-"))) == 0);
  }
  TestClient one_more{world, kStandard};
  CHECK(one_more.connect(client(named(world, 0))) == 3);
  CHECK(one_more.is_closed_within(Millis{200}));
  clients.pop_back();
  world.run_for(Millis{100});
  TestClient again{world, kStandard};
  CHECK(again.connect(client(named(world, 2))) == 0);
}

TEST_CASE("what a client sends right behind its CONNECT moves with it") {
  TestWorld world{sharded(4)};
  for (int i = 0; i < 12; ++i) {
    TestClient one{world, kStandard};
    one.say_connect(client("eager" + std::to_string(i)));
    one.say_subscribe({mqtt::Subscription{.filter = "t"}});
    one.say_publish("t", "mine");
    REQUIRE(one.expect(PacketType::connack));
    bool granted = false, heard = false;
    for (int k = 0; k < 2; ++k) {
      const auto packet = one.next();
      REQUIRE(packet);
      granted = granted || packet->type() == PacketType::suback;
      heard = heard || packet->type() == PacketType::publish;
    }
    CHECK(granted);
    CHECK(heard);
  }
}

TEST_CASE("a client id given by the server survives the move") {
  TestWorld world{sharded(4)};
  std::set<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(client("", true, ProtocolVersion::v5)) == 0);
    const auto connack = mqtt::decode_connack(one.version, one.connack.frame());
    ids.insert(std::string(*connack->properties.assigned_client_identifier()));
  }
  CHECK(ids.size() == 10);
}

TEST_CASE("two logins of one identity meet on its home shard, whichever shards they came in on") {
  TestWorld world{sharded(4)};
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<TestClient>(world, kCloud));
    REQUIRE(clients.back()->connect(device()) == 0);
  }
  world.run_for(Millis{100});
  CHECK(world.total().online == 1);
  CHECK(!clients.back()->is_closed);
}

TEST_CASE("a message crosses to subscribers of every shard once, with its QoS, in order") {
  TestWorld world{sharded(3)};
  std::vector<std::unique_ptr<TestClient>> subscribers;
  for (std::size_t k = 0; k < 3; ++k)
    for (const char* salt : {"a", "b"}) {
      subscribers.push_back(std::make_unique<TestClient>(world, kStandard));
      REQUIRE(subscribers.back()->connect(client(named(world, k, "c/", salt))) == 0);
      REQUIRE(subscribers.back()->subscribe("t/+", 1) == 1);
    }
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("publisher")) == 0);
  for (std::uint16_t i = 1; i <= 50; ++i) a.say_publish("t/x", std::to_string(i), i % 2, i % 2 == 0 ? 0 : i);
  for (auto& each : subscribers) {
    for (int i = 1; i <= 50; ++i) {
      REQUIRE(each->hears("t/x", std::to_string(i)));
      CHECK(static_cast<int>(each->message.qos) == i % 2);
    }
    CHECK(each->hears_nothing(Millis{20}));
  }
}

TEST_CASE("after SUBACK no message is missed, whichever shard it is published on") {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    TestWorld world{sharded(4, false, seed)};
    std::vector<std::unique_ptr<TestClient>> publishers;
    for (std::size_t k = 0; k < 4; ++k) {
      publishers.push_back(std::make_unique<TestClient>(world, kStandard));
      REQUIRE(publishers.back()->connect(client(named(world, k))) == 0);
    }
    TestClient b{world, kStandard}, c{world, kStandard};
    REQUIRE(b.connect(client("listener")) == 0);
    REQUIRE(c.connect(client("listener2")) == 0);
    b.say_subscribe({mqtt::Subscription{.filter = "t"}});
    c.say_subscribe({mqtt::Subscription{.filter = "t"}});  // while the other's is still on its way
    REQUIRE(world.world.run_until([&] { return !b.received.empty() && !c.received.empty(); }, Seconds{1}));
    b.received.clear();
    c.received.clear();
    for (auto& each : publishers) each->say_publish("t", "x");
    for (std::size_t k = 0; k < 4; ++k) {
      CHECK(b.hears("t", "x"));
      CHECK(c.hears("t", "x"));
    }
  }
}

TEST_CASE("filters are taken back everywhere when the last client leaves them") {
  TestWorld world{sharded(2)};
  TestClient a{world, kStandard}, b{world, kStandard}, c{world, kStandard};
  REQUIRE(a.connect(client(named(world, 0, "c/", "a"))) == 0);
  REQUIRE(b.connect(client(named(world, 1, "c/", "b"))) == 0);
  REQUIRE(c.connect(client(named(world, 1, "c/", "c"))) == 0);
  REQUIRE(b.subscribe("t") == 0);
  REQUIRE(c.subscribe("t") == 0);
  a.say_publish("t", "1");
  REQUIRE(b.hears("t", "1"));
  const auto crossed = world.brokers[0]->counters().messages_out_linked;
  CHECK(crossed == 1);
  b.drop();
  world.run_for(Millis{50});
  a.say_publish("t", "2");
  CHECK(c.hears("t", "1"));
  CHECK(c.hears("t", "2"));
  REQUIRE(c.unsubscribe({"t"}).empty());
  world.run_for(Millis{50});
  a.say_publish("t", "3");
  world.run_for(Millis{50});
  CHECK(world.brokers[0]->counters().messages_out_linked == crossed + 1);
  CHECK(world.brokers[1]->counters().messages_in_linked == crossed + 1);
}

TEST_CASE("a shared subscription over shards still gives each message to one member") {
  TestWorld world{sharded(3)};
  std::vector<std::unique_ptr<TestClient>> members;
  for (std::size_t k = 0; k < 3; ++k) {
    members.push_back(std::make_unique<TestClient>(world, kStandard));
    REQUIRE(members.back()->connect(client(named(world, k))) == 0);
    REQUIRE(members.back()->subscribe("$share/g/t", 1) == 1);
  }
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("publisher")) == 0);
  for (std::uint16_t i = 1; i <= 30; ++i) a.say_publish("t", std::to_string(i), 1, i);
  world.run_for(Millis{200});
  std::size_t heard = 0;
  for (const auto& each : members) {
    CHECK(each->received.size() == 10);
    heard += each->received.size();
  }
  CHECK(heard == 30);
  CHECK(a.received.size() == 30);
  members.erase(members.begin());
  members.pop_back();
  world.run_for(Millis{50});
  for (auto& each : members) each->received.clear();
  for (std::uint16_t i = 1; i <= 6; ++i) a.say_publish("t", "again", 1, i);
  world.run_for(Millis{200});
  CHECK(members[0]->received.size() == 6);
}

TEST_CASE("retained messages are the same on every shard") {
  TestWorld world{sharded(3)};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client("publisher")) == 0);
  CHECK(a.publishes("state", "on", true));
  world.run_for(Millis{20});
  for (const auto& broker : world.brokers) CHECK(broker->counters().retained == 1);
  for (std::size_t k = 0; k < 3; ++k) {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client(named(world, k))) == 0);
    REQUIRE(b.subscribe("#") == 0);
    CHECK(b.hears("state", "on"));
  }
  CHECK(a.publishes("state", "", true));
  world.run_for(Millis{20});
  CHECK(world.total().retained == 0);
}

TEST_CASE("a back end on another shard reaches a device, and hears it") {
  for (std::size_t k = 0; k < 3; ++k) {
    CAPTURE(k);
    TestWorld world{sharded(3)};
    CAPTURE(world.home_of("d/pk/dn"));
    TestClient board{world, kCloud}, back_end{world, kStandard};
    REQUIRE(board.connect(device()) == 0);
    REQUIRE(back_end.connect(client(named(world, k))) == 0);
    REQUIRE(back_end.subscribe("/pk/dn/user/up", 1) == 1);
    REQUIRE(board
                .subscribe({mqtt::Subscription{.filter = "/pk/dn/user/get"},
                            mqtt::Subscription{.filter = "/sys/pk/dn/thing/service/#"},
                            mqtt::Subscription{.filter = "/broadcast/pk/x"}})
                .size() == 3);
    board.say_publish("/pk/dn/user/up", "21.5", 1, 1);
    CHECK(board.hears_ack(PacketType::puback, 1));
    CHECK(back_end.hears("/pk/dn/user/up", "21.5"));
    CHECK(back_end.publishes("/pk/dn/user/get", "a"));
    CHECK(back_end.publishes("/sys/pk/dn/thing/service/property/set", "b"));
    CHECK(back_end.publishes("/broadcast/pk/x", "c"));
    CHECK(board.hears("/pk/dn/user/get", "a"));
    CHECK(board.hears("/sys/pk/dn/thing/service/property/set", "b"));
    CHECK(board.hears("/broadcast/pk/x", "c"));
    CHECK(board.hears_nothing(Millis{50}));
    const std::size_t home = world.home_of("d/pk/dn");
    world.brokers[home]->disconnect("d/pk/dn", true);
    CHECK(back_end.publishes("/sys/pk/dn/thing/service/property/set", "nobody"));
  }
}

TEST_CASE("devices share a broadcast between them where they ask for it") {
  for (std::size_t k = 0; k < 2; ++k) {
    TestWorld world{sharded(2)};
    TestClient one{world, kCloud}, two{world, kCloud}, back_end{world, kStandard};
    const auto login = [&world](TestClient& board, const char* salt) {
      auto with = device(named(world, 0, "d/pk/", salt));
      with.version = ProtocolVersion::v5;
      REQUIRE(board.connect(with) == 0);
      REQUIRE(board.subscribe("$share/g//broadcast/pk/x") == 0);
    };
    login(one, "a");
    login(two, "b");
    REQUIRE(back_end.connect(client(named(world, k))) == 0);
    for (int i = 0; i < 10; ++i) back_end.say_publish("/broadcast/pk/x", std::to_string(i));
    world.run_for(Millis{100});
    CHECK(one.received.size() == 5);
    CHECK(two.received.size() == 5);
  }
}

TEST_CASE("a message for a persistent session of another shard is acknowledged when that shard has it on disk") {
  TestWorld world{sharded(3, true)};
  const std::string publisher = named(world, 0, "c/", "p"), subscriber = named(world, 1, "c/", "s");
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client(subscriber, false)) == 0);
    REQUIRE(b.subscribe("t", 1) == 1);
    b.disconnect();
  }
  {
    TestClient board{world, kCloud};
    REQUIRE(board.connect(device("dn", false)) == 0);
    REQUIRE(board.subscribe("/pk/dn/user/get", 1) == 1);
    board.disconnect();
  }
  world.run_for(Millis{50});
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client(publisher)) == 0);
  CHECK(a.publishes("t", "kept"));
  CHECK(a.publishes("/pk/dn/user/get", "for the board"));
  world.restart();
  TestClient b{world, kStandard}, board{world, kCloud};
  REQUIRE(b.connect(client(subscriber, false)) == 0);
  CHECK(b.hears("t", "kept"));
  REQUIRE(board.connect(device("dn", false)) == 0);
  CHECK(board.hears("/pk/dn/user/get", "for the board"));
}

TEST_CASE("a shared group of persistent members on another shard confirms too") {
  TestWorld world{sharded(2, true)};
  const std::string publisher = named(world, 0, "c/", "p"), subscriber = named(world, 1, "c/", "s");
  {
    TestClient b{world, kStandard};
    REQUIRE(b.connect(client(subscriber, false)) == 0);
    REQUIRE(b.subscribe("$share/g/t", 1) == 1);
    b.disconnect();
  }
  world.run_for(Millis{50});
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client(publisher)) == 0);
  CHECK(a.publishes("t", "kept"));
  world.restart();
  TestClient b{world, kStandard};
  REQUIRE(b.connect(client(subscriber, false)) == 0);
  CHECK(b.hears("t", "kept"));
}

TEST_CASE("when another shard does not take batches they wait, and QoS 0 gives way at the bound") {
  TestWorld::Options options = sharded(2);
  options.config.max_link_bytes = 10'000;
  TestWorld world{options};
  TestClient a{world, kStandard}, b{world, kStandard};
  REQUIRE(a.connect(client(named(world, 0))) == 0);
  REQUIRE(b.connect(client(named(world, 1))) == 0);
  REQUIRE(b.subscribe("t", 1) == 1);
  world.server_host.loop(1).set_inbox_capacity(0);
  for (int i = 0; i < 100; ++i) a.say_publish("t", std::string(500, 'x'));
  for (std::uint16_t i = 1; i <= 5; ++i) a.say_publish("t", std::to_string(i), 1, i);
  world.run_for(Millis{200});
  CHECK(world.brokers[0]->counters().dropped_link_full > 50);
  CHECK(b.received.empty());
  world.server_host.loop(1).set_inbox_capacity(65536);
  world.run_for(Millis{200});
  std::size_t assured = 0;
  for (const auto& packet : b.received)
    assured += packet.type() == PacketType::publish && packet.frame().header.qos() == Qos::at_least_once ? 1 : 0;
  CHECK(assured == 5);
  CHECK(b.received.size() < 40);
}

TEST_CASE("what another shard has not read yet counts: a publisher that is too fast for it is held back") {
  TestWorld::Options options = sharded(2);
  options.config.max_link_bytes = 10'000;
  TestWorld world{options};
  TestClient a{world, kStandard}, b{world, kStandard};
  REQUIRE(a.connect(client(named(world, 0), true, ProtocolVersion::v5)) == 0);
  REQUIRE(b.connect(client(named(world, 1))) == 0);
  REQUIRE(b.subscribe("t", 1) == 1);
  const Counters& publishing = world.brokers[0]->counters();
  const std::string text(500, 'x');
  world.server_host.loop(1).stall(true);

  const auto passes = world.server_host.loop(0).passes();
  for (int i = 0; i < 100; ++i) {
    a.say_publish("t", text);
    world.run_for(Millis{2});
  }
  CHECK(world.server_host.loop(0).passes() - passes >= 100);  // each message is a post of its own
  CHECK(publishing.messages_out_linked + publishing.dropped_link_full == 100);
  CHECK(publishing.dropped_link_full > 80 - 5);
  CHECK(publishing.dropped_link_full < 80 + 5);

  for (std::uint16_t i = 1; i <= 5; ++i) a.say_publish("t", text, 1, i);
  CHECK(a.hears_nothing(Millis{100}));
  CHECK(!a.is_closed);
  world.server_host.loop(1).stall(false);
  for (std::uint16_t i = 1; i <= 5; ++i) CHECK(a.hears_ack(PacketType::puback, i));
  world.run_for(Millis{50});
  std::size_t heard = 0;
  for (const auto& packet : b.received) heard += packet.type() == PacketType::publish ? 1 : 0;
  CHECK(heard == publishing.messages_out_linked);
  a.say_publish("t", "there is room again", 1, 6);
  CHECK(a.hears_ack(PacketType::puback, 6));

  world.server_host.loop(1).stall(true);
  const auto crossed = publishing.messages_out_linked;
  for (std::uint16_t i = 1; i <= 100 && !a.is_closed; ++i) {
    a.say_publish("t", text, 1, i);
    world.run_for(Millis{2});
  }
  REQUIRE(a.is_closed_within(Millis{100}));
  CHECK(publishing.messages_out_linked - crossed < 45);
  const auto bye = mqtt::decode_disconnect(a.version, a.received.back().frame(), mqtt::Sender::server);
  REQUIRE(bye);
  CHECK(bye->reason == ReasonCode::quota_exceeded);
  CHECK(world.journal.count(Cause::in_flight_exceeded) == 1);
  CHECK(a.received.size() < 25);  // those beyond the bound were not acknowledged
}

TEST_CASE("a retained message that has no room on its way to another shard is set on none") {
  TestWorld::Options options = sharded(2);
  options.config.max_link_bytes = 10'000;
  TestWorld world{options};
  TestClient a{world, kStandard};
  REQUIRE(a.connect(client(named(world, 0))) == 0);
  world.server_host.loop(1).stall(true);
  for (int i = 0; i < 100; ++i) {
    a.say_publish("state/" + std::to_string(i), std::string(500, 'x'), 0, 0, true);
    world.run_for(Millis{2});
  }
  CHECK(world.brokers[0]->counters().dropped_link_full > 75);
  CHECK(world.brokers[0]->counters().retained < 25);
  world.server_host.loop(1).stall(false);
  world.run_for(Millis{50});
  CHECK(world.brokers[0]->counters().retained == world.brokers[1]->counters().retained);
}

TEST_CASE("a CONNECT that arrives in the pass of its deadline is taken, also when it names another shard") {
  for (const std::size_t home : {0, 1}) {
    CAPTURE(home);
    TestWorld world{sharded(2)};
    TestClient a{world, kStandard};  // accepted on shard 0
    world.run_for(Millis{9'900});
    world.server_host.loop(0).stall(true);
    a.say_connect(client(named(world, home)));
    world.run_for(Millis{300});
    world.server_host.loop(0).stall(false);  // one pass reads the packet, then finds the deadline passed
    CHECK(a.expect(PacketType::connack));
    world.run_for(Seconds{1});
    CHECK(!a.is_closed);
    CHECK(world.total().online == 1);
    CHECK(world.total().connections == 1);
    CHECK(world.journal.count(Cause::no_connect) == 0);
  }
}

TEST_CASE("a handshake that cannot begin in the pass of its deadline ends the connection, once") {
  TestWorld world{sharded(2)};  // TLS is not to be had here
  TestClient a{world, kSniff};
  world.run_for(Millis{9'900});
  world.server_host.loop(0).stall(true);
  a.send("\x16");
  world.run_for(Millis{300});
  world.server_host.loop(0).stall(false);
  CHECK(a.is_closed_within(Seconds{1}));
  CHECK(world.total().connections == 0);
}

TEST_CASE("a home shard that takes nothing refuses the connection, and the journal says so") {
  TestWorld world{sharded(2)};
  TestClient a{world, kStandard};
  world.run_for(Millis{50});  // accepted on shard 0
  world.server_host.loop(1).set_inbox_capacity(0);
  CHECK(a.connect(client(named(world, 1))) == 255);
  CHECK(a.is_closed_within(Seconds{1}));
  CHECK(world.journal.count(Cause::server_full) == 1);
}

TEST_CASE("the same seed gives the same run") {
  const auto run = [](std::uint64_t seed) {
    TestWorld world{sharded(3, true, seed)};
    std::vector<std::unique_ptr<TestClient>> clients;
    for (int i = 0; i < 9; ++i) {
      clients.push_back(std::make_unique<TestClient>(world, kStandard));
      clients.back()->connect(client("c" + std::to_string(i), i % 2 == 0));
      clients.back()->subscribe("t/#", 1);
    }
    for (auto& each : clients) each->say_publish("t/x", "x", 1, 1);
    world.run_for(Millis{500});
    return world.world.trace();
  };
  CHECK(run(5) == run(5));
  CHECK(run(5) != run(6));
}
