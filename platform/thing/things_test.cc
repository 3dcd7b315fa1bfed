#include "platform/thing/things.h"

#include <doctest/doctest.h>

#include "platform/thing/history.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

runtime::Address some_address() {
  runtime::Address address;
  address.ip[10] = address.ip[11] = 0xFF;
  address.ip[12] = 192, address.ip[14] = 2, address.ip[15] = 1;
  address.port = 50'123;
  return address;
}

void go_online(TestShard& shard, int device) {
  const broker::Identity identity{broker::Identity::Kind::device,
                                  std::string(kProduct) + "/board" + std::to_string(device)};
  shard.ingress->on_online({}, identity, static_cast<std::uint64_t>(device), some_address(), "client");
}
void go_offline(TestShard& shard, int device) {
  const broker::Identity identity{broker::Identity::Kind::device,
                                  std::string(kProduct) + "/board" + std::to_string(device)};
  shard.ingress->on_offline(identity, static_cast<std::uint64_t>(device));
}

struct Heard final : Updates {
  void on_values(std::uint64_t device, std::string_view, std::string_view name,
                 std::span<const Change> changes) override {
    std::string line = std::to_string(device) + "/" + std::string(name);
    for (const auto& change : changes) line.append(" ").append(change.identifier).append("=").append(change.value);
    lines.push_back(line);
  }
  void on_presence(std::uint64_t device, std::string_view, std::string_view, const Presence& presence) override {
    lines.push_back(std::to_string(device) + (presence.online ? " online" : " offline"));
  }
  void on_event(std::uint64_t device, std::string_view, std::string_view, const Change& event) override {
    lines.push_back(std::to_string(device) + " event " + std::string(event.identifier) + std::string(event.value));
  }
  void on_left_out(std::size_t changes) override { left_out += changes; }
  std::vector<std::string> lines;
  std::size_t left_out = 0;
};

}  // namespace

TEST_CASE("a read waits for what it shows to be durable") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":1})");
  bool answered = false;
  shard.ingress->things().latest(1, [&](std::optional<Summary> found) {
    answered = true;
    REQUIRE(found);
    CHECK(found->values[0].value == "1");
  });
  shard.end_pass();
  CHECK(!answered);
  shard.settle();
  CHECK(answered);
  answered = false;
  shard.ingress->things().latest(1, [&](std::optional<Summary>) { answered = true; });
  CHECK(answered);
}

TEST_CASE("what a crash takes was never shown nor answered") {
  store::MemoryStore store;
  bool shown = false;
  {
    TestShard shard(store);
    shard.post(R"({"temperature":1})");
    shard.settle();
    shard.post(R"({"temperature":2})");
    shard.ingress->things().latest(1, [&](std::optional<Summary>) { shown = true; });
    shard.end_pass();
    CHECK(shard.egress.acknowledged.size() == 1);
    store.crash();
  }
  CHECK(!shown);
  TestShard again(store);
  REQUIRE(again.ingress->load());
  CHECK(again.value("temperature") == "1");
}

TEST_CASE("reads are answered after the disk has failed: those that waited, and later ones at once") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":1})");
  shard.settle();
  shard.post(R"({"temperature":2})");
  std::vector<std::string> shown;
  const auto show = [&](const Summary& found) { shown.push_back(found.values.at(0).value); };
  auto& things = shard.ingress->things();
  things.latest(1, [&](std::optional<Summary> found) { show(found.value()); });
  things.latest_of({1}, [&](std::vector<Summary> found) { show(found.at(0)); });
  things.list("", 0, 10, [&](std::vector<Summary> found) { show(found.at(0)); });
  CHECK(shown.empty());
  store.fail("no such device");
  shard.end_pass();
  CHECK(shown.empty());
  shard.loop.advance(Seconds{1});
  CHECK(shown == std::vector<std::string>{"1", "1", "1"});  // what is durable, not what was hoped for
  things.latest(1, [&](std::optional<Summary> found) { show(found.value()); });
  CHECK(shown.size() == 4);
}

TEST_CASE("a read that meets a failed disk does not wait for somebody to notice") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":2})");
  shard.end_pass();
  store.fail("no such device");
  bool shown = false;
  shard.ingress->things().latest(1, [&](std::optional<Summary> found) { shown = found && found->values.empty(); });
  shard.loop.settle();
  CHECK(shown);
}

TEST_CASE("a device that is deleted while its post is on the way to a disk that fails is not touched again") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.post(R"({"temperature":2})");
  shard.end_pass();
  shard.ingress->things().forget(1);
  store.fail("no such device");
  shard.loop.advance(Seconds{1});
  CHECK(shard.egress.disconnected.size() == 1);
}

