#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

/// Bytes that say where they stand.
struct Pattern final : BodySource {
  std::size_t read(std::uint64_t offset, MutableBytes into) const override {
    largest = std::max(largest, into.size());
    if (broken && offset > 1'000'000) return 0;
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = at(offset + i);
    return into.size();
  }
  static std::uint8_t at(std::uint64_t offset) { return static_cast<std::uint8_t>(offset * 31 >> 3); }
  mutable std::size_t largest = 0;
  bool broken = false;
};

struct Bench final : HttpHandler {
  Bench() {
    limits.request.streamed_bytes = 8'000'000;
    server = std::make_unique<HttpServer>(loop, *this, limits);
    TERCET_CHECK(loop.listen(host.address(80), [this](auto stream) { server->accept(std::move(stream)); }).has_value());
  }
  void on_request(HttpRequest request, HttpResponder respond) override {
    body_bytes = request.body.size();
    HttpResponse response;
    response.source = pattern;
    response.source_from = 5;
    response.source_bytes = 3'000'000;
    respond(std::move(response));
  }
  struct Sink final : BodySink {
    explicit Sink(Bench& b) : bench(b) {}
    ~Sink() override { ++bench.sinks_gone; }
    bool take(Bytes piece) override {
      bench.largest_piece = std::max(bench.largest_piece, piece.size());
      bench.sunk += piece.size();
      return bench.sunk <= bench.wanted;
    }
    HttpResponse answer() override { return plain_response(bench.sunk <= bench.wanted ? 200 : 403, "sunk"); }
    Bench& bench;
  };
  std::unique_ptr<BodySink> open_sink(const HttpRequest& head) override {
    return head.path == "/sink" ? std::make_unique<Sink>(*this) : nullptr;
  }
  std::string get(const std::string& text, Millis span = Millis{3000}) {
    TestClient client(client_loop, host.address(80));
    client.send(text);
    world.run_for(span);
    closed = client.closed;
    return client.received;
  }
  static std::string post(const std::string& path, std::size_t bytes, bool close = true) {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\n" + (close ? "Connection: close\r\n" : "") +
           "Content-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
  }

  runtime::SimWorld world{3};
  runtime::SimHost& host = world.add_host("10.0.0.1");
  runtime::SimLoop& loop = host.add_loop();
  runtime::SimLoop& client_loop = world.add_host("10.0.0.2").add_loop();
  HttpServerLimits limits;
  std::unique_ptr<HttpServer> server;
  std::shared_ptr<Pattern> pattern = std::make_shared<Pattern>();
  std::size_t body_bytes = 0, sunk = 0, largest_piece = 0, wanted = 10'000'000, sinks_gone = 0;
  bool closed = false;
};

}  // namespace

TEST_CASE("a large body is read while it is sent, in pieces, and arrives whole") {
  Bench bench;
  const std::string got = bench.get("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto head = got.find("\r\n\r\n");
  REQUIRE(head != std::string::npos);
  CHECK(got.find("Content-Length: 3000000\r\n") < head);
  REQUIRE(got.size() == head + 4 + 3'000'000);
  bool same = true;
  for (std::size_t i = 0; i < 3'000'000; ++i)
    same = same && static_cast<std::uint8_t>(got[head + 4 + i]) == Pattern::at(i + 5);
  CHECK(same);
  CHECK(bench.pattern->largest <= 64 * 1024);
  CHECK(bench.get("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").ends_with("\r\n\r\n"));
}

TEST_CASE("a connection goes on after a streamed body, and is cut off when the body cannot be read") {
  Bench bench;
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(bench.get(request + request).size() > 6'000'000);
  bench.pattern->broken = true;
  CHECK(bench.get(request).size() < 3'000'000);
  CHECK(bench.closed);
}

TEST_CASE("a request's body goes into its sink in pieces; others keep the usual bound") {
  Bench bench;
  const std::string got = bench.get(Bench::post("/sink", 5'000'000, false) + Bench::post("/sink", 10));
  CHECK(got.find("HTTP/1.1 200") == 0);
  CHECK(got.rfind("HTTP/1.1 200") > 0);
  CHECK(bench.sunk == 5'000'010);
  CHECK(bench.largest_piece <= 128 * 1024);
  CHECK(bench.sinks_gone == 2);
  CHECK(bench.get(Bench::post("/other", 3'000'000)).find("HTTP/1.1 413") == 0);
  CHECK(bench.get(Bench::post("/other", 1'000'000)).find("HTTP/1.1 200") == 0);
  CHECK(bench.body_bytes == 1'000'000);
  CHECK(bench.get(Bench::post("/sink", 8'000'001)).find("HTTP/1.1 413") == 0);
}

TEST_CASE("a sink that has had enough answers at once; one whose client goes away is dropped") {
  Bench bench;
  bench.wanted = 100'000;
  const std::string got = bench.get(Bench::post("/sink", 1'000'000, false));
  CHECK(got.find("HTTP/1.1 403") == 0);
  CHECK(got.find("Connection: close") != std::string::npos);
  CHECK(bench.sunk < 400'000);
  CHECK(bench.closed);
  bench.wanted = 10'000'000;
  const std::string half = Bench::post("/sink", 1000).substr(0, 700);
  CHECK(bench.get(half).empty());
  bench.world.run_for(Millis{1000});
  CHECK(bench.sinks_gone == 2);
}
