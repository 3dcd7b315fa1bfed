// From the first byte to the CONNACK.
#include <doctest/doctest.h>

#include "platform/broker/test_world.h"
#include "tercet/auth/cause.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;
using auth::Cause;

TEST_CASE("a device with the right password gets CONNACK 0 of exactly four bytes and its session is announced") {
  TestWorld world;
  TestClient board{world, kCloud};
  CHECK(board.connect(device()) == 0);
  CHECK(board.connack.bytes == std::string("\x20\x02\x00\x00", 4));
  CHECK(world.devices().events == std::vector<std::string>{"online pk/dn"});
  CHECK(world.devices().last_client_id == "x||");
  CHECK(world.devices().last_tag == 42);
  CHECK(world.devices().last_peer.ip_text() == "10.0.0.2");
  CHECK(world.broker().is_online("d/pk/dn"));
  board.drop();
  world.run_for(Millis{50});
  CHECK(world.devices().events.back() == "offline pk/dn");
  CHECK(!world.broker().is_online("d/pk/dn"));
  CHECK(world.counters().sessions == 0);
  CHECK(world.counters().connections == 0);
}

TEST_CASE("a wrong password is answered with the authenticator's code and journaled with its refusal") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.password = "wrong";
  CHECK(board.connect(with) == 4);
  CHECK(board.is_closed_within(Seconds{3}));
  CHECK(world.journal.count("test.refused") == 1);
  CHECK(world.counters().logins_refused == 1);
  CHECK(world.counters().connections == 0);
}

TEST_CASE("MQTT 5 hears the reason code of the refusal") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.version = ProtocolVersion::v5;
  with.password = "wrong";
  CHECK(board.connect(with) == 0x86);
}

TEST_CASE("a refusal may be delayed, and whatever comes meanwhile is not looked at") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.password = "slow";
  board.say_connect(with);
  world.run_for(Millis{100});
  board.send(std::string(3000, 'x'));
  world.run_for(Millis{2800});
  CHECK(board.received.empty());
  CHECK(!board.is_closed);
  REQUIRE(board.expect(PacketType::connack));
  CHECK(board.last.frame().body[1] == 4);
  CHECK(board.is_closed_within(Seconds{3}));
}

TEST_CASE("only so many connections wait for a delayed refusal; beyond them it comes at once") {
  TestWorld::Options options;
  options.config.max_delayed_refusals = 3;
  TestWorld world{options};
  auto wrong = device();
  wrong.password = "slow";
  std::vector<std::unique_ptr<TestClient>> clients;
  const auto answered = [&](std::size_t index) {
    while (clients.size() <= index) {
      clients.push_back(std::make_unique<TestClient>(world, kCloud));
      clients.back()->say_connect(wrong);
      world.run_for(Millis{20});
    }
    return !clients[index]->received.empty();
  };
  for (std::size_t i = 0; i < 5; ++i) CHECK(answered(i) == (i >= 3));
  clients[0]->drop();  // its place is free
  world.run_for(Millis{20});
  CHECK(!answered(5));
  CHECK(answered(6));
  world.run_for(Seconds{4});  // all have had their answer
  for (std::size_t i = 1; i < 6; ++i) CHECK(answered(i));
  for (std::size_t i = 7; i < 11; ++i) CHECK(answered(i) == (i == 10));
  world.run_for(Seconds{4});
  CHECK(world.counters().connections == 0);
}

