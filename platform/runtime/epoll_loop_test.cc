#include "platform/runtime/epoll_loop.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>

#include "platform/runtime/shard_set.h"
#include "platform/runtime/tcp_stream.h"
#include "platform/runtime/test_party.h"

using namespace tercet;
using namespace tercet::runtime;

namespace {

std::unique_ptr<EpollLoop> make_loop(std::size_t capacity = 1024) {
  auto loop = EpollLoop::open({.inbox_capacity = capacity});
  REQUIRE(loop);
  return std::move(*loop);
}

Address loopback(std::uint16_t port = 0) { return *make_address("127.0.0.1", port); }

struct Pair {
  explicit Pair(EpollLoop& on) {
    const auto address = on.listen(loopback(), [&](std::unique_ptr<Stream> s) { server.emplace(on, std::move(s)); });
    REQUIRE(address);
    auto stream = on.connect(*address);
    REQUIRE(stream);
    client.emplace(on, std::move(*stream));
    REQUIRE(run_until(on, [&] { return server.has_value(); }));
  }
  std::optional<Party> server, client;
};

int option(const Stream& stream, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  ::getsockopt(dynamic_cast<const TcpStream&>(stream).descriptor(), level, name, &value, &size);
  return value;
}

}  // namespace

TEST_CASE("tasks run in the order posted, and what a task posts runs in the next pass") {
  auto loop = make_loop();
  std::string order;
  CHECK(loop->post([&] {
    order += 'a';
    loop->post([&] { order += 'c'; });
  }));
  CHECK(loop->post([&] { order += 'b'; }));
  loop->run_once(Millis{0});
  CHECK(order == "ab");
  loop->run_once(Seconds{5});  // does not sleep: a task waits
  CHECK(order == "abc");
}

TEST_CASE("the inbox is bounded: a task too many is refused, and there is room again after a pass") {
  auto loop = make_loop(2);
  int ran = 0;
  CHECK(loop->post([&] { ++ran; }));
  CHECK(loop->post([&] { ++ran; }));
  CHECK(!loop->post([&] { ++ran; }));
  loop->run_once(Millis{0});
  CHECK(ran == 2);
  CHECK(loop->post([&] { ++ran; }));
}

TEST_CASE("a pass runs tasks, then readiness, then timers, then the flushes in order of registration") {
  auto loop = make_loop();
  Pair pair(*loop);
  std::string order;
  struct Note final : StreamEvents {
    Note(Stream& s, std::string& o) : stream(s), order(o) {}
    void on_readable() override {
      std::uint8_t buffer[16];
      (void)stream.read(buffer);
      order += 'r';
    }
    void on_writable() override {}
    Stream& stream;
    std::string& order;
  } note{*pair.server->stream, order};
  loop->detach(*pair.server->stream);
  loop->attach(*pair.server->stream, note);
  loop->each_pass([&] { order += '1'; });
  loop->each_pass([&] { order += '2'; });
  Timer timer{[](void* o) { *static_cast<std::string*>(o) += 't'; }, &order};
  timer.set(*loop, loop->now());
  loop->post([&] { order += 'p'; });
  pair.client->send("x");
  loop->run_once(Millis{0});
  CHECK(order == "prt12");
  loop->detach(*pair.server->stream);
  pair.server->stream.reset();
}

TEST_CASE("a post from another thread wakes a sleeping loop, and each thread's tasks keep their order") {
  auto loop = make_loop(1 << 20);
  constexpr int kThreads = 3, kEach = 20'000;
  std::vector<int> seen(kThreads, 0);
  int out_of_order = 0, done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        while (!loop->post([&, t, i] {
          if (seen[static_cast<std::size_t>(t)]++ != i) ++out_of_order;
          ++done;
        })) {
        }
    });
  CHECK(run_until(*loop, [&] { return done == kThreads * kEach; }));
  for (auto& thread : threads) thread.join();
  CHECK(out_of_order == 0);
}

TEST_CASE("a stopped loop has run what it took and refuses the rest") {
  auto loop = make_loop();
  int ran = 0;
  CHECK(loop->post([&] { ++ran; }));
  loop->stop();
  loop->run();
  CHECK(ran == 1);
  CHECK(!loop->post([&] { ++ran; }));
}

