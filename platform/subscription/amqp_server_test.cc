#include "platform/subscription/amqp_server.h"

#include <doctest/doctest.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/transport.h>

#include "platform/runtime/sim.h"
#include "platform/store/memory_store.h"

namespace tercet::subscription {
namespace {

constexpr std::uint64_t kGroup = (std::uint64_t{1} << 40) + 1;
constexpr std::uint16_t kPort = 5671;
const std::string kUser = "c|authMode=aksign,signMethod=hmacsha1,timestamp=1,authId=k,consumerGroupId=G|";

/// Proton's own client over a simulated stream.
class Client final : runtime::StreamEvents {
 public:
  struct Options {
    std::string user = kUser, password = "right";
    pn_millis_t idle = 120'000;  ///< Proton announces half of it
    bool opens = true, attaches = true, with_sasl = true, beats = true, talks = true;
    int credit = 100;
    std::uint64_t answer = PN_ACCEPTED;  ///< 0: none
  };
  Client(runtime::Loop& loop, const runtime::Address& server, Options options)
      : loop_(loop),
        options_(std::move(options)),
        tick_([](void* self) { static_cast<Client*>(self)->flush(); }, this) {
    pn_connection_driver_init(&driver_, nullptr, nullptr);
    if (options_.with_sasl) {
      pn_connection_set_user(driver_.connection, options_.user.c_str());
      pn_connection_set_password(driver_.connection, options_.password.c_str());
      pn_sasl_set_allow_insecure_mechs(pn_sasl(driver_.transport), true);
      pn_sasl_allowed_mechs(pn_sasl(driver_.transport), "PLAIN");
    }
    pn_transport_set_idle_timeout(driver_.transport, options_.idle);
    if (options_.opens) {
      pn_connection_open(driver_.connection);
      session = pn_session(driver_.connection);
      pn_session_open(session);
      if (options_.attaches) attach();
    }
    auto connected = loop_.connect(server);
    REQUIRE(connected);
    stream_ = std::move(*connected);
    loop_.attach(*stream_, *this);
    loop_.want_write(*stream_);
  }
  ~Client() {
    if (stream_) loop_.detach(*stream_);
    pn_connection_driver_destroy(&driver_);
  }
  void attach() {
    link = pn_receiver(session, "r");
    pn_link_open(link);
    pn_link_flow(link, options_.credit);
  }
  void flush() {
    if (!options_.talks) return;
    work();
    while (stream_) {
      const pn_bytes_t bytes = pn_connection_driver_write_buffer(&driver_);
      if (bytes.size == 0) break;
      const runtime::Io io = stream_->write({reinterpret_cast<const std::uint8_t*>(bytes.start), bytes.size});
      if (io.bytes != 0) pn_connection_driver_write_done(&driver_, io.bytes);
      if (io.bytes < bytes.size) {
        loop_.want_write(*stream_);
        break;
      }
    }
    if (!stream_ || !options_.beats) return;
    const std::int64_t now = loop_.now().since_start.count() + 1;
    const std::int64_t next = pn_transport_tick(driver_.transport, now);
    if (next != 0) tick_.set(loop_, loop_.now() + Millis{std::max<std::int64_t>(next - now, 1)});
  }
  void send_raw(std::string_view bytes) { static_cast<void>(stream_->write(as_bytes(bytes))); }
  void drop() {
    loop_.detach(*stream_);
    stream_.reset();
  }

  std::vector<std::string> bodies;
  std::vector<std::uint64_t> tries;
  std::string problem;
  bool is_open = false, is_attached = false, is_gone = false;
  pn_session_t* session = nullptr;
  pn_link_t* link = nullptr;

