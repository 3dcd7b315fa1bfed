#include "tercet/device/fetch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

using namespace tercet;
using namespace tercet::device;

namespace {

/// A server that says what the test wrote down, a few bytes at a time.
class Script final : public Transport {
 public:
  std::string answer;             ///< given once the request is whole
  std::size_t most_at_once = 64;  ///< bytes a read or write moves
  std::size_t stop_at = ~std::size_t{0};
  bool hangs = false;   ///< at stop_at: silence; else the connection ends there
  bool blocks = false;  ///< every other call answers would_block
  std::optional<Stage> broken_at, hangs_at;
  Error breaks_with = Error::io_failed;
  std::string request, host;
  std::uint16_t port = 0;
  bool tls = false, is_open = false;
  int opened = 0;

  Result<void> open(const Target& target) override {
    if (broken_at == Stage::closed) return fail(breaks_with);
    host = target.host, port = target.port, tls = target.tls, is_open = true;
    request.clear(), given_ = 0, ++opened;
    stage_ = Stage::resolving;
    return {};
  }
  Result<Stage> advance() override {
    if (broken_at == stage_) return fail(breaks_with);
    if (hangs_at == stage_ || stage_ == Stage::ready) return stage_;
    stage_ = stage_ == Stage::resolving           ? Stage::connecting
             : stage_ == Stage::connecting && tls ? Stage::securing
                                                  : Stage::ready;
    return stage_;
  }
  Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override {
    REQUIRE(is_open);
    if (blocks && (turn_ = !turn_)) return fail(Error::would_block);
    if (!request.ends_with("\r\n\r\n")) return fail(Error::would_block);
    const std::size_t end = std::min(answer.size(), stop_at);
    const std::size_t size = std::min({into.size(), most_at_once, end - given_});
    if (size == 0) return fail(hangs ? Error::would_block : Error::closed);
    std::memcpy(into.data(), answer.data() + given_, size);
    given_ += size;
    return size;
  }
  Result<std::size_t> write(Bytes from) override {
    REQUIRE(is_open);
    if (blocks && (turn_ = !turn_)) return fail(Error::would_block);
    const std::size_t size = std::min(from.size(), most_at_once);
    request += as_text(from.first(size));
    return size;
  }
  void close() override { is_open = false, stage_ = Stage::closed; }
  std::string_view detail() const override { return "the script's words"; }

