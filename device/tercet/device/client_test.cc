#include "tercet/device/client.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<float> kTemperature{"temperature"};
inline constexpr Property<std::int32_t> kInterval{"report_interval", Access::read_write, 1, 86400};
inline constexpr UnixMillis kFloor{1'700'000'000'000};
constexpr std::string_view kTimeServers[] = {"one.example", "two.example"};

/// A device on a fake board, and what it said.
struct Bench final : DeviceEvents {
  explicit Bench(std::uint32_t seed = 1) : board(seed) {
    options.time.floor = kFloor;
    options.time.servers = kTimeServers;
  }
  void start(bool tls = true) {
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    const auto port = static_cast<std::uint16_t>(tls ? 8883 : 1883);
    REQUIRE(device.start(id, {"iot.example", port, tls}, options));
  }
  /// Runs at once, then at each deadline until `by` has gone.
  void run_for(Millis by) {
    const Instant until = board.clock.now() + by;
    for (int passes = 0; passes < 1'000'000; ++passes) {
      device.run();
      const Instant next = std::max(device.next_deadline(), board.clock.now());
      if (next > until) break;
      board.clock.advance(next - board.clock.now());
    }
    if (board.clock.now() < until) board.clock.advance(until - board.clock.now());
    device.run();
  }
  /// The transport has no events of its own here, so passes are made every 10 ms until it is online.
  bool get_online(Millis within = Millis{200'000}) {
    for (const Instant until = board.clock.now() + within; board.clock.now() < until;) {
      device.run();
      if (device.is_online() && device.ladder().standing() >= Rung::suback) return true;
      board.clock.advance(Millis{10});
    }
    return false;
  }
  void passes(int count) {
    for (int i = 0; i < count; ++i) device.run();
  }

  void on_set(PropertySet& set) override {
    const auto wanted = set.get(kInterval);
    if (!set.ok()) return;
    if (wanted) interval = *wanted, set.confirm(kInterval(interval));
  }
  void on_reply(const PostReply& reply) override { last_reply = reply.id, last_code = reply.code, ++replies; }
  void on_rung(Rung rung, const RungRecord& record, std::string_view) override {
    if (record.error) broken = rung, error = *record.error;
  }
  void on_online() override { ++times_online; }
  void on_offline(Rung, Error, Millis retry_in) override { ++times_offline, last_wait = retry_in, waits += retry_in; }
  void on_time(const TimeStep& step) override { last_step = step; }
  void on_message(std::string_view topic, Bytes) override { last_topic = topic; }

  fake::Board board;
  DeviceBuffers<> buffers;
  Options options;
  Device device{board.port(), buffers.storage(), *this};

  std::int32_t interval = 60;
  MessageId last_reply = 0;
  std::int32_t last_code = 0;
  std::uint32_t replies = 0, times_online = 0, times_offline = 0;
  std::optional<Rung> broken;
  std::optional<Error> error;
  Millis last_wait{0}, waits{0};
  std::optional<TimeStep> last_step;
  std::string last_topic;
};

}  // namespace

TEST_CASE("a board climbs every rung in order, posts, and is answered") {
  Bench bench;
  bench.start();
  REQUIRE(bench.device.post_property(kTemperature(21.3f)));
  REQUIRE(bench.get_online());
  bench.passes(3);
  for (std::size_t i = 0; i < kRungs; ++i) {
    CAPTURE(name(static_cast<Rung>(i)));
    CHECK(bench.device.ladder().record(static_cast<Rung>(i)).passed == 1);
    CHECK(bench.device.ladder().record(static_cast<Rung>(i)).failed == 0);
  }
  CHECK(bench.last_reply == 1);
  CHECK(bench.last_code == 200);
  CHECK(bench.device.delivered() == 1);
  const std::string post{bench.board.platform.last_post.str()};
  CHECK(post.find(R"("temperature":{"value":21.3,"time":1800000000000})") != std::string::npos);
  CHECK(post.find(R"("method":"thing.event.property.post")") != std::string::npos);
  CHECK(bench.board.watchdog.fed > 0);
}