 private:
  void on_writable() override { flush(); }
  void on_readable() override {
    while (true) {
      const pn_rwbytes_t room = pn_connection_driver_read_buffer(&driver_);
      std::uint8_t spare[256];
      const bool is_full = room.size == 0;
      const runtime::Io io =
          is_full ? stream_->read(spare) : stream_->read({reinterpret_cast<std::uint8_t*>(room.start), room.size});
      if (io.bytes != 0 && !is_full) pn_connection_driver_read_done(&driver_, io.bytes);
      work();
      if (io.state == runtime::Io::State::more) continue;
      if (io.state != runtime::Io::State::drained) {
        is_gone = true;
        drop();
        return;
      }
      break;
    }
    flush();
  }
  void note(pn_condition_t* condition) {
    if (!pn_condition_is_set(condition) || !problem.empty()) return;
    problem = pn_condition_get_name(condition);
    if (const char* text = pn_condition_get_description(condition)) problem.append(": ").append(text);
  }
  void work() {
    while (pn_event_t* event = pn_connection_driver_next_event(&driver_)) {
      switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN:
          is_open = true;
          break;
        case PN_LINK_REMOTE_OPEN:
          is_attached = true;
          break;
        case PN_LINK_REMOTE_CLOSE:
          note(pn_link_remote_condition(pn_event_link(event)));
          break;
        case PN_CONNECTION_REMOTE_CLOSE:
          note(pn_connection_remote_condition(driver_.connection));
          pn_connection_close(driver_.connection);
          break;
        case PN_TRANSPORT_ERROR:
          note(pn_transport_condition(driver_.transport));
          break;
        case PN_DELIVERY:
          take(pn_event_delivery(event));
          break;
        default:
          break;
      }
    }
  }
  void take(pn_delivery_t* delivery) {
    if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) return;
    std::string bytes(pn_delivery_pending(delivery), '\0');
    pn_link_recv(pn_delivery_link(delivery), bytes.data(), bytes.size());
    pn_link_advance(pn_delivery_link(delivery));
    pn_message_t* const message = pn_message();
    REQUIRE(pn_message_decode(message, bytes.data(), bytes.size()) == 0);
    pn_data_t* const body = pn_message_body(message);
    pn_data_next(body);
    const pn_bytes_t data = pn_data_get_binary(body);
    bodies.emplace_back(data.start, data.size);
    tries.push_back(pn_message_get_delivery_count(message));
    pn_message_free(message);
    if (options_.answer == 0) return;
    pn_delivery_update(delivery, options_.answer);
    pn_delivery_settle(delivery);
  }

  runtime::Loop& loop_;
  Options options_;
  pn_connection_driver_t driver_{};
  std::unique_ptr<runtime::Stream> stream_;
  runtime::Timer tick_;
};

struct World {
  World() {
    AmqpServer::Wiring wiring{loop, store, 1, {}, {}, {}};
    wiring.authenticate = [this](ConsumerLogin login, std::string password, auto then) {
      logins.push_back(login.access_key_id + "/" + login.group);
      if (password == "later") {
        waiting = then;
        return;
      }
      then(password == "right" ? AmqpServer::Verdict{login.group == "G" ? kGroup : kGroup + 1, {}}
                               : AmqpServer::Verdict{0, {auth::Cause::consumer_password, "wrong password"}});
    };
    wiring.drained = [this](std::uint64_t, std::uint16_t, std::uint64_t records, std::uint64_t) { drained += records; };
    wiring.refused = [this](const runtime::Address&, const std::string& client, const std::string& group,
                            const AmqpServer::Refused& why) {
      refusals.push_back(std::string(auth::code(why.cause)) + " " + client + "/" + group + ": " + why.evidence);
    };
    server = std::make_unique<AmqpServer>(std::move(wiring));
    server->use({kGroup, kGroup + 1}, {});
    const auto bound = loop.listen(
        host.address(kPort), [this](std::unique_ptr<runtime::Stream> stream) { server->accept(std::move(stream)); });
    REQUIRE(bound);
  }
  Client& connect(Client::Options options = {}) {
    clients.push_back(std::make_unique<Client>(client_loop, host.address(kPort), std::move(options)));
    return *clients.back();
  }
  void put(int count, std::uint64_t group = kGroup) {
    store::Mutations mutations;
    for (int i = 0; i < count; ++i) {
      rule::Queued record;
      record.time = loop.wall().ms;
      const std::string body = std::to_string(++sequence);
      record.message_id = body;
      record.topic = "/a1/b/user/x";
      record.result = body;
      std::string bytes;
      rule::append_queued(bytes, record);
      mutations.put(store::Family::forward, rule::queue_key(rule::ForwardKind::queue, {group, 0, sequence}), bytes);
    }
    REQUIRE(store.submit(loop, std::move(mutations), [this, group] { server->wake(group); }));
  }
  void run(Millis by = Millis{500}) { world.run_for(by); }

