// Devices under the cloud policy: what they may do, what the platform gets and sends.
#include <doctest/doctest.h>

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;
using auth::Cause;

namespace {

constexpr std::string_view kPost = "/sys/pk/dn/thing/event/property/post";
constexpr std::string_view kSet = "/sys/pk/dn/thing/service/property/set";

mqtt::Subscription wish(std::string_view filter, int qos = 0) {
  return {.filter = filter, .qos = static_cast<Qos>(qos)};
}

ConnectOptions five(bool clean = true, std::string_view extension = "") {
  auto options = device("dn", clean, extension);
  options.version = ProtocolVersion::v5;
  return options;
}

struct Board {
  explicit Board(const ConnectOptions& with = device()) : Board(TestWorld::Options{}, with) {}
  Board(const TestWorld::Options& options, const ConnectOptions& with) : world(options), board(world, kCloud) {
    REQUIRE(board.connect(with) == 0);
  }
  TestWorld world;
  TestClient board;
};

}  // namespace

// --- to the platform ---

TEST_CASE("a message to a system topic goes to the platform with who sent it, and nowhere else") {
  Board at;
  TestClient spy{at.world, kStandard};
  REQUIRE(spy.connect(client("spy")) == 0);
  REQUIRE(spy.subscribe("#") == 0);
  at.board.say_publish(std::string(kPost) + "?_rid=1", "{}", 0);
  at.world.run_for(Millis{50});
  REQUIRE(at.world.devices().got.size() == 1);
  const auto& got = at.world.devices().got[0];
  CHECK(got.name == "pk/dn");
  CHECK(got.topic == std::string(kPost) + "?_rid=1");
  CHECK(got.payload == "{}");
  CHECK(got.qos == 0);
  CHECK(got.session == at.world.devices().last_session);
  CHECK(spy.hears_nothing());
}

TEST_CASE("PUBACK leaves when the platform says so, in the order the messages came") {
  Board at;
  at.world.devices().later = true;
  for (std::uint16_t i = 1; i <= 3; ++i) at.board.say_publish(kPost, "{}", 1, i);
  at.world.run_for(Millis{50});
  CHECK(at.board.received.empty());
  at.world.devices().later = false;
  at.board.say_publish(kPost, "{}", 1, 4);               // done at once, but not before the others
  at.board.say_publish("/pk/dn/user/update", "", 1, 5);  // nor what needs no platform
  at.world.run_for(Millis{50});
  CHECK(at.board.received.empty());
  auto& got = at.world.devices().got;
  at.world.broker().acknowledge(got[1].token);
  at.board.send(std::string("\xC0\x00", 2));
  REQUIRE(at.board.expect(PacketType::pingresp));
  at.world.broker().acknowledge(got[0].token);
  at.world.broker().acknowledge(got[0].token);  // twice: nothing more
  at.board.send(std::string("\xC0\x00", 2));
  CHECK(at.board.hears_ack(PacketType::puback, 1));
  CHECK(at.board.hears_ack(PacketType::puback, 2));
  REQUIRE(at.board.expect(PacketType::pingresp));
  at.world.broker().acknowledge(got[2].token);
  at.board.send(std::string("\xC0\x00", 2));
  for (std::uint16_t i = 3; i <= 5; ++i) CHECK(at.board.hears_ack(PacketType::puback, i));
}

TEST_CASE("a token of an earlier connection acknowledges nothing on the next") {
  Board at{device("dn", false)};
  at.world.devices().later = true;
  at.board.say_publish(kPost, "{}", 1, 1);
  at.world.run_for(Millis{50});
  const auto old = at.world.devices().got[0].token;
  at.board.drop();
  at.world.run_for(Millis{50});
  at.world.broker().acknowledge(old);  // nobody there
  TestClient again{at.world, kCloud};
  REQUIRE(again.connect(device("dn", false)) == 0);
  again.say_publish(kPost, "{}", 1, 9);
  at.world.run_for(Millis{50});
  at.world.broker().acknowledge(old);
  CHECK(again.hears_nothing());
  at.world.broker().acknowledge(at.world.devices().got[1].token);
  again.send(std::string("\xC0\x00", 2));
  CHECK(again.hears_ack(PacketType::puback, 9));
}

