#include "platform/openapi/http.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/runtime/sim.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

/// A browser or SDK of the simulated network: sends what it is told, keeps what comes.
class Peer final : runtime::StreamEvents {
 public:
  Peer(runtime::Loop& loop, const runtime::Address& server) : loop_(loop) {
    auto opened = loop.connect(server);
    REQUIRE(opened);
    stream_ = std::move(*opened);
    loop_.attach(*stream_, *this);
  }
  ~Peer() {
    if (stream_) loop_.detach(*stream_);
  }
  void send(std::string_view text) {
    pending_ += text;
    write();
  }
  void half_close() { stream_->shut_down(); }
  void stop_reading() {
    loop_.detach(*stream_);
    reading_ = false;
  }
  /// After stop_reading(): takes so many bytes off the network, now.
  void take(std::size_t bytes) {
    std::vector<std::uint8_t> buffer(bytes);
    received.append(reinterpret_cast<const char*>(buffer.data()), stream_->read(buffer).bytes);
  }
  void vanish() {
    if (!stream_) return;
    loop_.detach(*stream_);
    stream_.reset();
  }

  std::string received;
  bool closed = false;

 private:
  void on_readable() override {
    std::array<std::uint8_t, 4096> buffer;
    for (;;) {
      const runtime::Io io = stream_->read(buffer);
      received.append(reinterpret_cast<const char*>(buffer.data()), io.bytes);
      if (io.state == runtime::Io::State::more) continue;
      if (io.state != runtime::Io::State::drained && !closed) {
        closed = true;
        loop_.detach(*stream_);
      }
      return;
    }
  }
  void on_writable() override { write(); }
  void write() {
    while (!pending_.empty()) {
      const runtime::Io io = stream_->write(as_bytes(pending_));
      pending_.erase(0, io.bytes);
      if (io.state == runtime::Io::State::more) continue;
      if (io.state == runtime::Io::State::drained && reading_) loop_.want_write(*stream_);
      return;
    }
  }
  runtime::Loop& loop_;
  std::unique_ptr<runtime::Stream> stream_;
  std::string pending_;
  bool reading_ = true;
};