TEST_CASE("presence follows logins, counts, and survives a restart as offline") {
  store::MemoryStore store;
  {
    TestShard shard(store);
    CHECK(!shard.ingress->things().presence(1));
    go_online(shard, 1);
    go_online(shard, 2);
    go_online(shard, 2);  // take-over
    CHECK(shard.ingress->things().counts().online == 2);
    go_offline(shard, 2);
    CHECK(shard.ingress->things().counts().online == 1);
    const auto presence = shard.ingress->things().presence(1);
    REQUIRE(presence);
    CHECK(presence->online);
    CHECK(presence->address == "192.0.2.1:50123");
    CHECK(presence->client_id == "client");
    shard.settle();
  }
  store.crash();
  TestShard again(store);
  again.loop.advance(Seconds{100});
  REQUIRE(again.ingress->load());
  const auto presence = again.ingress->things().presence(1);
  REQUIRE(presence);
  CHECK(!presence->online);
  CHECK(presence->since == again.loop.wall());
  CHECK(again.ingress->things().presence(2)->since < again.loop.wall());
}

TEST_CASE("presences of a refused pass are stored once the store takes them, without another message") {
  store::MemoryStore store({Millis{2}, 400});
  TestShard shard(store);
  go_online(shard, 1);
  shard.egress.on_disconnect = [&](const broker::AckToken&) { go_offline(shard, 1); };
  shard.end_pass();
  go_online(shard, 2);
  shard.post(R"({"label":")" + std::string(500, 'x') + R"("})");
  shard.end_pass();
  CHECK(!shard.ingress->things().presence(1)->online);
  shard.loop.advance(Seconds{1});
  store.crash();
  TestShard again(store);
  again.loop.advance(Seconds{100});
  REQUIRE(again.ingress->load());
  REQUIRE(again.ingress->things().presence(1));
  REQUIRE(again.ingress->things().presence(2));
  CHECK(again.ingress->things().presence(2)->address == "192.0.2.1:50123");
  CHECK(again.ingress->things().presence(1)->since < again.loop.wall());
}

TEST_CASE("devices are listed in order, by product and page") {
  store::MemoryStore store;
  TestShard shard(store, registry::Validation::weak, kBoardTsl, {}, 5);
  for (int i : {3, 1, 5, 2}) go_online(shard, i);
  std::vector<std::uint64_t> seen;
  const auto take = [&](std::vector<Summary> found) {
    for (const auto& one : found) seen.push_back(one.device);
  };
  shard.ingress->things().list("", 0, 3, take);
  shard.settle();
  CHECK(seen == std::vector<std::uint64_t>{1, 2, 3});
  seen.clear();
  shard.ingress->things().list(std::string(kProduct), 3, 10, take);
  CHECK(seen == std::vector<std::uint64_t>{5});
  seen.clear();
  shard.ingress->things().list("another", 0, 10, take);
  CHECK(seen.empty());
  shard.ingress->things().latest_of({5, 4, 1}, take);
  CHECK(seen == std::vector<std::uint64_t>{5, 1});
}

TEST_CASE("a set is checked, sent compact at QoS 1, and ends with the device's answer") {
  store::MemoryStore store;
  TestShard shard(store);
  std::vector<SetResult> results;
  const auto ticket =
      shard.ingress->things().set_properties(1, "{ \"interval\" : 30 ,\n \"label\":\"a \\\" b\" }",
                                             [&](const SetResult& result) { results.push_back(result); });
  REQUIRE(ticket.sent);
  const auto id = std::to_string(ticket.message_id);
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].to == "d/a1aaaaaaaaa/board1");
  CHECK(shard.egress.sent[0].topic == TestShard::topic("service/property/set"));
  CHECK(shard.egress.sent[0].qos == 1);
  CHECK(shard.egress.sent[0].payload ==
        "{\"id\":\"" + id +
            R"(","version":"1.0","params":{"interval":30,"label":"a \" b"},"method":"thing.service.property.set"})");
  const auto reply = TestShard::topic("service/property/set_reply");
  shard.publish(reply, R"({"id":"12","code":200,"data":{}})");
  shard.publish(TestShard::topic("service/property/set_reply", 2), "{\"id\":\"" + id + "\",\"code\":200,\"data\":{}}",
                1, 2);
  CHECK(results.empty());
  shard.publish(reply, "{\"id\":\"" + id + R"(","code":200,"data":{"ok":1}})");
  REQUIRE(results.size() == 1);
  CHECK(results[0].code == 200);
  CHECK(results[0].data == R"({"ok":1})");
  CHECK(!results[0].timed_out);
  shard.publish(reply, "{\"id\":\"" + id + R"(","code":200,"data":{}})");
  CHECK(results.size() == 1);
  CHECK(shard.value("interval") == "");  // only a post changes it
  const auto calls = query_services(store, 1, "set", {UnixMillis{0}, UnixMillis{1'800'000'000'000}});
  REQUIRE(calls);
  REQUIRE(calls->calls.size() == 1);
  CHECK(calls->calls[0].input == R"({"interval":30,"label":"a \" b"})");
  CHECK(calls->calls[0].output == "{\"id\":\"" + id + R"(","code":200,"data":{"ok":1}})");
}

