#include "platform/rule/pump.h"

#include <doctest/doctest.h>

#include <deque>

#include "platform/store/memory_store.h"
#include "platform/store/test_loop.h"

namespace tercet::rule {
namespace {

constexpr std::uint64_t kDestination = 5;

/// Takes everything, unless told what to do with the next batches.
class FakeSink final : public Sink {
 public:
  Sent send(std::span<const Queued> records, UnixMillis) override {
    ++tries;
    largest = std::max(largest, records.size());
    Sent sent;
    if (is_down) return {0, Sent::Stop::retry, "connection refused", Millis{0}};
    if (!plans.empty()) {
      sent = plans.front();
      plans.pop_front();
    }
    if (!poison.empty() && sent.stop == Sent::Stop::none)
      for (std::size_t i = 0; i < records.size() && sent.stop == Sent::Stop::none; ++i)
        if (records[i].result == poison) sent = {i, Sent::Stop::reject, "no such column", Millis{0}};
    const std::size_t taken = sent.stop == Sent::Stop::none ? records.size() : sent.taken;
    for (std::size_t i = 0; i < taken; ++i) got.push_back(std::string(records[i].result));
    return sent;
  }
  std::size_t max_batch() const override { return batch; }
  std::deque<Sent> plans;
  std::string poison;
  bool is_down = false;
  std::vector<std::string> got;
  std::size_t batch = 3, largest = 0;
  int tries = 0;
};

Sent later(std::size_t taken = 0, Millis after = Millis{0}) {
  return {taken, Sent::Stop::retry, "connection refused", after};
}

struct World {
  explicit World(PumpSettings with = {}) : settings(with) { start(); }
  void start() {
    auto made = std::make_unique<FakeSink>();
    sink = made.get();
    drained = 0;
    pump = std::make_unique<Pump>(loop, store, kDestination, 2, std::move(made), settings,
                                  [this](std::uint16_t, std::uint64_t records, std::uint64_t) { drained += records; });
  }
  void queue(std::uint16_t shard, std::uint64_t sequence, std::string_view result) {
    Queued record;
    record.time = loop.wall().ms;
    record.result = result;
    std::string bytes;
    append_queued(bytes, record);
    store::Mutations mutations;
    mutations.put(store::Family::forward, queue_key(ForwardKind::queue, {kDestination, shard, sequence}), bytes);
    REQUIRE(store.submit(loop, std::move(mutations), [] {}));
    settle();
  }
  void queue_many(int count, std::uint16_t shard = 0) {
    for (int i = 1; i <= count; ++i) queue(shard, static_cast<std::uint64_t>(i), std::to_string(i));
  }
  void settle() {
    for (int i = 0; i < 50; ++i) {
      loop.run();
      loop.advance(Millis{2});
    }
  }
  void pass(Millis time) {
    loop.advance(time);
    settle();
  }
  std::size_t stored(ForwardKind kind) {
    std::size_t count = 0;
    const KeyRange range = queue_range(kind, kDestination);
    REQUIRE(store.scan(store::Family::forward, range.from, range.to, store::StreamStore::Order::ascending,
                       [&](std::string_view, std::string_view) { return ++count, true; }));
    return count;
  }
  store::TestLoop loop;
  store::MemoryStore store;
  PumpSettings settings;
  FakeSink* sink = nullptr;
  std::uint64_t drained = 0;
  std::unique_ptr<Pump> pump;
};

using Texts = std::vector<std::string>;

TEST_CASE("a queue is carried to its sink in order, in batches, and is empty then") {
  World world;
  world.queue_many(7);
  world.pump->wake();
  world.settle();
  CHECK(world.sink->got == Texts{"1", "2", "3", "4", "5", "6", "7"});
  CHECK(world.sink->largest == 3);
  CHECK(world.stored(ForwardKind::queue) == 0);
  CHECK(world.drained == 7);
  CHECK(world.pump->state().status == PumpState::Status::idle);
  CHECK(world.pump->state().sent == 7);
}

TEST_CASE("each shard has its turn, and the order of each is kept") {
  World world;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    world.queue(0, i, "a" + std::to_string(i));
    world.queue(1, i, "b" + std::to_string(i));
  }
  world.sink->batch = 2;
  world.pump->wake();
  world.settle();
  CHECK(world.sink->got == Texts{"a1", "a2", "b1", "b2", "a3", "a4", "b3", "b4"});
}

TEST_CASE("a failure is tried again after a pause that grows, and nothing overtakes") {
  World world;
  world.queue_many(2);
  world.sink->plans = {later(), later(), later()};
  world.pump->wake();
  world.settle();
  CHECK(world.pump->state().status == PumpState::Status::pausing);
  CHECK(world.pump->state().cause == "connection refused");
  CHECK(world.sink->tries == 1);
  world.pass(Millis{1'100});
  CHECK(world.sink->tries == 2);
  world.pass(Millis{900});
  CHECK(world.sink->tries <= 3);
  world.pass(Millis{2'100});
  world.pass(Millis{4'100});
  CHECK(world.sink->got == Texts{"1", "2"});
  CHECK(world.pump->state().failures == 3);
  CHECK(world.pump->state().failures_in_row == 0);
  CHECK(world.pump->state().cause.empty());
}

TEST_CASE("what was taken before a failure is not sent again") {
  World world;
  world.queue_many(3);
  world.sink->plans = {later(2)};
  world.pump->wake();
  world.settle();
  CHECK(world.stored(ForwardKind::queue) == 1);
  world.pass(Millis{1'100});
  CHECK(world.sink->got == Texts{"1", "2", "3"});
}

TEST_CASE("a target that says when is asked then") {
  World world;
  world.queue_many(1);
  world.sink->plans = {later(0, Millis{30'000})};
  world.pump->wake();
  world.settle();
  world.pass(Millis{29'000});
  CHECK(world.sink->tries == 1);
  world.pass(Millis{1'000});
  CHECK(world.sink->tries == 2);
}

TEST_CASE("after several failures the circuit is open, one record is tried at a time, and a success closes it") {
  World world;
  world.queue_many(6);
  world.sink->is_down = true;
  world.pump->wake();
  world.settle();
  for (int i = 0; i < 5; ++i) world.pass(Millis{61'000});
  CHECK(world.pump->state().status == PumpState::Status::open);
  world.sink->is_down = false;
  world.sink->largest = 0;
  world.pass(Millis{61'000});
  CHECK(world.sink->largest == 3);  // closed again: in batches
  CHECK(world.sink->got.size() == 6);
  CHECK(world.pump->state().status == PumpState::Status::idle);
}

TEST_CASE("what the target will never take becomes a dead letter, and the rest goes on") {
  World world;
  world.queue_many(5);
  world.sink->poison = "2";
  world.pump->wake();
  world.settle();
  CHECK(world.sink->got == Texts{"1", "3", "4", "5"});
  CHECK(world.stored(ForwardKind::dead) == 1);
  CHECK(world.stored(ForwardKind::queue) == 0);
  CHECK(world.drained == 5);
  std::string cause;
  REQUIRE(Pump::each_dead(world.store, kDestination, [&](const QueueKey&, const DeadLetter& letter) {
    cause = letter.cause;
    CHECK(letter.record.result == "2");
    return true;
  }));
  CHECK(cause == "no such column");
}

TEST_CASE("dead letters can be sent again, also after a restart") {
  World world;
  world.queue_many(3);
  world.sink->poison = "2";
  world.pump->wake();
  world.settle();
  world.start();
  CHECK(world.pump->replay(10) == 1);
  world.settle();
  CHECK(world.sink->got == Texts{"2"});
  CHECK(world.stored(ForwardKind::dead) == 0);
  CHECK(world.stored(ForwardKind::queue) == 0);
  CHECK(world.pump->replay(10) == 0);
}

TEST_CASE("only so many dead letters are kept, the newest") {
  PumpSettings settings;
  settings.max_dead = 2;
  World world(settings);
  for (std::uint64_t i = 1; i <= 4; ++i) world.queue(0, i, "x");
  world.sink->poison = "x";
  world.pump->wake();
  world.settle();
  CHECK(world.stored(ForwardKind::dead) == 2);
  CHECK(world.pump->state().dead == 4);
  world.pump->discard_dead();
  world.settle();
  CHECK(world.stored(ForwardKind::dead) == 0);
}

TEST_CASE("a record that has waited too long is given up") {
  PumpSettings settings;
  settings.give_up_after = Millis{60'000};
  World world(settings);
  world.queue_many(1);
  world.sink->is_down = true;
  world.pump->wake();
  world.settle();
  world.pass(Millis{59'000});
  CHECK(world.stored(ForwardKind::dead) == 0);
  world.pass(Millis{61'000});
  CHECK(world.stored(ForwardKind::dead) == 1);
  CHECK(world.stored(ForwardKind::queue) == 0);
}

TEST_CASE("a rate holds") {
  PumpSettings settings;
  settings.per_second = 2;
  World world(settings);
  world.queue_many(7);
  world.pump->wake();
  world.settle();
  const std::size_t first = world.sink->got.size();
  CHECK(first <= 2);
  world.pass(Millis{1'000});
  CHECK(world.sink->got.size() <= first + 3);
  for (int i = 0; i < 6; ++i) world.pass(Millis{1'000});
  CHECK(world.sink->got.size() == 7);
}

TEST_CASE("what was delivered and not yet erased when the power went is sent again, what was erased is not") {
  World world;
  world.queue_many(3);
  world.pump->wake();
  world.loop.run();  // sent; the erasure is on its way
  CHECK(world.sink->got.size() == 3);
  world.store.crash();
  world.start();
  world.pump->wake();
  world.settle();
  CHECK(world.sink->got == Texts{"1", "2", "3"});
  world.store.crash();
  world.start();
  world.pump->wake();
  world.settle();
  CHECK(world.sink->got.empty());
}

TEST_CASE("records of a shard that this start does not have are carried too") {
  World world;
  world.queue(7, 1, "from another time");
  world.start();
  world.pump->wake();
  world.settle();
  CHECK(world.sink->got == Texts{"from another time"});
}

TEST_CASE("a damaged record is buried, not sent") {
  World world;
  store::Mutations mutations;
  mutations.put(store::Family::forward, queue_key(ForwardKind::queue, {kDestination, 0, 1}), "rubbish");
  REQUIRE(world.store.submit(world.loop, std::move(mutations), [] {}));
  world.queue(0, 2, "good");
  world.pump->wake();
  world.settle();
  CHECK(world.sink->got == Texts{"good"});
  CHECK(world.stored(ForwardKind::queue) == 0);
}

}  // namespace
}  // namespace tercet::rule