struct Scene final : HttpHandler {
  explicit Scene(HttpServerLimits limits = {})
      : world(7), server_host(world.add_host("10.0.0.1")), client_host(world.add_host("10.0.0.2")) {
    loop = &server_host.add_loop();
    client = &client_host.add_loop();
    server = std::make_unique<HttpServer>(*loop, *this, limits);
    REQUIRE(loop->listen(server_host.address(80), [this](auto stream) { server->accept(std::move(stream)); }));
  }
  void on_request(HttpRequest request, HttpResponder respond) override {
    requests.push_back(request);
    if (request.path == "/later") return void(waiting.push_back(respond));
    if (request.path == "/events") return void(events = respond.stream({{"X-Test", "1"}}));
    HttpResponse response;
    response.content_type = "text/plain";
    if (request.path == "/fixed") {
      static const std::string kFixed(200'000, '#');
      response.fixed_body = as_bytes(kFixed);
      return respond(response);
    }
    response.body = request.path == "/big" ? std::string(3'000'000, 'b') : request.path + "|" + request.body;
    respond(response);
  }
  std::unique_ptr<Peer> connect() { return std::make_unique<Peer>(*client, server_host.address(80)); }
  void run(Millis span = Millis{50}) { world.run_for(span); }

  runtime::SimWorld world;
  runtime::SimHost& server_host;
  runtime::SimHost& client_host;
  runtime::SimLoop* loop;
  runtime::SimLoop* client;
  std::unique_ptr<HttpServer> server;
  std::vector<HttpRequest> requests;
  std::vector<HttpResponder> waiting;
  EventStream events;
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

/// A client that always has more to say, like one with a fast network and nothing to lose. Counts what one pass reads.
class Endless final : public runtime::Stream {
 public:
  Endless(std::unique_ptr<runtime::Stream> inner, runtime::SimLoop& loop, std::size_t& most)
      : inner_(std::move(inner)), loop_(loop), most_(most) {}
  runtime::Io read(MutableBytes into) override {
    if (loop_.passes() != at_) in_pass_ = 0;
    at_ = loop_.passes();
    in_pass_ += into.size();
    most_ = std::max(most_, in_pass_);
    if (in_pass_ > 1'000'000) return {runtime::Io::State::drained, 0};
    const std::string_view head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n";
    std::fill(into.begin(), into.end(), std::uint8_t{'x'});
    if (!std::exchange(begun_, true)) std::copy(head.begin(), head.end(), into.begin());
    return {runtime::Io::State::more, into.size()};
  }
  runtime::Io write(Bytes from) override { return inner_->write(from); }
  void shut_down() override { inner_->shut_down(); }
  const runtime::Address& peer() const override { return inner_->peer(); }
  bool has_buffered() const override { return true; }
  runtime::Stream& transport() override { return inner_->transport(); }

 private:
  std::unique_ptr<runtime::Stream> inner_;
  runtime::SimLoop& loop_;
  std::size_t& most_;
  std::size_t in_pass_ = 0;
  std::uint64_t at_ = 0;
  bool begun_ = false;
};

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace

TEST_CASE("requests of one connection are answered one after another and the connection stays open") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send(kGet);
  scene.run();
  CHECK(peer->received.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(peer->received.find("Content-Length: 3\r\n") != std::string::npos);
  CHECK(peer->received.ends_with("\r\n\r\n/a|"));
  peer->send("POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n");
  scene.run();
  CHECK(peer->received.ends_with("/b|xy"));
  CHECK(!peer->closed);
  CHECK(scene.requests.at(0).peer.ip_text() == "10.0.0.2");
}

TEST_CASE("pipelined requests wait for the answer before them") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send(
      "GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run();
  CHECK(scene.requests.size() == 1);
  CHECK(peer->received.empty());
  scene.loop->post([&] { scene.waiting.at(0)(plain_response(200, "first")); });
  scene.run();
  CHECK(scene.requests.size() == 3);
  CHECK(peer->received.find("first") < peer->received.find("/2|"));
  CHECK(peer->received.find("/2|") < peer->received.find("/3|"));
}

TEST_CASE("HEAD is answered without the body, with its length") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run();
  CHECK(peer->received.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(peer->received.ends_with("\r\n\r\n"));
}

TEST_CASE("a client that asks for it is disconnected after its answer") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  scene.run();
  CHECK(peer->received.find("Connection: close\r\n") != std::string::npos);
  CHECK(peer->received.ends_with("/a|"));
  CHECK(peer->closed);
  peer->vanish();
  scene.run();
  CHECK(scene.server->connection_count() == 0);
}

TEST_CASE("a client that has closed its side still gets the answer") {
  Scene scene;
  const auto peer = scene.connect();
  scene.run();
  peer->send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  peer->half_close();
  scene.run();
  REQUIRE(scene.waiting.size() == 1);
  const auto passes = scene.loop->passes();
  scene.run(Millis{100});
  CHECK(scene.loop->passes() < passes + 50);  // it does not spin meanwhile
  scene.loop->post([&] { scene.waiting.at(0)(plain_response(200, "late")); });
  scene.run();
  CHECK(peer->received.find("late") != std::string::npos);
  CHECK(scene.server->connection_count() == 0);
}

TEST_CASE("bad requests are refused with their status and the connection ends") {
  struct Row {
    std::string text;
    const char* status;
  };
  const Row rows[] = {{"nonsense\r\n\r\n", "HTTP/1.1 400 "},
                      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n", "HTTP/1.1 413 "},
                      {"GET /" + std::string(70'000, 'a') + " HTTP/1.1\r\n", "HTTP/1.1 431 "}};
  for (const Row& row : rows) {
    CAPTURE(row.status);
    Scene scene;
    const auto peer = scene.connect();
    peer->send(row.text);
    scene.run(Millis{200});
    CHECK(peer->received.starts_with(row.status));
    CHECK(peer->closed);
    CHECK(scene.requests.empty());
    scene.run(Millis{3000});
    CHECK(scene.server->connection_count() == 0);
  }
}

TEST_CASE("a client that sends its headers drop by drop is told 408 after ten seconds") {
  Scene scene;
  const auto peer = scene.connect();
  for (int i = 0; i < 9; ++i) {
    peer->send(i == 0 ? "GET / HTTP/1.1\r\n" : "A: b\r\n");
    scene.run(Millis{1000});
  }
  CHECK(!peer->closed);
  scene.run(Millis{1500});
  CHECK(peer->received.starts_with("HTTP/1.1 408 "));
  CHECK(peer->closed);
}

TEST_CASE("a body that comes too slowly is told 408 after thirty seconds") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 29; ++i) {
    peer->send("x");
    scene.run(Millis{1000});
  }
  CHECK(!peer->closed);
  scene.run(Millis{1500});
  CHECK(peer->received.starts_with("HTTP/1.1 408 "));
}

TEST_CASE("connections without a request are closed in silence: fresh after ten seconds, used after sixty") {
  Scene scene;
  const auto fresh = scene.connect();
  const auto used = scene.connect();
  used->send(kGet);
  scene.run();
  used->received.clear();
  scene.run(Millis{9900});
  CHECK(!fresh->closed);
  scene.run(Millis{200});
  CHECK(fresh->closed);
  CHECK(fresh->received.empty());
  CHECK(!used->closed);
  scene.run(Millis{50'000});
  CHECK(used->closed);
  CHECK(used->received.empty());
}

TEST_CASE("an answer that never comes becomes a 503, and one that comes later is lost") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run(Millis{30'100});
  CHECK(peer->received.starts_with("HTTP/1.1 503 "));
  scene.loop->post([&] { scene.waiting.at(0)(plain_response(200, "late")); });
  scene.run();
  CHECK(peer->received.find("late") == std::string::npos);
  peer->send(kGet);
  scene.run();
  CHECK(peer->received.ends_with("/a|"));
}

TEST_CASE("an answer for a client that has gone is forgotten") {
  Scene scene;
  auto peer = scene.connect();
  peer->send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run();
  peer->vanish();
  scene.run();
  scene.loop->post([&] { scene.waiting.at(0)(plain_response(200, "late")); });
  scene.run(Millis{35'000});
  CHECK(scene.server->connection_count() == 0);
}

TEST_CASE("a large answer arrives whole, also over a narrow link") {
  Scene scene;
  scene.client_host.link.short_writes = 0.3;
  scene.server_host.link.short_writes = 0.3;
  const auto peer = scene.connect();
  peer->send("GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /after HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run(Millis{10'000});
  CHECK(count(peer->received, "HTTP/1.1 200 OK") == 2);
  CHECK(peer->received.size() > 3'000'000);
  CHECK(peer->received.ends_with("/after|"));
}

TEST_CASE("a client that does not take its answer is disconnected") {
  Scene scene;
  const auto peer = scene.connect();
  scene.run();
  peer->send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  peer->stop_reading();
  scene.run(Millis{29'000});
  CHECK(scene.server->connection_count() == 1);
  scene.run(Millis{5000});
  CHECK(scene.server->connection_count() == 0);
}

TEST_CASE("a client that takes its answer by the spoonful is disconnected as well") {
  Scene scene;
  const auto peer = scene.connect();
  scene.run();
  peer->send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  peer->stop_reading();
  for (int i = 0; i < 40; ++i) {
    peer->take(1000);
    scene.run(Millis{1000});
  }
  CHECK(scene.server->connection_count() == 0);
}

TEST_CASE("a slow client that takes enough of a large answer gets the whole of it") {
  Scene scene;
  const auto peer = scene.connect();
  scene.run();
  peer->send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  peer->stop_reading();
  for (int i = 0; i < 200; ++i) {
    peer->take(20'000);
    scene.run(Millis{1000});
  }
  CHECK(peer->received.size() > 3'000'000);
}

TEST_CASE("a client that closes its side after the request gets its whole answer") {
  Scene scene;
  const auto peer = scene.connect();
  scene.run();
  peer->send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  peer->half_close();
  scene.run(Millis{20'000});
  CHECK(peer->received.size() > 3'000'000);
  CHECK(peer->closed);
}

TEST_CASE("requests sent ahead of a large answer do not cut it short") {
  Scene scene;
  const auto peer = scene.connect();
  std::string text = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
  for (int i = 0; i < 4000; ++i) text += kGet;
  peer->send(text);
  scene.run(Millis{20'000});
  CHECK(scene.requests.size() == 4001);
  CHECK(count(peer->received, "HTTP/1.1 200 OK") == 4001);
}

TEST_CASE("a body that is not copied arrives as any other") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("GET /fixed HTTP/1.1\r\nHost: h\r\n\r\nHEAD /fixed HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run(Millis{2000});
  CHECK(count(peer->received, "Content-Length: 200000\r\n") == 2);
  CHECK(static_cast<std::size_t>(std::count(peer->received.begin(), peer->received.end(), '#')) == 200'000);
}

TEST_CASE("one connection reads a bounded number of bytes a pass, also while what it sends is thrown away") {
  Scene scene;
  std::size_t most = 0;
  REQUIRE(scene.loop->listen(scene.server_host.address(81), [&](auto stream) {
    scene.server->accept(std::make_unique<Endless>(std::move(stream), *scene.loop, most));
  }));
  Peer peer(*scene.client, scene.server_host.address(81));
  scene.run(Millis{500});
  CHECK(peer.received.starts_with("HTTP/1.1 413 "));
  CHECK(most > 0);
  CHECK(most <= 64 * 1024);
}

TEST_CASE("one network has its own bound of connections, which leaves room for the others") {
  HttpServerLimits limits;
  limits.per_network = 2;
  Scene scene(limits);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(scene.connect());
    peers.back()->send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  scene.run();
  for (int i = 0; i < 20; ++i) peers.push_back(scene.connect());
  scene.run();
  const auto told = std::count_if(peers.begin(), peers.end(),
                                  [](const auto& peer) { return peer->received.starts_with("HTTP/1.1 503 "); });
  CHECK(told == 8);
  CHECK(std::count_if(peers.begin(), peers.end(), [](const auto& peer) { return peer->closed; }) == 20);
  CHECK(scene.server->connection_count() <= 10);
  Peer other(scene.world.add_host("10.0.0.3").add_loop(), scene.server_host.address(80));
  other.send(kGet);
  scene.run();
  CHECK(other.received.ends_with("/a|"));
  for (const auto& peer : peers) peer->vanish();
  scene.run(Millis{31'000});  // the answers that nobody waits for are given up
  const auto again = scene.connect();
  again->send(kGet);
  scene.run();
  CHECK(again->received.ends_with("/a|"));
}

TEST_CASE("a client that sends without end while it waits does not fill the memory") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  for (int i = 0; i < 3000; ++i) peer->send(kGet);
  scene.run(Millis{500});
  CHECK(scene.requests.size() == 1);
  scene.loop->post([&] { scene.waiting.at(0)(plain_response(200, "first")); });
  scene.run(Millis{2000});
  CHECK(scene.requests.size() == 3001);
}

TEST_CASE("one connection too many is told 503, unless an idle one can make room") {
  HttpServerLimits limits;
  limits.connections = 3;
  Scene scene(limits);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(scene.connect());
    peers.back()->send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  scene.run();
  const auto refused = scene.connect();
  scene.run();
  CHECK(refused->received.starts_with("HTTP/1.1 503 "));
  CHECK(refused->closed);
  scene.loop->post([&] { scene.waiting.at(0)(plain_response(200, "done")); });
  scene.run(Millis{3000});
  const auto welcome = scene.connect();
  welcome->send(kGet);
  scene.run();
  CHECK(welcome->received.ends_with("/a|"));
  CHECK(int{peers[0]->closed} + int{peers[1]->closed} + int{peers[2]->closed} == 1);
}

TEST_CASE("events flow for as long as the reader stays, with a beat when there are none") {
  Scene scene;
  auto peer = scene.connect();
  peer->send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run();
  CHECK(peer->received.find("Content-Type: text/event-stream") != std::string::npos);
  CHECK(peer->received.find("X-Test: 1\r\n") != std::string::npos);
  REQUIRE(scene.events.is_open());
  scene.loop->post([&] { CHECK(scene.events.send("update", "{\"a\":1}")); });
  scene.run();
  CHECK(peer->received.ends_with("event: update\ndata: {\"a\":1}\n\n"));
  scene.run(Millis{31'000});
  CHECK(count(peer->received, ": beat\n\n") == 2);
  peer->vanish();
  scene.run();
  CHECK(!scene.events.is_open());
  scene.loop->post([&] { CHECK(!scene.events.send("update", "{}")); });
  scene.run();
  CHECK(scene.server->connection_count() == 0);
}

TEST_CASE("a reader of events that does not read is disconnected at the bound") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run();
  peer->stop_reading();
  bool open = true;
  for (int i = 0; i < 200 && open; ++i) {
    scene.loop->post([&] { open = scene.events.send("update", std::string(60'000, 'x')); });
    scene.run(Millis{5});
  }
  CHECK(!open);
  CHECK(scene.server->connection_count() == 0);
}

TEST_CASE("responders and events that outlive the server are harmless") {
  Scene scene;
  const auto peer = scene.connect();
  peer->send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto reader = scene.connect();
  reader->send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.run();
  scene.loop->post([&] {
    scene.server.reset();
    scene.waiting.at(0)(plain_response(200, "late"));
    CHECK(!scene.events.send("update", "{}"));
  });
  scene.run();
  CHECK(peer->closed);
}