TEST_CASE("a client that goes while its refusal is delayed is not kept") {
  TestWorld world;
  auto with = device();
  with.password = "slow";
  TestClient goes{world, kCloud}, talks{world, kCloud};
  goes.say_connect(with);
  talks.say_connect(with);
  world.run_for(Millis{100});
  REQUIRE(world.counters().connections == 2);
  goes.drop();
  world.run_for(Millis{100});
  CHECK(world.counters().connections == 1);
  talks.send(std::string(200'000, 'x'));  // more than anybody has to say who waits for a refusal
  world.run_for(Millis{200});
  CHECK(world.counters().connections == 0);
}

TEST_CASE("a peer that says nothing for ten seconds is closed and journaled") {
  TestWorld world;
  TestClient board{world, kCloud};
  world.run_for(Millis{9900});
  CHECK(!board.is_closed);
  CHECK(board.is_closed_within(Millis{300}));
  REQUIRE(world.journal.count((Cause::no_connect)) == 1);
  CHECK(world.journal.entries[0].address.starts_with("10.0.0.2:"));
  CHECK(world.journal.entries[0].stage == Refusal::Stage::transport);
}

TEST_CASE("half a CONNECT does not stop the ten seconds") {
  TestWorld world;
  TestClient board{world, kCloud};
  board.send(std::string("\x10\x20\x00\x04", 4));
  CHECK(board.is_closed_within(Millis{10'300}));
  REQUIRE(world.journal.last((Cause::no_connect)) != nullptr);
  CHECK(world.journal.last((Cause::no_connect))->evidence == "after 4 bytes");
}

TEST_CASE("CONNECT may come byte by byte") {
  TestWorld world;
  TestClient board{world, kCloud};
  TestClient scribe{world, kStandard};  // only to have the bytes
  std::uint8_t buffer[256];
  mqtt::Connect connect;
  connect.client_id = "x";
  connect.user_name = "dn&pk";
  connect.password = as_bytes("secret");
  connect.keep_alive = Seconds{60};
  const auto size = mqtt::encode(connect, buffer);
  REQUIRE(size);
  for (std::size_t i = 0; i < *size; ++i) {
    board.send(as_text({buffer + i, 1}));
    world.run_for(Millis{5});
  }
  CHECK(board.expect(PacketType::connack));
}

TEST_CASE("a CONNECT of more than 4 KB is refused before it is whole") {
  TestWorld world;
  TestClient board{world, kCloud};
  board.send(std::string("\x10\x81\x20", 3) + std::string(1000, 'a'));  // 4097 + 3 bytes announced
  CHECK(board.is_closed_within(Seconds{3}));
  CHECK(world.journal.count((Cause::connect_too_large)) == 1);
}

TEST_CASE("what is no CONNECT is closed with the cause") {
  struct {
    std::string bytes;
    Cause cause;
  } const cases[] = {{"GET / HTTP/1.1\r\n\r\n", Cause::web_socket_refused},
                     {std::string("\xC0\x00", 2), Cause::packet_out_of_order},
                     {std::string("\x00\x00\x00\x00", 4), Cause::not_mqtt},
                     {std::string("\x82\x05\x00\x01\x00\x00\x00", 7), Cause::packet_out_of_order},
                     {std::string("\x16\x03\x01\x02\x00", 5), Cause::plain_expected},
                     {std::string("\x10\x0C\x00\x04MQTX\x04\x02\x00\x3C\x00\x00", 14), Cause::protocol_version},
                     {std::string("\x10\x0C\x00\x04MQTT\x04\x03\x00\x3C\x00\x00", 14), Cause::malformed_packet}};
  for (const auto& each : cases) {
    TestWorld world;
    TestClient board{world, kCloud};
    board.send(each.bytes);
    CHECK(board.is_closed_within(Seconds{3}));
    CHECK(world.journal.entries.size() == 1);
    CAPTURE(each.bytes);
    CAPTURE(world.journal.entries[0].cause);
    CHECK(world.journal.entries[0].cause == code(each.cause));
  }
}

TEST_CASE("every truncation and every changed byte of a CONNECT is refused or understood [no crash]") {
  std::uint8_t buffer[256];
  mqtt::Connect connect;
  connect.client_id = "abc|x=1|";
  connect.user_name = "dn&pk";
  connect.password = as_bytes("secret");
  connect.keep_alive = Seconds{60};
  connect.will = mqtt::Will{.topic = "/pk/dn/user/w", .payload = as_bytes("gone")};
  const auto size = mqtt::encode(connect, buffer);
  REQUIRE(size);
  TestWorld world;
  for (std::size_t i = 0; i < *size; ++i) {
    TestClient board{world, kCloud};
    board.send(as_text({buffer, i}));
    world.run_for(Millis{5});
  }
  for (std::size_t i = 0; i < *size; ++i)
    for (const int value : {0, 1, 0x7F, 0x80, 0xFF}) {
      std::string changed{as_text({buffer, *size})};
      changed[i] = static_cast<char>(value);
      TestClient board{world, kCloud};
      board.send(changed);
      world.run_for(Millis{5});
    }
  world.run_for(Seconds{11});
  CHECK(world.counters().connections == 0);
}

TEST_CASE("protocol level 6 gets CONNACK 1 in the form of 3.1.1") {
  TestWorld world;
  TestClient board{world, kCloud};
  board.send(std::string("\x10\x0D\x00\x04MQTT\x06\x02\x00\x3C\x00\x01x", 15));
  REQUIRE(board.expect(PacketType::connack));
  CHECK(board.last.bytes == std::string("\x20\x02\x00\x01", 4));
  CHECK(board.is_closed_within(Seconds{3}));
  CHECK(world.journal.count((Cause::protocol_version)) == 1);
}

TEST_CASE("MQTT 3.1 logs in too") {
  TestWorld world;
  TestClient board{world, kStandard};
  auto with = client("old");
  with.version = ProtocolVersion::v31;
  CHECK(board.connect(with) == 0);
}

// --- keep alive ---

TEST_CASE("the cloud refuses a keep-alive below 30 s with CONNACK 2 and journals it") {
  for (const int seconds : {0, 1, 29}) {
    TestWorld world;
    TestClient board{world, kCloud};
    auto with = device();
    with.keep_alive = static_cast<std::uint16_t>(seconds);
    CHECK(board.connect(with) == 2);
    const auto* entry = world.journal.last((seconds == 0 ? Cause::keep_alive_zero : Cause::keep_alive_too_short));
    REQUIRE(entry != nullptr);
    CHECK(entry->name == "pk/dn");
    CHECK(entry->code == 2);
    CHECK(entry->evidence == "keep alive " + std::to_string(seconds) + " s");
  }
}

TEST_CASE("the cloud clamps a keep-alive above 1200 s, tells MQTT 5 so, and warns that the real one may refuse") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.version = ProtocolVersion::v5;
  with.keep_alive = 5000;
  CHECK(board.connect(with) == 0);
  const auto connack = mqtt::decode_connack(ProtocolVersion::v5, board.connack.frame());
  CHECK(connack->properties.server_keep_alive() == Seconds{1200});
  REQUIRE(world.journal.count((Cause::keep_alive_too_long)) == 1);
  CHECK(world.journal.entries[0].warning);
}

TEST_CASE("the server closes after one and a half keep-alives of silence [MQTT-3.1.2-24]") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.keep_alive = 30;
  REQUIRE(board.connect(with) == 0);
  world.run_for(Millis{40'000});
  board.send(std::string("\xC0\x00", 2));
  REQUIRE(board.expect(PacketType::pingresp));
  world.run_for(Millis{44'900});
  CHECK(!board.is_closed);
  CHECK(board.is_closed_within(Millis{300}));
  CHECK(world.counters().keep_alive_timeouts == 1);
}

TEST_CASE("MQTT 5 is told why: keep-alive timeout") {
  TestWorld world;
  TestClient one{world, kStandard};
  auto with = client("one", true, ProtocolVersion::v5);
  with.keep_alive = 2;
  REQUIRE(one.connect(with) == 0);
  world.run_for(Millis{2000});
  REQUIRE(one.expect(PacketType::disconnect));
  CHECK(mqtt::decode_disconnect(one.version, one.last.frame(), mqtt::Sender::server)->reason ==
        ReasonCode::keep_alive_timeout);
}

TEST_CASE("under the standard policy keep-alive 0 means none") {
  TestWorld world;
  TestClient one{world, kStandard};
  auto with = client("one");
  with.keep_alive = 0;
  REQUIRE(one.connect(with) == 0);
  world.run_for(Seconds{100'000});
  CHECK(!one.is_closed);
}

// --- ports ---

TEST_CASE("plain MQTT on the port that also takes TLS is refused by default, by name, with CONNACK 5") {
  TestWorld world;
  TestClient board{world, kSniff};
  CHECK(board.connect(device()) == 5);
  const auto* entry = world.journal.last((Cause::plain_not_allowed));
  REQUIRE(entry != nullptr);
  CHECK(entry->name == "pk/dn");
  CHECK(entry->code == 5);
  CHECK(world.authenticator.asked == 0);
}

TEST_CASE("plain MQTT on that port is taken where it is configured") {
  TestWorld world;
  TestClient one{world, kSniffOpen};
  CHECK(one.connect(client("one")) == 0);
}

TEST_CASE("a first byte of 0x16 goes to TLS with the byte that was read") {
  TestWorld world;
  TestClient board{world, kSniff};
  board.send(std::string("\x16\x03\x01", 3));
  CHECK(board.is_closed_within(Seconds{1}));  // this listener's TLS takes nothing
  CHECK(world.first_bytes == std::vector<std::uint8_t>{0x16});
  CHECK(world.counters().connections == 0);
}

TEST_CASE("a TLS port hands the stream to TLS before anything is read") {
  TestWorld world;
  TestClient board{world, kTls};
  CHECK(board.is_closed_within(Seconds{1}));
  CHECK(world.counters().accepted == 1);
}

namespace {

/// A stream that pretends to be TLS, and may fail as TLS does.
class FakeTls final : public runtime::Stream {
 public:
  FakeTls(std::unique_ptr<runtime::Stream> inner, std::string first, runtime::StreamFailure failure)
      : inner_(std::move(inner)), first_(std::move(first)), failure_(std::move(failure)) {}
  runtime::Io read(MutableBytes into) override {
    if (failure_.kind != runtime::StreamFailure::Kind::none) return {runtime::Io::State::failed, 0};
    if (!first_.empty()) {
      into[0] = static_cast<std::uint8_t>(first_[0] == '\x16' ? '\x10' : first_[0]);
      first_.erase(0, 1);
      return {runtime::Io::State::more, 1};
    }
    return inner_->read(into);
  }
  runtime::Io write(Bytes from) override { return inner_->write(from); }
  void shut_down() override { inner_->shut_down(); }
  const runtime::Address& peer() const override { return inner_->peer(); }
  bool is_tls() const override { return true; }
  std::string tls_description() const override { return ""; }
  runtime::StreamFailure failure() const override { return failure_; }
  runtime::Stream& transport() override { return inner_->transport(); }

 private:
  std::unique_ptr<runtime::Stream> inner_;
  std::string first_;
  runtime::StreamFailure failure_;
};

}  // namespace

TEST_CASE("a login over TLS is told to the authenticator as such") {
  TestWorld world;
  world.make_secure = [](std::unique_ptr<runtime::Stream> plain, Bytes first) {
    return Result<std::unique_ptr<runtime::Stream>>(
        std::make_unique<FakeTls>(std::move(plain), std::string(as_text(first)), runtime::StreamFailure{}));
  };
  for (const auto port : {kTls, kSniff}) {
    TestClient board{world, port};
    if (port == kSniff) board.send("\x16");  // becomes the 0x10 of CONNECT
    auto with = device("dn");
    std::uint8_t buffer[256];
    mqtt::Connect connect;
    connect.client_id = with.client_id;
    connect.user_name = with.user;
    connect.password = as_bytes(with.password);
    connect.keep_alive = Seconds{60};
    const auto size = mqtt::encode(connect, buffer);
    board.send(as_text({buffer, *size}).substr(port == kSniff ? 1 : 0));
    REQUIRE(board.expect(PacketType::connack));
    CHECK(board.last.frame().body[1] == 0);
    CHECK(world.authenticator.last_tls);
  }
}

TEST_CASE("what TLS says about a failed handshake goes to the journal") {
  using Kind = runtime::StreamFailure::Kind;
  struct {
    Kind kind;
    std::string detail;
    Cause cause;
  } const cases[] = {{Kind::tls_alert_unknown_ca, "", Cause::tls_alert_unknown_ca},
                     {Kind::tls_alert_certificate_expired, "", Cause::tls_alert_expired},
                     {Kind::tls_alert_other, "bad certificate", Cause::tls_alert_other},
                     {Kind::tls_not_tls, "", Cause::tls_expected},
                     {Kind::tls_handshake, "no shared cipher", Cause::tls_no_common_cipher},
                     {Kind::tls_handshake, "unsupported protocol", Cause::tls_no_common_version},
                     {Kind::tls_handshake, "decode error", Cause::tls_handshake_failed}};
  for (const auto& each : cases) {
    TestWorld world;
    world.make_secure = [&each](std::unique_ptr<runtime::Stream> plain, Bytes) {
      return Result<std::unique_ptr<runtime::Stream>>(
          std::make_unique<FakeTls>(std::move(plain), "", runtime::StreamFailure{each.kind, each.detail}));
    };
    TestClient board{world, kTls};
    board.send("anything");
    CHECK(board.is_closed_within(Seconds{1}));
    REQUIRE(world.journal.entries.size() == 1);
    CHECK(world.journal.entries[0].cause == code(each.cause));
    CHECK(world.journal.entries[0].evidence == each.detail);
  }
}

TEST_CASE("an unfinished TLS handshake is journaled as such after ten seconds") {
  TestWorld world;
  world.make_secure = [](std::unique_ptr<runtime::Stream> plain, Bytes) {
    return Result<std::unique_ptr<runtime::Stream>>(
        std::make_unique<FakeTls>(std::move(plain), "", runtime::StreamFailure{}));
  };
  TestClient board{world, kTls};
  CHECK(board.is_closed_within(Millis{10'300}));
  REQUIRE(world.journal.count((Cause::no_connect)) == 1);
  CHECK(world.journal.entries[0].evidence == "the TLS handshake was not finished");
}

// --- client ids, properties, limits ---

TEST_CASE("an ordinary client without a client id gets one where MQTT allows it") {
  TestWorld world;
  TestClient five{world, kStandard};
  CHECK(five.connect(client("", true, ProtocolVersion::v5)) == 0);
  const auto connack = mqtt::decode_connack(ProtocolVersion::v5, five.connack.frame());
  CHECK(connack->properties.assigned_client_identifier()->starts_with("auto-"));
  TestClient three{world, kStandard};
  CHECK(three.connect(client("")) == 0);
  TestClient persistent{world, kStandard};
  CHECK(persistent.connect(client("", false)) == 2);
  CHECK(world.journal.count((Cause::client_id_empty)) == 1);
}

TEST_CASE("under the cloud policy MQTT 5 gets exactly the documented CONNACK properties") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.version = ProtocolVersion::v5;
  with.expiry = 100;
  REQUIRE(board.connect(with) == 0);
  const auto properties = mqtt::decode_connack(ProtocolVersion::v5, board.connack.frame())->properties;
  using mqtt::Property;
  CHECK(properties.present() ==
        mqtt::set_of(Property::server_keep_alive, Property::session_expiry_interval, Property::maximum_qos,
                     Property::retain_available, Property::wildcard_subscription_available,
                     Property::subscription_identifier_available, Property::shared_subscription_available,
                     Property::topic_alias_maximum, Property::maximum_packet_size));
  CHECK(properties.server_keep_alive() == Seconds{120});
  CHECK(properties.session_expiry() == Seconds{100});
  CHECK(properties.maximum_qos() == 1);
  CHECK(properties.retain_available() == true);
  CHECK(properties.subscription_identifier_available() == false);
  CHECK(properties.topic_alias_maximum() == 20);
  CHECK(properties.maximum_packet_size() == 262144);
}

TEST_CASE("under the standard policy MQTT 5 hears what differs from what it asked for") {
  TestWorld world;
  TestClient one{world, kStandard};
  auto with = client("one", true, ProtocolVersion::v5);
  with.expiry = 0xFFFFFFFF;
  REQUIRE(one.connect(with) == 0);
  const auto properties = mqtt::decode_connack(ProtocolVersion::v5, one.connack.frame())->properties;
  CHECK(properties.session_expiry() == Seconds{7 * 24 * 3600});
  CHECK(properties.receive_maximum() == 16384);
  CHECK(!properties.server_keep_alive());
}

TEST_CASE("extended authentication is not offered") {
  TestWorld world;
  TestClient one{world, kStandard};
  std::uint8_t space[32], buffer[256];
  mqtt::PropertyWriter properties{space};
  properties.authentication_method("SCRAM");
  mqtt::Connect connect;
  connect.version = one.version = ProtocolVersion::v5;
  connect.client_id = "one";
  connect.properties = properties.view();
  const auto size = mqtt::encode(connect, buffer);
  one.send(as_text({buffer, *size}));
  REQUIRE(one.expect(PacketType::connack));
  CHECK(one.last.frame().body[1] == 0x8C);
}

TEST_CASE("when the server is full a CONNECT is answered so") {
  TestWorld::Options options;
  options.config.max_connections = 1;
  TestWorld world{options};
  TestClient first{world, kCloud}, second{world, kCloud};
  CHECK(first.connect(device("a")) != 255);
  TestClient third{world, kCloud};
  CHECK(third.connect(device("b")) == 3);
  CHECK(world.journal.count((Cause::server_full)) >= 1);
}

TEST_CASE("a will whose topic is no topic, or of QoS 2 under the cloud's MQTT 5, is refused at login") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.version = ProtocolVersion::v5;
  with.will = mqtt::Will{.topic = "/pk/dn/user/w", .payload = as_bytes("x"), .qos = Qos::exactly_once};
  CHECK(board.connect(with) == 0x9B);
}

// --- one session per identity ---

TEST_CASE("the same device logs in again: the older connection is closed, whatever the client ids") {
  TestWorld world;
  TestClient first{world, kCloud}, second{world, kCloud};
  REQUIRE(first.connect(device()) == 0);
  auto with = device();
  with.client_id = "quite another";
  REQUIRE(second.connect(with) == 0);
  CHECK(first.is_closed_within(Millis{200}));
  CHECK(world.counters().take_overs == 1);
  CHECK(world.devices().events == std::vector<std::string>{"online pk/dn", "offline pk/dn", "online pk/dn"});
  CHECK(world.counters().sessions == 1);
  CHECK(world.journal.entries.empty());
}

TEST_CASE("MQTT 5 is told that its session was taken over") {
  TestWorld world;
  TestClient first{world, kStandard}, second{world, kStandard};
  REQUIRE(first.connect(client("same", true, ProtocolVersion::v5)) == 0);
  REQUIRE(second.connect(client("same", true, ProtocolVersion::v5)) == 0);
  REQUIRE(first.expect(PacketType::disconnect));
  CHECK(first.last.frame().body[0] == 0x8E);
}

TEST_CASE("two boards with one triple that throw each other out are journaled with both addresses") {
  TestWorld world;
  TestClient a{world, kCloud}, b{world, kCloud};
  REQUIRE(a.connect(device()) == 0);
  REQUIRE(b.connect(device()) == 0);
  CHECK(world.journal.count((Cause::duplicate_login_loop)) == 0);
  world.run_for(Seconds{20});
  TestClient c{world, kCloud};
  REQUIRE(c.connect(device()) == 0);
  REQUIRE(world.journal.count((Cause::duplicate_login_loop)) == 1);
  const auto& entry = world.journal.entries[0];
  CHECK(entry.name == "pk/dn");
  CHECK(entry.evidence.find("logged in from 10.0.0.2:") == 0);
  CHECK(entry.evidence.find(" and from 10.0.0.2:") != std::string::npos);
  world.run_for(Seconds{61});
  TestClient d{world, kCloud};
  REQUIRE(d.connect(device()) == 0);
  CHECK(world.journal.count((Cause::duplicate_login_loop)) == 1);
}

// --- after the login ---

TEST_CASE("a second CONNECT, an answer of the server's, or a reserved packet closes the connection") {
  for (const std::string& bytes :
       {std::string("\x20\x02\x00\x00", 4), std::string("\x90\x03\x00\x01\x00", 5), std::string("\xD0\x00", 2),
        std::string("\xF0\x00", 2), std::string("\x00\x00", 2), std::string("\x33\x05\x00\x01t\x00\x00", 7),
        std::string("\xE0\x01\x00", 3), std::string("\x40\x02\x00\x00", 4), std::string("\x82\x05\x00\x01\x00\x01t", 7),
        std::string("\xA2\x04\x00\x01\x00\x09", 6)}) {
    TestWorld world;
    TestClient one{world, kStandard};
    REQUIRE(one.connect(client("one")) == 0);
    one.send(bytes);
    CAPTURE(bytes.size());
    CHECK(one.is_closed_within(Seconds{1}));
    CHECK(world.counters().protocol_errors == 1);
    CHECK(world.journal.entries.size() == 1);
  }
  TestWorld world;
  TestClient one{world, kStandard};
  REQUIRE(one.connect(client("one")) == 0);
  one.say_connect(client("one"));
  CHECK(one.is_closed_within(Seconds{1}));
}

TEST_CASE("MQTT 5 hears why its packet was refused") {
  TestWorld world;
  TestClient one{world, kStandard};
  REQUIRE(one.connect(client("one", true, ProtocolVersion::v5)) == 0);
  one.send(std::string("\x33\x06\x00\x01t\x00\x00\x00", 8));
  REQUIRE(one.expect(PacketType::disconnect));
  CHECK(one.last.frame().body[0] == 0x81);
}

TEST_CASE("a packet over 256 KB closes the connection") {
  TestWorld world;
  TestClient one{world, kStandard};
  REQUIRE(one.connect(client("one")) == 0);
  one.say_publish("t", std::string(262144 - 3 - 4 - 1, 'x'));
  world.run_for(Seconds{2});
  CHECK(!one.is_closed);
  CHECK(world.counters().messages_in == 1);
  one.send(std::string("\x30\x81\x80\x10\x00\x01t", 7));
  CHECK(one.is_closed_within(Seconds{1}));
  CHECK(world.journal.count((Cause::packet_too_large)) == 1);
}

TEST_CASE("large packets arrive whole however they are cut") {
  TestWorld::Options options;
  options.seed = 5;
  TestWorld world{options};
  world.client_host.link.split_reads = 0.5;
  world.client_host.link.short_writes = 0.5;
  TestClient one{world, kStandard};
  REQUIRE(one.connect(client("one")) == 0);
  REQUIRE(one.subscribe("t") == 0);
  std::string payload;
  for (int i = 0; payload.size() < 200'000; ++i) payload += std::to_string(i);
  for (int i = 0; i < 3; ++i) {
    one.say_publish("t", payload);
    one.say_publish("t", "small");
  }
  for (int i = 0; i < 3; ++i) {
    CHECK(one.hears("t", payload));
    CHECK(one.hears("t", "small"));
  }
}

TEST_CASE("the platform can disconnect a device, and forget it") {
  TestWorld world;
  TestClient board{world, kCloud};
  REQUIRE(board.connect(device("dn", false)) == 0);
  world.broker().disconnect("d/pk/dn", false);
  CHECK(board.is_closed_within(Seconds{1}));
  CHECK(world.counters().sessions == 1);
  world.broker().disconnect("d/pk/dn", true);
  CHECK(world.counters().sessions == 0);
  world.broker().disconnect("d/pk/dn", true);  // nobody: nothing happens
}

TEST_CASE("shutting down tells MQTT 5 clients and publishes no wills") {
  TestWorld world;
  TestClient one{world, kStandard}, two{world, kStandard};
  auto with = client("one", true, ProtocolVersion::v5);
  with.will = mqtt::Will{.topic = "w", .payload = as_bytes("gone")};
  REQUIRE(one.connect(with) == 0);
  REQUIRE(two.connect(client("two")) == 0);
  REQUIRE(two.subscribe("w") == 0);
  world.broker().shut_down();
  REQUIRE(one.expect(PacketType::disconnect));
  CHECK(one.last.frame().body[0] == 0x8B);
  CHECK(two.is_closed_within(Seconds{1}));
  CHECK(two.received.empty());
  TestClient late{world, kStandard};
  CHECK(late.connect(client("late")) == 255);
}

TEST_CASE("a registration gets CONNACK 0 and one message unasked, no session, and 15 s to go [2.9]") {
  for (const auto version : {ProtocolVersion::v311, ProtocolVersion::v5}) {
    TestWorld world;
    TestClient board{world, kCloud};
    auto with = device();
    with.version = version;
    with.password = "register";
    with.keep_alive = 5;  // not looked at
    CHECK(board.connect(with) == 0);
    if (version == ProtocolVersion::v311) CHECK(board.connack.bytes == std::string("\x20\x02\x00\x00", 4));
    CHECK(board.hears("/ext/register", R"({"deviceSecret":"s"})"));
    CHECK(world.devices().events.empty());
    CHECK(world.counters().sessions == 0);
    CHECK(world.counters().handovers == 1);
    board.send("\xc0\x00 whatever it says is not looked at");
    CHECK(board.hears_nothing(Millis{14'000}));
    CHECK(!board.is_closed);
    CHECK(board.is_closed_within(Seconds{2}));
    world.run_for(Millis{100});
    CHECK(world.counters().connections == 0);
  }
}

TEST_CASE("a client that goes as soon as it has its message leaves nothing behind") {
  TestWorld world;
  TestClient board{world, kCloud};
  auto with = device();
  with.password = "register";
  CHECK(board.connect(with) == 0);
  CHECK(board.expect(PacketType::publish));
  board.drop();
  world.run_for(Millis{100});
  CHECK(world.counters().connections == 0);
  CHECK(world.journal.entries.empty());
}

TEST_CASE("a verdict that comes later is carried out when it comes") {
  TestWorld world;
  auto with = device();
  with.password = "later";
  TestClient taken{world, kCloud}, turned_away{world, kCloud};
  taken.say_connect(with), turned_away.say_connect(with);
  world.run_for(Millis{500});
  REQUIRE(world.authenticator.undecided.size() == 2);
  CHECK(taken.received.empty());
  world.authenticator.undecided[0](TestAuthenticator::handed_over());
  Verdict refused;
  refused.connack_code = 4;
  refused.refusal = Refusal{};
  refused.refusal->cause = "test.refused";
  world.authenticator.undecided[1](refused);
  CHECK(taken.expect(PacketType::connack));
  CHECK(taken.hears("/ext/register", R"({"deviceSecret":"s"})"));
  REQUIRE(turned_away.expect(PacketType::connack));
  CHECK(turned_away.last.frame().body[1] == 4);
  CHECK(world.journal.count("test.refused") == 1);
}

TEST_CASE("a verdict that comes too late, or twice, or for a client that has gone, is forgotten") {
  TestWorld world;
  auto with = device();
  with.password = "later";
  TestClient late{world, kCloud}, gone{world, kCloud};
  late.say_connect(with), gone.say_connect(with);
  world.run_for(Millis{500});
  gone.drop();
  world.run_for(Millis{4000});
  REQUIRE(late.expect(PacketType::connack));
  CHECK(late.last.frame().body[1] == 3);
  CHECK(late.is_closed_within(Seconds{3}));
  for (const auto& decide : world.authenticator.undecided) {
    decide(TestAuthenticator::handed_over());
    decide(TestAuthenticator::handed_over());
  }
  world.run_for(Millis{100});
  CHECK(world.counters().handovers == 0);
  CHECK(world.counters().connections == 0);
}