TEST_CASE("the platform may disconnect a device in the middle of its message") {
  for (const bool clean : {true, false}) {
    Board at{device("dn", clean)};
    at.world.devices().broker = &at.world.broker();
    at.board.say_publish(kPost, "{}", 1, 1);
    at.board.say_publish(kPost, "{}", 1, 2);
    CHECK(at.board.is_closed_within(Seconds{1}));
    CHECK(at.world.devices().got.size() == 1);
    CHECK(at.world.devices().events.back() == "offline pk/dn");
  }
}

TEST_CASE("a message that cannot be kept is not acknowledged, and its connection is closed so that it is sent again") {
  for (const bool is_v5 : {false, true}) {
    Board at{is_v5 ? five() : device("dn", false)};
    at.world.devices().later = true;
    at.board.say_publish(kPost, "{}", 1, 1);
    at.board.say_publish(kPost, "{}", 1, 2);
    at.world.run_for(Millis{50});
    REQUIRE(at.world.devices().got.size() == 2);
    const auto first = at.world.devices().got[0].token, second = at.world.devices().got[1].token;
    at.world.broker().disconnect(first, Error::no_space);
    CHECK(at.world.devices().events.back() == "offline pk/dn");
    if (is_v5) {
      REQUIRE(at.board.expect(PacketType::disconnect));
      CHECK(at.board.last.frame().body[0] == 0x97);
    }
    CHECK(at.board.is_closed_within(Seconds{1}));
    TestClient again{at.world, kCloud};
    REQUIRE(again.connect(is_v5 ? five() : device("dn", false)) == 0);
    at.world.broker().disconnect(second, Error::no_space);  // of the connection that has gone
    at.world.run_for(Millis{50});
    again.say_publish(kPost, "{}", 1, 1);
    at.world.run_for(Millis{50});
    REQUIRE(at.world.devices().got.size() == 3);
    at.world.broker().acknowledge(at.world.devices().got[2].token);
    again.send(std::string("\xC0\x00", 2));
    CHECK(again.hears_ack(PacketType::puback, 1));
  }
}

TEST_CASE("too many unanswered messages end the connection") {
  TestWorld::Options options;
  options.config.cloud.max_unacknowledged = 10;
  Board at{options, five()};
  at.world.devices().later = true;
  for (std::uint16_t i = 1; i <= 11; ++i) at.board.say_publish(kPost, "{}", 1, i);
  REQUIRE(at.board.expect(PacketType::disconnect));
  CHECK(at.board.last.frame().body[0] == 0x93);
  CHECK(at.world.journal.count(Cause::in_flight_exceeded) == 1);
}

// --- what is not allowed ---

TEST_CASE("a forbidden PUBLISH is dropped, acknowledged and journaled, and the connection stays") {
  Board at;
  at.board.say_publish("/sys/pk/other/thing/event/property/post", "{}", 1, 7);
  CHECK(at.board.hears_ack(PacketType::puback, 7));
  at.board.say_publish(kSet, "{}");
  at.board.say_publish("no/slash", "{}");
  at.board.say_publish("/sys/pk/dn/thing/nonsense", "{}");
  at.world.run_for(Millis{50});
  CHECK(!at.board.is_closed);
  CHECK(at.world.devices().got.empty());
  CHECK(at.world.counters().dropped_forbidden == 4);
  const auto* entry = at.world.journal.last(Cause::topic_of_another_device);
  REQUIRE(entry != nullptr);
  CHECK(entry->stage == Refusal::Stage::publish);
  CHECK(entry->name == "pk/dn");
  CHECK(entry->client_id == "x||");
  CHECK(entry->evidence == "/sys/pk/other/thing/event/property/post");
  CHECK(at.world.journal.count(Cause::topic_forbidden) == 1);
  CHECK(at.world.journal.count(Cause::topic_malformed) == 1);
  CHECK(at.world.journal.count(Cause::topic_unknown) == 1);
}

TEST_CASE("MQTT 5 hears in the PUBACK why a PUBLISH was refused") {
  Board at{five()};
  at.board.say_publish(kSet, "{}", 1, 1);
  CHECK(at.board.hears_ack(PacketType::puback, 1));
  CHECK(at.board.ack_reason == ReasonCode::not_authorized);
  at.board.say_publish("no/slash", "{}", 1, 2);
  CHECK(at.board.hears_ack(PacketType::puback, 2));
  CHECK(at.board.ack_reason == ReasonCode::topic_name_invalid);
}

