#include "tercet/device/clock.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "ports/fake/board.h"
#include "tercet/base/writer.h"

using namespace tercet;
using namespace tercet::device;
using Mood = fake::TimeServers::Mood;

namespace {

/// kLater is wrong and kBefore is wrong, but both are plausible; kBeyond is past the window.
constexpr UnixMillis kFloor{1'700'000'000'000}, kBefore{1'750'000'000'000}, kNow{1'800'000'000'000},
    kLater{2'200'000'000'000}, kBeyond{2'400'000'000'000}, kBelow{1'600'000'000'000};
constexpr std::string_view kServers[] = {"one", "two", "three"};

struct Bench {
  /// The board's own clock shows `own`, as many servers are configured, and all are silent.
  explicit Bench(UnixMillis own = kNow, std::size_t servers = 2) {
    options.floor = kFloor;
    options.servers = std::span(kServers).first(servers);
    board.clock.wall_at = own;
    for (std::size_t i = 0; i < servers; ++i) server(i) = {kServers[i], Mood::silent, {}};
  }
  fake::TimeServers::Server& server(std::size_t i) { return board.time_servers.servers[i]; }
  void answers(std::size_t i, UnixMillis says) {
    server(i) = {kServers[i], Mood::answers, {says.ms + elapsed().count()}};
  }
  void was_saved(UnixMillis at) {
    std::array<std::uint8_t, 8> bytes{};
    Writer out{bytes};
    out.u64(static_cast<std::uint64_t>(at.ms));
    static_cast<void>(board.store.set("time", bytes));
  }
  void advance(Millis by) {
    board.clock.advance(by);
    for (auto& each : board.time_servers.servers) each.time.ms += by.count();
  }
  Millis elapsed() const { return board.clock.at - began; }
  /// Whether the wall shows what a clock would that showed `wanted` at first.
  bool shows(UnixMillis wanted) const {
    const std::int64_t off = board.clock.wall().ms - wanted.ms - elapsed().count();
    return off > -1'000 && off < 1'000;
  }
  /// Asks until there is an answer, time going by.
  Result<void> settle() {
    for (int i = 0; i < 1'000; ++i) {
      const auto settled = time.settle(board.clock.now());
      if (settled || settled.error() != Error::would_block) return settled;
      advance(Millis{20});
    }
    return fail(Error::internal);
  }
  /// An attempt with TLS, whose certificate is good at `good` only. True if it was believed.
  bool attempt(UnixMillis good) {
    if (!settle()) return false;
    shows(good) ? time.confirm() : time.doubt();
    return !time.is_doubted();
  }
  bool gets_online(UnixMillis good, int attempts) {
    for (int i = 0; i < attempts; ++i)
      if (attempt(good)) return true;
    return false;
  }
  /// Attempts with a certificate that expired on the day of the build: whether one is made by a time before `least`.
  bool falls_below(UnixMillis least, int attempts) {
    for (int i = 0; i < attempts; ++i) {
      static_cast<void>(settle());
      if (board.clock.wall() < least) return true;
      time.doubt();
    }
    return false;
  }

  fake::Board board;
  Instant began = board.clock.at;
  TimeOptions options;
  TimeKeeper time{board.clock, board.random, &board.time_servers, &board.store};
};

/// Someone who cannot see our requests, but sends a short packet before the answer comes.
struct Forger final : Datagram {
  explicit Forger(Datagram& behind) : network(behind) {}
  Result<void> send(std::string_view host, std::uint16_t port, Bytes bytes) override {
    forges = true;
    return network.send(host, port, bytes);
  }
  Result<std::size_t> receive(MutableBytes into) override {
    if (!forges) return network.receive(into);
    forges = false;
    into[0] = 0x24;
    return std::size_t{1};
  }
  void close() override { network.close(); }
  Datagram& network;
  bool forges = false;
};

std::string bytes_of(UnixMillis time) {
  Bench bench;
  bench.was_saved(time);
  return bench.board.store.values["time"];
}

}  // namespace

TEST_CASE("a board's own plausible clock is believed and nobody is asked") {
  Bench bench;
  bench.time.start(bench.options);
  CHECK(bench.settle());
  CHECK(bench.time.origin() == TimeOrigin::system);
  CHECK(bench.time.is_set());
  CHECK(bench.board.time_servers.asked == 0);
}

