// What happens when the store is behind, or has failed: nothing is lost that was acknowledged, memory stays bounded.
#include <doctest/doctest.h>

#include <algorithm>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

/// A server whose store takes `room` bytes at a time and needs `sync` for them.
struct SlowDisk {
  SlowDisk(std::size_t room, Millis sync, std::size_t max_unstored, std::size_t shards = 1)
      : world(options_with(max_unstored, shards)) {
    world.brokers.clear();
    world.store = std::make_unique<store::MemoryStore>(store::MemoryOptions{sync, room});
    world.server_host.kill(runtime::SimHost::Death::process);
    world.server_host.revive();
    world.start();
  }
  static TestWorld::Options options_with(std::size_t max_unstored, std::size_t shards) {
    TestWorld::Options options;
    options.with_store = true;
    options.shards = shards;
    options.config.max_unstored_bytes = max_unstored;
    return options;
  }
  /// A persistent session that is away, and wants topic "t".
  void leave_session(std::string_view id, int qos = 1) {
    TestClient one{world, kStandard};
    REQUIRE(one.connect(client(id, false)) == 0);
    REQUIRE(one.subscribe("t", qos) == qos);
    one.disconnect();
    world.run_for(Seconds{3});
  }
  std::size_t stored_messages() {
    std::size_t found = 0;
    const auto count = [&found](std::string_view, std::string_view) { return ++found > 0; };
    REQUIRE(world.store->scan(store::Family::queue, "", "\xFF", store::StreamStore::Order::ascending, count));
    return found;
  }
  TestWorld world;
};

std::size_t count(const TestClient& of, PacketType type) {
  return static_cast<std::size_t>(std::count_if(of.received.begin(), of.received.end(),
                                                [type](const Packet& each) { return each.type() == type; }));
}

std::string name_on(TestWorld& world, std::size_t shard, std::string_view salt) {
  for (int i = 0;; ++i) {
    const std::string name = std::string(salt) + std::to_string(i);
    if (world.home_of("c/" + name) == shard) return name;
  }
}

}  // namespace

