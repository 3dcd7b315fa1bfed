#include "platform/runtime/sim.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/runtime/pki.h"
#include "platform/runtime/test_party.h"
#include "platform/runtime/tls.h"

using namespace tercet;
using namespace tercet::runtime;

namespace {

constexpr std::uint16_t kPort = 1883;

/// A server that echoes and one client.
struct Net {
  explicit Net(std::uint64_t seed = 1) : world(seed) { serve(); }
  void serve() {
    REQUIRE(server_host.loop(0).listen(*make_address("0.0.0.0", kPort), [this](std::unique_ptr<Stream> stream) {
      servers.push_back(std::make_unique<Party>(server_host.loop(0), std::move(stream)));
      servers.back()->echo = true;
    }));
  }
  void connect() {
    auto stream = client_loop.connect(server_host.address(kPort));
    REQUIRE(stream);
    client.emplace(client_loop, std::move(*stream));
  }
  /// Sends and waits for the echo.
  bool speaks(const std::string& text, Millis limit = Seconds{5}) {
    client->received.clear();
    client->send(text);
    return world.run_until([&] { return client->received == text; }, limit);
  }
  Party& server() { return *servers.back(); }

  SimWorld world;
  SimHost& server_host = world.add_host("10.0.0.1");
  SimHost& client_host = world.add_host("10.0.0.2");
  SimLoop& server_loop = server_host.add_loop();
  SimLoop& client_loop = client_host.add_loop();
  std::vector<std::unique_ptr<Party>> servers;
  std::optional<Party> client;
};

}  // namespace

TEST_CASE("bytes go there and back, both ends know each other's address, and time passes by the latency") {
  Net net;
  net.server_host.link.latency_min = net.server_host.link.latency_max = Millis{100};
  const Instant start = net.world.now();
  net.connect();
  CHECK(net.speaks("21.5 degrees"));
  CHECK(net.client->stream->peer() == net.server_host.address(kPort));
  CHECK(net.server().stream->peer().ip_text() == "10.0.0.2");
  CHECK(net.world.now() - start >= Millis{400});  // SYN, SYN-ACK, bytes, echo
  CHECK(net.world.now() - start < Millis{410});
}

TEST_CASE("a megabyte passes whole and in order through loss, jitter, short writes, splits and a small window") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Net net(seed);
    for (SimHost* host : {&net.server_host, &net.client_host}) {
      host->link = {.latency_min = Millis{1},
                    .latency_max = Millis{40},
                    .loss = 0.02,
                    .retransmission = Millis{200},
                    .bytes_per_second = 10'000'000,
                    .short_writes = 0.3,
                    .split_reads = 0.3};
    }
    net.connect();
    std::string much;
    for (int i = 0; i < 100'000; ++i) much += std::to_string(i * 7919);
    CHECK(net.speaks(much, Seconds{600}));
  }
}

TEST_CASE("a close is orderly, and a close with bytes unread is a reset") {
  Net net;
  net.connect();
  REQUIRE(net.speaks("x"));
  net.servers.clear();
  CHECK(net.world.run_until([&] { return net.client->last == Io::State::closed; }, Seconds{1}));

  net.connect();
  REQUIRE(net.speaks("y"));
  net.client_loop.detach(*net.client->stream);
  net.server().send("unread");
  net.world.run_for(Seconds{1});
  net.client->stream.reset();
  CHECK(net.world.run_until([&] { return net.server().last == Io::State::failed; }, Seconds{1}));
  CHECK(net.server().stream->failure().kind == StreamFailure::Kind::reset);
}

TEST_CASE("connecting is refused where nobody listens or the host refuses, and hangs where no host is") {
  Net net;
  const auto outcome = [&](const Address& to) {
    auto stream = net.client_loop.connect(to);
    REQUIRE(stream);
    Party party(net.client_loop, std::move(*stream));
    party.send("x");
    net.world.run_for(Seconds{30});
    return party.stream->failure().kind;
  };
  CHECK(outcome(net.server_host.address(9)) == StreamFailure::Kind::connect_refused);
  CHECK(outcome(*make_address("10.9.9.9", kPort)) == StreamFailure::Kind::none);
  net.server_host.refuse_connects = true;
  CHECK(outcome(net.server_host.address(kPort)) == StreamFailure::Kind::connect_refused);
}