TEST_CASE("a clock below the floor or past the window is not believed, whoever says it") {
  for (const UnixMillis wrong :
       {UnixMillis{0}, kBelow, kBeyond, UnixMillis{INT64_MAX / 2}, UnixMillis{INT64_MIN / 2}}) {
    CAPTURE(wrong.ms);
    Bench own{wrong};
    own.was_saved(wrong);
    own.answers(0, wrong.ms == INT64_MAX / 2 || wrong.ms == INT64_MIN / 2 ? kBeyond : wrong);
    own.time.start(own.options);
    CHECK(!own.time.is_set());
    CHECK(own.settle().error() == Error::clock_unset);
    own.time.platform_said(wrong);
    CHECK(own.time.origin() == TimeOrigin::unset);
    CHECK(!own.time.is_fit_for_tls());
    Bench good;
    good.time.start(good.options);
    good.time.platform_said(wrong);
    CHECK(good.shows(kNow));
    CHECK(good.time.origin() == TimeOrigin::system);
  }
}

TEST_CASE("both ends of the window are in it") {
  Bench bench;
  bench.options.plausible_for = Millis{1'000};
  bench.time.start(bench.options);
  for (const auto& [at, in] : {std::pair{-1, false}, {0, true}, {1'000, true}, {1'001, false}}) {
    bench.board.clock.wall_at = {kFloor.ms + at};
    CHECK(bench.time.is_fit_for_tls() == in);
  }
}

TEST_CASE("the second time server is asked when the first is silent, unknown, unsynchronised, forged or absurd") {
  for (const auto& [mood, says] : {std::pair{Mood::silent, kNow},
                                   {Mood::unknown_name, kNow},
                                   {Mood::lies, kNow},
                                   {Mood::not_synchronised, kNow},
                                   {Mood::answers, UnixMillis{1'000'000'000'000}},
                                   {Mood::answers, kBeyond}}) {
    Bench bench{UnixMillis{0}};
    bench.server(0) = {"one", mood, says};
    bench.answers(1, kNow);
    bench.time.start(bench.options);
    REQUIRE(bench.settle());
    CHECK(bench.time.origin() == TimeOrigin::sntp);
    CHECK(bench.shows(kNow));
    const auto step = bench.time.take_step();
    REQUIRE(step);
    CHECK(step->from.ms < 5'000);
    CHECK(step->to == bench.board.clock.wall());
    CHECK(!bench.time.take_step());
  }
}

TEST_CASE("without an answer the clock stays unset, the reason is named, and the next attempt asks again") {
  Bench bench{UnixMillis{0}};
  bench.server(0).mood = Mood::unknown_name;
  bench.server(1).mood = Mood::unknown_name;
  bench.time.start(bench.options);
  CHECK(bench.settle().error() == Error::dns_failed);
  bench.server(1).mood = Mood::silent;
  CHECK(bench.settle().error() == Error::clock_unset);
  CHECK(!bench.time.is_fit_for_tls());
  CHECK(bench.board.time_servers.asked == 4);
}

TEST_CASE("an unset clock that the board itself has put right meanwhile is believed") {
  Bench bench{UnixMillis{0}};
  bench.time.start(bench.options);
  CHECK(!bench.settle());
  bench.board.clock.wall_at = kNow;
  const auto asked = bench.board.time_servers.asked;
  CHECK(bench.settle());
  CHECK(bench.time.origin() == TimeOrigin::system);
  CHECK(bench.board.time_servers.asked == asked);
}

TEST_CASE("a clock that has lost its time while running is set again before TLS, and stamps nothing meanwhile") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.platform_said(kNow);
  bench.board.clock.wall_at = UnixMillis{0};
  CHECK(!bench.time.is_set());
  bench.answers(0, kNow);
  CHECK(bench.settle());
  CHECK(bench.time.origin() == TimeOrigin::sntp);
  CHECK(bench.shows(kNow));
}

TEST_CASE("the floor can be taken as the time where no time server can be reached, but stamps nothing") {
  Bench bench{UnixMillis{0}};
  bench.options.start_from_floor = true;
  bench.time.start(bench.options);
  CHECK(bench.settle());
  CHECK(bench.time.origin() == TimeOrigin::floor);
  CHECK(bench.board.clock.wall() >= kFloor);
  CHECK(!bench.time.is_set());
  const auto asked = bench.board.time_servers.asked;
  bench.answers(1, kNow);  // each attempt asks again
  CHECK(bench.settle());
  CHECK(bench.board.time_servers.asked == asked + 2);
  CHECK(bench.time.origin() == TimeOrigin::sntp);
}

TEST_CASE("the saved time serves after a restart while the servers are silent, and gives way to their answer") {
  Bench bench{UnixMillis{0}};
  bench.was_saved(kNow);
  bench.time.start(bench.options);
  CHECK(bench.time.origin() == TimeOrigin::saved);
  CHECK(bench.settle());
  CHECK(bench.board.time_servers.asked == 2);
  CHECK(bench.time.origin() == TimeOrigin::saved);
  CHECK(bench.shows(kNow));
  CHECK(bench.settle());  // and are not asked at each attempt
  CHECK(bench.board.time_servers.asked == 2);
  Bench heard{UnixMillis{0}};
  heard.was_saved(kLater);
  heard.answers(0, kNow);
  heard.time.start(heard.options);
  CHECK(heard.settle());
  CHECK(heard.shows(kNow));
}

TEST_CASE("a saved time from the future does not touch a board's own plausible clock") {
  Bench bench;
  bench.was_saved(kLater);
  bench.time.start(bench.options);
  CHECK(bench.time.origin() == TimeOrigin::system);
  CHECK(bench.shows(kNow));
}

TEST_CASE("a saved time of another size or unreadable is none") {
  Bench bench{UnixMillis{0}};
  bench.board.store.values["time"] = "1234567";
  bench.time.start(bench.options);
  CHECK(bench.time.origin() == TimeOrigin::unset);
}

TEST_CASE("two servers that agree outvote one, wherever it stands") {
  for (std::size_t liar = 0; liar < 3; ++liar) {
    for (const UnixMillis lie : {kBefore, kLater}) {
      CAPTURE(liar);
      Bench bench{UnixMillis{0}, 3};
      for (std::size_t i = 0; i < 3; ++i) bench.answers(i, i == liar ? lie : kNow);
      bench.time.start(bench.options);
      CHECK(bench.settle());
      CHECK(bench.shows(kNow));
      CHECK(bench.board.time_servers.asked == (liar == 2 ? 2 : 3));
    }
  }
}

TEST_CASE("a packet that is no answer does not end the waiting for one") {
  Bench bench{UnixMillis{0}, 1};
  bench.answers(0, kNow);
  Forger forger{bench.board.time_servers};
  TimeKeeper time{bench.board.clock, bench.board.random, &forger, nullptr};
  time.start(bench.options);
  CHECK(time.settle(bench.board.clock.now()).error() == Error::would_block);
  CHECK(time.settle(bench.board.clock.now()));
  CHECK(bench.shows(kNow));
}

TEST_CASE("answers five seconds apart agree, and further apart they do not") {
  for (const auto& [apart, agree] : {std::pair{5'000, true}, {-5'000, true}, {5'010, false}, {-5'010, false}}) {
    Bench bench{UnixMillis{0}, 3};
    bench.answers(0, kNow);
    bench.answers(1, {kNow.ms + apart});
    bench.answers(2, kLater);
    bench.time.start(bench.options);
    CHECK(bench.settle());
    CHECK(bench.board.time_servers.asked == (agree ? 2 : 3));
    CHECK(bench.shows({kNow.ms + (agree ? apart : 0)}));
  }
}

TEST_CASE("a time from any origin is doubted when TLS refuses it, and may be lowered") {
  for (const TimeOrigin origin : {TimeOrigin::saved, TimeOrigin::system, TimeOrigin::sntp, TimeOrigin::platform}) {
    CAPTURE(name(origin));
    Bench bench{origin == TimeOrigin::system ? kLater : UnixMillis{0}};
    if (origin == TimeOrigin::saved) bench.was_saved(kLater);
    if (origin == TimeOrigin::sntp) bench.answers(0, kLater), bench.answers(1, kLater);
    bench.time.start(bench.options);
    if (origin == TimeOrigin::platform) bench.time.platform_said(kLater);
    REQUIRE(bench.settle());
    REQUIRE(bench.time.origin() == origin);
    REQUIRE(bench.shows(kLater));
    bench.time.doubt();
    CHECK(bench.time.is_doubted());
    bench.answers(0, kNow);
    bench.answers(1, kNow);
    const auto asked = bench.board.time_servers.asked;
    CHECK(bench.settle());
    CHECK(bench.board.time_servers.asked == asked + 2);
    CHECK(bench.shows(kNow));
    CHECK(!bench.time.is_doubted());
  }
}

TEST_CASE("one wrong server costs at most a few attempts, with or without a right one beside it, from any start") {
  for (const UnixMillis lie : {kBefore, kLater}) {
    for (const std::size_t liar : {0u, 1u}) {
      for (const bool other_answers : {true, false}) {
        for (const UnixMillis own : {UnixMillis{0}, kNow, kLater, kBefore}) {
          for (const UnixMillis saved : {UnixMillis{0}, kNow}) {
            if (!other_answers && own != kNow && saved != kNow) continue;  // nobody knows the time
            if (!other_answers && own != kNow && own.ms != 0) continue;  // nor here: the own clock hides the saved one
            CAPTURE(lie.ms);
            CAPTURE(liar);
            CAPTURE(other_answers);
            CAPTURE(own.ms);
            CAPTURE(saved.ms);
            Bench bench{own};
            bench.answers(liar, lie);
            if (other_answers) bench.answers(1 - liar, kNow);
            bench.was_saved(saved);
            bench.time.start(bench.options);
            CHECK(bench.gets_online(kNow, 4));
          }
        }
      }
    }
  }
}

TEST_CASE("a lone answer that TLS refuses gives way to the time before it, and both are tried in turn") {
  Bench bench{UnixMillis{0}};
  bench.was_saved(kNow);
  bench.answers(0, kLater);
  bench.time.start(bench.options);
  CHECK(bench.settle());
  CHECK(bench.shows(kLater));
  bench.time.doubt();
  CHECK(bench.settle());
  CHECK(bench.shows(kNow));
  CHECK(bench.time.origin() == TimeOrigin::saved);
  bench.time.doubt();
  CHECK(bench.settle());
  CHECK(bench.shows(kLater));
  bench.time.doubt();
  CHECK(bench.settle());
  CHECK(bench.shows(kNow));
}

TEST_CASE("what TLS has believed is not given up for the time before it") {
  Bench bench{UnixMillis{0}};
  bench.was_saved(kBefore);
  bench.answers(0, kNow);
  bench.time.start(bench.options);
  CHECK(bench.settle());
  bench.time.confirm();
  bench.time.doubt();  // the certificate has really expired
  CHECK(bench.settle());
  CHECK(bench.shows(kNow));
}

TEST_CASE("two servers that agree on what TLS refused are believed: the certificate has expired") {
  Bench bench{UnixMillis{0}};
  bench.was_saved(kBefore);
  bench.answers(0, kNow);
  bench.answers(1, kNow);
  bench.time.start(bench.options);
  for (int i = 0; i < 5; ++i) {
    CHECK(bench.settle());
    CHECK(bench.shows(kNow));
    bench.time.doubt();
  }
}

TEST_CASE("a doubted time stays while the servers are silent, and they are asked again after each refusal only") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.doubt();
  CHECK(bench.settle());
  CHECK(bench.shows(kNow));
  CHECK(bench.board.time_servers.asked == 2);
  CHECK(bench.settle());  // the attempt broke elsewhere
  CHECK(bench.board.time_servers.asked == 2);
  CHECK(bench.time.is_doubted());
  bench.time.doubt();
  CHECK(bench.settle());
  CHECK(bench.board.time_servers.asked == 4);
  bench.time.confirm();
  CHECK(!bench.time.is_doubted());
}