TEST_CASE("what the store has no room for waits, is stored in order and acknowledged no sooner") {
  SlowDisk disk{600, Millis{50}, 1 << 20};
  disk.leave_session("b");
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  for (std::uint16_t i = 1; i <= 10; ++i) {
    a.say_publish("t", std::to_string(i) + std::string(300, 'x'), 1, i);
    disk.world.run_for(Millis{5});
    CHECK(count(a, PacketType::puback) <= disk.stored_messages());
  }
  CHECK(a.received.size() < 10);
  for (int i = 0; i < 300; ++i) {
    disk.world.run_for(Millis{2});
    CHECK(count(a, PacketType::puback) <= disk.stored_messages());
  }
  for (std::uint16_t i = 1; i <= 10; ++i) CHECK(a.hears_ack(PacketType::puback, i));
  CHECK(!a.is_closed);
  disk.world.restart();
  TestClient b{disk.world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  for (int i = 1; i <= 10; ++i) CHECK(b.hears("t", std::to_string(i) + std::string(300, 'x')));
}

TEST_CASE("a message for so many sessions that the store does not take it at once reaches it in pieces") {
  SlowDisk disk{400'000, Millis{20}, 64 << 20};
  for (int i = 0; i < 20; ++i) disk.leave_session("b" + std::to_string(i));
  const auto before = disk.world.store->counters().commits;
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  a.say_publish("t", std::string(100'000, 'x'), 1, 1);
  while (a.received.empty()) disk.world.run_for(Millis{1});
  CHECK(disk.stored_messages() == 20);
  CHECK(a.hears_ack(PacketType::puback, 1));
  CHECK(disk.world.store->counters().commits - before >= 5);
}

TEST_CASE("over the bound of what waits for the store publishers are turned away, and nothing acknowledged is lost") {
  SlowDisk disk{600, Seconds{2}, 2000};
  disk.leave_session("b");
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a", true, ProtocolVersion::v5)) == 0);
  const std::string text(300, 'x');
  for (std::uint16_t i = 1; i <= 20 && !a.is_closed; ++i) {
    a.say_publish("t", text, 1, i);
    disk.world.run_for(Millis{5});
  }
  REQUIRE(a.is_closed_within(Millis{100}));
  REQUIRE(!a.received.empty());
  CHECK(count(a, PacketType::puback) == 0);
  const auto bye = mqtt::decode_disconnect(a.version, a.received.back().frame(), mqtt::Sender::server);
  REQUIRE(bye);
  CHECK(bye->reason == ReasonCode::server_busy);
  CHECK(disk.world.journal.count(auth::Cause::store_full) == 1);
  CHECK(disk.world.counters().dropped_store_full == 1);

  // Whoever comes back sees the same, until there is room; what needs no store works meanwhile.
  TestClient again{disk.world, kStandard};
  REQUIRE(again.connect(client("again")) == 0);
  again.say_publish("nobody", text, 1, 1);
  CHECK(again.hears_ack(PacketType::puback, 1));
  again.say_publish("t", text, 0);
  again.say_publish("t", text, 1, 2);
  CHECK(again.is_closed_within(Millis{100}));
  CHECK(again.received.empty());

  disk.world.run_for(Seconds{30});
  TestClient later{disk.world, kStandard};
  REQUIRE(later.connect(client("later")) == 0);
  later.say_publish("t", "at last", 1, 3);
  disk.world.run_for(Seconds{4});
  CHECK(later.hears_ack(PacketType::puback, 3));
  const auto taken = disk.world.counters().queued_messages;
  CHECK(taken < 12);
  CHECK(disk.stored_messages() == taken);
}

TEST_CASE("a QoS 2 message that could not be kept counts as new when it comes again") {
  SlowDisk disk{600, Seconds{2}, 1000};
  disk.leave_session("b", 2);
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  disk.world.run_for(Seconds{3});
  const std::string text(800, 'x');
  std::uint16_t refused = 0;
  for (std::uint16_t i = 1; i <= 10 && !a.is_closed; ++i) {
    a.say_publish("t", text + std::to_string(i), 2, i);
    disk.world.run_for(Millis{5});
    refused = i;
  }
  REQUIRE(a.is_closed);
  disk.world.run_for(Seconds{20});
  TestClient again{disk.world, kStandard};
  REQUIRE(again.connect(client("a", false)) == 0);
  again.say_publish("t", text + std::to_string(refused), 2, refused, false, true);
  disk.world.run_for(Seconds{6});
  CHECK(again.hears_ack(PacketType::pubrec, refused));
  TestClient b{disk.world, kStandard};
  REQUIRE(b.connect(client("b", false)) == 0);
  for (std::uint16_t i = 1; i <= refused; ++i) CHECK(b.hears("t", text + std::to_string(i)));
  CHECK(b.hears_nothing());
}

TEST_CASE("records of sessions wait too when the store is behind, and the last of them is stored") {
  SlowDisk disk{600, Seconds{1}, 1000};
  disk.leave_session("b");
  TestClient a{disk.world, kStandard}, c{disk.world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  for (std::uint16_t i = 1; i <= 20 && !a.is_closed; ++i) {
    a.say_publish("t", std::string(300, 'x'), 1, i);
    disk.world.run_for(Millis{5});
  }
  REQUIRE(a.is_closed);
  REQUIRE(c.connect(client("c", false)) == 0);
  const auto before = disk.world.store->counters().mutations;
  for (int i = 0; i < 200; ++i) REQUIRE(c.subscribe("filter/" + std::to_string(i), 1) == 1);
  disk.world.run_for(Seconds{30});
  CHECK(disk.world.store->counters().mutations - before < 50);
  disk.world.restart();
  CHECK(disk.world.counters().subscriptions == 201);
}

TEST_CASE("when the disk fails whoever waits for it is turned away, and so is everybody who needs it later") {
  SlowDisk disk{64 << 20, Millis{50}, 64 << 20};
  disk.leave_session("b");
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a", true, ProtocolVersion::v5)) == 0);
  a.say_publish("t", "under way", 1, 1);
  disk.world.run_for(Millis{10});
  disk.world.store->fail("no disk");
  REQUIRE(a.is_closed_within(Seconds{3}));  // though the store has nothing new to refuse
  REQUIRE(a.received.size() == 1);
  const auto bye = mqtt::decode_disconnect(a.version, a.received.back().frame(), mqtt::Sender::server);
  REQUIRE(bye);
  CHECK(bye->reason == ReasonCode::implementation_specific_error);
  CHECK(disk.world.journal.count(auth::Cause::store_full) == 1);

  TestClient again{disk.world, kStandard};
  REQUIRE(again.connect(client("again")) == 0);
  again.say_publish("nobody", "y", 1, 2);
  CHECK(again.hears_ack(PacketType::puback, 2));
  again.say_publish("t", "x", 1, 3);
  CHECK(again.is_closed_within(Millis{100}));
  CHECK(again.received.empty());
  CHECK(disk.world.journal.count(auth::Cause::store_full) == 2);
}

TEST_CASE("a QoS 2 message that the disk lost is not taken for known when it comes again") {
  SlowDisk disk{64 << 20, Millis{50}, 64 << 20};
  disk.leave_session("b", 2);
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  disk.world.run_for(Millis{200});
  a.say_publish("t", "x", 2, 1);
  disk.world.run_for(Millis{10});
  disk.world.store->fail("no disk");
  REQUIRE(a.is_closed_within(Seconds{3}));
  TestClient again{disk.world, kStandard};
  REQUIRE(again.connect(client("a", false)) == 0);
  again.say_publish("t", "x", 2, 1, false, true);
  CHECK(again.is_closed_within(Millis{100}));
  CHECK(again.received.empty());
}

TEST_CASE("the publisher is turned away also when it is another shard that cannot store its message") {
  SlowDisk disk{64 << 20, Millis{2}, 64 << 20, 2};
  disk.leave_session(name_on(disk.world, 1, "b"));
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client(name_on(disk.world, 0, "a"))) == 0);
  CHECK(a.publishes("t", "kept"));
  disk.world.store->fail("no disk");
  a.say_publish("t", "x", 1, 1);
  CHECK(a.is_closed_within(Seconds{3}));
  CHECK(a.received.empty());
  TestClient again{disk.world, kStandard};
  REQUIRE(again.connect(client(name_on(disk.world, 0, "again"))) == 0);
  again.say_publish("t", "x", 1, 1);
  CHECK(again.is_closed_within(Millis{100}));
  CHECK(again.received.empty());
}

TEST_CASE("a retained message that the failed disk cannot keep is not shown either") {
  SlowDisk disk{64 << 20, Millis{2}, 64 << 20};
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  CHECK(a.publishes("state", "on", true));
  disk.world.store->fail("no disk");
  a.say_publish("state", "off", 1, 1, true);
  CHECK(a.is_closed_within(Seconds{3}));
  disk.world.run_for(Seconds{1});
  TestClient again{disk.world, kStandard};
  REQUIRE(again.connect(client("again")) == 0);
  again.say_publish("other", "x", 1, 2, true);
  CHECK(again.is_closed_within(Seconds{3}));
  CHECK(disk.world.counters().retained == 1);
}

TEST_CASE("a retained message for a session's first QoS 1 subscription waits while the store is behind") {
  SlowDisk disk{600, Seconds{2}, 2000};
  disk.leave_session("b");
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a")) == 0);
  for (std::uint16_t i = 1; i <= 3; ++i) a.say_publish("r/" + std::to_string(i), "kept", 1, i, true);
  disk.world.run_for(Seconds{10});
  REQUIRE(a.received.size() == 3);
  TestClient c{disk.world, kStandard};
  REQUIRE(c.connect(client("c", false)) == 0);
  disk.world.run_for(Seconds{3});
  for (std::uint16_t i = 1; i <= 20 && !a.is_closed; ++i) {
    a.say_publish("t", std::string(300, 'x'), 1, i);
    disk.world.run_for(Millis{5});
  }
  REQUIRE(a.is_closed);
  REQUIRE(c.subscribe("r/#", 1) == 1);
  CHECK(c.hears_nothing(Millis{100}));
  disk.world.run_for(Seconds{30});
  for (int i = 1; i <= 3; ++i) CHECK(c.hears("r/" + std::to_string(i), "kept"));
}

TEST_CASE(
    "the publisher hears at once that another shard's disk has failed, though that shard has nothing else to do") {
  SlowDisk disk{64 << 20, Millis{500}, 64 << 20, 2};
  disk.leave_session(name_on(disk.world, 1, "b"));
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client(name_on(disk.world, 0, "a"))) == 0);
  disk.world.run_for(Seconds{5});
  a.say_publish("t", "under way", 1, 1);
  disk.world.run_for(Millis{50});
  disk.world.store->fail("no disk");
  CHECK(a.is_closed_within(Millis{1000}));
  CHECK(a.received.empty());
}

TEST_CASE("packet ids of QoS 2 messages that nobody wants are bounded by the store too") {
  SlowDisk disk{600, Seconds{2}, 1000};
  TestClient a{disk.world, kStandard};
  REQUIRE(a.connect(client("a", false)) == 0);
  disk.world.run_for(Seconds{3});
  for (std::uint16_t i = 1; i <= 500 && !a.is_closed; ++i) {
    a.say_publish("nobody", "x", 2, i);
    disk.world.run_for(Millis{2});
  }
  CHECK(a.is_closed_within(Millis{100}));
  CHECK(disk.world.journal.count(auth::Cause::store_full) == 1);
  disk.world.run_for(Seconds{30});
  TestClient again{disk.world, kStandard};
  REQUIRE(again.connect(client("again")) == 0);  // no session that lasts: nothing to store
  again.say_publish("nobody", "x", 2, 1);
  CHECK(again.hears_ack(PacketType::pubrec, 1));
}
