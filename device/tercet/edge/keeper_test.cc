#include "tercet/edge/keeper.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"
#include "tercet/edge/test_bench.h"

using namespace tercet;
using namespace tercet::edge;
using namespace tercet::edge::test;

namespace {

std::string set_of(std::uint32_t version, std::string_view inside = R"({"call":"lamp"})", std::string_view more = {}) {
  return R"({"format":1,"version":)" + std::to_string(version) + std::string(more) +
         R"(,"rules":[{"name":"r","when":{"property":"temperature","op":">","value":10},"enter":[)" +
         std::string(inside) + "]}]}";
}

constexpr std::string_view kOwn = R"({"format":1,"version":1,"rules":[]})";

/// A board's rules between two resets.
struct Life final : KeeperEvents {
  explicit Life(device::KeyValueStore* store, std::string_view own = kOwn, Boot boot = Boot::ordinary)
      : keeper(bench.engine, store, text, *this, {.own = own}) {
    keeper.start(boot, bench.now);
  }
  bool on_report(const Report& report) override {
    if (!can_report) return false;
    std::string line = std::string(name(report.outcome)) + " " + std::to_string(report.version) + " running " +
                       std::to_string(report.running);
    if (report.cause != RollbackCause::none) line += " " + std::string(name(report.cause));
    if (report.problem.fault != Fault::none) line += " " + std::string(name(report.problem.fault));
    reports.push_back(line);
    return true;
  }
  bool offer(std::string_view set, std::uint32_t version = 0) {
    return keeper.offer(set, version, bench.now, problem).has_value();
  }
  /// Its trial is over.
  bool prove(std::string_view set) {
    if (!offer(set)) return false;
    bench.pass(600);
    keeper.run(bench.now);
    return !keeper.is_on_trial();
  }
  void warm_and_cold() {
    for (const float temperature : {11.0f, 9.0f}) {
      bench.see(kTemperature(temperature));
      keeper.run(bench.now);
    }
  }
  std::string last() const { return reports.empty() ? "" : reports.back(); }

  Bench bench;
  std::array<std::uint8_t, 512> text{};
  std::vector<std::string> reports;
  bool can_report = true;
  Problem problem;
  Keeper keeper;
};

}  // namespace

TEST_CASE("an accepted set runs, is kept over a restart, and is proven after its trial") {
  fake::Store store;
  {
    Life life(&store);
    CHECK(life.keeper.running() == 1);
    CHECK(life.offer(set_of(2)));
    CHECK(life.last() == "accepted 2 running 2");
    CHECK(life.keeper.is_on_trial());
    CHECK(life.keeper.next_deadline() <= life.bench.now + Seconds{600});
    CHECK(life.offer(set_of(2)));  // the same again: nothing to do
    CHECK(life.reports.size() == 1);
  }
  Life again(&store);
  CHECK(again.keeper.running() == 2);
  CHECK(again.keeper.is_on_trial());
  again.bench.pass(599);
  again.keeper.run(again.bench.now);
  CHECK(again.keeper.is_on_trial());
  again.bench.pass(1);
  again.keeper.run(again.bench.now);
  CHECK(!again.keeper.is_on_trial());
  Life faulty(&store, kOwn, Boot::after_fault);  // not the set's fault any more
  CHECK(faulty.keeper.running() == 2);
}

TEST_CASE("what must not be taken is refused with its cause, and the running set goes on") {
  fake::Store store;
  Life life(&store);
  REQUIRE(life.offer(set_of(5)));
  CHECK(!life.offer("{"));
  CHECK(life.last() == "refused 0 running 5 not_json");
  CHECK(!life.offer(set_of(4)));
  CHECK(life.last() == "refused 4 running 5 older_version");
  CHECK(!life.offer(set_of(5, R"({"call":"buzzer"})")));
  CHECK(life.last() == "refused 5 running 5 version_in_use");
  CHECK(!life.offer(set_of(6), 7));
  CHECK(life.last() == "refused 6 running 5 version_differs");
  CHECK(!life.offer(set_of(6, R"({"call":"lamp"})", R"(,"note":")" + std::string(600, 'n') + "\"")));
  CHECK(life.last() == "refused 6 running 5 too_large");
  store.full = true;
  CHECK(!life.offer(set_of(6)));
  CHECK(life.last() == "refused 6 running 5 store_failed");
  CHECK(life.keeper.running() == 5);
  store.full = false;
  CHECK(life.offer(set_of(6), 6));
  CHECK(Life(&store).keeper.running() == 6);
}

