#include "platform/subscription/backlog.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "platform/store/memory_store.h"
#include "platform/store/test_loop.h"

namespace tercet::subscription {
namespace {

constexpr std::uint64_t kGroup = (std::uint64_t{1} << 40) + 1;

struct World {
  explicit World(BacklogSettings with = {}) : settings(with) { open(); }
  void open() {
    backlog = std::make_unique<Backlog>(
        loop, store, kGroup, 2, settings,
        [this](std::uint16_t shard, std::uint64_t records, std::uint64_t) { drained[shard] += records; },
        [this] { ++ready; });
  }
  void put(std::uint16_t shard, std::uint64_t sequence, std::int64_t age = 0) {
    rule::Queued record;
    record.time = loop.wall().ms - age;
    const std::string body = std::to_string(sequence);
    record.message_id = body;
    record.result = body;
    std::string bytes;
    rule::append_queued(bytes, record);
    store::Mutations mutations;
    mutations.put(store::Family::forward, rule::queue_key(rule::ForwardKind::queue, {kGroup, shard, sequence}), bytes);
    REQUIRE(store.submit(loop, std::move(mutations), [] {}));
  }
  void settle() { loop.advance(Millis{20}); }
  /// Hands out until nothing is left; gives the bodies, and remembers the tokens.
  std::vector<std::string> take(std::size_t most = 100) {
    std::vector<std::string> bodies;
    tokens.clear();
    Backlog::Taken taken;
    while (bodies.size() < most && backlog->next(taken)) {
      bodies.emplace_back(taken.record.result);
      tokens.push_back(taken.token);
      tries = taken.tries;
    }
    return bodies;
  }
  std::size_t stored() {
    std::size_t count = 0;
    const rule::KeyRange all = rule::queue_range(rule::ForwardKind::queue, kGroup);
    REQUIRE(store.scan(store::Family::forward, all.from, all.to, store::StreamStore::Order::ascending,
                       [&count](std::string_view, std::string_view) {
                         ++count;
                         return true;
                       }));
    return count;
  }
  store::TestLoop loop;
  store::MemoryStore store;
  BacklogSettings settings;
  std::map<std::uint16_t, std::uint64_t> drained;
  int ready = 0;
  std::uint32_t tries = 0;
  std::vector<std::uint64_t> tokens;
  std::unique_ptr<Backlog> backlog;
};
using Bodies = std::vector<std::string>;

}  // namespace

TEST_CASE("what is accepted is erased, once its message is durable, and told to the shard that counts it") {
  World world;
  for (std::uint64_t i = 1; i <= 3; ++i) world.put(0, i);
  world.put(1, 7);
  world.settle();
  CHECK(world.take() == Bodies{"1", "2", "3", "7"});
  CHECK(world.take().empty());
  world.backlog->accept(1);
  CHECK(world.backlog->accept(4) > 0);
  CHECK(world.backlog->accept(4) == 0);
  CHECK(world.backlog->accept(99) == 0);
  world.settle();
  CHECK(world.stored() == 2);
  CHECK(world.drained[0] == 1);
  CHECK(world.drained[1] == 1);
  CHECK(world.backlog->in_flight() == 2);
}

TEST_CASE("after a restart everything that was not accepted is handed out again, in order") {
  World world;
  for (std::uint64_t i = 1; i <= 4; ++i) world.put(0, i);
  world.settle();
  world.take();
  world.backlog->accept(2);
  world.settle();
  world.open();
  CHECK(world.take() == Bodies{"1", "3", "4"});
}

TEST_CASE("new messages are read only after a wake-up, and go before what comes again") {
  World world;
  world.put(0, 1);
  world.settle();
  CHECK(world.take() == Bodies{"1"});
  CHECK(world.take().empty());
  world.put(0, 2);
  world.settle();
  CHECK(world.take().empty());
  world.backlog->give_back(1, true);
  CHECK(world.ready == 1);
  world.backlog->wake();
  CHECK(world.take() == Bodies{"2", "1"});
  CHECK(world.tries == 1);
}

TEST_CASE("what a consumer gives back comes again after the pause, with the same token") {
  World world;
  world.put(0, 1);
  world.settle();
  world.take();
  const std::uint64_t token = world.tokens.front();
  world.backlog->give_back(token, false);
  world.backlog->give_back(token, false);  // told twice: once counts
  CHECK(world.take().empty());
  world.loop.advance(Millis{59'900});
  CHECK(world.take().empty());
  CHECK(world.ready == 0);
  world.loop.advance(Millis{200});
  CHECK(world.ready == 1);
  CHECK(world.take() == Bodies{"1"});
  CHECK(world.tokens.front() == token);
  CHECK(world.tries == 1);
  world.backlog->accept(token);
  world.settle();
  CHECK(world.stored() == 0);
  CHECK(world.backlog->counts().given_back == 1);
}

TEST_CASE("what nobody answers comes again, and a late answer still counts") {
  World world;
  world.put(0, 1);
  world.settle();
  world.take();
  const std::uint64_t token = world.tokens.front();
  world.loop.advance(Millis{60'100});
  CHECK(world.ready == 1);
  CHECK(world.take() == Bodies{"1"});
  CHECK(world.backlog->counts().unanswered == 1);
  world.backlog->accept(token);
  world.settle();
  CHECK(world.stored() == 0);
  world.loop.advance(Millis{200'000});
  CHECK(world.take().empty());
}

TEST_CASE("what consumers may have at a time is bounded") {
  BacklogSettings settings;
  settings.most_in_flight = 2;
  World world(settings);
  for (std::uint64_t i = 1; i <= 5; ++i) world.put(0, i);
  world.settle();
  CHECK(world.take() == Bodies{"1", "2"});
  world.backlog->accept(world.tokens.front());
  CHECK(world.take() == Bodies{"3"});
}

TEST_CASE("what has waited for a day is dropped, whether somebody reads or not") {
  World world;
  constexpr std::int64_t kDay = 86'400'000;
  for (std::uint64_t i = 1; i <= 3; ++i) world.put(0, i, kDay + 1);
  world.put(0, 4);
  world.settle();
  SUBCASE("nobody reads") {
    world.loop.advance(Millis{60'100});
    CHECK(world.stored() == 1);
    CHECK(world.drained[0] == 3);
  }
  SUBCASE("a consumer reads") {
    CHECK(world.take() == Bodies{"4"});
    world.settle();
    CHECK(world.stored() == 1);
  }
  SUBCASE("it was given back and waits") {
    world.take();
    world.backlog->give_back(world.tokens.front(), false);
    world.loop.advance(Millis{kDay + 120'000});
    CHECK(world.stored() == 0);
    CHECK(world.take().empty());
  }
  CHECK(world.backlog->counts().expired >= 3);
}

TEST_CASE("clearing drops everything that is there, out or not, and nothing that comes later") {
  World world;
  for (std::uint64_t i = 1; i <= 1000; ++i) world.put(0, i);
  for (std::uint64_t i = 1; i <= 12'000; ++i) world.put(1, i);
  world.settle();
  CHECK(world.take(5).size() == 5);
  std::uint64_t cleared = 0;
  world.backlog->clear([&cleared](std::uint64_t records) { cleared = records; });
  world.put(0, 1001);
  world.put(1, 12'001);
  world.settle();
  CHECK(cleared == 13'000);
  CHECK(world.stored() == 2);
  CHECK(world.drained[0] == 1000);
  CHECK(world.drained[1] == 12'000);
  world.backlog->wake();
  Bodies left = world.take();
  std::sort(left.begin(), left.end());
  CHECK(left == Bodies{"1001", "12001"});
}

TEST_CASE("records of lanes beyond the shards are found, also later ones") {
  World world;
  world.put(5, 1);
  world.settle();
  world.open();
  CHECK(world.take() == Bodies{"1"});
  world.put(0x8001, 2);
  world.settle();
  world.backlog->wake();
  CHECK(world.take() == Bodies{"2"});
}

TEST_CASE("a record that cannot be read is dropped") {
  World world;
  store::Mutations mutations;
  mutations.put(store::Family::forward, rule::queue_key(rule::ForwardKind::queue, {kGroup, 0, 1}), "broken");
  REQUIRE(world.store.submit(world.loop, std::move(mutations), [] {}));
  world.put(0, 2);
  world.settle();
  CHECK(world.take() == Bodies{"2"});
  world.settle();
  CHECK(world.stored() == 1);
}

TEST_CASE("a store that is behind gets what was erased later") {
  BacklogSettings settings;
  World world(settings);
  for (std::uint64_t i = 1; i <= 3; ++i) world.put(0, i);
  world.settle();
  world.take();
  store::Mutations big;
  big.put(store::Family::meta, "k", std::string(std::size_t{65} << 20, 'x'));
  REQUIRE(world.store.submit(world.loop, std::move(big), [] {}));
  for (const std::uint64_t token : world.tokens) world.backlog->accept(token);
  world.loop.settle();
  CHECK(world.drained[0] == 0);
  world.loop.advance(Millis{500});
  CHECK(world.drained[0] == 3);
  CHECK(world.stored() == 0);
}

}  // namespace tercet::subscription
