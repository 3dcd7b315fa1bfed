#pragma once
// What the tests of this folder share: brokers of a simulated server, clients that speak bytes, and parts that record.
#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/broker.h"
#include "platform/runtime/sim.h"
#include "platform/store/memory_store.h"
#include "tercet/auth/cause.h"
#include "tercet/mqtt/decode.h"
#include "tercet/mqtt/encode.h"

namespace tercet::broker::test {

using mqtt::PacketType;
using mqtt::ProtocolVersion;
using mqtt::Qos;
using mqtt::ReasonCode;

/// Knows everybody who says "secret". Cloud: user name "dn&pk", `_ss=1` and `ext=1` in the client id count.
class TestAuthenticator final : public Authenticator {
 public:
  std::string home_key(const LoginAttempt& attempt) const override {
    if (attempt.policy == PolicyKind::standard) return "c/" + std::string(attempt.client_id);
    const auto user = attempt.user_name.value_or("");
    const auto at = user.find('&');
    if (at == std::string_view::npos) return "";
    return device_key(user.substr(at + 1), user.substr(0, at));
  }
  Verdict authenticate(const LoginAttempt& attempt) override {
    ++asked;
    last_tls = attempt.tls;
    Verdict verdict;
    const std::string key = home_key(attempt);
    const auto password = attempt.password ? as_text(*attempt.password) : std::string_view{};
    if (password == "later") {
      verdict.later = [this](std::function<void(Verdict)> decide) { undecided.push_back(std::move(decide)); };
      return verdict;
    }
    if (password == "register") return handed_over();
    if (key.empty() || (password != "secret" && attempt.policy == PolicyKind::cloud)) {
      verdict.delay = password == "slow" ? Millis{3000} : Millis{0};
      verdict.refusal = Refusal{};
      verdict.refusal->cause = "test.refused";
      return verdict;
    }
    verdict.accepted = true;
    verdict.identity.kind = key[0] == 'd' ? Identity::Kind::device : Identity::Kind::client;
    verdict.identity.name = key.substr(2);
    verdict.auto_subscribe = attempt.client_id.find("_ss=1") != std::string_view::npos;
    verdict.ext = attempt.client_id.find("ext=1") != std::string_view::npos ? 1 : 0;
    verdict.tag = 42;
    return verdict;
  }
  /// "register" is told something instead of being let in.
  static Verdict handed_over() {
    Verdict verdict;
    verdict.accepted = true;
    verdict.identity = {Identity::Kind::device, "pk/dn"};
    verdict.handover = Handover{"/ext/register", R"({"deviceSecret":"s"})"};
    return verdict;
  }
  int asked = 0;
  bool last_tls = false;
  std::vector<std::function<void(Verdict)>> undecided;  ///< logins with the password "later"
};

class TestJournal final : public Journal {
 public:
  void record(Refusal refusal) override { entries.push_back(std::move(refusal)); }
  std::size_t count(std::string_view cause) const {
    std::size_t found = 0;
    for (const auto& entry : entries) found += entry.cause == cause ? 1 : 0;
    return found;
  }
  const Refusal* last(std::string_view cause) const {
    const Refusal* found = nullptr;
    for (const auto& entry : entries)
      if (entry.cause == cause) found = &entry;
    return found;
  }
  std::size_t count(auth::Cause cause) const { return count(auth::code(cause)); }
  const Refusal* last(auth::Cause cause) const { return last(auth::code(cause)); }
  std::vector<Refusal> entries;
};

class TestIngress final : public Ingress {
 public:
  struct Got {
    SessionRef session;
    std::string name, topic, payload;
    std::uint8_t qos;
    AckToken token;
  };
  Taken on_message(const Inbound& message) override {
    got.push_back({message.session, message.identity.name, std::string(message.topic),
                   std::string(as_text(message.payload)), message.qos, message.token});
    if (broker != nullptr) broker->disconnect(message.identity.key(), false);
    return later ? Taken::later : Taken::done;
  }
  void on_online(SessionRef session, const Identity& identity, std::uint64_t tag, const runtime::Address& peer,
                 std::string_view client_id) override {
    events.push_back("online " + identity.name);
    last_session = session;
    last_client_id = client_id;
    last_peer = peer;
    last_tag = tag;
  }
  void on_offline(const Identity& identity, std::uint64_t) override { events.push_back("offline " + identity.name); }

  void on_receipt(std::uint64_t, std::uint64_t receipt) override {
    events.push_back("receipt " + std::to_string(receipt));
  }
  void on_subscribed(std::uint64_t) override {
    if (notes_subscribed) events.push_back("subscribed");
  }