TEST_CASE("a partition holds bytes back and healing lets them arrive, in order") {
  Net net;
  net.connect();
  REQUIRE(net.speaks("x"));
  net.client->received.clear();
  net.client->send("1");
  net.world.partition(net.server_host, net.client_host);
  net.client->send("2");
  net.world.run_for(Seconds{60});
  CHECK(net.client->received.empty());
  net.client->send("3");
  net.world.heal(net.server_host, net.client_host);
  net.client->send("4");
  net.world.run_for(Seconds{1});
  CHECK(net.client->received == "1234");

  net.client_host.isolate();
  CHECK(!net.speaks("5", Seconds{60}));
  net.client_host.rejoin();
  net.world.run_for(Seconds{1});
  CHECK(net.client->received == "5");
}

TEST_CASE("a stalled connection is half-open for good, and a new one works") {
  Net net;
  net.connect();
  REQUIRE(net.speaks("x"));
  net.client_host.stall_connections();
  CHECK(!net.speaks("y", Seconds{3600}));
  net.servers.clear();
  net.world.run_for(Seconds{60});
  CHECK(net.client->last == Io::State::drained);  // the close was not seen
  net.connect();
  CHECK(net.speaks("z"));
}

TEST_CASE("a reset is seen at both ends") {
  Net net;
  net.connect();
  REQUIRE(net.speaks("x"));
  net.client_host.reset_connections();
  net.world.run_for(Seconds{1});
  CHECK(net.client->last == Io::State::failed);
  CHECK(net.server().last == Io::State::failed);
}

TEST_CASE("a killed process closes its connections; revived, it serves again on the same loops") {
  Net net;
  net.connect();
  REQUIRE(net.speaks("x"));
  Timer never{[](void*) { FAIL("a timer of a dead process fired"); }, nullptr};
  never.set(net.server_loop, net.server_loop.now() + Seconds{1});
  bool ran = false;
  CHECK(net.server_loop.post([&] { ran = true; }));
  net.server_host.kill(SimHost::Death::process);
  CHECK(!net.server_loop.post([] {}));
  net.world.run_for(Seconds{5});
  CHECK(!ran);
  CHECK(net.client->last == Io::State::closed);
  net.connect();
  net.world.run_for(Seconds{5});
  CHECK(net.client->stream->failure().kind == StreamFailure::Kind::connect_refused);
  net.servers.clear();
  never.cancel();
  net.server_host.revive();
  net.serve();
  net.connect();
  CHECK(net.speaks("again"));
}

TEST_CASE("after a power cut the peer learns of it only when it writes to the revived host") {
  Net net;
  net.connect();
  REQUIRE(net.speaks("x"));
  net.server_host.kill(SimHost::Death::power);
  net.client->send("lost");
  net.world.run_for(Seconds{60});
  CHECK(net.client->last == Io::State::drained);
  net.servers.clear();
  net.server_host.revive();
  net.world.run_for(Seconds{60});
  CHECK(net.client->last == Io::State::drained);
  net.client->send("hello?");
  net.world.run_for(Seconds{1});
  CHECK(net.client->last == Io::State::failed);
}

TEST_CASE("a jump of one host's wall clock moves no other clock") {
  Net net;
  const UnixMillis before = net.server_loop.wall();
  const Instant now = net.client_loop.now();
  net.client_host.jump_wall(Seconds{-3600});
  CHECK(net.client_loop.wall().ms == before.ms - 3'600'000);
  CHECK(net.server_loop.wall() == before);
  CHECK(net.client_loop.now() == now);
}

TEST_CASE("tasks keep their order per sender, are shuffled between senders by the seed, and are bounded") {
  const auto order = [](std::uint64_t seed) {
    SimWorld world(seed);
    SimHost& host = world.add_host("10.0.0.1");
    SimLoop& target = host.add_loop();
    SimLoop* senders[] = {&host.add_loop(), &host.add_loop()};
    std::string log;
    for (char name : {'a', 'A'}) {
      SimLoop* sender = senders[name == 'a' ? 0 : 1];
      sender->post([&target, &log, name] {
        for (int i = 0; i < 10; ++i) target.post([&log, c = static_cast<char>(name + i)] { log += c; });
      });
    }
    world.run_for(Millis{10});
    std::string lower, upper;
    for (const char c : log) (c >= 'a' ? lower : upper) += c;
    CHECK(lower == "abcdefghij");
    CHECK(upper == "ABCDEFGHIJ");
    return log;
  };
  CHECK(order(1) == order(1));
  CHECK((order(1) != order(2) || order(2) != order(3)));

  SimWorld world(1);
  SimLoop& loop = world.add_host("10.0.0.1").add_loop();
  loop.set_inbox_capacity(2);
  CHECK(loop.post([] {}));
  CHECK(loop.post([] {}));
  CHECK(!loop.post([] {}));
  world.run_for(Millis{1});
  CHECK(loop.post([] {}));
}