TEST_CASE("without time servers a doubted time stays, or gives way to the floor where that is allowed") {
  for (const bool from_floor : {false, true}) {
    Bench bench{UnixMillis{0}};
    bench.was_saved(kLater);
    bench.options.start_from_floor = from_floor;
    TimeKeeper alone{bench.board.clock, bench.board.random, nullptr, &bench.board.store};
    alone.start(bench.options);
    CHECK(alone.settle(bench.board.clock.now()));
    CHECK(alone.origin() == TimeOrigin::saved);
    alone.doubt();
    CHECK(alone.settle(bench.board.clock.now()));
    CHECK(bench.shows(from_floor ? kFloor : kLater));
    alone.doubt();  // the floor is refused too
    CHECK(alone.settle(bench.board.clock.now()));
    CHECK(bench.shows(from_floor ? kFloor : kLater));
    alone.platform_said({kNow.ms + bench.elapsed().count()});
    CHECK(bench.shows(kNow));
    alone.save(bench.board.clock.now());
    CHECK(bench.board.store.values["time"] == bytes_of(kNow));
  }
}

TEST_CASE(
    "a certificate that has expired is not believed by the floor once a server or the platform has told the time") {
  for (const bool by_platform : {false, true}) {
    CAPTURE(by_platform);
    Bench bench{by_platform ? kNow : UnixMillis{0}};
    bench.options.start_from_floor = true;
    bench.answers(0, kNow);
    bench.time.start(bench.options);
    REQUIRE(bench.settle());
    if (by_platform) bench.time.platform_said({kNow.ms + bench.elapsed().count()});
    bench.time.confirm();
    REQUIRE(bench.time.origin() == (by_platform ? TimeOrigin::platform : TimeOrigin::sntp));
    bench.server(0).mood = Mood::silent;
    CHECK(!bench.falls_below(kNow, 8));
    CHECK(bench.shows(kNow));
    CHECK(bench.time.is_doubted());
    CHECK(bench.gets_online(kNow, 1));  // it was renewed
  }
}