TEST_CASE("the login has the shape of the vendor's C SDK and its secret is wiped after it") {
  Bench bench;
  bench.start();
  REQUIRE(bench.get_online());
  const auto& platform = bench.board.platform;
  CHECK(platform.client_id.str().starts_with("a1B2c3D4e5F.sensor_01|"));
  CHECK(platform.client_id.str().find("signmethod=hmacsha256") != std::string_view::npos);
  CHECK(platform.client_id.str().find("timestamp=2524608000000") != std::string_view::npos);
  CHECK(platform.client_id.str().find("securemode=2") != std::string_view::npos);
  CHECK(platform.user_name == "sensor_01&a1B2c3D4e5F");
  CHECK(platform.password == "6dd0716f22a33f301fc27f8b79008e14a7ad96d1c84c3885f814d4c5acfb5f11");
  const auto* bytes = reinterpret_cast<const char*>(&bench.device);
  const std::string_view object(bytes, sizeof bench.device);
  const std::string_view memory(reinterpret_cast<const char*>(&bench.buffers), sizeof bench.buffers);
  for (const std::string_view place : {object, memory}) {
    CHECK(place.find(bench.board.secrets.secret) == std::string_view::npos);
    CHECK(place.find(platform.password.str()) == std::string_view::npos);
  }
}

TEST_CASE("with a pre-shared key the transport gets identity and key, no clock is needed, and the key is wiped") {
  Bench bench;
  bench.options.psk = true;
  bench.board.clock.wall_at = {0};
  for (auto& server : bench.board.time_servers.servers) server.mood = fake::TimeServers::Mood::silent;
  bench.start();
  REQUIRE(bench.get_online());
  const auto& transport = bench.board.transport;
  CHECK(transport.psk_identity == "devicename|hmacsha256|a1B2c3D4e5F&sensor_01|2524608000000");
  CHECK(transport.psk_key == "1A4412322E8DAA34FBCC95BB5BAB489F9E2E55063602C3F40E94BEABB27F70EB");
  const std::string_view object(reinterpret_cast<const char*>(&bench.device), sizeof bench.device);
  CHECK(object.find(transport.psk_key.str()) == std::string_view::npos);
  Bench certificates;
  certificates.start();
  REQUIRE(certificates.get_online());
  CHECK(certificates.board.transport.psk_identity.empty());
}

TEST_CASE("a pre-shared key does not stay in memory when the device is stopped on its way up") {
  for (const Stage stage : {Stage::resolving, Stage::connecting, Stage::securing}) {
    CAPTURE(static_cast<int>(stage));
    Bench bench;
    bench.options.psk = true;
    bench.board.transport.hang_at(stage);
    bench.start();
    CHECK(!bench.get_online(Millis{500}));
    const auto output = bench.buffers.storage().mqtt.output;
    const std::string_view memory(reinterpret_cast<const char*>(output.data()), output.size());
    const auto& key = bench.board.transport.psk_key;
    REQUIRE(!key.empty());
    REQUIRE(memory.find(key.str()) != std::string_view::npos);
    bench.device.stop();
    for (int i = 0; i < 4 && !bench.device.is_stopped(); ++i) bench.device.run();
    REQUIRE(bench.device.is_stopped());
    CHECK(memory.find(key.str()) == std::string_view::npos);
  }
}

TEST_CASE("a pre-shared key that the platform does not have, or a board without a secret, breaks the rung tls") {
  Bench bench;
  bench.options.psk = true;
  bench.board.transport.break_at(Stage::securing, Error::denied);
  bench.start();
  CHECK(!bench.get_online(Seconds{5}));
  CHECK(bench.broken == Rung::tls);
  CHECK(bench.error == Error::denied);
  CHECK(!remedy(Rung::tls, Error::denied, Language::english).empty());
  Bench bare;
  bare.options.psk = true;
  bare.board.secrets.broken = Error::not_found;
  bare.start();
  CHECK(!bare.get_online(Seconds{5}));
  CHECK(bare.broken == Rung::tls);
  CHECK(bare.error == Error::not_found);
  CHECK(bare.board.transport.opened == 0);
}