 private:
  Stage stage_ = Stage::closed;
  std::size_t given_ = 0;
  bool turn_ = false;
};

class Keep final : public FetchSink {
 public:
  std::string body;
  std::uint64_t begin = 0;
  std::optional<Error> fails;
  int refusals = 0;  ///< answers would_block so often
  Fetch* cancels = nullptr;
  bool in_order = true;
  Result<void> on_body(std::uint64_t at, Bytes bytes) override {
    if (cancels != nullptr) cancels->cancel();
    if (refusals > 0) return --refusals, fail(Error::would_block);
    if (fails) return fail(*fails);
    in_order = in_order && at == begin + body.size() && !bytes.empty();
    body += as_text(bytes);
    return {};
  }
};

struct Bench {
  Script server;
  Keep sink;
  std::array<std::uint8_t, 1024> buffer{};
  Fetch fetch{server, buffer, sink};
  Instant now{Millis{5'000}};
  FetchRequest request{.url = "https://files.example:8443/a/b.json?sign=12"};
  FetchOptions options;

  /// Runs to its end as a board's loop would, and sleeps to the deadline when nothing happens.
  void run() {
    sink.begin = request.from;
    static_cast<void>(fetch.start(request, now, options));
    go_on();
  }
  void go_on() {
    for (int i = 0; i < 20'000 && fetch.is_busy(); ++i) {
      fetch.run(now);
      now = now + Millis{1};
      // Nothing is announced any more: the next thing to happen is a deadline.
      if (i > 15'000 && fetch.is_busy()) now = std::max(now, fetch.next_deadline());
    }
    CHECK(!fetch.is_busy());
    CHECK(!server.is_open);
    CHECK(sink.in_order);
  }
  FetchFault fault() { return fetch.failure().fault; }
};

std::string answer(std::string_view body, std::string_view status = "200 OK", std::string_view fields = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

std::string file(std::size_t size) {
  std::string made;
  for (std::size_t i = 0; i < size; ++i) made += static_cast<char>('a' + i * 7 % 26);
  return made;
}

}  // namespace

TEST_CASE("a file is asked for in so many words, and delivered in pieces") {
  Bench bench;
  bench.server.answer = answer(file(3000));
  bench.run();
  CHECK(bench.fetch.state() == Fetch::State::done);
  CHECK(bench.fault() == FetchFault::none);
  CHECK(bench.sink.body == file(3000));
  CHECK(bench.fetch.position() == 3000u);
  CHECK(bench.fetch.total() == 3000u);
  CHECK(bench.server.host == "files.example");
  CHECK(bench.server.port == 8443);
  CHECK(bench.server.tls);
  CHECK(bench.server.request ==
        "GET /a/b.json?sign=12 HTTP/1.1\r\nHost: files.example:8443\r\nUser-Agent: tercet\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n");
}

TEST_CASE("the usual port is not in the Host field, an IPv6 address is in brackets, a path begins with a slash") {
  Bench bench;
  bench.server.answer = answer("x");
  bench.request.url = "http://[::1]?q=1";
  bench.run();
  CHECK(bench.server.request.starts_with("GET /?q=1 HTTP/1.1\r\nHost: [::1]\r\n"));
  CHECK(bench.server.host == "::1");
  CHECK(bench.server.port == 80);
  CHECK(!bench.server.tls);
}

TEST_CASE("the address may be forgotten once the fetch has begun") {
  Bench bench;
  bench.server.answer = answer("x");
  std::string url = "https://files.example/f";
  bench.request.url = url;
  REQUIRE(bench.fetch.start(bench.request, bench.now));
  std::fill(url.begin(), url.end(), '!');
  bench.go_on();
  CHECK(bench.sink.body == "x");
  CHECK(bench.server.request.starts_with("GET /f HTTP"));
}

TEST_CASE("every way of cutting the stream into pieces gives the same file") {
  for (std::size_t most = 1; most < 300; ++most) {
    Bench bench;
    bench.server.answer = answer(file(500)) + "what follows is not of the file";
    bench.server.most_at_once = most;
    bench.server.blocks = most % 2 == 1;
    bench.run();
    CHECK(bench.fetch.state() == Fetch::State::done);
    CHECK(bench.sink.body == file(500));
  }
}

TEST_CASE("a stream cut off anywhere is a failure that says so, and what came is counted") {
  const std::string whole = answer(file(120));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bench bench;
    bench.server.answer = whole;
    bench.server.stop_at = size;
    bench.run();
    CHECK(bench.fault() == FetchFault::cut_off);
    CHECK(may_pass(bench.fault()));
    CHECK(bench.fetch.position() == bench.sink.body.size());
    CHECK(file(120).starts_with(bench.sink.body));
    CHECK(bench.fetch.detail() == "the script's words");
  }
}

TEST_CASE("a fetch goes on where it stopped") {
  Bench bench;
  bench.request.from = 100;
  bench.request.size = 300;
  bench.server.answer = answer(file(300).substr(100), "206 Partial Content", "Content-Range: bytes 100-299/300\r\n");
  bench.run();
  CHECK(bench.fetch.state() == Fetch::State::done);
  CHECK(bench.server.request.find("\r\nRange: bytes=100-\r\n") != std::string::npos);
  CHECK(bench.sink.body == file(300).substr(100));
  CHECK(bench.fetch.total() == 300u);
}

TEST_CASE("a server that knows no ranges sends the file anew, and the known part is passed over") {
  for (const std::size_t most : {1u, 7u, 64u, 1000u}) {
    Bench bench;
    bench.request.from = 100;
    bench.server.most_at_once = most;
    bench.server.answer = answer(file(300));
    bench.run();
    CHECK(bench.fetch.state() == Fetch::State::done);
    CHECK(bench.sink.body == file(300).substr(100));
  }
}

TEST_CASE("a part that was not asked for is refused") {
  for (const std::string_view fields :
       {"Content-Range: bytes 99-298/300\r\n", "", "Content-Range: bytes 100-298/300\r\n"}) {
    Bench bench;
    bench.request.from = 100;
    bench.server.answer = answer(file(200), "206 Partial Content", fields);
    bench.run();
    CHECK(bench.fault() == FetchFault::bad_answer);
    CHECK(bench.sink.body.empty());
  }
  Bench bench;
  bench.server.answer = answer(file(200), "206 Partial Content", "Content-Range: bytes 0-199/200\r\n");
  bench.run();
  CHECK(bench.fault() == FetchFault::bad_answer);
}

TEST_CASE("a part that ends before the file does leaves the rest for the next fetch") {
  Bench bench;
  bench.request.from = 100;
  bench.server.answer =
      answer(file(200).substr(100, 50), "206 Partial Content", "Content-Range: bytes 100-149/200\r\n");
  bench.run();
  CHECK(bench.fault() == FetchFault::cut_off);
  CHECK(bench.fetch.position() == 150u);
}

TEST_CASE("each refusal of the server has its own name") {
  struct Row {
    std::string_view status;
    FetchFault fault;
    std::uint16_t number;
  };
  const Row rows[] = {
      {"301 Moved", FetchFault::redirect, 301},        {"302 Found", FetchFault::redirect, 302},
      {"304 Not Modified", FetchFault::redirect, 304}, {"401 Unauthorized", FetchFault::denied, 401},
      {"403 Forbidden", FetchFault::denied, 403},      {"404 Not Found", FetchFault::not_found, 404},
      {"410 Gone", FetchFault::not_found, 410},        {"416 Range", FetchFault::range, 416},
      {"429 Slow down", FetchFault::busy, 429},        {"503 Later", FetchFault::busy, 503},
      {"400 Bad", FetchFault::refused, 400},           {"204 No Content", FetchFault::refused, 204},
  };
  for (const Row& row : rows) {
    Bench bench;
    bench.server.answer = answer("<html>", row.status);
    bench.run();
    CAPTURE(row.status);
    CHECK(bench.fault() == row.fault);
    CHECK(bench.fetch.failure().status == row.number);
    CHECK(bench.sink.body.empty());
  }
}

TEST_CASE("a file that is too large, of another size, chunked or without a length never reaches the sink") {
  const auto fault_of = [](std::string text, std::optional<std::uint64_t> size, std::uint64_t most) {
    Bench bench;
    bench.request.size = size, bench.request.most_bytes = most;
    bench.server.answer = std::move(text);
    bench.run();
    CHECK(bench.sink.body.empty());
    return bench.fault();
  };
  CHECK(fault_of(answer(file(101)), {}, 100) == FetchFault::too_large);
  CHECK(fault_of(answer(file(99)), 100, 100) == FetchFault::wrong_size);
  CHECK(fault_of(answer("x"), 101, 100) == FetchFault::too_large);
  CHECK(fault_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", {}, 100) ==
        FetchFault::unsupported);
  CHECK(fault_of(answer("x", "200 OK", "Content-Encoding: gzip\r\n"), {}, 100) == FetchFault::unsupported);
  CHECK(fault_of("HTTP/1.1 200 OK\r\n\r\nx", {}, 100) == FetchFault::unsupported);
  CHECK(fault_of("220 mail.example ESMTP\r\n", {}, 100) == FetchFault::bad_answer);
  CHECK(fault_of("HTTP/1.1 200 OK\r\nX: " + file(9000), {}, 100) == FetchFault::bad_answer);
}

TEST_CASE("an empty file is a file") {
  Bench bench;
  bench.server.answer = answer("");
  bench.run();
  CHECK(bench.fetch.state() == Fetch::State::done);
  CHECK(bench.fetch.total() == 0u);
}

TEST_CASE("what breaks on the way has the name of the step") {
  struct Row {
    Stage stage;
    Error error;
    FetchFault fault;
  };
  const Row rows[] = {
      {Stage::closed, Error::no_space, FetchFault::no_memory},
      {Stage::resolving, Error::dns_failed, FetchFault::dns},
      {Stage::connecting, Error::connect_refused, FetchFault::unreachable},
      {Stage::securing, Error::tls_untrusted, FetchFault::tls},
      {Stage::securing, Error::tls_wrong_host, FetchFault::tls},
      {Stage::securing, Error::no_space, FetchFault::no_memory},
  };
  for (const Row& row : rows) {
    Bench bench;
    bench.server.broken_at = row.stage, bench.server.breaks_with = row.error;
    bench.run();
    CHECK(bench.fault() == row.fault);
    CHECK(bench.fetch.failure().error == row.error);
    CHECK(bench.fetch.failure().status == 0);
  }
}

TEST_CASE("no silence lasts longer than its deadline") {
  for (const Stage stage : {Stage::resolving, Stage::connecting, Stage::securing}) {
    Bench bench;
    bench.server.hangs_at = stage;
    const Instant begun = bench.now;
    bench.run();
    CHECK(bench.fetch.failure().error == Error::timed_out);
    CHECK(bench.now - begun < Millis{17'000});
  }
  const std::string whole = answer(file(120));
  for (std::size_t size = 0; size < whole.size(); size += 10) {
    Bench bench;
    bench.server.answer = whole, bench.server.stop_at = size, bench.server.hangs = true;
    bench.run();
    CHECK(bench.fault() == FetchFault::stalled);
  }
}

TEST_CASE("a server that drips is stopped by the deadline of the whole") {
  Bench bench;
  bench.options.whole = Millis{60'000};
  bench.server.answer = answer(file(1000)), bench.server.most_at_once = 1;
  REQUIRE(bench.fetch.start(bench.request, bench.now, bench.options));
  const Instant begun = bench.now;
  while (bench.fetch.is_busy()) {
    bench.fetch.run(bench.now);
    bench.now = bench.now + Millis{1'000};
  }
  CHECK(bench.fault() == FetchFault::stalled);
  CHECK(bench.now - begun <= Millis{62'000});
}

TEST_CASE("a sink that is busy gets the same bytes again, one that fails ends the fetch") {
  Bench slow;
  slow.server.answer = answer(file(500));
  slow.sink.refusals = 5;
  slow.run();
  CHECK(slow.fetch.state() == Fetch::State::done);
  CHECK(slow.sink.body == file(500));

  Bench broken;
  broken.server.answer = answer(file(500));
  broken.sink.fails = Error::io_failed;
  broken.run();
  CHECK(broken.fault() == FetchFault::sink);
  CHECK(broken.fetch.failure().error == Error::io_failed);
  CHECK(broken.fetch.position() == 0u);
}

TEST_CASE("a fetch that is cancelled ends at once, also from within the sink") {
  Bench bench;
  bench.server.answer = answer(file(500));
  REQUIRE(bench.fetch.start(bench.request, bench.now));
  bench.fetch.run(bench.now);
  bench.fetch.cancel();
  CHECK(bench.fault() == FetchFault::cancelled);
  CHECK(!bench.server.is_open);
  CHECK(bench.fetch.next_deadline() == Instant::never());

  Bench within;
  within.server.answer = answer(file(500));
  within.sink.cancels = &within.fetch;
  within.run();
  CHECK(within.fault() == FetchFault::cancelled);
}

TEST_CASE("an address that cannot be used opens no connection") {
  const auto error_of = [](std::string_view url) {
    Bench bench;
    bench.request.url = url;
    const auto begun = bench.fetch.start(bench.request, bench.now);
    REQUIRE(!begun);
    CHECK(bench.fault() == FetchFault::bad_url);
    CHECK(bench.fetch.detail().empty());
    CHECK(bench.server.opened == 0);
    return begun.error();
  };
  CHECK(error_of("ftp://h/") == Error::unsupported);
  CHECK(error_of("https:///") == Error::malformed);
  CHECK(error_of("https://h/" + std::string(2000, 'x')) == Error::too_large);
  CHECK(error_of("https://h/" + std::string(900, 'x')) == Error::too_large);  // the request would not fit behind it
}

TEST_CASE("garbage from a server never hangs the fetch, and never makes a file") {
  std::uint32_t state = 1;
  for (int round = 0; round < 300; ++round) {
    Bench bench;
    std::string text = round % 2 == 0 ? "" : "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 400; ++i) {
      state = state * 1'664'525u + 1'013'904'223u;
      text += static_cast<char>(state >> 24);
    }
    bench.server.answer = text;
    bench.run();
    CHECK(bench.fetch.state() == Fetch::State::failed);
    CHECK(bench.sink.body.empty());
  }
}

TEST_CASE("a fetch can be made again with the same object") {
  Bench bench;
  bench.server.answer = answer(file(300)), bench.server.stop_at = 200;
  bench.run();
  REQUIRE(bench.fault() == FetchFault::cut_off);
  const auto had = static_cast<std::size_t>(bench.fetch.position());
  bench.request.from = had;
  bench.server.stop_at = ~std::size_t{0};
  bench.server.answer = answer(file(300).substr(had), "206 Partial Content",
                               "Content-Range: bytes " + std::to_string(had) + "-299/300\r\n");
  REQUIRE(bench.fetch.start(bench.request, bench.now));
  bench.sink.begin = 0;
  bench.go_on();
  CHECK(bench.fetch.state() == Fetch::State::done);
  CHECK(bench.sink.body == file(300));
}

TEST_CASE("each failure of a fetch has a name, a meaning and a remedy in both languages") {
  for (std::size_t i = 1; i < kFetchFaults; ++i) {
    const auto fault = static_cast<FetchFault>(i);
    CHECK(!name(fault).empty());
#ifndef TERCET_NO_REMEDY_TEXT
    for (const Language language : {Language::english, Language::chinese}) {
      CHECK(!explain(fault, language).empty());
      CHECK(!remedy(fault, language).empty());
    }
#endif
  }
  CHECK(name(FetchFault::cut_off) == "cut_off");
  CHECK(name(FetchFault::cancelled) == "cancelled");
}
