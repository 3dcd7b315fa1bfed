// Rates: the parts, and the limits of the cloud as a device meets them.
#include "platform/broker/rate.h"

#include <doctest/doctest.h>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

Instant at(std::int64_t ms) { return Instant{Millis{ms}}; }

/// The limits of the cloud, but for how much a device may say.
TestWorld::Options limited() {
  TestWorld::Options options;
  options.fast_limits = false;
  options.config.cloud.qos0_per_second = options.config.cloud.qos1_per_second = 0;
  return options;
}

constexpr std::string_view kTopic = "/pk/dn/user/get";

struct Pair {
  explicit Pair(const ConnectOptions& with = device()) : world(limited()) {
    REQUIRE(board.connect(with) == 0);
    REQUIRE(board.subscribe(kTopic, 1) == 1);
    REQUIRE(back_end.connect(client("b")) == 0);
  }
  TestWorld world;
  TestClient board{world, kCloud};
  TestClient back_end{world, kStandard};
};

}  // namespace

TEST_CASE("a meter lets one second's worth through at once, then as it refills, and remembers debts") {
  Meter meter;
  for (int i = 0; i < 50; ++i) {
    CHECK(meter.wait(50, at(5)) == Millis{0});
    meter.spend(50, 1, at(5));
  }
  CHECK(meter.wait(50, at(5)) == Millis{20});
  CHECK(meter.wait(50, at(24)) == Millis{1});
  CHECK(meter.wait(50, at(25)) == Millis{0});
  meter.spend(50, 100, at(25));
  CHECK(meter.wait(50, at(25)) == Millis{2000});
  CHECK(meter.wait(50, at(2025)) == Millis{0});
  CHECK(meter.wait(50, at(1'000'000)) == Millis{0});
  meter.spend(50, 51, at(1'000'000));
  CHECK(meter.wait(50, at(1'000'000)) == Millis{40});
  CHECK(meter.wait(0, at(1'000'000)) == Millis{0});
}