TEST_CASE("after two attempts that reach nobody the other endpoint is tried, and so on in turn; an answer ends that") {
  Bench bench;
  bench.options.other = {"spare.example", 8883, true};
  bench.board.transport.break_at(Stage::connecting, Error::connect_refused);
  bench.start();
  std::vector<std::string> hosts;
  for (std::uint32_t seen = 0; hosts.size() < 7;) {
    bench.device.run();
    if (bench.board.transport.opened != seen) {
      seen = bench.board.transport.opened;
      hosts.emplace_back(bench.board.transport.host.str());
    }
    bench.board.clock.advance(Millis{100});
  }
  CHECK(hosts == std::vector<std::string>{"iot.example", "iot.example", "spare.example", "spare.example", "iot.example",
                                          "iot.example", "spare.example"});
  bench.board.transport.mend();
  REQUIRE(bench.get_online());
  CHECK(bench.board.transport.host == "spare.example");
  bench.board.transport.break_at(Stage::resolving, Error::dns_failed);
  bench.board.platform.hang_up();
  bench.run_for(Seconds{3});
  CHECK(bench.board.transport.host == "spare.example");  // one attempt in vain is no reason
}

TEST_CASE("without another endpoint, and while a platform refuses, a board stays where it is") {
  Bench alone;
  alone.board.transport.break_at(Stage::connecting, Error::connect_refused);
  alone.start();
  alone.run_for(Seconds{300});
  CHECK(alone.board.transport.opened > 3);
  CHECK(alone.board.transport.host == "iot.example");
  Bench refused;
  refused.options.other = {"spare.example", 8883, true};
  refused.board.platform.connack = mqtt::ReasonCode{4};
  refused.start();
  refused.run_for(Seconds{300});
  CHECK(refused.board.transport.opened > 3);
  CHECK(refused.board.transport.host == "iot.example");
}

TEST_CASE("each rung that breaks is named with its error, and the board recovers by itself") {
  struct Case {
    Rung rung;
    Error error;
    void (*wreck)(fake::Board&);
  };
  const Case cases[] = {
      {Rung::link, Error::timed_out, [](fake::Board& b) { b.network.link = false; }},
      {Rung::address, Error::timed_out, [](fake::Board& b) { b.network.address = false; }},
      {Rung::dns, Error::dns_failed, [](fake::Board& b) { b.transport.break_at(Stage::resolving, Error::dns_failed); }},
      {Rung::dns, Error::timed_out, [](fake::Board& b) { b.transport.hang_at(Stage::resolving); }},
      {Rung::tcp, Error::connect_refused,
       [](fake::Board& b) { b.transport.break_at(Stage::connecting, Error::connect_refused); }},
      {Rung::tcp, Error::timed_out, [](fake::Board& b) { b.transport.hang_at(Stage::connecting); }},
      {Rung::tls, Error::tls_untrusted,
       [](fake::Board& b) { b.transport.break_at(Stage::securing, Error::tls_untrusted); }},
      {Rung::tls, Error::tls_expired,
       [](fake::Board& b) { b.transport.break_at(Stage::securing, Error::tls_expired); }},
      {Rung::tls, Error::tls_wrong_host,
       [](fake::Board& b) { b.transport.break_at(Stage::securing, Error::tls_wrong_host); }},
      {Rung::tls, Error::timed_out, [](fake::Board& b) { b.transport.hang_at(Stage::securing); }},
      {Rung::connect, Error::refused_credentials,
       [](fake::Board& b) { b.platform.connack = mqtt::ReasonCode::bad_user_name_or_password; }},
      {Rung::connect, Error::refused_not_authorized,
       [](fake::Board& b) { b.platform.connack = mqtt::ReasonCode::not_authorized; }},
      {Rung::connect, Error::refused_unavailable,
       [](fake::Board& b) { b.platform.connack = mqtt::ReasonCode::server_unavailable; }},
      {Rung::connect, Error::timed_out, [](fake::Board& b) { b.platform.answers_connect = false; }},
      {Rung::connect, Error::not_found, [](fake::Board& b) { b.secrets.broken = Error::not_found; }},
      {Rung::connect, Error::denied, [](fake::Board& b) { b.secrets.broken = Error::denied; }},
      {Rung::suback, Error::denied, [](fake::Board& b) { b.platform.refuses_filter_ending = "property/set"; }},
  };
  for (const Case& c : cases) {
    CAPTURE(name(c.rung));
    CAPTURE(name(c.error));
    Bench bench;
    bench.start();
    c.wreck(bench.board);
    for (int i = 0; i < 6'000 && !bench.broken; ++i) {
      bench.device.run();
      bench.board.clock.advance(Millis{10});
    }
    REQUIRE(bench.broken);
    CHECK(*bench.broken == c.rung);
    CHECK(*bench.error == c.error);
    CHECK(bench.device.ladder().record(c.rung).error == c.error);
    if (c.rung < Rung::suback) CHECK(bench.times_offline == 1);
    CHECK(!explain(c.rung, c.error, Language::english).empty());
    CHECK(!remedy(c.rung, c.error, Language::chinese).empty());

    bench.board.transport.mend();
    bench.board.network = {};
    bench.board.secrets.broken.reset();
    bench.board.platform.connack = mqtt::ReasonCode::success;
    bench.board.platform.answers_connect = true;
    bench.board.platform.refuses_filter_ending = {};
    if (c.rung == Rung::suback) bench.board.platform.hang_up();
    CHECK(bench.get_online());
    CHECK(!bench.device.ladder().record(c.rung).error);
  }
}

