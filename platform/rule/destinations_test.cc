#include "platform/rule/destinations.h"

#include <doctest/doctest.h>

#include "platform/rule/test_query.h"
#include "platform/store/memory_store.h"
#include "platform/store/test_loop.h"

namespace tercet::rule {
namespace {

/// Loops that the test runs, one after the other.
struct Loops final : runtime::Shards {
  explicit Loops(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) shards.push_back(std::make_unique<store::TestLoop>());
  }
  std::size_t count() const override { return shards.size(); }
  runtime::Loop& loop(std::size_t shard) override { return *shards[shard]; }
  std::vector<std::unique_ptr<store::TestLoop>> shards;
};

/// What a target got, and what it says.
struct Target1 {
  std::vector<std::string> got;
  Sent::Stop says = Sent::Stop::none;
  std::string cause = "no";
  int made = 0, interrupted = 0;
};
class FakeSink final : public Sink {
 public:
  explicit FakeSink(Target1& target) : target_(target) { ++target_.made; }
  Sent send(std::span<const Queued> records, UnixMillis) override {
    if (target_.says != Sent::Stop::none) return {0, target_.says, target_.cause, {}};
    for (const Queued& record : records) target_.got.emplace_back(record.result);
    return {records.size(), Sent::Stop::none, {}, {}};
  }
  void interrupt() override { ++target_.interrupted; }

 private:
  Target1& target_;
};

struct World {
  explicit World(std::size_t shards = 2) : loops(shards) { open(); }
  void open() {
    destinations = std::make_unique<Destinations>(
        Destinations::Wiring{management,
                             loops,
                             store,
                             [this](const ActionRecord& action, std::string& problem) {
                               Target made;
                               if (action.type == "BROKEN")
                                 problem = "it is broken";
                               else
                                 made.sink = std::make_unique<FakeSink>(targets[action.id]);
                               return made;
                             },
                             [this](const std::string&) {
                               struct Thread final : LoopThread {
                                 explicit Thread(store::TestLoop& one) : at(one) {}
                                 runtime::Loop& loop() override { return at; }
                                 store::TestLoop& at;
                               };
                               threads.push_back(std::make_unique<store::TestLoop>());
                               return std::unique_ptr<LoopThread>(new Thread(*threads.back()));
                             },
                             {}});
  }
  /// Runs everybody until nobody has anything to do.
  void quiet() {
    for (bool any = true; any;) {
      any = management.run() != 0;
      for (const auto& shard : loops.shards) any |= shard->run() != 0;
      for (std::size_t i = 0; i < threads.size(); ++i) any |= threads[i]->run() != 0;
    }
  }
  void later(Millis by) {
    quiet();
    for (Millis done{0}; done < by; done += Millis{20}) {
      management.advance(Millis{20});
      for (const auto& shard : loops.shards) shard->advance(Millis{20});
      for (std::size_t i = 0; i < threads.size(); ++i) threads[i]->advance(Millis{20});
      quiet();
    }
  }
  /// The store takes a moment.
  void settle() { later(Millis{200}); }
  void run(std::vector<ActionRecord> actions, std::string_view sql = "SELECT n FROM \"/a1/+/user/x\"") {
    Destinations::Running running;
    RunningRule rule;
    rule.id = 1;
    rule.revision = 1;
    rule.query = must_compile(sql);
    for (const ActionRecord& action : actions)
      if (!action.is_error) rule.destinations.push_back(action.id);
    if (!actions.empty()) running.rules.push_back(rule);
    for (const ActionRecord& action : actions) running.destinations.insert(action.id);
    running.revisions[1] = 1;
    running.actions = std::move(actions);
    destinations->run(std::move(running));
  }
  void send(std::size_t shard, int n) {
    RuleOutlet& outlet = destinations->outlet(shard);
    const std::string payload = "{\"n\":" + std::to_string(n) + "}";
    thing::Outgoing message;
    message.source = thing::Source::custom;
    message.device = shard + 1;
    message.product = "a1";
    message.device_name = "board";
    message.topic = "/a1/board/user/x";
    message.payload = payload;
    message.time = loops.shards[shard]->wall().ms;
    store::Mutations mutations;
    outlet.take(message, mutations);
    outlet.on_submitted();
    REQUIRE(store.submit(*loops.shards[shard], std::move(mutations), [&outlet] { outlet.on_durable(); }));
  }
  std::size_t stored() {
    std::size_t count = 0;
    const KeyRange all{"a", "z"};
    REQUIRE(store.scan(store::Family::forward, all.from, all.to, store::StreamStore::Order::ascending,
                       [&](std::string_view, std::string_view) { return ++count != 0; }));
    return count;
  }