  bool notes_subscribed = false;
  std::vector<Got> got;
  std::vector<std::string> events;
  SessionRef last_session;
  std::string last_client_id;
  runtime::Address last_peer;
  std::uint64_t last_tag = 0;
  bool later = false;
  Broker* broker = nullptr;  ///< set: whoever sends a message is disconnected in the middle of it
};

inline constexpr std::uint16_t kStandard = 1884, kCloud = 1885, kSniff = 1883, kSniffOpen = 1886, kTls = 8883;

struct TestWorld {
  struct Options {
    std::size_t shards = 1;
    bool with_store = false;
    bool fast_limits = true;  ///< no rates: most tests send as they like
    std::uint64_t seed = 1;
    BrokerConfig config{};
  };
  TestWorld() : TestWorld(Options{}) {}
  explicit TestWorld(Options with)
      : options(with), config(with.config), world(with.seed), shards(server_host, with.shards) {
    if (options.fast_limits) config.cloud.switch_off_rates();
    if (options.with_store) store = std::make_unique<store::MemoryStore>();
    start();
  }
  ~TestWorld() { brokers.clear(); }

  void start() {
    all = std::make_unique<ShardBrokers>(shards, config);
    ingress.clear();
    for (std::size_t k = 0; k < shards.count(); ++k) {
      brokers.push_back(std::make_unique<Broker>(*all, k, authenticator, journal, store.get()));
      ingress.push_back(std::make_unique<TestIngress>());
    }
    for (std::size_t k = 0; k < shards.count(); ++k) REQUIRE(brokers[k]->start(*ingress[k]));
    listen(kStandard, PolicyKind::standard, PortMode::plain);
    listen(kCloud, PolicyKind::cloud, PortMode::plain);
    listen(kSniff, PolicyKind::cloud, PortMode::sniff);
    listen(kSniffOpen, PolicyKind::standard, PortMode::sniff, true);
    listen(kTls, PolicyKind::cloud, PortMode::tls);
  }
  void listen(std::uint16_t port, PolicyKind policy, PortMode mode, bool allow_plain = false) {
    auto listener = std::make_shared<ListenerConfig>();
    listener->address = *runtime::make_address("0.0.0.0", port);
    listener->policy = policy;
    listener->mode = mode;
    listener->allow_plain = allow_plain;
    listener->spread = shards.count() > 1;
    listener->secure = [this](std::unique_ptr<runtime::Stream> plain, Bytes first) {
      return secure(std::move(plain), first);
    };
    REQUIRE(brokers[0]->listen(listener));
  }
  Result<std::unique_ptr<runtime::Stream>> secure(std::unique_ptr<runtime::Stream> plain, Bytes first) {
    first_bytes.assign(first.begin(), first.end());
    if (make_secure) return make_secure(std::move(plain), first);
    return fail(Error::io_failed);
  }
  /// The process dies and comes back with what the store had synced.
  void restart() {
    if (store) store->crash();
    server_host.kill(runtime::SimHost::Death::process);
    brokers.clear();
    server_host.revive();
    start();
  }
  Counters total() const {
    Counters sum;
    for (const auto& each : brokers) {
      const Counters& one = each->counters();
      sum.connections += one.connections;
      sum.online += one.online;
      sum.sessions += one.sessions;
      sum.subscriptions += one.subscriptions;
      sum.retained += one.retained;
      sum.queued_messages += one.queued_messages;
      sum.queued_bytes += one.queued_bytes;
    }
    return sum;
  }
  void run_for(Millis span) { world.run_for(span); }
  std::size_t home_of(std::string_view key) { return all->home_of(key); }

