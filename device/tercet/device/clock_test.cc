#include "tercet/device/clock.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;
using Mood = fake::TimeServers::Mood;

namespace {

constexpr UnixMillis kFloor{1'700'000'000'000}, kNow{1'800'000'000'000};
constexpr std::string_view kServers[] = {"one", "two"};

struct Bench {
  Bench() { options.floor = kFloor, options.servers = kServers; }
  fake::Board board;
  TimeOptions options;
  TimeKeeper time{board.clock, board.random, &board.time_servers, &board.store};

  /// Asks until there is an answer, time going by.
  Result<void> settle() {
    for (int i = 0; i < 1'000; ++i) {
      const auto settled = time.settle(board.clock.now());
      if (settled || settled.error() != Error::would_block) return settled;
      board.clock.advance(Millis{20});
    }
    return fail(Error::internal);
  }
};

}  // namespace

TEST_CASE("a board's own clock above the floor is believed and nobody is asked") {
  Bench bench;
  bench.time.start(bench.options);
  CHECK(bench.settle());
  CHECK(bench.time.origin() == TimeOrigin::system);
  CHECK(bench.board.time_servers.asked == 0);
}

TEST_CASE("the second time server is asked when the first is silent, unknown, unsynchronised, forged or absurd") {
  for (const auto& [mood, time] : {std::pair{Mood::silent, kNow},
                                   {Mood::unknown_name, kNow},
                                   {Mood::lies, kNow},
                                   {Mood::not_synchronised, kNow},
                                   {Mood::answers, UnixMillis{1'000'000'000'000}}}) {
    Bench bench;
    bench.board.clock.wall_at = UnixMillis{0};
    bench.board.time_servers.servers[0] = {"one", mood, time};
    bench.board.time_servers.servers[1] = {"two", Mood::answers, kNow};
    bench.time.start(bench.options);
    REQUIRE(bench.settle());
    CHECK(bench.time.origin() == TimeOrigin::sntp);
    CHECK(bench.board.clock.wall() == kNow);
    const auto step = bench.time.take_step();
    REQUIRE(step);
    CHECK(step->from.ms < 5'000);
    CHECK(step->to == kNow);
    CHECK(!bench.time.take_step());
  }
}

TEST_CASE("without an answer the clock stays unset, the reason is named, and the next attempt asks again") {
  Bench bench;
  bench.board.clock.wall_at = UnixMillis{0};
  bench.board.time_servers.servers[0] = {"one", Mood::unknown_name, {}};
  bench.board.time_servers.servers[1] = {"two", Mood::unknown_name, {}};
  bench.time.start(bench.options);
  CHECK(bench.settle().error() == Error::dns_failed);
  bench.board.time_servers.servers[1].mood = Mood::silent;
  CHECK(bench.settle().error() == Error::clock_unset);
  CHECK(!bench.time.is_fit_for_tls());
  CHECK(bench.board.time_servers.asked == 4);
}

TEST_CASE("the floor can be taken as the time where no time server can be reached") {
  Bench bench;
  bench.board.clock.wall_at = UnixMillis{0};
  bench.options.start_from_floor = true;
  bench.time.start(bench.options);
  CHECK(bench.settle());
  CHECK(bench.time.origin() == TimeOrigin::floor);
  CHECK(bench.board.clock.wall() >= kFloor);
}

TEST_CASE("the saved time serves after a restart while the servers are silent") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.save(bench.board.clock.now());
  fake::Store kept = bench.board.store;
  Bench restarted;
  restarted.board.store = kept;
  restarted.board.clock.wall_at = UnixMillis{0};
  restarted.board.time_servers.servers[0] = {"one", Mood::silent, {}};
  restarted.time.start(restarted.options);
  CHECK(restarted.time.origin() == TimeOrigin::saved);
  CHECK(restarted.settle());
  CHECK(restarted.board.clock.wall() >= kNow);
  restarted.board.store.values["time"] = std::string(8, '\0');
  restarted.board.clock.wall_at = UnixMillis{0};
  restarted.time.start(restarted.options);
  CHECK(!restarted.time.is_fit_for_tls());
}

TEST_CASE("the time is saved once an hour") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.save(bench.board.clock.now());
  const std::string first = bench.board.store.values["time"];
  bench.board.clock.advance(std::chrono::minutes{59});
  bench.time.save(bench.board.clock.now());
  CHECK(bench.board.store.values["time"] == first);
  bench.board.clock.advance(std::chrono::minutes{1});
  bench.time.save(bench.board.clock.now());
  CHECK(bench.board.store.values["time"] != first);
}

TEST_CASE("the platform's time below the floor is not believed") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.platform_said(UnixMillis{1'600'000'000'000});
  CHECK(bench.board.clock.wall() == kNow);
  bench.time.platform_said({kNow.ms + 5'000});
  CHECK(bench.board.clock.wall().ms == kNow.ms + 5'000);
  CHECK(bench.time.origin() == TimeOrigin::platform);
}

TEST_CASE("half the round trip is added, and the roll-over of 2036 is survived") {
  CHECK(sntp_now({UnixMillis{1'000}, UnixMillis{1'010}}, Millis{110}).ms == 1'060);
  SntpPacket packet{};
  packet[0] = 0x24, packet[1] = 1;
  packet[24] = packet[25] = 0;
  packet[31] = 7;                 // the cookie
  packet[43] = packet[35] = 100;  // 100 s after the roll-over
  const auto reply = parse_sntp_reply(packet, 7);
  REQUIRE(reply);
  CHECK(reply->transmitted.ms == (std::int64_t{1} << 32) * 1000 - 2'208'988'800'000 + 100'000);
  CHECK(parse_sntp_reply(Bytes{packet}.first(47), 7).error() == Error::malformed);
  CHECK(parse_sntp_reply(packet, 8).error() == Error::denied);
}

TEST_CASE("this program was built after 2025 and not in the future") { CHECK(build_time().ms > 1'735'689'600'000); }