  runtime::SimWorld world{3};
  runtime::SimHost& host = world.add_host("10.0.0.1");
  runtime::SimHost& client_host = world.add_host("10.0.0.2");
  runtime::SimLoop& loop = host.add_loop();
  runtime::SimLoop& client_loop = client_host.add_loop();
  store::MemoryStore store;
  std::vector<std::string> logins, refusals;
  std::function<void(AmqpServer::Verdict)> waiting;
  std::uint64_t drained = 0, sequence = 0;
  std::unique_ptr<AmqpServer> server;
  std::vector<std::unique_ptr<Client>> clients;
};
using Bodies = std::vector<std::string>;

}  // namespace

TEST_CASE("a consumer logs in, attaches, and gets what waits and what comes") {
  World world;
  world.put(2);
  Client& client = world.connect();
  world.run();
  CHECK(client.is_attached);
  CHECK(client.bodies == Bodies{"1", "2"});
  world.put(1);
  world.run();
  CHECK(client.bodies.size() == 3);
  CHECK(world.drained == 3);
  CHECK(world.logins == std::vector<std::string>{"k/G"});
  const GroupStatus status = world.server->status(kGroup);
  REQUIRE(status.clients.size() == 1);
  CHECK(status.clients[0].client_id == "c");
  CHECK(status.fresh_per_minute == 3);
  CHECK(world.server->counters().delivered == 3);
}