TEST_CASE("a time from the servers that is given up for the one before does not lead to the floor either") {
  Bench bench{kBefore};
  bench.options.start_from_floor = true;
  bench.time.start(bench.options);
  bench.time.doubt();
  bench.answers(0, kNow);
  REQUIRE(bench.settle());
  REQUIRE(bench.shows(kNow));
  bench.server(0).mood = Mood::silent;
  CHECK(!bench.falls_below(kBefore, 8));
}

TEST_CASE("the platform replaces a time up and down") {
  for (const UnixMillis own : {kBefore, kLater}) {
    Bench bench{own};
    bench.time.start(bench.options);
    bench.time.platform_said(kNow);
    CHECK(bench.shows(kNow));
    CHECK(bench.time.origin() == TimeOrigin::platform);
    CHECK(bench.time.take_step());
  }
}

TEST_CASE("where no server can be asked, a platform's time that TLS refuses gives way to the one before it") {
  for (const std::size_t servers : {0u, 2u}) {
    Bench bench{kNow, servers};
    bench.time.start(bench.options);
    bench.time.platform_said(kLater);
    CHECK(bench.shows(kLater));
    bench.time.doubt();
    CHECK(bench.settle());
    CHECK(bench.shows(servers == 0 ? kNow : kLater));
    bench.time.platform_said({kNow.ms + bench.elapsed().count()});
    bench.time.confirm();
    bench.time.doubt();
    CHECK(bench.shows(kNow));
  }
}