  Options options;
  BrokerConfig config;
  runtime::SimWorld world;
  runtime::SimHost& server_host = world.add_host("10.0.0.1");
  runtime::SimHost& client_host = world.add_host("10.0.0.2");
  runtime::SimLoop& client_loop = client_host.add_loop();
  runtime::SimShards shards;
  std::unique_ptr<store::MemoryStore> store;
  TestAuthenticator authenticator;
  TestJournal journal;
  std::vector<std::unique_ptr<TestIngress>> ingress;
  std::unique_ptr<ShardBrokers> all;
  std::vector<std::unique_ptr<Broker>> brokers;
  SecureStream make_secure;
  std::vector<std::uint8_t> first_bytes;
  TestIngress& devices() { return *ingress[0]; }
  Broker& broker() { return *brokers[0]; }
  const Counters& counters() { return brokers[0]->counters(); }
};

/// A received packet; views into its own bytes.
struct Packet {
  std::string bytes;
  mqtt::Frame frame() const { return *mqtt::next_frame(as_bytes(bytes), 1u << 28); }
  PacketType type() const { return frame().header.type(); }
};

struct ConnectOptions {
  ProtocolVersion version = ProtocolVersion::v311;
  bool clean = true;
  std::uint16_t keep_alive = 60;
  std::string client_id = "client";
  std::string user;
  std::string password = "secret";
  std::optional<mqtt::Will> will{};
  std::optional<std::uint32_t> expiry{};
  std::uint16_t receive_maximum = 0;
  std::uint32_t max_packet = 0;
};

/// A client that speaks and hears packets.
class TestClient final : public runtime::StreamEvents {
 public:
  TestClient(TestWorld& world, std::uint16_t port) : world_(world) {
    auto made = world.client_loop.connect(world.server_host.address(port));
    REQUIRE(made);
    stream_ = std::move(*made);
    world.client_loop.attach(*stream_, *this);
    world.client_loop.want_write(*stream_);
  }
  ~TestClient() { drop(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  /// Closes without a word.
  void drop() {
    if (!stream_) return;
    world_.client_loop.detach(*stream_);
    stream_.reset();
  }
  void on_readable() override {
    if (deaf) return world_.client_loop.detach(*stream_);
    std::uint8_t buffer[16384];
    for (;;) {
      const auto io = stream_->read(buffer);
      in_.append(as_text({buffer, io.bytes}));
      split();
      if (io.state == runtime::Io::State::closed || io.state == runtime::Io::State::failed) {
        is_closed = true;
        return world_.client_loop.detach(*stream_);
      }
      if (io.state == runtime::Io::State::drained) return;
    }
  }
  void on_writable() override { write(); }

  void send(std::string_view bytes) {
    out_ += bytes;
    write();
  }
  template <typename P>
  void send_packet(const P& packet) {
    std::vector<std::uint8_t> buffer(300'000);
    const auto size = mqtt::encode(packet, version, buffer);
    REQUIRE(size);
    send(as_text({buffer.data(), *size}));
  }

  /// Sends CONNECT without waiting.
  void say_connect(const ConnectOptions& with) {
    version = with.version;
    std::uint8_t space[64];
    mqtt::PropertyWriter properties{space};
    if (with.expiry) properties.session_expiry(Seconds{*with.expiry});
    if (with.receive_maximum != 0) properties.receive_maximum(with.receive_maximum);
    if (with.max_packet != 0) properties.maximum_packet_size(with.max_packet);
    mqtt::Connect connect;
    connect.version = with.version;
    connect.clean_start = with.clean;
    connect.keep_alive = Seconds{with.keep_alive};
    connect.client_id = with.client_id;
    if (!with.user.empty()) {
      connect.user_name = with.user;
      connect.password = as_bytes(with.password);
    }
    connect.will = with.will;
    connect.properties = properties.view();
    std::vector<std::uint8_t> buffer(70'000);
    const auto size = mqtt::encode(connect, buffer);
    REQUIRE(size);
    send(as_text({buffer.data(), *size}));
  }
  /// Logs in and gives the code of the CONNACK, 255 when none came.
  int connect(const ConnectOptions& with = {}) {
    say_connect(with);
    const auto packet = next();
    if (!packet || packet->type() != PacketType::connack) return 255;
    connack = *packet;
    const auto decoded = mqtt::decode_connack(version, packet->frame());
    REQUIRE(decoded);
    session_present = decoded->session_present;
    return packet->frame().body[1];
  }

  std::optional<Packet> next(Millis limit = Seconds{2}) {
    world_.world.run_until([this] { return !received.empty() || is_closed; }, limit);
    if (received.empty()) return std::nullopt;
    Packet packet = std::move(received.front());
    received.pop_front();
    return packet;
  }
  bool expect(PacketType type) {
    last = next().value_or(Packet{});
    return !last.bytes.empty() && last.type() == type;
  }
  /// The next packet is a PUBLISH; its parts are in `message`.
  bool hears(std::string_view topic, std::string_view payload) {
    if (!expect(PacketType::publish)) return false;
    message = *mqtt::decode_publish(version, last.frame(), mqtt::Sender::server);
    return message.topic == topic && as_text(message.payload) == payload;
  }
  bool hears_nothing(Millis span = Millis{300}) {
    world_.run_for(span);
    return received.empty();
  }
  bool is_closed_within(Millis limit) {
    return world_.world.run_until([this] { return is_closed; }, limit);
  }

  void say_publish(std::string_view topic, std::string_view payload, int qos = 0, std::uint16_t packet_id = 0,
                   bool retain = false, bool dup = false, const mqtt::Properties& properties = {}) {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<Qos>(qos);
    packet.packet_id = packet_id;
    packet.retain = retain;
    packet.dup = dup;
    packet.properties = properties;
    send_packet(packet);
  }
  void say_ack(PacketType type, std::uint16_t packet_id) { send_packet(mqtt::Ack{type, packet_id, {}, {}}); }
  /// Expects this acknowledgement next.
  bool hears_ack(PacketType type, std::uint16_t packet_id) {
    if (!expect(type)) return false;
    const auto ack = mqtt::decode_ack(version, last.frame());
    if (!ack) return false;
    ack_reason = ack->reason;
    return ack->packet_id == packet_id;
  }
  /// Publishes with QoS 1 and waits for the PUBACK.
  bool publishes(std::string_view topic, std::string_view payload, bool retain = false) {
    say_publish(topic, payload, 1, 77, retain);
    return hears_ack(PacketType::puback, 77);
  }

  void say_subscribe(const std::vector<mqtt::Subscription>& wishes, std::uint32_t identifier = 0) {
    std::uint8_t space[8], buffer[60'000];
    mqtt::PropertyWriter properties{space};
    if (identifier != 0) properties.subscription_identifier(identifier);
    const auto size = mqtt::encode_subscribe(9, wishes, properties.view(), version, buffer);
    REQUIRE(size);
    send(as_text({buffer, *size}));
  }
  /// The codes of the SUBACK.
  std::vector<int> subscribe(const std::vector<mqtt::Subscription>& wishes, std::uint32_t identifier = 0) {
    say_subscribe(wishes, identifier);
    return suback();
  }
  std::vector<int> suback() {
    if (!expect(PacketType::suback)) return {};
    const auto decoded = mqtt::decode_suback(version, last.frame());
    if (!decoded) return {};
    return {decoded->codes.begin(), decoded->codes.end()};
  }
  int subscribe(std::string_view filter, int qos = 0) {
    const auto codes = subscribe({mqtt::Subscription{.filter = filter, .qos = static_cast<Qos>(qos)}});
    return codes.empty() ? 255 : codes[0];
  }
  std::vector<int> unsubscribe(std::vector<std::string_view> filters) {
    std::uint8_t buffer[60'000];
    const auto size = mqtt::encode_unsubscribe(9, filters, {}, version, buffer);
    REQUIRE(size);
    send(as_text({buffer, *size}));
    if (!expect(PacketType::unsuback)) return {255};
    const auto decoded = mqtt::decode_unsuback(version, last.frame());
    return {decoded->codes.begin(), decoded->codes.end()};
  }
  void disconnect(ReasonCode reason = ReasonCode::normal_disconnection, const mqtt::Properties& properties = {}) {
    send_packet(mqtt::Disconnect{reason, properties});
    world_.run_for(Millis{20});
  }

  ProtocolVersion version = ProtocolVersion::v311;
  std::deque<Packet> received;
  Packet last, connack;
  mqtt::Publish message;
  ReasonCode ack_reason = ReasonCode::success;
  bool session_present = false;
  bool is_closed = false;
  bool deaf = false;  ///< reads nothing any more
  /// After `deaf`: reads what has come meanwhile.
  void listen_again() {
    if (deaf || is_closed) return;
    world_.client_loop.detach(*stream_);
    world_.client_loop.attach(*stream_, *this);
  }

 private:
  void write() {
    if (!stream_ || is_closed) return;
    while (!out_.empty()) {
      const auto io = stream_->write(as_bytes(out_));
      out_.erase(0, io.bytes);
      if (io.state == runtime::Io::State::failed) {
        is_closed = true;
        return;
      }
      if (io.state != runtime::Io::State::more) break;
    }
    if (!out_.empty()) world_.client_loop.want_write(*stream_);
  }
  void split() {
    for (;;) {
      const auto frame = mqtt::next_frame(as_bytes(in_), 1u << 28);
      if (!frame) return;
      received.push_back({in_.substr(0, frame->size)});
      in_.erase(0, frame->size);
    }
  }
  TestWorld& world_;
  std::unique_ptr<runtime::Stream> stream_;
  std::string in_, out_;
};

/// The CONNECT of a cloud device.
inline ConnectOptions device(std::string_view name = "dn", bool clean = true, std::string_view extension = "") {
  ConnectOptions options;
  options.client_id = "x|" + std::string(extension) + "|";
  options.user = std::string(name) + "&pk";
  options.clean = clean;
  options.keep_alive = 120;
  return options;
}
inline ConnectOptions client(std::string_view id, bool clean = true, ProtocolVersion version = ProtocolVersion::v311) {
  ConnectOptions options;
  options.client_id = id;
  options.clean = clean;
  options.version = version;
  return options;
}

}  // namespace tercet::broker::test
