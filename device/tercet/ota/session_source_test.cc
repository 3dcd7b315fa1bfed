#include "tercet/ota/session_source.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "tercet/alink/block.h"
#include "tercet/ota/test_uplink.h"

using namespace tercet;
using namespace tercet::ota;

namespace {

std::uint32_t number_behind(const std::string& text, const std::string& key) {
  const auto at = text.find(key);
  REQUIRE(at != std::string::npos);
  std::uint32_t number = 0;
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), number);
  return number;
}

struct Kept final : ImageSink {
  std::string bytes;
  bool is_broken = false;
  Result<void> on_image(std::uint32_t at, Bytes piece) override {
    if (is_broken) return fail(Error::io_failed);
    CHECK(at == bytes.size());
    bytes += as_text(piece);
    return {};
  }
};

/// A platform that answers block requests.
struct Bench {
  RecordingUplink uplink;
  Kept sink;
  SessionSource source{uplink, {.block_bytes = 512}};
  Instant now{Millis{1'000}};
  std::string file;
  std::int32_t code = 200;
  std::uint32_t claims = 0;  ///< another length of the file
  Bench() {
    for (int i = 0; i < 1'700; ++i) file += static_cast<char>('a' + i * 7 % 26);
    Offer offer;
    offer.over_session = true, offer.size = 1'700, offer.stream_id = 9, offer.file_id = 1;
    REQUIRE(source.take(offer));
  }

  std::vector<std::uint8_t> reply_to(const std::string& request) {
    CHECK(number_behind(request, "\"streamId\":") == 9);
    const std::uint32_t offset = number_behind(request, "\"offset\":"), size = number_behind(request, "\"size\":");
    const std::string id = std::to_string(number_behind(request, "\"id\":\""));
    std::vector<std::uint8_t> buffer(2048);
    Writer out{buffer};
    alink::BlockReply reply{.id = id, .code = code, .offset = offset, .file_length = claims != 0 ? claims : 1'700};
    if (code == 200) reply.block = as_bytes(std::string_view(file).substr(offset, size));
    alink::write_block_reply(out, reply, "default");
    buffer.resize(out.written().size());
    return buffer;
  }
  /// The answer to the last request.
  std::vector<std::uint8_t> answer() { return reply_to(uplink.sent.back().second); }
  void run() {
    source.start(static_cast<std::uint32_t>(sink.bytes.size()), sink, now);
    go_on();
  }
  void go_on() {
    for (int i = 0; i < 100 && source.state() == Source::State::busy; ++i) {
      const std::size_t before = uplink.sent.size();
      source.run(now);
      if (uplink.sent.size() > before) source.on_block(answer(), now);
      now = now + Millis{100};
    }
  }
};

}  // namespace

TEST_CASE("a file comes block by block over the session, the last one short") {
  Bench bench;
  bench.run();
  CHECK(bench.source.state() == Source::State::done);
  CHECK(bench.sink.bytes == bench.file);
  CHECK(bench.uplink.sent.size() == 4);
  CHECK(bench.uplink.sent[0].first == Channel::block);
}

TEST_CASE("a download goes on at any byte") {
  Bench bench;
  bench.sink.bytes = bench.file.substr(0, 1'001);
  bench.run();
  CHECK(bench.source.state() == Source::State::done);
  CHECK(bench.sink.bytes == bench.file);
}

TEST_CASE("a block that never came, or came damaged, is asked for again, a few times") {
  Bench bench;
  bench.source.start(0, bench.sink, bench.now);
  bench.source.run(bench.now);
  auto damaged = bench.answer();
  damaged[damaged.size() - 9] = static_cast<std::uint8_t>(damaged[damaged.size() - 9] ^ 1);
  bench.source.on_block(damaged, bench.now);
  CHECK(bench.sink.bytes.empty());
  bench.source.run(bench.now);
  CHECK(bench.uplink.sent.size() == 2);
  bench.now = bench.source.next_deadline();
  bench.source.run(bench.now);  // silence
  bench.go_on();
  CHECK(bench.source.state() == Source::State::done);
  CHECK(bench.sink.bytes == bench.file);
}

TEST_CASE("silence ends a download that may be taken up again") {
  Bench bench;
  bench.source.start(0, bench.sink, bench.now);
  for (int i = 0; i < 20 && bench.source.state() == Source::State::busy; ++i) {
    bench.source.run(bench.now);
    bench.now =
        std::max(bench.now, bench.source.state() == Source::State::busy ? bench.source.next_deadline() : bench.now);
  }
  CHECK(bench.source.state() == Source::State::failed);
  CHECK(bench.source.trouble() == Source::Trouble::may_pass);
  CHECK(bench.uplink.sent.size() == 4);
  CHECK(bench.source.next_deadline() == Instant::never());
}

TEST_CASE("a block that was under way when the connection was lost is asked for as soon as there is a new one") {
  Bench bench;
  bench.source.start(0, bench.sink, bench.now);
  bench.source.on_online(bench.now);  // nothing was asked for yet
  bench.source.run(bench.now);
  CHECK(bench.uplink.sent.size() == 1);
  bench.source.on_online(bench.now + Millis{2'000});
  CHECK(bench.source.next_deadline() == bench.now + Millis{2'000});
  bench.now = bench.now + Millis{2'000};
  bench.source.run(bench.now);
  CHECK(bench.uplink.sent.size() == 2);
  bench.source.on_block(bench.reply_to(bench.uplink.sent[0].second), bench.now);  // of the connection before
  CHECK(bench.sink.bytes.empty());
  bench.source.on_block(bench.answer(), bench.now);
  bench.go_on();
  CHECK(bench.sink.bytes == bench.file);
  bench.source.on_online(bench.now);
  CHECK(bench.source.state() == Source::State::done);
}

TEST_CASE("an answer that comes twice, or too late, changes nothing") {
  Bench bench;
  bench.source.start(0, bench.sink, bench.now);
  bench.source.run(bench.now);
  const auto first = bench.answer();
  bench.source.on_block(first, bench.now);
  bench.source.on_block(first, bench.now);
  bench.source.run(bench.now);
  bench.source.on_block(first, bench.now);
  CHECK(bench.sink.bytes.size() == 512);
  bench.source.on_block(bench.answer(), bench.now);
  bench.go_on();
  CHECK(bench.sink.bytes == bench.file);
}

TEST_CASE("a stream the platform does not know any more wants another offer") {
  Bench bench;
  bench.code = 404;
  for (int i = 0; i < 4; ++i) bench.run();
  CHECK(bench.source.trouble() == Source::Trouble::expired);
}

TEST_CASE("a file of another length, and a sink that fails, end the download") {
  Bench bench;
  bench.claims = 1'701;
  bench.run();
  CHECK(bench.source.trouble() == Source::Trouble::wrong_size);
  Bench broken;
  broken.sink.is_broken = true;
  broken.run();
  CHECK(broken.source.trouble() == Source::Trouble::hopeless);
}

TEST_CASE("a window that is full is waited for, a session that is gone is not") {
  Bench bench;
  bench.uplink.broken = Error::no_space;
  bench.run();
  CHECK(bench.source.state() == Source::State::busy);
  bench.uplink.broken.reset();
  bench.go_on();
  CHECK(bench.source.state() == Source::State::done);
  Bench gone;
  gone.uplink.broken = Error::bad_state;
  gone.run();
  CHECK(gone.source.trouble() == Source::Trouble::may_pass);
}