TEST_CASE("the journal is not flooded by one connection") {
  Board at;
  for (int i = 0; i < 100; ++i) at.board.say_publish("/sys/pk/other" + std::to_string(i) + "/rrpc/response/1", "");
  at.world.run_for(Millis{100});
  CHECK(at.world.journal.entries.size() == 10);
  at.world.run_for(Seconds{60});
  at.board.say_publish(kSet, "");
  at.world.run_for(Millis{100});
  CHECK(at.world.journal.entries.size() == 11);
}

TEST_CASE("QoS 2 closes the connection, with the reason in MQTT 5") {
  Board at;
  at.board.say_publish(kPost, "{}", 2, 1);
  CHECK(at.board.is_closed_within(Seconds{1}));
  CHECK(at.world.journal.count(Cause::qos2) == 1);
  Board later{five()};
  later.board.say_publish(kPost, "{}", 2, 1);
  REQUIRE(later.board.expect(PacketType::disconnect));
  CHECK(later.board.last.frame().body[0] == 0x9B);
}

TEST_CASE("thirty QoS 0 and ten QoS 1 messages a second: the surplus is dropped, one journal entry per burst") {
  TestWorld::Options options;
  options.fast_limits = false;
  Board at{options, device()};
  for (int i = 0; i < 50; ++i) at.board.say_publish(kPost, "0");
  for (std::uint16_t i = 1; i <= 15; ++i) at.board.say_publish(kPost, "1", 1, i);
  at.world.run_for(Millis{20});
  CHECK(at.world.devices().got.size() == 40);
  CHECK(at.world.counters().dropped_rate == 25);
  CHECK(at.board.received.size() == 10);  // the surplus is not acknowledged: it was not taken
  CHECK(at.world.journal.count(Cause::publish_rate) == 2);
  at.world.run_for(Seconds{2});
  at.board.say_publish(kPost, "0");
  at.world.run_for(Millis{20});
  CHECK(at.world.devices().got.size() == 41);
}

TEST_CASE("MQTT 5 hears that it is over its quota") {
  TestWorld::Options options;
  options.fast_limits = false;
  options.config.cloud.qos1_per_second = 1;
  Board at{options, five()};
  at.board.say_publish(kPost, "", 1, 1);
  at.board.say_publish(kPost, "", 1, 2);
  CHECK(at.board.hears_ack(PacketType::puback, 1));
  CHECK(at.board.ack_reason == ReasonCode::success);
  CHECK(at.board.hears_ack(PacketType::puback, 2));
  CHECK(at.board.ack_reason == ReasonCode::quota_exceeded);
}

TEST_CASE("SUBSCRIBE grants what was asked for, at most 1, and 0x80 for what is not the device's") {
  Board at;
  CHECK(at.board.subscribe({wish("/pk/dn/user/get", 0), wish("/sys/pk/dn/thing/service/+", 1), wish(kSet, 2),
                            wish("/sys/pk/other/thing/#", 0), wish("#", 1)}) == std::vector<int>{0, 1, 1, 0x80, 0x80});
  CHECK(!at.board.is_closed);
  CHECK(at.world.journal.count(Cause::topic_of_another_device) == 1);
  CHECK(at.world.journal.count(Cause::filter_wildcard) == 1);
  CHECK(at.world.journal.entries[0].stage == Refusal::Stage::subscribe);
  CHECK(at.world.journal.entries[0].code == 0x80);
}

TEST_CASE("eight filters in one SUBSCRIBE are the most, and a hundred in a session") {
  Board at;
  CHECK(at.board.subscribe(std::vector<mqtt::Subscription>(9, wish("/pk/dn/user/x"))) == std::vector<int>(9, 0x80));
  CHECK(at.world.journal.count(Cause::too_many_filters) == 1);
  for (int i = 0; i < 100; ++i) CHECK(at.board.subscribe("/pk/dn/user/" + std::to_string(i)) == 0);
  CHECK(at.board.subscribe("/pk/dn/user/100") == 0x80);
  CHECK(at.world.journal.count(Cause::too_many_subscriptions) == 1);
  CHECK(at.world.counters().subscriptions == 100);
}

