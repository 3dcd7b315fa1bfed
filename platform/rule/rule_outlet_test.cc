#include "platform/rule/rule_outlet.h"

#include "platform/rule/test_query.h"
#include "platform/store/memory_store.h"
#include "platform/store/test_loop.h"

namespace tercet::rule {
namespace {

using thing::Source;

struct World {
  explicit World(RuleOutlet::Settings settings = {})
      : outlet(loop, 3, settings, [this](std::uint64_t destination) { woken.push_back(destination); }) {}
  void use(std::vector<RunningRule> rules, std::vector<Subscription> subscriptions = {}) {
    outlet.use(std::make_shared<const RuleSet>(++version, std::move(rules), std::move(subscriptions)));
  }
  void send(std::string_view payload, std::string_view topic = "/a1/board/user/x", std::uint64_t device = 1) {
    thing::Outgoing message;
    message.source = topic.find("/user/") != std::string_view::npos ? Source::custom : Source::property;
    message.device = device;
    message.product = "a1";
    message.device_name = "board";
    message.topic = topic;
    message.payload = payload;
    message.time = loop.wall().ms;
    outlet.take(message, mutations);
  }
  void commit() {
    outlet.on_submitted();
    REQUIRE(store.submit(loop, std::exchange(mutations, {}), [this] { outlet.on_durable(); }));
    loop.run();
    loop.advance(Millis{50});
    loop.run();
  }
  /// What waits for a destination: results with their alarm states.
  std::vector<std::string> waiting(std::uint64_t destination) {
    std::vector<std::string> found;
    const KeyRange range = queue_range(ForwardKind::queue, destination);
    REQUIRE(store.scan(store::Family::forward, range.from, range.to, store::StreamStore::Order::ascending,
                       [&](std::string_view, std::string_view value) {
                         Queued record;
                         REQUIRE(read_queued(value, record));
                         found.push_back(std::string(name(record.alarm)) + std::string(record.result));
                         return true;
                       }));
    return found;
  }
  store::TestLoop loop;
  store::MemoryStore store;
  std::vector<std::uint64_t> woken;
  RuleOutlet outlet;
  store::Mutations mutations;
  std::uint64_t version = 1;
};

RunningRule rule_of(std::uint64_t id, std::string_view sql, std::vector<std::uint64_t> destinations) {
  RunningRule rule;
  rule.id = id;
  rule.revision = 1;
  rule.query = must_compile(sql);
  rule.destinations = std::move(destinations);
  return rule;
}

TEST_CASE("what a rule makes of a message waits for each of its destinations, and they are woken when it is durable") {
  World world;
  world.use({rule_of(1, "SELECT a AS x, messageId() AS id FROM \"/a1/+/user/#\" WHERE a > 1", {10, 11})});
  world.send(R"({"a":1})");
  world.send(R"({"a":2})");
  CHECK(world.woken.empty());
  world.commit();
  CHECK(world.woken == std::vector<std::uint64_t>{10, 11});
  REQUIRE(world.waiting(10).size() == 1);
  CHECK(world.waiting(10)[0].starts_with(R"({"x":2,"id":")"));
  CHECK(world.waiting(11) == world.waiting(10));
  CHECK(world.outlet.counts().matched == 2);
  CHECK(world.outlet.counts().met == 1);
  CHECK(world.outlet.waiting(10) == 1);
}

TEST_CASE("messages of other topics and products, and such as are no JSON, go by") {
  World world;
  world.use({rule_of(1, "SELECT * FROM \"/a1/+/user/x\"", {10}), rule_of(2, "SELECT * FROM \"/a2/+/user/x\"", {10})});
  world.send("{}", "/a1/board/user/y");
  world.send("no json");
  world.commit();
  CHECK(world.waiting(10).empty());
  CHECK(world.outlet.counts_of(1).not_json == 1);
}

TEST_CASE("a binary rule passes bytes on, or what its functions make of them") {
  World world;
  auto all = rule_of(1, "SELECT * FROM \"/a1/+/user/x\"", {10});
  auto hex = rule_of(2, "SELECT to_hex(*) AS h FROM \"/a1/+/user/x\" WHERE deviceName() = 'board'", {11});
  all.is_binary = hex.is_binary = true;
  world.use({all, hex});
  world.send("\x01{");
  world.commit();
  CHECK(world.waiting(10) == std::vector<std::string>{"\x01{"});
  CHECK(world.waiting(11) == std::vector<std::string>{R"({"h":"017b"})"});
}

TEST_CASE("a subscription gets every message of its sources as it is") {
  World world;
  world.use({}, {{"a1", bit(Source::custom), 20}});
  world.send("\x01\x02");
  world.send(R"({"items":{}})", "/a1/board/thing/event/property/post");
  world.commit();
  CHECK(world.waiting(20) == std::vector<std::string>{"\x01\x02"});
}

TEST_CASE("message ids differ, are numbers, and the same for all that one message becomes") {
  World world;
  world.use({rule_of(1, "SELECT messageId() AS id FROM \"/a1/+/user/x\"", {10, 11})});
  for (int i = 0; i < 40'000; ++i) {
    world.send("{}");
    if (i % 1000 == 999) world.commit();
  }
  auto ids = world.waiting(10);
  CHECK(ids == world.waiting(11));
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE("a full queue takes no more, until something has left it") {
  World world({2, 1 << 20, 10});
  world.use({rule_of(1, "SELECT a FROM \"/a1/+/user/x\"", {10})});
  for (int i = 0; i < 5; ++i) world.send("{\"a\":" + std::to_string(i) + "}");
  world.commit();
  CHECK(world.waiting(10) == std::vector<std::string>{R"({"a":0})", R"({"a":1})"});
  CHECK(world.outlet.counts().overflowed == 3);
  world.outlet.on_drained(10, 1, 60);
  world.send(R"({"a":9})");
  world.commit();
  CHECK(world.waiting(10).size() == 3);
}

TEST_CASE("an alarm and a duration outlast a restart") {
  World world;
  auto rule = rule_of(1, "SELECT h FROM \"/a1/+/user/x\" WHERE DURATION(h > 80, 120)", {10});
  rule.alarm = AlarmSettings{};
  world.use({rule});
  world.send(R"({"h":81})");
  world.commit();
  RuleOutlet again(world.loop, 3, {}, [](std::uint64_t) {});
  REQUIRE(again.load(world.store, [](std::uint64_t) { return true; }));
  again.use(std::make_shared<const RuleSet>(2, std::vector<RunningRule>{rule}, std::vector<Subscription>{}));
  world.loop.advance(Millis{121'000});
  thing::Outgoing message;
  message.device = 1;
  message.product = "a1";
  message.topic = "/a1/board/user/x";
  message.payload = R"({"h":85})";
  message.time = world.loop.wall().ms;
  again.take(message, world.mutations);
  again.on_submitted();
  world.outlet.on_submitted();
  REQUIRE(world.store.submit(world.loop, std::exchange(world.mutations, {}), [] {}));
  world.loop.run();
  world.loop.advance(Millis{50});
  CHECK(world.waiting(10) == std::vector<std::string>{R"(raised{"h":85})"});
  // Another revision of the rule begins anew.
  rule.revision = 2;
  again.use(std::make_shared<const RuleSet>(3, std::vector<RunningRule>{rule}, std::vector<Subscription>{}));
  again.take(message, world.mutations);
  CHECK(again.counts().met == 1);
}

TEST_CASE("numbers of records go on after a restart") {
  World world;
  world.use({rule_of(1, "SELECT a FROM \"/a1/+/user/x\"", {10, 12})});
  for (int i = 0; i < 3; ++i) world.send("{\"a\":" + std::to_string(i) + "}");
  world.commit();
  RuleOutlet again(world.loop, 3, {}, [](std::uint64_t) {});
  REQUIRE(again.load(world.store, [](std::uint64_t) { return true; }));
  CHECK(again.waiting(10) == 3);
  CHECK(again.waiting(12) == 3);
  RuleOutlet other(world.loop, 2, {}, [](std::uint64_t) {});
  REQUIRE(other.load(world.store, [](std::uint64_t) { return true; }));
  CHECK(other.waiting(10) == 0);
}

TEST_CASE("what the store does not take has not happened: the alarm is told with the next message") {
  World world;
  auto rule = rule_of(1, "SELECT h FROM \"/a1/+/user/x\" WHERE h > 80", {10});
  rule.alarm = AlarmSettings{};
  world.use({rule});
  world.send(R"({"h":81})");
  world.outlet.on_submitted();
  world.mutations.clear();
  world.outlet.on_undone();
  CHECK(world.outlet.waiting(10) == 0);
  world.send(R"({"h":82})");
  world.commit();
  CHECK(world.waiting(10) == std::vector<std::string>{R"(raised{"h":82})"});
}

TEST_CASE("groups are woken for one by one, in order") {
  World world;
  world.use({rule_of(1, "SELECT a FROM \"/a1/+/user/x\"", {10})});
  world.send("{}");
  world.outlet.on_submitted();
  world.send("{}");
  world.outlet.on_submitted();
  world.outlet.on_durable();
  CHECK(world.woken.size() == 1);
  world.outlet.on_durable();
  CHECK(world.woken.size() == 2);
}

}  // namespace
}  // namespace tercet::rule