TEST_CASE("a timer ends the sleep, at or after its deadline") {
  auto loop = make_loop();
  bool fired = false;
  Timer timer{[](void* f) { *static_cast<bool*>(f) = true; }, &fired};
  const Instant at = loop->now() + Millis{15};
  timer.set(*loop, at);
  CHECK(run_until(*loop, [&] { return fired; }));
  CHECK(loop->now() >= at);
}

TEST_CASE("bytes go there and back over loopback, with Nagle off at both ends") {
  auto loop = make_loop();
  Pair pair(*loop);
  pair.server->echo = true;
  pair.client->send("21.5 degrees");
  CHECK(run_until(*loop, [&] { return pair.client->received == "21.5 degrees"; }));
  CHECK(pair.client->last == Io::State::drained);
  CHECK(option(*pair.server->stream, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option(*pair.client->stream, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(pair.server->stream->peer().is_loopback());
}

TEST_CASE("more than the socket takes goes out as it drains, and on_writable comes once per request") {
  auto loop = make_loop();
  Pair pair(*loop);
  const std::string much(8 << 20, 'x');
  pair.server->send(much);
  CHECK(!pair.server->pending.empty());
  CHECK(run_until(*loop, [&] { return pair.client->received.size() == much.size(); }));
  const int asked = pair.server->writable;
  CHECK(asked > 0);
  for (int i = 0; i < 5; ++i) loop->run_once(Millis{0});
  CHECK(pair.server->writable == asked);
}

TEST_CASE("an orderly end is closed, a reset is failed and says why") {
  auto loop = make_loop();
  Pair orderly(*loop);
  orderly.client->stream->shut_down();
  CHECK(run_until(*loop, [&] { return orderly.server->last == Io::State::closed; }));
  CHECK(orderly.server->stream->failure().kind == StreamFailure::Kind::none);

  Pair reset(*loop);
  const linger hard{1, 0};
  ::setsockopt(dynamic_cast<TcpStream&>(*reset.client->stream).descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  loop->detach(*reset.client->stream);
  reset.client->stream.reset();
  CHECK(run_until(*loop, [&] { return reset.server->last == Io::State::failed; }));
  CHECK(reset.server->stream->failure().kind == StreamFailure::Kind::reset);
}

TEST_CASE("connecting where nobody listens fails with the reason") {
  auto loop = make_loop();
  const auto address = loop->listen(loopback(), [](std::unique_ptr<Stream>) {});
  REQUIRE(address);
  loop->stop_listening();
  auto stream = loop->connect(*address);
  REQUIRE(stream);
  Party client(*loop, std::move(*stream));
  CHECK(run_until(*loop, [&] { return client.last == Io::State::failed; }));
  CHECK(client.stream->failure().kind == StreamFailure::Kind::connect_refused);
}

TEST_CASE("a port in use is refused with a text that names it, unless a loop of this process has it") {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const KernelAddress any(loopback());
  REQUIRE(::bind(fd, any.get(), any.size) == 0);
  REQUIRE(::listen(fd, 1) == 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  const Address taken = address_of(bound);
  auto loop = make_loop();
  const auto refused = loop->listen(taken, [](std::unique_ptr<Stream>) {});
  ::close(fd);
  REQUIRE(!refused);
  CHECK(refused.error() == Error::io_failed);
  CHECK(loop->last_error().find(taken.text()) != std::string::npos);

  auto other = make_loop();
  int here = 0, there = 0;
  const auto address = loop->listen(loopback(), [&](std::unique_ptr<Stream>) { ++here; });
  REQUIRE(address);
  CHECK(*other->listen(*address, [&](std::unique_ptr<Stream>) { ++there; }) == *address);
  const auto client = loop->connect(*address);
  CHECK(run_until(*other, [&] { return there == 1; }));
  CHECK(here == 0);
}

TEST_CASE("out of descriptors, the listener pauses without spinning and takes up again") {
  auto loop = make_loop();
  std::vector<std::unique_ptr<Stream>> accepted;
  const auto address = loop->listen(loopback(), [&](std::unique_ptr<Stream> s) { accepted.push_back(std::move(s)); });
  REQUIRE(address);
  const auto client = loop->connect(*address);
  REQUIRE(client);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto passes = loop->passes();
  const Instant start = loop->now();
  while (loop->now() - start < Millis{60}) loop->run_once(Millis{70});
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(accepted.empty());
  CHECK(loop->passes() - passes < 10);
  CHECK(loop->last_error().find("accept") != std::string::npos);
  CHECK(run_until(*loop, [&] { return accepted.size() == 1; }));
}

TEST_CASE("a stream that ends another in the same pass takes its waiting event along") {
  auto loop = make_loop();
  std::vector<std::unique_ptr<Party>> servers;
  struct Killer final : StreamEvents {
    void on_readable() override {
      ++told;
      if (victim != nullptr) {
        loop->detach(*victim);
        victim->read({});
        *victim_slot = nullptr;
      }
    }
    void on_writable() override {}
    Loop* loop = nullptr;
    Stream* victim = nullptr;
    std::unique_ptr<Stream>* victim_slot = nullptr;
    int told = 0;
  } one, two;
  std::vector<std::unique_ptr<Stream>> streams;
  const auto address = loop->listen(loopback(), [&](std::unique_ptr<Stream> s) { streams.push_back(std::move(s)); });
  const auto a = loop->connect(*address), b = loop->connect(*address);
  REQUIRE(run_until(*loop, [&] { return streams.size() == 2; }));
  one.loop = two.loop = loop.get();
  one.victim_slot = &streams[1], one.victim = streams[1].get();
  two.victim_slot = &streams[0], two.victim = streams[0].get();
  loop->attach(*streams[0], one);
  loop->attach(*streams[1], two);
  CHECK((*a)->write(as_bytes("x")).bytes == 1);
  CHECK((*b)->write(as_bytes("x")).bytes == 1);
  loop->run_once(Millis{100});
  CHECK(one.told + two.told == 1);
  for (auto& stream : streams)
    if (stream != nullptr) loop->detach(*stream);
}

TEST_CASE("a stream moves between shards with its unread bytes, and shards post to each other") {
  auto shards = ShardSet::open(2);
  REQUIRE(shards);
  auto main_loop = make_loop();
  Loop& first = (*shards)->loop(0);
  Loop& second = (*shards)->loop(1);
  std::unique_ptr<Party> moved;  // touched by shard 1 only, once the shards run
  const auto address = first.listen(loopback(), [&](std::unique_ptr<Stream> stream) {
    second.post([&, s = std::make_shared<std::unique_ptr<Stream>>(std::move(stream))] {
      moved = std::make_unique<Party>(second, std::move(*s));
      moved->echo = true;
    });
  });
  REQUIRE(address);
  (*shards)->start();
  auto stream = main_loop->connect(*address);
  REQUIRE(stream);
  Party client(*main_loop, std::move(*stream));
  client.send("hello");
  CHECK(run_until(*main_loop, [&] { return client.received == "hello"; }));
  (*shards)->stop_and_join();
  moved.reset();
}

TEST_CASE("a device's home shard is the same at every start, and homes are spread evenly") {
  struct Two final : Shards {
    explicit Two(std::size_t n) : n_(n) {}
    std::size_t count() const override { return n_; }
    Loop& loop(std::size_t) override { std::abort(); }
    std::size_t n_;
  };
  CHECK(Two{2}.home_of("d/a1b2c3/board-7") == Two{2}.home_of("d/a1b2c3/board-7"));
  CHECK(Two{1}.home_of("d/a1b2c3/board-7") == 0);
  for (const std::size_t n : {2, 3, 4, 8}) {
    std::vector<int> load(n, 0);
    for (int i = 0; i < 1000; ++i) ++load[Two{n}.home_of("d/a1b2c3d4e5/board-" + std::to_string(i))];
    for (const int devices : load) {
      CHECK(devices > 1000 / static_cast<int>(n) * 8 / 10);
      CHECK(devices < 1000 / static_cast<int>(n) * 12 / 10);
    }
  }
}
