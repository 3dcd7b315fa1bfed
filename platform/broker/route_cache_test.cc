// Routes of topics with many subscribers: found once for all who publish to them.
#include <doctest/doctest.h>

#include "platform/broker/route_cache.h"
#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

using Clients = std::vector<std::unique_ptr<TestClient>>;

Clients connected(TestWorld& world, std::size_t many, const std::string& stem) {
  Clients clients;
  for (std::size_t i = 0; i < many; ++i) {
    clients.push_back(std::make_unique<TestClient>(world, kStandard));
    REQUIRE(clients.back()->connect(client(stem + std::to_string(i))) == 0);
  }
  return clients;
}

/// Every publisher says one thing; every subscriber hears all of them.
void all_hear(TestWorld& world, Clients& publishers, Clients& subscribers, std::string_view topic) {
  for (auto& each : publishers) each->say_publish(topic, "x");
  world.run_for(Millis{50});
  for (auto& each : subscribers) {
    CHECK(each->received.size() == publishers.size());
    each->received.clear();
  }
}

}  // namespace

TEST_CASE("publishers of one topic with many subscribers look its receivers up once, together") {
  TestWorld world;
  Clients subscribers = connected(world, 100, "s"), publishers = connected(world, 10, "p");
  for (auto& each : subscribers) REQUIRE(each->subscribe("t") == 0);
  auto before = world.counters().routes_resolved;
  all_hear(world, publishers, subscribers, "t");
  CHECK(world.counters().routes_resolved - before <= 2);

  REQUIRE(publishers[0]->subscribe("elsewhere") == 0);  // the tree has changed
  before = world.counters().routes_resolved;
  all_hear(world, publishers, subscribers, "t");
  all_hear(world, publishers, subscribers, "t");
  CHECK(world.counters().routes_resolved - before == 1);
}

TEST_CASE("subscribers come and go, over and under the number at which routes are shared") {
  TestWorld world;
  Clients all = connected(world, 100, "s"), publishers = connected(world, 4, "p"), present;
  const auto come = [&](std::size_t until) {
    while (present.size() < until) {
      present.push_back(std::move(all.back()));
      all.pop_back();
      REQUIRE(present.back()->subscribe("t") == 0);
    }
  };
  const auto go = [&](std::size_t until) {
    while (present.size() > until) {
      REQUIRE(present.back()->unsubscribe({"t"}).empty());
      all.push_back(std::move(present.back()));
      present.pop_back();
    }
  };
  for (const std::size_t many : {10, 64, 65, 100, 65, 64, 33, 32, 31, 0, 70, 5}) {
    CAPTURE(many);
    come(many);
    go(many);
    all_hear(world, publishers, present, "t");
    publishers[0]->say_publish("other", "x");  // and back: its own route is looked up anew
    all_hear(world, publishers, present, "t");
  }
  for (auto& each : all) CHECK(each->hears_nothing(Millis{0}));
}

TEST_CASE("more topics with many subscribers than the cache holds are delivered as well") {
  TestWorld world;
  Clients subscribers = connected(world, 70, "s"), publishers = connected(world, 1, "p");
  for (auto& each : subscribers) REQUIRE(each->subscribe("#") == 0);
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 400; ++i) publishers[0]->say_publish("t/" + std::to_string(i), std::to_string(i));
  world.run_for(Millis{500});
  for (auto& each : subscribers) CHECK(each->received.size() == 800);
}

TEST_CASE("the route cache gives a place to a new topic where an old route no longer holds") {
  RouteCache cache{1};
  CHECK(cache.find("t") == nullptr);
  Route& first = cache.place("t", 5);
  CHECK(first.topic == "t");
  CHECK(first.version == 0);
  first.version = 5;
  CHECK(cache.find("t") == &first);
  for (int i = 0; i < 5000; ++i) cache.place("u" + std::to_string(i), 5);  // none of these holds
  CHECK(cache.find("t") == &first);
  for (int i = 0; i < 5000; ++i) cache.place("v" + std::to_string(i), 6);
  CHECK(cache.find("t") == nullptr);
}