  store::TestLoop management;
  Loops loops;
  store::MemoryStore store;
  std::map<std::uint64_t, Target1> targets;
  std::vector<std::unique_ptr<store::TestLoop>> threads;
  std::unique_ptr<Destinations> destinations;
};

ActionRecord action_of(std::uint64_t id, std::string type = "GOOD", bool is_error = false) {
  ActionRecord action;
  action.id = id;
  action.rule = 1;
  action.type = std::move(type);
  action.configuration = "{\"url\":\"x\"}";
  action.is_error = is_error;
  action.rule_name = "r";
  return action;
}

TEST_CASE("what shards queue goes to every target of the rule, and nothing stays behind") {
  World world;
  world.run({action_of(10), action_of(11)});
  world.settle();
  world.send(0, 1), world.send(1, 2), world.send(0, 3);
  world.later(Millis{1'500});
  for (const std::uint64_t id : {10U, 11U}) {
    auto got = world.targets[id].got;
    std::sort(got.begin(), got.end());
    CHECK(got == std::vector<std::string>{"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"});
    REQUIRE(world.destinations->report(id) != nullptr);
    CHECK(world.destinations->report(id)->pump.sent == 3);
    CHECK(world.destinations->report(id)->waiting == 0);
  }
  CHECK(world.stored() == 0);
  CHECK(world.destinations->counts().met == 3);
  CHECK(world.destinations->counts_of(1).queued == 6);
}

TEST_CASE("an action that is changed gets a new target, and what waited goes there") {
  World world;
  world.targets[10].says = Sent::Stop::retry;
  world.run({action_of(10)});
  world.settle();
  world.send(0, 1);
  world.settle();
  CHECK(world.targets[10].made == 1);
  ActionRecord changed = action_of(10);
  changed.configuration = "{\"url\":\"y\"}";
  world.targets[10].says = Sent::Stop::none;
  world.run({changed});
  world.settle();
  CHECK(world.targets[10].made == 2);
  CHECK(world.targets[10].interrupted == 1);
  CHECK(world.targets[10].got == std::vector<std::string>{"{\"n\":1}"});
}

TEST_CASE("a change that does not concern an action leaves its target alone") {
  World world;
  world.run({action_of(10)});
  world.settle();
  world.run({action_of(10), action_of(11)});
  world.settle();
  CHECK(world.targets[10].made == 1);
  CHECK(world.targets[11].made == 1);
}

TEST_CASE("what waits for an action that is taken away goes with it; of a rule that only rests it stays") {
  World world;
  world.targets[10].says = Sent::Stop::retry;
  world.run({action_of(10)});
  world.settle();
  world.send(0, 1);
  world.settle();
  CHECK(world.stored() == 1);
  // Stopped: it is known, but does not run.
  Destinations::Running resting;
  resting.destinations.insert(10);
  resting.revisions[1] = 1;
  world.destinations->run(std::move(resting));
  world.settle();
  CHECK(world.stored() == 1);
  world.destinations->run({});
  world.settle();
  world.later(Millis{100});
  CHECK(world.stored() == 0);
}

TEST_CASE("a record that is given up goes to the action for failures, in the documented form") {
  World world;
  world.targets[10].says = Sent::Stop::reject;
  world.targets[10].cause = "400: \"bad\"";
  world.run({action_of(10), action_of(20, "GOOD", true)});
  world.settle();
  world.send(0, 7);
  world.later(Millis{1'500});
  REQUIRE(world.targets[20].got.size() == 1);
  const std::string& text = world.targets[20].got[0];
  CHECK(text.find("\"ruleName\":\"r\"") != std::string::npos);
  CHECK(text.find("\"base64OriginalPayload\":\"eyJuIjo3fQ==\"") != std::string::npos);
  CHECK(text.find("\"errorMessage\":\"400: \\\"bad\\\"\"") != std::string::npos);
  CHECK(world.destinations->report(10)->pump.dead == 1);
  std::uint64_t replayed = 0;
  world.targets[10].says = Sent::Stop::none;
  REQUIRE(world.destinations->replay(10, 100, [&](std::uint64_t count) { replayed = count; }));
  world.settle();
  CHECK(replayed == 1);
  CHECK(world.targets[10].got == std::vector<std::string>{"{\"n\":7}"});
}

TEST_CASE("an action that cannot be made says why, and what is for it waits") {
  World world;
  world.run({action_of(10, "BROKEN")});
  world.settle();
  world.send(0, 1);
  world.settle();
  CHECK(world.destinations->reports().at(10).problem == "it is broken");
  CHECK(world.stored() == 1);
}

TEST_CASE("what waited when the platform stopped is sent after the next start, once and in order") {
  World world(1);
  world.targets[10].says = Sent::Stop::retry;
  world.run({action_of(10)});
  world.settle();
  for (int n = 1; n <= 5; ++n) world.send(0, n);
  world.settle();
  bool is_stopped = false;
  world.destinations->stop([&] { is_stopped = true; });
  world.settle();
  CHECK(is_stopped);
  world.destinations.reset();
  world.targets[10].says = Sent::Stop::none;
  world.open();
  REQUIRE(world.destinations->load([](std::size_t, std::uint64_t) { return true; }));
  world.run({action_of(10)});
  world.settle();
  world.send(0, 6);
  world.settle();
  CHECK(world.targets[10].got ==
        std::vector<std::string>{"{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}", "{\"n\":5}", "{\"n\":6}"});
}

TEST_CASE("a shard whose queue is full is told of the rules a little later") {
  World world(1);
  world.loops.shards[0]->set_capacity(0);
  world.run({action_of(10)});
  world.settle();
  world.send(0, 1);
  world.loops.shards[0]->set_capacity(1000);
  world.later(Millis{1'500});
  CHECK(world.targets[10].got.empty());
  world.send(0, 2);
  world.settle();
  CHECK(world.targets[10].got == std::vector<std::string>{"{\"n\":2}"});
}

}  // namespace
}  // namespace tercet::rule