TEST_CASE("a correction of less than a fifth of a second is not worth a jump") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.platform_said({kNow.ms + 199});
  CHECK(bench.board.clock.times_set == 0);
  CHECK(bench.time.origin() == TimeOrigin::platform);
  CHECK(!bench.time.take_step());
  bench.time.platform_said({kNow.ms - 200});
  CHECK(bench.board.clock.times_set == 1);
}

TEST_CASE("the time is saved once an hour, and after a step of a minute") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.save(bench.board.clock.now());
  const std::string first = bench.board.store.values["time"];
  bench.advance(std::chrono::minutes{59});
  bench.time.platform_said({bench.board.clock.wall().ms + 59'000});
  bench.time.save(bench.board.clock.now());
  CHECK(bench.board.store.values["time"] == first);
  bench.advance(std::chrono::minutes{1});
  bench.time.save(bench.board.clock.now());
  const std::string second = bench.board.store.values["time"];
  CHECK(second != first);
  bench.time.platform_said({bench.board.clock.wall().ms - 60'000});
  bench.time.save(bench.board.clock.now());
  CHECK(bench.board.store.values["time"] != second);
}

TEST_CASE("neither a saved, a refused, a floor nor an implausible time is written down") {
  for (const TimeOrigin origin : {TimeOrigin::saved, TimeOrigin::floor, TimeOrigin::unset, TimeOrigin::system}) {
    Bench bench{origin == TimeOrigin::system ? kNow : UnixMillis{0}};
    if (origin == TimeOrigin::saved) bench.was_saved(kNow);
    bench.options.start_from_floor = origin == TimeOrigin::floor;
    bench.time.start(bench.options);
    static_cast<void>(bench.settle());
    if (origin == TimeOrigin::system) bench.time.doubt();
    REQUIRE(bench.time.origin() == origin);
    bench.board.store.values.erase("time");
    bench.time.save(bench.board.clock.now());
    CHECK(bench.board.store.values.find("time") == nullptr);
  }
}

TEST_CASE("start() forgets doubts and an exchange under way") {
  Bench bench;
  bench.time.start(bench.options);
  bench.time.doubt();
  CHECK(bench.time.settle(bench.board.clock.now()).error() == Error::would_block);
  CHECK(bench.time.next_deadline() == bench.board.clock.now() + bench.options.answer_within);
  bench.time.start(bench.options);
  CHECK(bench.time.next_deadline() == Instant::never());
  CHECK(!bench.time.is_doubted());
  CHECK(bench.settle());
  CHECK(bench.board.time_servers.asked == 1);
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