TEST_CASE("MQTT 5: no subscription identifiers, shared subscriptions yes") {
  Board at{five()};
  CHECK(at.board.subscribe({wish("/pk/dn/user/get", 1)}, 5) == std::vector<int>{0xA1});
  CHECK(at.board.subscribe({wish("$share/g//pk/dn/user/get", 1), wish("/pk/x/user/get")}) == std::vector<int>{1, 0x87});
}

TEST_CASE("in 3.x wills and retain flags are ignored, in MQTT 5 they work") {
  const auto run = [](bool v5) {
    auto with = v5 ? five(false) : device("dn", false);
    with.expiry = v5 ? std::optional<std::uint32_t>(0) : std::nullopt;
    with.will = mqtt::Will{.topic = "/pk/dn/user/gone", .payload = as_bytes("gone")};
    Board at{with};
    TestClient back_end{at.world, kStandard};
    REQUIRE(back_end.connect(client("be")) == 0);
    REQUIRE(back_end.subscribe("/pk/+/user/#") == 0);
    at.board.say_publish("/pk/dn/user/update", "r", 0, 0, true);
    CHECK(back_end.hears("/pk/dn/user/update", "r"));
    CHECK(at.world.counters().retained == (v5 ? 1 : 0));
    at.board.drop();
    at.world.run_for(Millis{50});
    CHECK(back_end.received.size() == (v5 ? 1u : 0u));
  };
  run(false);
  run(true);
}

TEST_CASE("a forbidden will goes to the journal") {
  auto with = five();
  with.will = mqtt::Will{.topic = "/pk/other/user/gone", .payload = as_bytes("gone")};
  Board at{with};
  at.board.drop();
  at.world.run_for(Millis{50});
  CHECK(at.world.journal.count(Cause::topic_of_another_device) == 1);
}

// --- from the platform ---

TEST_CASE("without `_ss=1` the platform's messages need a SUBSCRIBE") {
  Board at;
  auto& broker = at.world.broker();
  const auto session = at.world.devices().last_session;
  CHECK(!broker.send(session, kSet, as_bytes("{}"), 0));
  REQUIRE(at.board.subscribe("/sys/pk/dn/thing/service/#", 0) == 0);
  CHECK(broker.send(session, kSet, as_bytes("{1}"), 0));
  CHECK(broker.send_to("d/pk/dn", kSet, as_bytes("{2}"), 1));
  at.board.send(std::string("\xC0\x00", 2));
  REQUIRE(at.board.hears(kSet, "{1}"));
  REQUIRE(at.board.hears(kSet, "{2}"));
  CHECK(at.board.message.qos == Qos::at_least_once);  // the publisher's QoS, not the subscription's
  CHECK(!broker.send_to("d/pk/nobody", kSet, as_bytes("{}"), 0));
  CHECK(!broker.send({99, 1}, kSet, as_bytes("{}"), 0));
  CHECK(broker.send(session, "/sys/pk/dn/broadcast/request/1", as_bytes("b"), 0));  // always
}

TEST_CASE("with `_ss=1` every system topic comes by itself, custom topics do not") {
  Board at{device("dn", true, "_ss=1")};
  auto& broker = at.world.broker();
  const auto session = at.world.devices().last_session;
  CHECK(broker.send(session, kSet, as_bytes("1"), 0));
  CHECK(broker.send(session, "/ext/ntp/pk/dn/response", as_bytes("2"), 0));
  CHECK(broker.send(session, "/shadow/get/pk/dn", as_bytes("3"), 1));
  CHECK(!broker.send(session, "/pk/dn/user/get", as_bytes("4"), 0));
  CHECK(!broker.send(session, "/ext/rrpc/1/pk/dn/user/get", as_bytes("5"), 0));  // needs ext bit 0
  at.board.send(std::string("\xC0\x00", 2));
  CHECK(at.board.hears(kSet, "1"));
  CHECK(at.board.hears("/ext/ntp/pk/dn/response", "2"));
  CHECK(at.board.hears("/shadow/get/pk/dn", "3"));
  Board with_ext{device("dn", true, "_ss=1,ext=1")};
  CHECK(with_ext.world.broker().send_to("d/pk/dn", "/ext/rrpc/1/pk/dn/user/get", as_bytes("5"), 0));
}