TEST_CASE("timers fire at their virtual time, an hour in an instant") {
  SimWorld world(5);
  SimLoop& loop = world.add_host("10.0.0.1").add_loop();
  struct Beat {
    SimLoop& loop;
    int beats = 0;
    Instant due{};
    Timer timer{[](void* self) {
                  auto& beat = *static_cast<Beat*>(self);
                  CHECK(beat.loop.now() == beat.due);
                  ++beat.beats;
                  beat.arm();
                },
                this};
    void arm() {
      due = loop.now() + Seconds{60};
      timer.set(loop, due);
    }
  } beat{loop};
  beat.arm();
  world.run_for(Seconds{3600} + Millis{1});
  CHECK(beat.beats == 60);
}

TEST_CASE("the same seed gives the same trace, another seed another") {
  const auto trace = [](std::uint64_t seed) {
    Net net(seed);
    net.client_host.link.loss = 0.1;
    net.client_host.link.short_writes = 0.5;
    for (int i = 0; i < 5; ++i) {
      net.connect();
      net.client->send("reading " + std::to_string(net.client_loop.random().next()));
      net.world.run_for(Millis{static_cast<std::int64_t>(net.world.random().below(500))});
      if (i == 2) net.client_host.reset_connections();
      if (i == 3) {
        net.server_host.kill(SimHost::Death::power);
        net.servers.clear();
        net.server_host.revive();
        net.serve();
      }
    }
    return net.world.trace();
  };
  const auto first = trace(42);
  CHECK(trace(42) == first);
  CHECK(trace(43) != first);
}

TEST_CASE("several loops of a host share the connections of one address") {
  SimWorld world(9);
  SimHost& server = world.add_host("10.0.0.1");
  SimHost& boards = world.add_host("10.0.0.2");
  SimShards shards(server, 2);
  SimLoop& client = boards.add_loop();
  int accepted[2] = {};
  for (std::size_t i = 0; i < 2; ++i)
    REQUIRE(shards.loop(i).listen(server.address(kPort), [&accepted, i](std::unique_ptr<Stream>) { ++accepted[i]; }));
  for (int i = 0; i < 1000; ++i) REQUIRE(client.connect(server.address(kPort)));
  world.run_for(Seconds{1});
  CHECK(accepted[0] + accepted[1] == 1000);
  CHECK(accepted[0] > 400);
  CHECK(accepted[1] > 400);
}

TEST_CASE("TLS runs over simulated streams as over sockets, both profiles") {
  constexpr UnixMillis kNow{1'800'000'000'000};
  const auto root = make_authority(KeyKind::rsa_2048, "Sim CA", kNow);
  REQUIRE(root);
  const std::vector<std::string> names{"broker.sim"};
  const auto identity = make_server_identity(*root, KeyKind::rsa_2048, names, kNow);
  REQUIRE(identity);
  for (const TlsProfile profile : {TlsProfile::modern, TlsProfile::compatible}) {
    SimWorld world(3);
    SimHost& server_host = world.add_host("10.0.0.1");
    SimHost& client_host = world.add_host("10.0.0.2");
    server_host.link.split_reads = server_host.link.short_writes = client_host.link.short_writes = 0.5;
    SimLoop& server_loop = server_host.add_loop();
    SimLoop& client_loop = client_host.add_loop();
    const TlsIdentity identities[] = {*identity};
    const auto context = TlsServerContext::open(profile, identities);
    REQUIRE(context);
    std::optional<Party> server;
    REQUIRE(server_loop.listen(server_host.address(8883), [&](std::unique_ptr<Stream> stream) {
      server.emplace(server_loop, context->wrap(std::move(stream)));
      server->echo = true;
    }));
    TlsClientContext::Options options;
    options.roots_pem = root->chain_pem;
    options.at = kNow;
    if (profile == TlsProfile::compatible) options.ciphers = "AES128-SHA", options.tls12_only = true;
    const auto client_context = TlsClientContext::open(options);
    REQUIRE(client_context);
    auto stream = client_loop.connect(server_host.address(8883));
    REQUIRE(stream);
    Party client(client_loop, client_context->wrap(std::move(*stream), "broker.sim"));
    client.send("hello");
    CHECK(world.run_until([&] { return client.received == "hello"; }, Seconds{10}));
    client.received.clear();
    const std::string much(300'000, 'm');
    client.send(much);
    CHECK(world.run_until([&] { return client.received.size() == much.size(); }, Seconds{60}));
  }
}
