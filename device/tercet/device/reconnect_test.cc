#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/flash.h"
#include "tercet/device/client.h"

// What ten thousand reconnects leave behind. That they allocate nothing is in allocation_test.cc.
using namespace tercet;
using namespace tercet::device;

namespace {

// An emulated board has less memory and time.
constexpr int kReconnects = sizeof(void*) == 4 ? 200 : 10'000;
constexpr int kBoards = sizeof(void*) == 4 ? 1'000 : 4'000;

inline constexpr Property<float> kTemperature{"temperature"};

struct Bench final : DeviceEvents {
  explicit Bench(std::uint32_t seed = 1) : board(seed) {
    board.log.record = false;
    board.platform.record_posts = true;
    options.post_interval = Millis{0};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
  }
  /// Passes every 10 ms, for the transport has no events of its own here.
  void run_for(Millis span) {
    for (const Instant until = board.clock.now() + span; board.clock.now() < until; board.clock.advance(Millis{10}))
      device.run();
  }
  bool get_online() {
    for (int i = 0; i < 20'000 && !device.is_online(); ++i) {
      device.run();
      if (device.is_online()) break;
      board.clock.advance(std::max(Millis{10}, std::min(device.next_deadline() - board.clock.now(), Millis{1'000})));
    }
    return device.is_online();
  }
  void on_reply(const PostReply& reply) override { ++replies[reply.id % replies.size()]; }
  void on_offline(Rung, Error, Millis retry_in) override { waits.push_back(retry_in); }

  fake::Board board;
  DeviceBuffers<> buffers;
  Options options;
  Device device{board.port(), buffers.storage(), *this};
  std::array<std::uint8_t, 65'536> replies{};
  std::vector<Millis> waits;
};

/// The id of a post: {"id":"17",…
std::string id_of(const std::string& post) {
  const std::size_t at = post.find("\"id\":\"") + 6;
  return post.substr(at, post.find('"', at) - at);
}

}  // namespace

TEST_CASE("ten thousand reconnects close every connection, and no two readings share an id") {
  Bench bench;
  std::set<std::string> ids, texts;
  for (int round = 0; round < kReconnects; ++round) {
    if (!bench.get_online()) FAIL("round ", round, " is not online");
    REQUIRE(bench.device.post_properties({kTemperature(21.5f)}, UnixMillis{1'800'000'000'000 + round}));
    // One in three is on the wire, and not acknowledged, when the connection breaks.
    bench.board.platform.acknowledges = round % 3 != 0;
    for (int i = 0; i < 3; ++i) bench.device.run();
    bench.board.platform.acknowledges = true;
    bench.board.platform.hang_up();
    bench.device.run();
  }
  REQUIRE(bench.get_online());
  bench.run_for(Millis{1'000});
  for (const std::string& post : bench.board.platform.posts) ids.insert(id_of(post)), texts.insert(post);
  CHECK(ids.size() == kReconnects);
  CHECK(texts.size() == kReconnects);  // what came twice came with its id and its time
  CHECK(bench.board.platform.posts.size() > kReconnects * 13 / 10);
  CHECK(bench.device.delivered() == kReconnects);
  CHECK(bench.device.in_flight() == 0);
  CHECK(bench.device.outbox().dropped == 0);
  CHECK(bench.board.platform.connects >= kReconnects);
  CHECK(bench.board.transport.opened == bench.board.transport.closed + 1);
}

TEST_CASE("the back-off is full jitter under a ceiling that doubles from 1 s to 60 s, whatever breaks") {
  // Of 4,000 first, second, ... seventh waits: evenly spread from zero to the ceiling of their turn.
  constexpr std::array<int, 8> kCeilings{1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000};
  std::array<std::array<int, 4>, kCeilings.size()> quarters{};
  std::array<Millis, kCeilings.size()> sums{};
  for (std::uint32_t seed = 1; seed <= kBoards; ++seed) {
    Bench bench(seed);
    bench.board.transport.break_at(seed % 2 == 0 ? Stage::resolving : Stage::connecting, Error::dns_failed);
    while (bench.waits.size() < kCeilings.size()) {
      bench.device.run();
      bench.board.clock.advance(std::max(Millis{1}, bench.device.next_deadline() - bench.board.clock.now()));
    }
    for (std::size_t turn = 0; turn < kCeilings.size(); ++turn) {
      const auto wait = bench.waits[turn].count();
      REQUIRE(wait >= 0);
      REQUIRE(wait <= kCeilings[turn]);
      ++quarters[turn][static_cast<std::size_t>(std::min<std::int64_t>(wait * 4 / kCeilings[turn], 3))];
      sums[turn] += bench.waits[turn];
    }
  }
  for (std::size_t turn = 0; turn < kCeilings.size(); ++turn) {
    CAPTURE(turn);
    for (const int count : quarters[turn]) CHECK(std::abs(count - kBoards / 4) < 2 * kBoards / 25);
    CHECK(std::abs(sums[turn].count() / kBoards - kCeilings[turn] / 2) < kCeilings[turn] / 20);
  }
}

TEST_CASE("sessions shorter than a minute do not reset the back-off, one of a minute does") {
  Bench bench;
  const auto session = [&](Millis length) {
    REQUIRE(bench.get_online());
    bench.run_for(length);
    REQUIRE(bench.device.is_online());
    bench.board.platform.hang_up();
    bench.device.run();
    REQUIRE(!bench.device.is_online());
  };
  Millis sum{0};
  for (int i = 0; i < 7; ++i) session(Millis{58'000});
  for (int i = 0; i < 100; ++i) session(Millis{5'000}), sum += bench.waits.back();
  CHECK(sum / 100 > Millis{24'000});  // 30 s expected; 1 s were it reset
  CHECK(sum / 100 < Millis{36'000});
  sum = Millis{0};
  for (int i = 0; i < 100; ++i) session(Millis{61'000}), sum += bench.waits.back();
  CHECK(sum / 100 > Millis{300});
  CHECK(sum / 100 < Millis{700});
}
