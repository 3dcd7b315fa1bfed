#include "platform/store/memory_store.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "platform/store/test_loop.h"

using namespace tercet;
using namespace tercet::store;

namespace {

Mutations one(std::string_view key, std::string_view value) {
  Mutations made;
  made.put(Family::state, key, value);
  return made;
}

}  // namespace

TEST_CASE("a mutation is durable and readable one sync later, not before") {
  TestLoop loop;
  MemoryStore store({.sync_delay = Millis{2}});
  bool durable = false;
  REQUIRE(store.submit(loop, one("a", "1"), [&] { durable = true; }));
  loop.advance(Millis{1});
  CHECK(!durable);
  CHECK(store.get(Family::state, "a").error() == Error::not_found);
  loop.advance(Millis{1});
  CHECK(durable);
  CHECK(*store.get(Family::state, "a") == "1");
}

TEST_CASE("what is submitted during a sync forms the next group, in order") {
  TestLoop loop;
  MemoryStore store({.sync_delay = Millis{2}});
  std::string order;
  const auto note = [&](char c) { return [&order, c] { order += c; }; };
  REQUIRE(store.submit(loop, one("a", "1"), note('a')));
  loop.advance(Millis{1});
  REQUIRE(store.submit(loop, one("b", "1"), note('b')));
  REQUIRE(store.submit(loop, one("a", "2"), note('c')));
  loop.advance(Millis{1});
  CHECK(order == "a");
  loop.advance(Millis{2});
  CHECK(order == "abc");
  CHECK(*store.get(Family::state, "a") == "2");
  CHECK(store.counters().commits == 2);
  CHECK(store.counters().mutations == 3);
}

TEST_CASE("a crash loses what is unsynced, and no completion of it ever runs") {
  TestLoop loop;
  MemoryStore store;
  bool first = false, second = false;
  REQUIRE(store.submit(loop, one("a", "1"), [&] { first = true; }));
  loop.advance(Millis{2});
  REQUIRE(store.submit(loop, one("a", "2"), [&] { second = true; }));
  loop.advance(Millis{1});
  store.crash();
  loop.advance(Seconds{1});
  CHECK(first);
  CHECK(!second);
  CHECK(*store.get(Family::state, "a") == "1");
  REQUIRE(store.submit(loop, one("a", "3"), [&] { second = true; }));
  loop.advance(Millis{2});
  CHECK(second);
}

TEST_CASE("a full store refuses until it has drained") {
  TestLoop loop;
  MemoryStore store({.max_waiting_bytes = 64});
  REQUIRE(store.submit(loop, one("a", std::string(40, 'x')), {}));
  CHECK(store.submit(loop, one("b", std::string(40, 'x')), {}).error() == Error::no_space);
  loop.advance(Millis{2});
  CHECK(store.submit(loop, one("b", std::string(40, 'x')), {}));
}

TEST_CASE("one submission larger than all the room is taken when nothing else waits") {
  TestLoop loop;
  MemoryStore store({.max_waiting_bytes = 64});
  REQUIRE(store.submit(loop, one("a", std::string(400, 'x')), {}));
  CHECK(store.submit(loop, one("b", "x"), {}).error() == Error::no_space);
  loop.advance(Millis{2});
  CHECK(store.get(Family::state, "a")->size() == 400);
  CHECK(store.submit(loop, one("b", "x"), {}));
}

TEST_CASE("a broken disk acknowledges nothing and says why") {
  TestLoop loop;
  MemoryStore store;
  bool durable = false;
  REQUIRE(store.submit(loop, one("a", "1"), [&] { durable = true; }));
  store.fail("worn out");
  loop.advance(Seconds{1});
  CHECK(!durable);
  CHECK(store.failure() == "worn out");
  CHECK(store.submit(loop, one("a", "1"), {}).error() == Error::io_failed);
}

TEST_CASE("closing makes everything durable and takes no more") {
  TestLoop loop;
  MemoryStore store;
  int durable = 0;
  REQUIRE(store.submit(loop, one("a", "1"), [&] { ++durable; }));
  REQUIRE(store.submit(loop, one("b", "1"), [&] { ++durable; }));
  store.close();
  loop.settle();
  CHECK(durable == 2);
  CHECK(store.submit(loop, one("c", "1"), {}).error() == Error::closed);
}

TEST_CASE("scans go through a half-open range both ways and stop when told") {
  TestLoop loop;
  MemoryStore store;
  Mutations mutations;
  for (const char* key : {"a", "b", "c", "d"}) mutations.put(Family::history, key, key);
  mutations.erase(Family::history, "c");
  mutations.put(Family::queue, "b2", "other family");
  REQUIRE(store.submit(loop, std::move(mutations), {}));
  loop.advance(Millis{2});
  const auto keys = [&](std::string_view from, std::string_view to, StreamStore::Order order, std::size_t most) {
    std::string seen;
    REQUIRE(store.scan(Family::history, from, to, order, [&](std::string_view key, std::string_view) {
      seen += key;
      return seen.size() < most;
    }));
    return seen;
  };
  CHECK(keys("a", "d", StreamStore::Order::ascending, 9) == "ab");
  CHECK(keys("a", "z", StreamStore::Order::descending, 9) == "dba");
  CHECK(keys("a", "z", StreamStore::Order::descending, 2) == "db");
  CHECK(keys("d", "a", StreamStore::Order::ascending, 9).empty());
  Mutations range;
  range.erase_range(Family::history, "a", "d");
  REQUIRE(store.submit(loop, std::move(range), {}));
  loop.advance(Millis{2});
  CHECK(keys("", "z", StreamStore::Order::ascending, 9) == "d");
}