TEST_CASE("a set without an answer times out, once") {
  store::MemoryStore store;
  TestShard shard(store);
  int timed_out = 0;
  for (int i = 0; i < 2; ++i) {
    CHECK(shard.ingress->things()
              .set_properties(1, R"({"interval":30})", [&](const SetResult& r) { timed_out += r.timed_out; })
              .sent);
    shard.loop.advance(Seconds{10});
  }
  shard.loop.advance(Seconds{11});
  CHECK(timed_out == 1);
  shard.loop.advance(Seconds{60});
  CHECK(timed_out == 2);
  CHECK(shard.ingress->things().counts().set_timeouts == 2);
}

TEST_CASE("a set that cannot be is refused with the reason, and nothing is sent") {
  store::MemoryStore store;
  TestShard shard(store, registry::Validation::strong);
  auto& things = shard.ingress->things();
  const auto ask = [&](std::string_view items, std::uint64_t device = 1) {
    return things.set_properties(device, items, [](const SetResult&) { FAIL("must not be called"); });
  };
  CHECK(ask(R"({"interval":30})", 99).error == Error::not_found);
  CHECK(ask("{").error == Error::malformed);
  CHECK(ask("[1]").error == Error::malformed);
  CHECK(ask("{}").error == Error::malformed);
  CHECK(ask(R"({"nothing":1})").error == Error::bad_argument);
  CHECK(ask(R"({"nothing":1})").code == alink::Code::property_not_in_model);
  CHECK(ask(R"({"temperature":1})").error == Error::denied);
  CHECK(ask(R"({"interval":0})").error == Error::bad_argument);
  CHECK(ask(R"({"interval":0})").code == alink::Code::bad_int);
  CHECK(ask(R"({"interval":0})").detail.find("-> interval") != std::string::npos);
  std::string many = "{\"interval\":1";
  for (int i = 0; i < 200; ++i) many += ",\"x" + std::to_string(i) + "\":1";
  CHECK(ask(many + "}").error == Error::too_large);
  shard.egress.reachable = false;
  CHECK(ask(R"({"interval":30})").error == Error::closed);
  CHECK(shard.egress.sent.empty());
  CHECK(things.counts().sets == 0);
}

TEST_CASE("listeners hear newest values once per commit, after it") {
  store::MemoryStore store;
  TestShard shard(store);
  Heard heard;
  shard.ingress->things().listen(&heard);
  shard.post(R"({"temperature":1,"humidity":5})");
  shard.post(R"({"temperature":2})");
  shard.post(R"({"temperature":3})", 1, 2);
  shard.publish(TestShard::topic("event/alarm/post"), R"({"id":"1","params":{"value":{"level":1}}})");
  shard.end_pass();
  CHECK(heard.lines.empty());
  shard.settle();
  CHECK(heard.lines == std::vector<std::string>{"1 event alarm{\"level\":1}", "1/board1 temperature=2 humidity=5",
                                                "2/board2 temperature=3"});
  heard.lines.clear();
  go_online(shard, 1);
  CHECK(heard.lines == std::vector<std::string>{"1 online"});
  shard.ingress->things().listen(nullptr);
  shard.post(R"({"temperature":4})");
  shard.settle();
  CHECK(heard.lines.size() == 1);
}

TEST_CASE("changes beyond the bound are counted instead of told") {
  store::MemoryStore store;
  Settings settings;
  settings.max_changes_per_group = 3;
  TestShard shard(store, registry::Validation::weak, kBoardTsl, settings);
  Heard heard;
  shard.ingress->things().listen(&heard);
  for (int i = 0; i < 5; ++i) shard.post("{\"temperature\":" + std::to_string(i) + "}");
  shard.settle();
  CHECK(heard.left_out == 2);
  shard.ingress->things().listen(nullptr);
}

TEST_CASE("a deleted device is forgotten on the disk, too") {
  store::MemoryStore store;
  TestShard shard(store);
  go_online(shard, 1);
  shard.post(R"({"temperature":1})");
  shard.post(R"({"temperature":1})", 1, 2);
  shard.settle();
  shard.directory.remove_device(kProduct, "board1");
  shard.settle();
  CHECK(!shard.latest(1));
  CHECK(shard.latest(2)->values.size() == 1);
  CHECK(shard.ingress->things().counts().online == 0);
  std::size_t left = 0;
  for (const auto family : {store::Family::history, store::Family::state})
    CHECK(store.scan(family, std::string_view("\0\0\0\0\0\0\0\1", 8), std::string_view("\0\0\0\0\0\0\0\2", 8),
                     store::StreamStore::Order::ascending, [&](auto, auto) { return ++left, true; }));
  CHECK(left == 0);
}
