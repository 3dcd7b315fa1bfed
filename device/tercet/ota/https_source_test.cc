#include "tercet/ota/https_source.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

using namespace tercet;
using namespace tercet::ota;
using device::Stage;

namespace {

/// A server of one file that knows Range.
class FileServer final : public device::Transport {
 public:
  std::string file = std::string(5000, 'x');
  std::string status;                            ///< said instead of the file
  std::size_t hangs_up_after = ~std::size_t{0};  ///< bytes of an answer
  std::optional<Error> refuses;
  std::string request;
  int opened = 0;

  Result<void> open(const device::Target&) override {
    if (refuses) return fail(*refuses);
    request.clear(), answer_.clear(), given_ = 0, ++opened;
    stage_ = Stage::ready;
    return {};
  }
  Result<Stage> advance() override { return stage_; }
  Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override {
    if (!request.ends_with("\r\n\r\n")) return fail(Error::would_block);
    if (answer_.empty()) make_answer();
    const std::size_t end = std::min(answer_.size(), hangs_up_after);
    const std::size_t size = std::min({into.size(), std::size_t{300}, end - given_});
    if (size == 0) return fail(Error::closed);
    std::memcpy(into.data(), answer_.data() + given_, size);
    given_ += size;
    return size;
  }
  Result<std::size_t> write(Bytes from) override { return request += as_text(from), from.size(); }
  void close() override { stage_ = Stage::closed; }

 private:
  void make_answer() {
    const auto range = request.find("Range: bytes=");
    const std::size_t from = range == std::string::npos ? 0 : std::stoul(request.substr(range + 13));
    const std::string body = file.substr(from);
    answer_ = "HTTP/1.1 " + (!status.empty() ? status : from == 0 ? "200 OK" : "206 Partial Content");
    answer_ += "\r\nContent-Length: " + std::to_string(body.size());
    if (from != 0)
      answer_ += "\r\nContent-Range: bytes " + std::to_string(from) + "-" + std::to_string(file.size() - 1) + "/" +
                 std::to_string(file.size());
    answer_ += "\r\n\r\n" + body;
  }
  Stage stage_ = Stage::closed;
  std::string answer_;
  std::size_t given_ = 0;
};

struct Kept final : ImageSink {
  std::string bytes;
  std::size_t most = 0;  ///< in one piece
  bool is_broken = false;
  Result<void> on_image(std::uint32_t at, Bytes piece) override {
    if (is_broken) return fail(Error::io_failed);
    CHECK(at == bytes.size());
    most = std::max(most, piece.size());
    bytes += as_text(piece);
    return {};
  }
};

struct Bench {
  FileServer server;
  Kept sink;
  std::array<std::uint8_t, 1024> buffer{};
  HttpsSource source{server, buffer};
  Instant now{Millis{1'000}};
  Offer offer = [] {
    Offer made;
    made.url = "https://files.example/a.bin?sign=1", made.size = 5000;
    return made;
  }();

  Source::Trouble fetch(std::uint32_t from = 0) {
    source.start(from, sink, now);
    for (int i = 0; i < 1000 && source.state() == Source::State::busy; ++i) {
      source.run(now);
      now = now + Millis{1};
    }
    REQUIRE(source.state() != Source::State::busy);
    return source.trouble();
  }
};

}  // namespace

TEST_CASE("an image comes whole from its address, in pieces no longer than was said") {
  Bench bench;
  REQUIRE(bench.source.take(bench.offer));
  CHECK(bench.fetch() == Source::Trouble::none);
  CHECK(bench.source.state() == Source::State::done);
  CHECK(bench.sink.bytes == bench.server.file);
  CHECK(bench.sink.most <= bench.source.most_bytes());
}

TEST_CASE("after a connection that ended early the rest comes from the same address") {
  Bench bench;
  REQUIRE(bench.source.take(bench.offer));
  bench.server.hangs_up_after = 2'000;
  CHECK(bench.fetch() == Source::Trouble::may_pass);
  CHECK(bench.sink.bytes.size() > 1'000);
  bench.server.hangs_up_after = ~std::size_t{0};
  CHECK(bench.fetch(static_cast<std::uint32_t>(bench.sink.bytes.size())) == Source::Trouble::none);
  CHECK(bench.sink.bytes == bench.server.file);
  CHECK(bench.server.opened == 2);
}

TEST_CASE("an address that is not good any more wants another offer") {
  for (const char* status : {"403 Forbidden", "404 Not Found"}) {
    Bench bench;
    REQUIRE(bench.source.take(bench.offer));
    bench.server.status = status;
    CHECK(bench.fetch() == Source::Trouble::expired);
  }
}

TEST_CASE("a file of another length than was offered is refused before a byte of it is written") {
  Bench bench;
  bench.offer.size = 4'999;
  REQUIRE(bench.source.take(bench.offer));
  CHECK(bench.fetch() == Source::Trouble::wrong_size);
  CHECK(bench.sink.bytes.empty());
}

TEST_CASE("a board without memory for a second TLS session says so") {
  Bench bench;
  REQUIRE(bench.source.take(bench.offer));
  bench.server.refuses = Error::no_space;
  CHECK(bench.fetch() == Source::Trouble::no_memory);
}

TEST_CASE("a sink that fails ends the download for good, a cancelled one may go on later") {
  Bench bench;
  REQUIRE(bench.source.take(bench.offer));
  bench.sink.is_broken = true;
  CHECK(bench.fetch() == Source::Trouble::hopeless);
  bench.source.start(0, bench.sink, bench.now);
  bench.source.cancel();
  CHECK(bench.source.trouble() == Source::Trouble::may_pass);
}

TEST_CASE("an offer without an address, or with one that does not fit, is not taken") {
  Bench bench;
  const std::string longest(900, 'a');
  bench.offer.url = longest;
  CHECK(!bench.source.take(bench.offer));
  bench.offer.url = {};
  CHECK(!bench.source.take(bench.offer));
}