TEST_CASE("a fault's reset during the trial brings the former set back, and the bad one is not taken again") {
  fake::Store store;
  {
    Life life(&store);
    REQUIRE(life.prove(set_of(2)));
    REQUIRE(life.offer(set_of(3)));
  }
  Life life(&store, kOwn, Boot::after_fault);
  CHECK(life.keeper.running() == 2);
  CHECK(life.last() == "rolled_back 3 running 2 reset");
  CHECK(!life.keeper.is_on_trial());
  CHECK(!life.offer(set_of(3)));
  CHECK(life.last() == "refused 3 running 2 version_failed");
  CHECK(Life(&store, kOwn, Boot::after_fault).keeper.running() == 2);
  Life later(&store);
  CHECK(later.keeper.condemned() == 3);
  CHECK(later.offer(set_of(4)));
  CHECK(later.keeper.running() == 4);
}

TEST_CASE("a set that uses up its budget is rolled back, to the firmware's own when there was none before") {
  fake::Store store;
  Life life(&store);
  REQUIRE(life.offer(set_of(2, R"({"call":"lamp"})", R"(,"budget":3)")));
  for (int i = 0; i < 3; ++i) life.warm_and_cold();
  CHECK(life.keeper.running() == 2);
  life.warm_and_cold();
  CHECK(life.keeper.running() == 1);
  CHECK(life.last() == "rolled_back 2 running 1 budget");
  CHECK(Life(&store).keeper.running() == 1);
}

