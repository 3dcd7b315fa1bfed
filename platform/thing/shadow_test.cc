#include "platform/thing/shadow.h"

#include <doctest/doctest.h>

#include <array>

#include "platform/thing/record.h"
#include "platform/thing/test_shard.h"

namespace tercet::thing {
namespace {

constexpr UnixMillis kNow{1'700'000'000'123};

ShadowOutcome ask(std::string_view document, std::string_view request, ShadowCaller caller = ShadowCaller::device) {
  return apply_shadow(document, request, caller, kNow);
}
std::string state(std::string_view document) {
  const std::string text = shadow_text(document);
  const auto parsed = json::parse(text);
  return std::string(parsed->find("state")->raw());
}

TEST_CASE("an update is merged member by member, objects within members too, and arrays are replaced") {
  const auto one =
      ask("", R"({"method":"update","state":{"reported":{"a":1,"o":{"x":1,"y":2},"l":[1,2]}},"version":1})");
  REQUIRE(one.error == ShadowError::none);
  CHECK(one.version == 1);
  const auto two =
      ask(one.document, R"({"method":"update","state":{"reported":{"b":"red","o":{"y":3},"l":[9]}},"version":2})");
  CHECK(state(two.document) == R"({"reported":{"a":1,"o":{"x":1,"y":3},"l":[9],"b":"red"}})");
  const std::string text = shadow_text(two.document);
  CHECK(json::parse(text)->find("metadata")->raw() ==
        R"({"reported":{"a":{"timestamp":1700000000},"o":{"x":{"timestamp":1700000000},"y":{"timestamp":1700000000}},)"
        R"("l":{"timestamp":1700000000},"b":{"timestamp":1700000000}}})");
}

TEST_CASE("the text null and null take members away, and whole sections") {
  const auto one = ask(
      "", R"({"method":"update","state":{"reported":{"a":1,"b":2,"o":{"x":1,"y":2}},"desired":{"c":1}},"version":1})");
  CHECK(state(ask(one.document, R"({"method":"update","state":{"reported":{"a":"null","b":null}},"version":2})")
                  .document) == R"({"reported":{"o":{"x":1,"y":2}},"desired":{"c":1}})");
  CHECK(state(ask(one.document, R"({"method":"delete","state":{"reported":{"a":"null","o":{"x":"null"}}},"version":2})")
                  .document) == R"({"reported":{"o":{"y":2},"b":2},"desired":{"c":1}})");
  CHECK(state(ask(one.document, R"({"method":"delete","state":{"reported":"null"},"version":2})").document) ==
        R"({"desired":{"c":1}})");
  const auto cleared = ask(one.document, R"({"method":"update","state":{"desired":"null"},"version":2})");
  CHECK(state(cleared.document) == R"({"reported":{"a":1,"b":2,"o":{"x":1,"y":2}}})");
  CHECK(cleared.desired_changed);
  const std::string text = shadow_text(cleared.document);
  CHECK(json::parse(text)->find("metadata")->find("desired")->raw() == R"({"timestamp":1700000000})");
}

TEST_CASE("a version counts only when it is above the stored one; -1 begins anew at 0") {
  const auto one = ask("", R"({"method":"update","state":{"reported":{"a":1}},"version":5})");
  for (const std::string_view version : {"5", "4", "0", "-2"}) {
    const auto refused =
        ask(one.document,
            "{\"method\":\"update\",\"state\":{\"reported\":{\"a\":2}},\"version\":" + std::string(version) + "}");
    CHECK(refused.error == ShadowError::version_conflict);
    CHECK(refused.version == 5);
    CHECK(!refused.is_changed);
  }
  CHECK(ask(one.document, R"({"method":"update","state":{"reported":{"a":2}},"version":6})").version == 6);
  CHECK(ask(one.document, R"({"method":"update","state":{"reported":{"a":2}},"version":1700000000123})").version ==
        1'700'000'000'123);
  const auto anew = ask(one.document, R"({"method":"update","state":{"reported":{"a":3}},"version":-1})");
  CHECK(anew.version == 0);
  CHECK(ask(anew.document, R"({"method":"update","state":{"reported":{"a":4}},"version":1})").version == 1);
}

TEST_CASE("each mistake has its code") {
  struct Row {
    std::string_view request;
    ShadowError error;
  };
  static constexpr std::array kRows{
      Row{"no json", ShadowError::malformed},
      Row{"[1]", ShadowError::malformed},
      Row{"{}", ShadowError::empty_state},
      Row{R"({"state":{}})", ShadowError::no_method},
      Row{R"({"method":"put"})", ShadowError::unknown_method},
      Row{R"({"method":7})", ShadowError::unknown_method},
      Row{R"({"method":"update","version":1})", ShadowError::no_state},
      Row{R"({"method":"update","state":{},"version":1})", ShadowError::empty_state},
      Row{R"({"method":"update","state":{"reported":{"a":1}}})", ShadowError::bad_version},
      Row{R"({"method":"update","state":{"reported":{"a":1}},"version":"1"})", ShadowError::bad_version},
      Row{R"({"method":"update","state":{"other":{"a":1}},"version":1})", ShadowError::no_reported},
      Row{R"({"method":"update","state":{"reported":{}},"version":1})", ShadowError::empty_reported},
      Row{R"({"method":"update","state":{"reported":7},"version":1})", ShadowError::malformed},
      Row{R"({"method":"update","state":{"reported":{"a":{"b":{"c":{"d":{"e":1}}}}}},"version":1})",
          ShadowError::malformed},
  };
  for (const Row& row : kRows) {
    INFO(row.request);
    CHECK(ask("", row.request).error == row.error);
  }
  std::string many = R"({"method":"update","state":{"reported":{)";
  for (int i = 0; i < 129; ++i) many += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
  CHECK(ask("", many + "}},\"version\":1}").error == ShadowError::too_many_attributes);
  CHECK(ask("", R"({"method":"update","state":{"reported":{"a":")" + std::string(17'000, 'x') + "\"}},\"version\":1}")
            .error == ShadowError::malformed);
  CHECK(ask("", R"({"method":"get"})", ShadowCaller::application).error == ShadowError::unknown_method);
}

TEST_CASE("an application replaces what is desired, or merges it, and cannot report") {
  const auto one =
      ask("", R"({"method":"update","state":{"desired":{"a":1,"b":2}},"version":1})", ShadowCaller::application);
  CHECK(one.desired_changed);
  const auto replaced =
      ask(one.document, R"({"method":"update","state":{"desired":{"c":3}},"version":2})", ShadowCaller::application);
  CHECK(state(replaced.document) == R"({"desired":{"c":3}})");
  const auto merged = ask(one.document, R"({"method":"update","state":{"desired":{"c":3}},"version":2})",
                          ShadowCaller::application_merging);
  CHECK(state(merged.document) == R"({"desired":{"a":1,"b":2,"c":3}})");
  CHECK(ask("", R"({"method":"update","state":{"reported":{"a":1}},"version":1})", ShadowCaller::application).error ==
        ShadowError::no_state);
}

TEST_CASE("messages to the device have the cloud's form, with seconds") {
  const auto made = ask("", R"({"method":"update","state":{"reported":{"a":1},"desired":{"b":2}},"version":7})");
  CHECK(shadow_reply(made, made.document, kNow) ==
        R"({"method":"reply","payload":{"status":"success","version":7},"timestamp":1700000000})");
  const auto got = ask(made.document, R"({"method":"get"})");
  const std::string rest =
      R"("payload":{"status":"success","state":{"reported":{"a":1},"desired":{"b":2}},"metadata":{"reported":{"a":{"timestamp":1700000000}},)"
      R"("desired":{"b":{"timestamp":1700000000}}}},"timestamp":1700000000,"version":7})";
  CHECK(shadow_reply(got, made.document, kNow) == R"({"method":"reply",)" + rest);
  CHECK(shadow_control(made.document, kNow) == R"({"method":"control",)" + rest);
  CHECK(
      shadow_reply(ask(made.document, R"({"method":"update","state":{"reported":{"a":1}},"version":7})"), {}, kNow) ==
      R"({"method":"reply","payload":{"status":"error","content":{"errorcode":"409","errormessage":"version conflict: the shadow has version 7, 7 is not above"}},"timestamp":1700000000})");
  CHECK(shadow_text("") == "{}");
}

struct Bench {
  store::MemoryStore store;
  std::unique_ptr<TestShard> shard = std::make_unique<TestShard>(store);
  const std::string up = "/shadow/update/a1aaaaaaaaa/board1", down = "/shadow/get/a1aaaaaaaaa/board1";
  const broker::Identity identity{broker::Identity::Kind::device, "a1aaaaaaaaa/board1"};