TEST_CASE("a platform that answers no post is reported, and the connection is kept") {
  Bench bench;
  bench.board.platform.answers_posts = bench.board.platform.answers_ntp = false;
  bench.start();
  REQUIRE(bench.get_online());
  REQUIRE(bench.device.post_property(kTemperature(20)));
  bench.run_for(Millis{25'000});
  CHECK(bench.broken == Rung::reply);
  CHECK(bench.error == Error::timed_out);
  CHECK(bench.device.is_online());
}

TEST_CASE("plain TCP needs no clock and skips the rung of TLS") {
  Bench bench;
  bench.board.clock.wall_at = UnixMillis{0};
  bench.start(false);
  REQUIRE(bench.get_online());
  CHECK(bench.board.time_servers.asked == 0);
  CHECK(bench.board.platform.client_id.str().find("securemode=3") != std::string_view::npos);
  Bench refused;
  refused.board.platform.connack = mqtt::ReasonCode::not_authorized;
  refused.start(false);
  CHECK(!refused.get_online(Millis{100}));
  CHECK(refused.broken == Rung::connect);
}

TEST_CASE("TLS is not begun by a clock below the floor until a time server has been heard") {
  Bench bench;
  bench.board.clock.wall_at = UnixMillis{12'345};
  bench.board.time_servers.servers[0] = {"one.example", fake::TimeServers::Mood::silent, {}};
  bench.board.time_servers.servers[1] = {"two.example", fake::TimeServers::Mood::silent, {}};
  bench.start();
  CHECK(!bench.get_online(Millis{20'000}));
  CHECK(bench.broken == Rung::tls);
  CHECK(bench.error == Error::clock_unset);
  CHECK(bench.board.transport.opened == 0);
  bench.board.time_servers.servers[1] = {"two.example", fake::TimeServers::Mood::answers, {1'800'000'000'000}};
  CHECK(bench.get_online());
  CHECK(bench.last_step->to.ms >= 1'800'000'000'000);
  CHECK(bench.device.time().is_fit_for_tls());
}

TEST_CASE("values posted before the clock is set carry no time, and afterwards they do") {
  Bench bench;
  bench.board.clock.wall_at = UnixMillis{12'345};
  bench.board.platform.record_posts = true;
  bench.start();
  REQUIRE(bench.device.post_property(kTemperature(20)));
  bench.board.time_servers.servers[0] = {"one.example", fake::TimeServers::Mood::answers, {1'800'000'000'000}};
  REQUIRE(bench.get_online());
  REQUIRE(bench.device.post_property(kTemperature(21)));
  bench.passes(3);
  REQUIRE(bench.board.platform.posts.size() == 2);
  CHECK(bench.board.platform.posts[0].find(R"({"temperature":20.0})") != std::string::npos);
  CHECK(bench.board.platform.posts[1].find(R"("time":18000000)") != std::string::npos);
}

TEST_CASE("an expired certificate makes the board doubt its own clock and ask a time server") {
  Bench bench;
  bench.board.transport.break_at(Stage::securing, Error::tls_expired);
  bench.board.time_servers.servers[0] = {"one.example", fake::TimeServers::Mood::answers, {1'850'000'000'000}};
  bench.start();
  CHECK(!bench.get_online(Millis{1'000}));
  bench.board.transport.mend();
  REQUIRE(bench.get_online());
  CHECK(bench.board.time_servers.asked == 2 * bench.times_offline);
  CHECK(!bench.device.time().is_doubted());
}

TEST_CASE("a wrong time server and a certificate that has expired by it cost an attempt, not the board") {
  Bench bench;
  bench.options.platform_time = false;
  bench.board.clock.wall_at = UnixMillis{12'345};
  bench.board.time_servers.servers[0] = {"one.example", fake::TimeServers::Mood::answers, {2'200'000'000'000}};
  bench.board.time_servers.servers[1] = {"two.example", fake::TimeServers::Mood::answers, {1'800'000'000'000}};
  bench.board.transport.break_at(Stage::securing, Error::tls_expired);
  bench.start();
  for (int i = 0; i < 20'000 && !bench.device.is_online(); ++i) {
    if (bench.board.clock.wall() < UnixMillis{2'100'000'000'000} && bench.device.time().is_set())
      bench.board.transport.mend();  // the certificate is good at the right time
    bench.device.run();
    bench.board.clock.advance(Millis{10});
  }
  CHECK(bench.device.is_online());
  CHECK(bench.times_offline == 1);
}

TEST_CASE("the platform's clock corrects ours and the step is reported") {
  Bench bench;
  bench.board.platform.wall = UnixMillis{1'800'000'090'000};
  bench.start();
  REQUIRE(bench.get_online());
  bench.passes(3);
  REQUIRE(bench.last_step);
  CHECK(bench.last_step->origin == TimeOrigin::platform);
  CHECK(bench.last_step->to == UnixMillis{1'800'000'090'000});
  CHECK(bench.board.clock.wall().ms >= 1'800'000'090'000);
}

TEST_CASE("a link that swallows everything is noticed within 70 seconds and replaced") {
  Bench bench;
  bench.start();
  REQUIRE(bench.get_online());
  bench.passes(5);
  bench.board.transport.half_open = true;
  const Instant broke = bench.board.clock.now();
  for (int i = 0; i < 10'000 && bench.times_offline == 0; ++i) {
    bench.device.run();
    bench.board.clock.advance(Millis{10});
  }
  CHECK(bench.times_offline == 1);
  CHECK(bench.board.clock.now() - broke <= Millis{70'050});
  bench.board.transport.mend();
  CHECK(bench.get_online());
}

TEST_CASE("two boards with one triple do not kick each other at full speed") {
  Bench bench;
  bench.start();
  std::vector<Instant> logins;
  const Instant until = bench.board.clock.now() + std::chrono::minutes{30};
  while (bench.board.clock.now() < until) {
    REQUIRE(bench.get_online());
    logins.push_back(bench.board.clock.now());
    bench.board.clock.advance(Millis{200});
    bench.board.platform.hang_up();
    bench.passes(2);
  }
  CHECK(logins.size() < 100);
  CHECK(logins.back() - logins.front() > Millis{0});
  CHECK(bench.device.failed_attempts() > 5);
}

TEST_CASE("a property set is obeyed, answered, and the new value posted after the answer") {
  Bench bench;
  bench.board.platform.record_posts = true;
  bench.start();
  REQUIRE(bench.get_online());
  bench.board.platform.push_set("4294967295", R"({"report_interval":5})");
  bench.passes(3);
  CHECK(bench.interval == 5);
  CHECK(bench.board.platform.last_set_reply == R"({"id":"4294967295","code":200,"data":{}})");
  REQUIRE(bench.board.platform.posts.size() == 1);
  CHECK(bench.board.platform.posts[0].find(R"("report_interval":{"value":5,)") != std::string::npos);
}

TEST_CASE("a set with a wrong type, a value out of range or an unknown property changes nothing and is answered 460") {
  for (const std::string_view params :
       {R"({"report_interval":"5"})", R"({"report_interval":0})", R"({"report_interval":5.5})",
        R"({"report_interval":5,"colour":1})", R"({"report_interval":null})"}) {
    CAPTURE(params);
    Bench bench;
    bench.start();
    REQUIRE(bench.get_online());
    bench.board.platform.push_set("7", params);
    bench.passes(3);
    CHECK(bench.interval == 60);
    CHECK(bench.board.platform.last_set_reply == R"({"id":"7","code":460,"data":{}})");
  }
}

TEST_CASE("bytes that are no Alink request are ignored and the board stays online") {
  Bench bench;
  bench.start();
  REQUIRE(bench.get_online());
  for (const std::string_view junk : {"", "{", "[]", "\x01\xff", R"({"id":1,"params":7})"})
    bench.board.platform.push("/sys/a1B2c3D4e5F/sensor_01/thing/service/property/set", junk, mqtt::Qos::at_most_once);
  bench.passes(10);
  CHECK(bench.device.is_online());
  CHECK(bench.interval == 60);
}

TEST_CASE("readings of an outage arrive afterwards in order and with their own times") {
  Bench bench;
  bench.board.platform.record_posts = true;
  bench.board.network.link = false;
  bench.start();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(bench.device.post_property(kTemperature(static_cast<float>(20 + i))));
    bench.board.clock.advance(Millis{1'000});
    bench.device.run();
  }
  bench.board.network.link = true;
  REQUIRE(bench.get_online());
  bench.passes(5);
  REQUIRE(bench.board.platform.posts.size() == 5);
  for (int i = 0; i < 5; ++i) {
    const std::string wanted =
        R"({"temperature":{"value":)" + std::to_string(20 + i) + R"(.0,"time":180000000)" + std::to_string(i) + "000}}";
    CHECK(bench.board.platform.posts[static_cast<std::size_t>(i)].find(wanted) != std::string::npos);
  }
  CHECK(bench.device.outbox().waiting == 0);
}

TEST_CASE("a full outbox drops by its policy and says so") {
  Bench oldest;
  oldest.board.network.link = false;
  oldest.start();
  for (int i = 0; i < 100; ++i) REQUIRE(oldest.device.post_property(kTemperature(1)));
  CHECK(oldest.device.outbox().dropped > 0);
  CHECK(oldest.device.outbox().waiting + oldest.device.outbox().dropped == 100);

  Bench newest;
  newest.options.drop = DropPolicy::newest;
  newest.board.network.link = false;
  newest.start();
  Result<MessageId> last = fail(Error::internal);
  for (int i = 0; i < 100; ++i) last = newest.device.post_property(kTemperature(1));
  CHECK(last.error() == Error::no_space);
}

TEST_CASE("a post on the wire when the connection breaks is sent again") {
  Bench bench;
  bench.start();
  REQUIRE(bench.get_online());
  bench.board.platform.acknowledges = bench.board.platform.answers_posts = false;
  REQUIRE(bench.device.post_property(kTemperature(20)));
  bench.passes(2);
  CHECK(bench.device.in_flight() == 1);
  bench.board.platform.hang_up();
  bench.board.platform.acknowledges = bench.board.platform.answers_posts = true;
  bench.passes(2);
  REQUIRE(bench.get_online());
  bench.passes(3);
  CHECK(bench.board.platform.posts_received == 2);
  CHECK(bench.device.in_flight() == 0);
  CHECK(bench.last_reply == 1);
}

TEST_CASE("with auto-subscribe nothing is subscribed and everything is heard") {
  Bench bench;
  bench.options.auto_subscribe = true;
  bench.start();
  REQUIRE(bench.get_online());
  CHECK(bench.board.platform.subscribes == 0);
  CHECK(bench.board.platform.client_id.str().find("_ss=1") != std::string_view::npos);
  bench.board.platform.push_set("1", R"({"report_interval":9})");
  bench.passes(3);
  CHECK(bench.interval == 9);
}

TEST_CASE("when the platform has kept the session, nothing is subscribed again") {
  Bench bench;
  bench.start();
  REQUIRE(bench.get_online());
  const auto before = bench.board.platform.subscribes;
  bench.board.platform.hang_up();
  bench.passes(2);
  REQUIRE(bench.get_online());
  CHECK(bench.board.platform.subscribes == before);
  bench.board.platform.keeps_sessions = false;
  bench.board.platform.hang_up();
  bench.passes(2);
  REQUIRE(bench.get_online());
  CHECK(bench.board.platform.subscribes > before);
}

TEST_CASE("events are posted with their output and time") {
  Bench bench;
  bench.start();
  REQUIRE(bench.get_online());
  REQUIRE(bench.device.post_event("alarm", {kTemperature(40.5f)}, UnixMillis{1'800'000'000'123}));
  CHECK(bench.device.post_event("a/b", {}).error() == Error::bad_argument);
  bench.passes(3);
  const std::string event{bench.board.platform.last_event.str()};
  CHECK(event.find(R"("params":{"value":{"temperature":40.5},"time":1800000000123})") != std::string::npos);
  CHECK(event.find(R"("method":"thing.event.alarm.post")") != std::string::npos);
  CHECK(bench.last_code == 200);
}

TEST_CASE("other topics can be published to and subscribed to") {
  Bench bench;
  bench.start();
  CHECK(bench.device.publish("/a/b", {}, mqtt::Qos::at_most_once).error() == Error::bad_state);
  REQUIRE(bench.device.subscribe("/a1B2c3D4e5F/sensor_01/user/get", mqtt::Qos::at_least_once));
  REQUIRE(bench.device.subscribe("/a1B2c3D4e5F/sensor_01/user/more", mqtt::Qos::at_most_once));  // no flash, no batches
  REQUIRE(bench.device.subscribe("/a1B2c3D4e5F/sensor_01/user/most", mqtt::Qos::at_most_once));  // no services
  REQUIRE(bench.device.subscribe("/a1B2c3D4e5F/sensor_01/user/last", mqtt::Qos::at_most_once));  // nor desired values
  CHECK(bench.device.subscribe("/one/too/many", mqtt::Qos::at_most_once).error() == Error::no_space);
  REQUIRE(bench.get_online());
  bench.board.platform.push("/a1B2c3D4e5F/sensor_01/user/get", "hi", mqtt::Qos::at_least_once);
  bench.passes(3);
  CHECK(bench.last_topic == "/a1B2c3D4e5F/sensor_01/user/get");
}

TEST_CASE("calls out of place and options out of range are refused") {
  Bench bench;
  CHECK(bench.device.post_property(kTemperature(1)).error() == Error::bad_state);
  const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
  bench.options.keep_alive = Seconds{10};
  CHECK(bench.device.start(id, {"host"}, bench.options).error() == Error::bad_argument);
  CHECK(bench.device.start(id, {""}).error() == Error::bad_argument);
  bench.options.keep_alive = Seconds{60};
  bench.start();
  CHECK(bench.device.start(id, {"host"}).error() == Error::bad_state);
  const std::string huge(2'000, 'x');
  const Property<std::string_view> note{"note"};
  CHECK(bench.device.post_property(note(huge)).error() == Error::too_large);
}

TEST_CASE("stop says goodbye, keeps what waits, and start goes on") {
  Bench bench;
  bench.start();
  REQUIRE(bench.get_online());
  bench.device.stop();
  bench.passes(3);
  CHECK(bench.device.is_stopped());
  CHECK(bench.board.platform.disconnects == 1);
  CHECK(bench.board.transport.stage() == Stage::closed);
  bench.board.network.link = true;
  REQUIRE(bench.device.post_property(kTemperature(25)));
  bench.start();
  REQUIRE(bench.get_online());
  bench.passes(3);
  CHECK(bench.board.platform.posts_received == 1);
}

TEST_CASE("bytes may come and go one at a time") {
  Bench bench;
  bench.board.transport.most_at_once = 1;
  bench.start();
  REQUIRE(bench.device.post_property(kTemperature(21)));
  REQUIRE(bench.get_online());
  bench.run_for(Millis{100});
  CHECK(bench.last_code == 200);
}