TEST_CASE("a wrong password, a wrong user name and a client without SASL do not come in") {
  World world;
  Client::Options options;
  SUBCASE("password") {
    options.password = "wrong";
    world.connect(options);
    world.run();
    CHECK(world.refusals == std::vector<std::string>{"consumer.password c/G: wrong password"});
  }
  SUBCASE("user name") {
    options.user = "nobody";
    world.connect(options);
    world.run();
    REQUIRE(world.refusals.size() == 1);
    CHECK(world.refusals[0].starts_with("consumer.user_name "));
    CHECK(world.refusals[0].find("no parameters between bars") != std::string::npos);
  }
  SUBCASE("no SASL") {
    options.with_sasl = false;
    world.connect(options);
    world.run();
    CHECK(world.logins.empty());
    REQUIRE(world.refusals.size() == 1);
    CHECK(world.refusals[0].starts_with("consumer.no_login /: "));
  }
  world.run(Millis{3'000});
  CHECK(!world.clients[0]->is_attached);
  CHECK(world.clients[0]->is_gone);
  CHECK(world.server->counters().consumers == 0);
}

TEST_CASE("a login is decided later, or its client has gone by then") {
  World world;
  Client::Options options;
  options.password = "later";
  Client& client = world.connect(options);
  world.run();
  CHECK(!client.is_open);
  SUBCASE("it is there") {
    world.waiting({kGroup, {}});
    world.run();
    CHECK(client.is_attached);
  }
  SUBCASE("it has gone") {
    client.drop();
    world.run();
    world.waiting({kGroup, {}});
    world.run();
    CHECK(world.server->counters().consumers == 0);
  }
  SUBCASE("nobody decides") {
    world.run(Millis{18'000});
    CHECK(client.is_gone);
  }
}

TEST_CASE("who says nothing, opens nothing or attaches nothing is sent away after fifteen seconds") {
  World world;
  Client::Options options;
  SUBCASE("opens nothing") { options.opens = false; }
  SUBCASE("attaches nothing") { options.attaches = false; }
  Client& client = world.connect(options);
  if (options.opens && options.attaches) return;
  world.run(Millis{14'000});
  CHECK(!client.is_gone);
  world.run(Millis{5'000});
  CHECK(client.is_gone);
  if (options.opens) CHECK(client.problem.find("no receiver was attached") != std::string::npos);
  REQUIRE(world.refusals.size() == 1);
  CHECK(world.refusals[0].starts_with("consumer.link c/G: "));
}

TEST_CASE("bytes that are no AMQP end the connection, and before the login the journal has them") {
  World world;
  Client::Options options;
  options.opens = false;
  SUBCASE("before the login") { options.talks = false; }
  SUBCASE("after it") {}
  const bool is_after_login = options.talks;
  Client& client = world.connect(options);
  world.run();
  client.send_raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  world.run(Millis{3'000});
  CHECK(client.is_gone);
  CHECK(world.server->counters().accepted == 1);
  REQUIRE(world.refusals.size() == (is_after_login ? 0 : 1));
  if (!is_after_login) CHECK(world.refusals[0].starts_with("consumer.no_login "));
}

TEST_CASE("an idle time-out out of range is refused with the reason") {
  World world;
  Client::Options options;
  SUBCASE("none") { options.idle = 0; }
  SUBCASE("too short") { options.idle = 20'000; }
  SUBCASE("too long") { options.idle = 700'000; }
  Client& client = world.connect(options);
  world.run(Millis{3'000});
  CHECK(client.problem.find("30,000 to 300,000") != std::string::npos);
  CHECK(client.is_gone);
  REQUIRE(world.refusals.size() == 1);
  CHECK(world.refusals[0].starts_with("consumer.idle_time_out c/G: "));
}

TEST_CASE("a client that falls silent is let go, and what it had goes to another") {
  World world;
  Client::Options options;
  options.answer = 0;
  options.beats = false;
  Client& silent = world.connect(options);
  world.run();
  world.put(3);
  world.run();
  CHECK(silent.bodies.size() == 3);
  world.client_host.isolate();
  world.run(Millis{50'000});
  CHECK(world.server->counters().consumers == 1);
  world.run(Millis{80'000});
  CHECK(world.server->counters().consumers == 0);
  world.client_host.rejoin();
  Client& heir = world.connect();
  world.run();
  CHECK(heir.bodies == Bodies{"1", "2", "3"});
  CHECK(heir.tries.front() >= 1);
}

TEST_CASE("a consumer that is only slow stays: heartbeats keep it") {
  World world;
  Client& client = world.connect();
  world.run(Millis{600'000});
  CHECK(!client.is_gone);
  world.put(1);
  world.run();
  CHECK(client.bodies.size() == 1);
}

TEST_CASE("nothing is sent beyond the credit, and a consumer's answers make no room by themselves") {
  World world;
  Client::Options options;
  options.credit = 2;
  Client& client = world.connect(options);
  world.put(5);
  world.run();
  CHECK(client.bodies.size() == 2);
  pn_link_flow(client.link, 2);
  client.flush();
  world.run();
  CHECK(client.bodies.size() == 4);
}

TEST_CASE("what is released, rejected or modified comes again after a minute") {
  World world;
  Client::Options options;
  SUBCASE("released") { options.answer = PN_RELEASED; }
  SUBCASE("rejected") { options.answer = PN_REJECTED; }
  SUBCASE("modified") { options.answer = PN_MODIFIED; }
  Client& client = world.connect(options);
  world.put(1);
  world.run(Millis{30'000});
  CHECK(client.bodies.size() == 1);
  world.run(Millis{40'000});
  CHECK(client.bodies == Bodies{"1", "1"});
  CHECK(client.tries == std::vector<std::uint64_t>{0, 1});
  CHECK(world.drained == 0);
}

TEST_CASE("messages that come one at a time are shared out, too") {
  World world;
  Client& one = world.connect();
  Client& two = world.connect();
  world.run();
  for (int i = 0; i < 10; ++i) {
    world.put(1);
    world.run();
  }
  CHECK(one.bodies.size() == 5);
  CHECK(two.bodies.size() == 5);
}

TEST_CASE("messages are shared out among a group's consumers, and each group has its own") {
  World world;
  Client& a = world.connect();
  Client& b = world.connect();
  Client::Options other;
  other.user = "c|authMode=aksign,signMethod=hmacsha1,timestamp=1,authId=k,consumerGroupId=H|";
  Client& c = world.connect(other);
  world.run();
  world.put(40);
  world.run();
  CHECK(a.bodies.size() == 20);
  CHECK(b.bodies.size() == 20);
  CHECK(c.bodies.empty());
  world.put(3, kGroup + 1);
  world.run();
  CHECK(c.bodies.size() == 3);
}

TEST_CASE("a group has at most 64 consumers, and at most 100 connects within a minute") {
  World world;
  for (int i = 0; i < 64; ++i) world.connect();
  world.run(Millis{5'000});
  CHECK(world.server->counters().consumers == 64);
  world.connect();
  world.run(Millis{5'000});
  REQUIRE(world.refusals.size() == 1);
  CHECK(world.refusals[0].starts_with("consumer.group_full "));
  CHECK(world.refusals[0].find("(9600)") != std::string::npos);
  for (int i = 0; i < 36; ++i) world.connect();
  world.run(Millis{5'000});
  CHECK(world.refusals.back().starts_with("consumer.connect_rate "));
  CHECK(world.refusals.back().find("100 connections of the group within a minute") != std::string::npos);
}

TEST_CASE("the consumers of a group that is deleted are sent away") {
  World world;
  Client& client = world.connect();
  world.run();
  world.server->use({kGroup + 1}, {});
  world.run(Millis{3'000});
  CHECK(client.problem.find("the consumer group was deleted") != std::string::npos);
  CHECK(client.is_gone);
}

TEST_CASE("when the platform stops, consumers are told") {
  World world;
  Client& client = world.connect();
  world.run();
  world.server->shut_down();
  world.run(Millis{3'000});
  CHECK(client.problem.find("being stopped") != std::string::npos);
  CHECK(client.is_gone);
  Client& late = world.connect();
  world.run();
  CHECK(!late.is_open);
}

TEST_CASE("a thousand messages of one kilobyte each arrive in order over a thin line") {
  World world;
  world.client_host.link.bytes_per_second = 2'000'000;
  world.client_host.link.short_writes = 0.3;
  world.client_host.link.split_reads = 0.3;
  Client::Options options;
  options.credit = 5'000;
  Client& client = world.connect(options);
  world.run();
  for (int i = 0; i < 10; ++i) world.put(100);
  world.run(Millis{20'000});
  REQUIRE(client.bodies.size() == 1'000);
  for (std::size_t i = 0; i < client.bodies.size(); ++i) CHECK(client.bodies[i] == std::to_string(i + 1));
  CHECK(world.drained == 1'000);
}

TEST_CASE("a rule's tag is a text, or taken from the result") {
  // Looked at through the encoder's message: see amqp_message_test.cc for its form.
  World world;
  world.server->use({kGroup}, {{7, kGroup, "${room}"}});
  Client& client = world.connect();
  rule::Queued record;
  record.rule = 7;
  record.time = world.loop.wall().ms;
  record.message_id = "1";
  record.result = R"({"room":"kitchen"})";
  std::string bytes;
  rule::append_queued(bytes, record);
  store::Mutations mutations;
  mutations.put(store::Family::forward, rule::queue_key(rule::ForwardKind::queue, {kGroup, 0, 1}), bytes);
  REQUIRE(world.store.submit(world.loop, std::move(mutations), [&world] { world.server->wake(kGroup); }));
  world.run();
  CHECK(client.bodies == Bodies{R"({"room":"kitchen"})"});
}

TEST_CASE("what happened in a minute is counted, and forgotten after two") {
  PerMinute count;
  for (int i = 0; i < 10; ++i) count.add(60'000);
  CHECK(count.of(60'000) == 10);
  CHECK(count.of(119'999) == 10);
  CHECK(count.of(150'000) == 5);
  CHECK(count.of(180'000) == 0);
  count.add(125'000);
  CHECK(count.of(150'000) == 6);
}

}  // namespace tercet::subscription