TEST_CASE("a set whose actions fail is rolled back, one failure now and then is not") {
  fake::Store store;
  Life life(&store);
  REQUIRE(life.offer(set_of(2)));
  life.bench.actor.calls_fail = true;
  for (int i = 0; i < 12; ++i) {
    life.warm_and_cold();  // one failure
    life.bench.pass(1'800);
  }
  CHECK(life.keeper.running() == 2);
  for (int i = 0; i < 5; ++i) life.warm_and_cold(), life.bench.pass(60);
  CHECK(life.keeper.running() == 1);
  CHECK(life.last() == "rolled_back 2 running 1 failures");
}

TEST_CASE("an event that cannot be queued does not count against a set") {
  fake::Store store;
  Life life(&store);
  REQUIRE(life.offer(set_of(2, R"({"event":"alarm"})")));
  life.bench.actor.events_fail = true;
  life.bench.see(kTemperature(11));
  for (int i = 0; i < 300; ++i) life.keeper.run(life.bench.now), life.bench.pass(1);
  CHECK(life.keeper.running() == 2);
}

TEST_CASE("a rollback is told until it could be told, also after a restart") {
  fake::Store store;
  {
    Life life(&store);
    REQUIRE(life.offer(set_of(2)));
  }
  {
    Life life(&store, kOwn, Boot::after_fault);
    life.reports.clear();
  }
  fake::Store silent = store;
  {
    Life life(&silent);
    REQUIRE(life.offer(set_of(3)));
  }
  struct Mute final : KeeperEvents {
    bool on_report(const Report&) override { return false; }
  } mute;
  Bench bench;
  std::array<std::uint8_t, 512> text{};
  Keeper keeper(bench.engine, &silent, text, mute, {.own = kOwn});
  keeper.start(Boot::after_fault, bench.now);
  keeper.run(bench.now);
  Life later(&silent);
  CHECK(later.reports.empty());
  later.keeper.run(later.bench.now);
  CHECK(later.last() == "rolled_back 3 running 1 reset");
  later.keeper.run(later.bench.now);
  CHECK(later.reports.size() == 1);
  CHECK(Life(&silent).reports.empty());
}

TEST_CASE("a damaged text in the store is rolled back, a damaged state is as none") {
  fake::Store store;
  {
    Life life(&store);
    REQUIRE(life.prove(set_of(2)));
    REQUIRE(life.offer(set_of(3)));
  }
  fake::Store damaged = store;
  damaged.values["edge_b"][10] ^= 1;
  damaged.values["edge_a"][10] ^= 1;
  CHECK(Life(&damaged).keeper.running() == 1);
  damaged = store;
  // One of the two slots holds version 3.
  const char* newest = store.values["edge_a"].find("\"version\":3") != std::string::npos ? "edge_a" : "edge_b";
  damaged.values[newest][10] ^= 1;
  Life life(&damaged);
  CHECK(life.keeper.running() == 2);
  CHECK(life.last() == "rolled_back 3 running 2 unreadable");
  const std::size_t size = store.values["edge_state"].size();
  for (std::size_t i = 0; i < size; ++i) {
    damaged = store;
    damaged.values["edge_state"][i] ^= 4;
    CHECK(Life(&damaged).keeper.running() == 1);
  }
}

namespace {

/// Power fails at the n-th write: it and what follows are lost.
struct CutStore final : device::KeyValueStore {
  fake::Store inner;
  int writes_left = 1'000;
  Result<std::size_t> get(std::string_view key, MutableBytes into) override { return inner.get(key, into); }
  Result<void> set(std::string_view key, Bytes value) override {
    if (writes_left-- <= 0) return fail(Error::io_failed);
    return inner.set(key, value);
  }
  Result<void> remove(std::string_view key) override { return inner.remove(key); }
};

}  // namespace

TEST_CASE("a power cut at any write leaves the old set or the new one") {
  for (int writes = 0; writes < 8; ++writes) {
    CAPTURE(writes);
    CutStore store;
    {
      Life life(&store);
      REQUIRE(life.prove(set_of(2)));
      REQUIRE(life.prove(set_of(3)));
      store.writes_left = writes;
      static_cast<void>(life.offer(set_of(4)));
    }
    store.writes_left = 1'000;
    Life life(&store);
    CHECK(life.keeper.running() == (writes >= 2 ? 4u : 3u));
    CHECK(life.reports.empty());
  }
}

TEST_CASE("a set that replaces one on trial leaves the proven one to go back to, also after a power cut at any write") {
  for (int writes = 0; writes < 8; ++writes) {
    CAPTURE(writes);
    CutStore store;
    {
      Life life(&store);
      REQUIRE(life.prove(set_of(2)));
      REQUIRE(life.offer(set_of(3)));
      store.writes_left = writes;
      static_cast<void>(life.offer(set_of(4)));
      // What cannot be kept does not run; what runs is what a restart would find, when the store works again.
      CHECK(life.keeper.running() == (writes == 0 ? 3u : writes < 3 ? 2u : 4u));
      CHECK(life.keeper.is_on_trial() == (writes == 0 || writes >= 3));
    }
    store.writes_left = 1'000;
    Life life(&store);
    CHECK(life.keeper.running() == (writes == 0 ? 3u : writes < 3 ? 2u : 4u));
    Life faulty(&store, kOwn, Boot::after_fault);
    CHECK(faulty.keeper.running() == 2);
    CHECK(Life(&store, kOwn, Boot::after_fault).keeper.running() == 2);
  }
}

TEST_CASE("the end of a trial that the store has no room for is written later") {
  fake::Store store;
  {
    Life life(&store);
    REQUIRE(life.offer(set_of(2)));
    store.full = true;
    life.bench.pass(600);
    life.keeper.run(life.bench.now);
    CHECK(!life.keeper.is_on_trial());
    CHECK(life.keeper.next_deadline() <= life.bench.now + Seconds{60});
    store.full = false;
    life.bench.pass(60);
    life.keeper.run(life.bench.now);
    CHECK(life.keeper.next_deadline() > life.bench.now + Seconds{60});
  }
  CHECK(Life(&store, kOwn, Boot::after_fault).keeper.running() == 2);
}

TEST_CASE("without a store sets run until the restart and are rolled back to the firmware's own, or none") {
  Life life(nullptr);
  REQUIRE(life.offer(set_of(2, R"({"call":"lamp"})", R"(,"budget":1)")));
  life.warm_and_cold();
  life.warm_and_cold();
  CHECK(life.keeper.running() == 1);
  Life bare(nullptr, {});
  CHECK(bare.keeper.running() == 0);
  REQUIRE(bare.offer(set_of(1, R"({"call":"lamp"})", R"(,"budget":1)")));
  bare.warm_and_cold();
  bare.warm_and_cold();
  CHECK(bare.keeper.running() == 0);
  CHECK(bare.last() == "rolled_back 1 running 0 budget");
}

TEST_CASE("the firmware's own set that misbehaves is not loaded again at once") {
  const std::string own = set_of(1, R"({"call":"lamp"})", R"(,"budget":1)");
  Life life(nullptr, own);
  CHECK(life.keeper.running() == 1);
  life.warm_and_cold();
  life.warm_and_cold();
  CHECK(life.keeper.running() == 0);
  life.warm_and_cold();
  CHECK(life.reports.size() == 1);
}