TEST_CASE("UNSUBSCRIBE takes an implied subscription back until the next login (4.5)") {
  Board at{device("dn", true, "_ss=1")};
  auto& broker = at.world.broker();
  CHECK(at.board.unsubscribe({"/sys/pk/dn/thing/service/#"}).empty());
  CHECK(!broker.send_to("d/pk/dn", kSet, as_bytes("1"), 0));
  CHECK(broker.send_to("d/pk/dn", "/sys/pk/dn/thing/event/property/post_reply", as_bytes("1"), 0));
  at.board.send(std::string("\xC0\x00", 2));
  CHECK(at.board.hears("/sys/pk/dn/thing/event/property/post_reply", "1"));
  CHECK(at.board.expect(PacketType::pingresp));
  REQUIRE(at.board.subscribe(kSet) == 0);
  CHECK(broker.send_to("d/pk/dn", kSet, as_bytes("1"), 0));
  TestClient again{at.world, kCloud};
  REQUIRE(again.connect(device("dn", true, "_ss=1")) == 0);
  CHECK(broker.send_to("d/pk/dn", "/sys/pk/dn/thing/service/x", as_bytes("1"), 0));
}

TEST_CASE("QoS 1 of the platform waits for a persistent session, QoS 0 does not") {
  Board at{device("dn", false)};
  REQUIRE(at.board.subscribe(kSet, 1) == 1);
  at.board.disconnect();
  auto& broker = at.world.broker();
  CHECK(!broker.send_to("d/pk/dn", kSet, as_bytes("0"), 0));
  CHECK(broker.send_to("d/pk/dn", kSet, as_bytes("1"), 1));
  TestClient again{at.world, kCloud};
  REQUIRE(again.connect(device("dn", false)) == 0);
  CHECK(again.session_present);
  CHECK(again.hears(kSet, "1"));
}

// --- back ends and devices ---

TEST_CASE("a back end hears devices on custom topics and speaks to them, on custom and system topics") {
  Board at;
  TestClient back_end{at.world, kStandard};
  REQUIRE(back_end.connect(client("be")) == 0);
  REQUIRE(back_end.subscribe("/pk/+/user/#", 1) == 1);
  REQUIRE(at.board.subscribe({wish("/pk/dn/user/get"), wish(kSet)}).size() == 2);
  at.board.say_publish("/pk/dn/user/update?_rid=7", "21.5", 1, 3);
  CHECK(at.board.hears_ack(PacketType::puback, 3));
  REQUIRE(back_end.hears("/pk/dn/user/update", "21.5"));
  CHECK(back_end.message.qos == Qos::at_least_once);
  back_end.say_publish("/pk/dn/user/get", "hello");
  CHECK(at.board.hears("/pk/dn/user/get", "hello"));
  CHECK(back_end.hears("/pk/dn/user/get", "hello"));  // it subscribes to that too
  CHECK(back_end.publishes(kSet, "{}"));
  REQUIRE(at.board.hears(kSet, "{}"));
  CHECK(at.board.message.qos == Qos::at_least_once);
  CHECK(at.board.hears_nothing());
  CHECK(back_end.publishes("/sys/pk/nobody/thing/service/property/set", "{}"));  // nobody there: dropped
  back_end.say_publish(kPost, "{}");  // a device's way up is not for back ends
  at.world.run_for(Millis{50});
  CHECK(at.world.devices().got.empty());
}

TEST_CASE("a product broadcast reaches the devices that subscribed to it") {
  Board at;
  TestClient other{at.world, kCloud}, back_end{at.world, kStandard};
  REQUIRE(other.connect(device("other")) == 0);
  REQUIRE(back_end.connect(client("be")) == 0);
  REQUIRE(at.board.subscribe("/broadcast/pk/#") == 0);
  back_end.say_publish("/broadcast/pk/all", "hi");
  CHECK(at.board.hears("/broadcast/pk/all", "hi"));
  CHECK(other.hears_nothing());
}

TEST_CASE("a device hears its own custom messages only if it subscribed, never another's") {
  Board at;
  TestClient other{at.world, kCloud};
  REQUIRE(other.connect(device("other")) == 0);
  REQUIRE(other.subscribe("/pk/other/#") == 0);
  REQUIRE(at.board.subscribe("/pk/dn/user/echo") == 0);
  at.board.say_publish("/pk/dn/user/echo", "me");
  CHECK(at.board.hears("/pk/dn/user/echo", "me"));
  CHECK(other.hears_nothing());
}