TEST_CASE("names are counted each for itself, and forgotten after a minute") {
  NameRates rates{7};
  for (int i = 0; i < 5; ++i) CHECK(rates.take("a", 5, at(i)));
  CHECK(!rates.take("a", 5, at(10)));
  CHECK(rates.take("b", 5, at(10)));
  CHECK(!rates.take("a", 5, at(11'000)));
  CHECK(rates.take("a", 5, at(12'000)));  // what was refused has not counted
  CHECK(!rates.take("a", 5, at(12'000)));
  CHECK(rates.take("c", 0, at(12'000)));
  for (int i = 0; i < 3000; ++i) rates.take("n" + std::to_string(i), 5, at(100'000 + i * 1000));
  CHECK(rates.size() < 2100);
}

TEST_CASE("of over fifty messages a second to a device QoS 0 is dropped, and the journal says why") {
  Pair pair;
  for (int i = 0; i < 80; ++i) pair.back_end.say_publish(kTopic, std::to_string(i));
  pair.world.run_for(Millis{100});
  CHECK(pair.board.received.size() >= 50);
  CHECK(pair.board.received.size() <= 56);
  REQUIRE(pair.world.journal.count(auth::Cause::down_rate) == 1);
  CHECK(pair.world.journal.last(auth::Cause::down_rate)->evidence == "over 50 messages per second to the device");
  CHECK(pair.world.journal.last(auth::Cause::down_rate)->name == "pk/dn");
}

TEST_CASE("of over fifty messages a second to a device QoS 1 is delayed, in order, and nothing is lost") {
  for (const bool clean : {true, false}) {
    CAPTURE(clean);
    Pair pair{device("dn", clean)};
    for (std::uint16_t i = 1; i <= 200; ++i) pair.back_end.say_publish(kTopic, std::to_string(i), 1, i);
    pair.world.run_for(Millis{500});
    CHECK(pair.board.received.size() >= 50);
    CHECK(pair.board.received.size() <= 80);
    int heard = 0;
    const auto hear = [&pair, &heard] {
      while (!pair.board.received.empty()) {
        REQUIRE(pair.board.hears(kTopic, std::to_string(++heard)));
        pair.board.say_ack(PacketType::puback, pair.board.message.packet_id);
      }
      return heard == 200;
    };
    for (int i = 0; i < 20; ++i) pair.world.run_for(Millis{100}), hear();
    CHECK(heard > 140);
    CHECK(heard < 190);
    for (int i = 0; i < 15; ++i) pair.world.run_for(Millis{100}), hear();
    CHECK(heard == 200);
  }
}

TEST_CASE("many devices that are held back by the rate are each given their turn, not all at each turn") {
  TestWorld world{limited()};
  TestClient back_end{world, kStandard};
  REQUIRE(back_end.connect(client("b")) == 0);
  std::vector<std::unique_ptr<TestClient>> boards;
  constexpr std::size_t kBoards = 40;
  for (std::size_t k = 0; k < kBoards; ++k) {
    boards.push_back(std::make_unique<TestClient>(world, kCloud));
    const std::string name = "d" + std::to_string(k);
    REQUIRE(boards.back()->connect(device(name)) == 0);
    REQUIRE(boards.back()->subscribe("/pk/" + name + "/user/get", 1) == 1);
  }
  for (std::size_t k = 0; k < kBoards; ++k) {
    const std::string topic = "/pk/d" + std::to_string(k) + "/user/get";
    for (std::uint16_t i = 1; i <= 100; ++i) back_end.say_publish(topic, std::to_string(i), 1, i);
    world.run_for(Millis{3});
  }
  world.run_for(Millis{2000});
  for (const auto& board : boards) CHECK(board->received.size() == 100);
  CHECK(world.counters().turns >= kBoards * 40);
  CHECK(world.counters().turns <= kBoards * 60);
}

TEST_CASE("a device that sends more than 1024 KB a second is slowed down, and nothing is lost") {
  Pair pair;
  const std::string large(100'000, 'x');
  for (std::uint16_t i = 1; i <= 40; ++i) pair.board.say_publish("/pk/dn/user/update", large, 1, i);
  pair.world.run_for(Millis{2000});
  CHECK(pair.board.received.size() < 35);
  CHECK(pair.board.received.size() > 20);
  pair.world.run_for(Millis{2500});
  CHECK(pair.board.received.size() == 40);
  REQUIRE(pair.world.journal.count(auth::Cause::bandwidth) == 1);
  CHECK(pair.world.journal.last(auth::Cause::bandwidth)->evidence == "over 1048576 bytes per second");
}

TEST_CASE("more than 1024 KB a second to a device waits, and a device that goes meanwhile leaves no trace") {
  Pair pair;
  const std::string large(100'000, 'x');
  for (std::uint16_t i = 1; i <= 30; ++i) pair.back_end.say_publish(kTopic, large, 1, i);
  pair.world.run_for(Millis{1000});
  CHECK(pair.board.received.size() >= 10);
  CHECK(pair.board.received.size() < 24);
  for (std::uint16_t i = 1; i <= 40; ++i) pair.board.say_publish("/pk/dn/user/update", large, 1, i);
  pair.world.run_for(Millis{100});
  pair.board.drop();
  pair.world.run_for(Seconds{5});
  CHECK(pair.world.counters().online == 1);
}

TEST_CASE("the sixth login of a device within a minute is refused, with the cause in the journal; others log in") {
  for (const auto version : {ProtocolVersion::v311, ProtocolVersion::v5}) {
    TestWorld world{limited()};
    auto with = device();
    with.version = version;
    for (int i = 0; i < 5; ++i) {
      TestClient board{world, kCloud};
      REQUIRE(board.connect(with) == 0);
      board.disconnect();
      world.run_for(Millis{50});
    }
    for (int i = 0; i < 3; ++i) {
      TestClient board{world, kCloud};
      CHECK(board.connect(with) == (version == ProtocolVersion::v5 ? 0x9F : 3));
    }
    REQUIRE(world.journal.count(auth::Cause::connect_rate) == 3);
    CHECK(world.journal.last(auth::Cause::connect_rate)->name == "pk/dn");
    CHECK(world.journal.last(auth::Cause::connect_rate)->evidence == "over 5 logins per minute");
    TestClient other{world, kCloud};
    CHECK(other.connect(device("other")) == 0);
    for (int i = 0; i < 9; ++i) {
      TestClient back_end{world, kStandard};
      CHECK(back_end.connect(client("b")) == 0);
    }
    world.run_for(Seconds{12});
    TestClient board{world, kCloud};
    CHECK(board.connect(with) == 0);
  }
}