  void send(std::string_view text) {
    shard->publish(up, text, 1);
    shard->settle();
  }
  ShadowResult desire(std::string_view message, bool merges = false) {
    ShadowResult result;
    shard->ingress->things().update_shadow(1, std::string(message), merges, [&](const ShadowResult& r) { result = r; });
    shard->settle();
    return result;
  }
  std::string shown() {
    std::string text;
    shard->ingress->things().shadow(1, [&](std::optional<std::string> found) { text = found.value_or("none"); });
    shard->settle();
    return text;
  }
  void come() { shard->ingress->on_online({}, identity, 1, {}, "client"); }
  void go() { shard->ingress->on_offline(identity, 1); }
  int controls() const {
    int count = 0;
    for (const auto& sent : shard->egress.sent) count += sent.payload.starts_with(R"({"method":"control")") ? 1 : 0;
    return count;
  }
  void restart() {
    shard->settle();
    shard.reset();
    shard = std::make_unique<TestShard>(store);
    REQUIRE(shard->ingress->load());
  }
};

TEST_CASE("a device's update is answered when it is on disk, and found after a restart") {
  Bench bench;
  bench.shard->publish(bench.up, R"({"method":"update","state":{"reported":{"a":1}},"version":1})", 1);
  CHECK(bench.shard->egress.sent.empty());
  CHECK(bench.shard->egress.acknowledged.empty());
  bench.shard->settle();
  CHECK(bench.shard->egress.acknowledged.size() == 1);
  CHECK(bench.shard->last_reply().find(R"("status":"success","version":1)") != std::string::npos);
  CHECK(bench.shard->egress.sent.back().topic == bench.down);
  bench.restart();
  bench.send(R"({"method":"get"})");
  CHECK(bench.shard->last_reply().find(R"("reported":{"a":1})") != std::string::npos);
  CHECK(bench.shown().starts_with(R"({"state":{"reported":{"a":1}})"));
}

TEST_CASE("applications that want it are told of a shadow that changed, and by whom") {
  Bench bench;
  bench.send(R"({"method":"update","state":{"reported":{"a":1}},"version":1})");
  CHECK(bench.shard->outlet.got.empty());
  bench.shard->outlet.sources = bit(Source::shadow);
  ++bench.shard->outlet.current;
  const std::string now = std::to_string(bench.shard->loop.wall().ms), seconds = now.substr(0, now.size() - 3);
  bench.send(R"({"method":"update","state":{"reported":{"a":2}},"version":2})");
  bench.send(R"({"method":"update","state":{"reported":{"a":2}},"version":2})");  // refused: nothing has changed
  bench.send(R"({"method":"get"})");
  CHECK(bench.desire(R"({"method":"update","state":{"desired":{"b":3}},"version":3})", true).kept);
  const auto& got = bench.shard->outlet.got;
  REQUIRE(got.size() == 2);
  CHECK(got[0].source == Source::shadow);
  CHECK(got[0].device == 1);
  CHECK(got[0].topic == "/a1aaaaaaaaa/board1/shadow/update");
  CHECK(got[0].payload ==
        R"({"iotId":"","productKey":"a1aaaaaaaaa","deviceName":"board1","gmtCreate":)" + now +
            R"(,"source":"device","state":{"reported":{"a":2}},"metadata":{"reported":{"a":{"timestamp":)" + seconds +
            R"(}}},"timestamp":)" + seconds + R"(,"version":2})");
  CHECK(got[1].payload.find(R"("source":"application","state":{"reported":{"a":2},"desired":{"b":3}})") !=
        std::string::npos);
  CHECK(bench.shard->outlet.durable == 2);
}

TEST_CASE("a shadow that the store does not take is told to nobody") {
  Bench bench;
  bench.shard->outlet.sources = bit(Source::shadow);
  bench.store.fail("no disk");
  bench.send(R"({"method":"update","state":{"reported":{"a":1}},"version":1})");
  bench.shard->loop.advance(Millis{2000});
  CHECK(bench.shard->outlet.durable == 0);
  CHECK(bench.shard->outlet.undone == 1);
}

TEST_CASE("mistakes are answered, acknowledged and noted") {
  Bench bench;
  bench.send(R"({"method":"update","state":{"reported":{"a":1}},"version":1})");
  bench.send(R"({"method":"update","state":{"reported":{"a":1}},"version":1})");
  CHECK(bench.shard->last_reply().find(R"("errorcode":"409")") != std::string::npos);
  CHECK(bench.shard->journal.entries.back().cause == auth::code(auth::Cause::shadow_version));
  bench.send("{");
  CHECK(bench.shard->last_reply().find(R"("errorcode":"400")") != std::string::npos);
  CHECK(bench.shard->journal.entries.back().cause == auth::code(auth::Cause::shadow_malformed));
}

TEST_CASE("more than twenty requests a second are refused") {
  Bench bench;
  for (int i = 1; i <= 21; ++i)
    bench.shard->publish(
        bench.up, "{\"method\":\"update\",\"state\":{\"reported\":{\"a\":1}},\"version\":" + std::to_string(i) + "}",
        1);
  bench.shard->publish(bench.up, R"({"method":"get"})", 1);
  CHECK(bench.shard->last_reply().find(R"("errorcode":"429")") != std::string::npos);
}

TEST_CASE("what is desired of a device that is online goes to it at once, and once") {
  Bench bench;
  bench.come();
  const auto result = bench.desire(R"({"method":"update","state":{"desired":{"b":2}},"version":1})");
  CHECK(result.kept);
  CHECK(bench.controls() == 1);
  REQUIRE(bench.shard->egress.receipts.size() == 1);
  bench.shard->ingress->on_receipt(1, bench.shard->egress.receipts[0]);
  bench.shard->settle();
  bench.go();
  bench.come();
  CHECK(bench.controls() == 1);
  bench.restart();
  bench.come();
  CHECK(bench.controls() == 0);
}

TEST_CASE("what is desired while a device is off reaches it when it is back and listens, also after a restart") {
  Bench bench;
  CHECK(bench.desire(R"({"method":"update","state":{"desired":{"b":1}},"version":1})").kept);
  CHECK(bench.desire(R"({"method":"update","state":{"desired":{"b":2}},"version":2})", true).kept);
  CHECK(bench.controls() == 0);
  bench.restart();
  bench.shard->egress.reachable = false;  // it has not subscribed yet
  bench.come();
  CHECK(bench.controls() == 0);
  bench.shard->egress.reachable = true;
  bench.shard->ingress->on_subscribed(1);
  bench.shard->ingress->on_subscribed(1);
  CHECK(bench.controls() == 1);
  CHECK(bench.shard->last_reply().find(R"("desired":{"b":2})") != std::string::npos);
}

TEST_CASE("what a device has not acknowledged is sent again on the next connection, unless its session does that") {
  Bench bench;
  bench.come();
  bench.desire(R"({"method":"update","state":{"desired":{"b":1}},"version":1})");
  bench.go();
  bench.come();
  CHECK(bench.controls() == 2);
  bench.shard->egress.kept_receipts = bench.shard->egress.receipts;
  bench.go();
  bench.come();
  CHECK(bench.controls() == 2);
}

TEST_CASE("the acknowledgement of an earlier wish does not count for a later one") {
  Bench bench;
  bench.come();
  bench.desire(R"({"method":"update","state":{"desired":{"b":1}},"version":1})");
  bench.desire(R"({"method":"update","state":{"desired":{"b":2}},"version":2})");
  CHECK(bench.controls() == 2);
  bench.shard->ingress->on_receipt(1, bench.shard->egress.receipts[0]);
  bench.shard->settle();
  bench.go();
  bench.come();
  CHECK(bench.controls() == 3);
}

TEST_CASE("an application is told what is wrong with its message, and when the disk took nothing") {
  Bench bench;
  const auto wrong = bench.desire(R"({"method":"update","version":1})");
  CHECK(!wrong.kept);
  CHECK(wrong.code == ShadowError::no_state);
  bench.store.fail("no disk");
  bool was_told = false;
  bench.shard->ingress->things().update_shadow(1, R"({"method":"update","state":{"desired":{"b":1}},"version":1})",
                                               false, [&](const ShadowResult& result) {
                                                 was_told = true;
                                                 CHECK(!result.kept);
                                                 CHECK(result.error == Error::io_failed);
                                               });
  bench.shard->settle();
  bench.shard->loop.advance(Millis{2000});
  CHECK(was_told);
  CHECK(bench.controls() == 0);
}

TEST_CASE("a shadow's record reads back, and no beginning of it does") {
  std::string bytes;
  write_shadow(bytes, {true, "{\"version\":1}"});
  const auto read = read_shadow(bytes);
  REQUIRE(read);
  CHECK(read->is_owed);
  CHECK(read->document == "{\"version\":1}");
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(!read_shadow(std::string_view(bytes).substr(0, size)));
}

}  // namespace
}  // namespace tercet::thing
