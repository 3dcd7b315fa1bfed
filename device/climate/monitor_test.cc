#include "climate/monitor.h"

#include <doctest/doctest.h>

#include <optional>

#include "climate/diurnal.h"
#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::climate;

namespace {

struct Chip final : Sensor {
  Reading air{22, 50};
  std::optional<Error> broken;
  Result<Reading> sample(UnixMillis) override {
    if (broken) return fail(*broken);
    return air;
  }
  std::string_view description() const override { return "test chip"; }
};

struct Bench final : device::DeviceEvents {
  explicit Bench(const Settings& first = {}) : monitor(device, chip, &board.store, first) {
    board.platform.record_posts = true;
    device::Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example"}, options));
  }
  void on_set(device::PropertySet& set) override { monitor.on_set(set); }
  void run_for(Millis by) {
    for (const Instant until = board.clock.now() + by; board.clock.now() < until; board.clock.advance(Millis{100})) {
      monitor.run(board.clock.now(), board.clock.wall());
      device.run();
    }
  }
  fake::Board board;
  device::DeviceBuffers<> buffers;
  device::Device device{board.port(), buffers.storage(), *this};
  Chip chip;
  Monitor monitor;
};

}  // namespace

TEST_CASE("the board reports at its interval, the settings with the first report") {
  Bench bench({.report_interval_s = 10});
  bench.run_for(Millis{35'000});
  REQUIRE(bench.board.platform.posts.size() == 4);
  const std::string& first = bench.board.platform.posts[0];
  CHECK(first.find(R"("temperature":{"value":22.0,)") != std::string::npos);
  CHECK(first.find(R"("humidity":{"value":50.0,)") != std::string::npos);
  CHECK(first.find(R"("report_interval":{"value":10,)") != std::string::npos);
  CHECK(first.find(R"("alarm_threshold":{"value":35.0,)") != std::string::npos);
  CHECK(first.find(R"("report_change":{"value":1.0,)") != std::string::npos);
  CHECK(bench.board.platform.posts[1].find("report_interval") == std::string::npos);
}

TEST_CASE("one wild sample does not show in a report and raises no alarm") {
  Bench bench({.report_interval_s = 10});
  bench.run_for(Millis{11'000});
  bench.chip.air.temperature = 85;
  bench.run_for(Millis{2'000});
  bench.chip.air.temperature = 22;
  bench.run_for(Millis{30'000});
  CHECK(bench.board.platform.events_received == 0);
  for (const std::string& post : bench.board.platform.posts) CHECK(post.find("85") == std::string::npos);
}

TEST_CASE("the alarm is sent once when the threshold is passed and again only after it has cooled") {
  Bench bench({.report_interval_s = 5, .alarm_threshold = 30});
  bench.run_for(Millis{5'000});
  bench.chip.air.temperature = 31;
  bench.run_for(Millis{20'000});
  CHECK(bench.board.platform.events_received == 1);
  CHECK(bench.monitor.is_alarmed());
  CHECK(bench.board.platform.last_event.str().find(R"("value":{"temperature":31.0,"alarm_threshold":30.0})") !=
        std::string_view::npos);
  bench.chip.air.temperature = 29.8f;
  bench.run_for(Millis{10'000});
  CHECK(bench.monitor.is_alarmed());
  bench.chip.air.temperature = 29;
  bench.run_for(Millis{10'000});
  CHECK(!bench.monitor.is_alarmed());
  bench.chip.air.temperature = 33;
  bench.run_for(Millis{10'000});
  CHECK(bench.board.platform.events_received == 2);
}

TEST_CASE("interval and threshold set from the platform are obeyed, confirmed, and survive a restart") {
  Bench bench;
  bench.run_for(Millis{5'000});
  bench.board.platform.push_set("9", R"({"report_interval":2,"alarm_threshold":28.5})");
  bench.run_for(Millis{1'000});
  CHECK(bench.board.platform.last_set_reply == R"({"id":"9","code":200,"data":{}})");
  CHECK(bench.monitor.settings().report_interval_s == 2);
  CHECK(bench.monitor.settings().alarm_threshold == 28.5f);
  bool confirmed = false;
  for (const std::string& post : bench.board.platform.posts)
    confirmed |= post.find(R"({"report_interval":{"value":2,)") != std::string::npos;
  CHECK(confirmed);
  const auto before = bench.board.platform.posts_received;
  bench.run_for(Millis{10'000});
  CHECK(bench.board.platform.posts_received - before == 5);
  Monitor restarted{bench.device, bench.chip, &bench.board.store};
  CHECK(restarted.settings().report_interval_s == 2);
  CHECK(restarted.settings().alarm_threshold == 28.5f);
}

TEST_CASE("settings out of range are refused and nothing changes") {
  Bench bench;
  bench.run_for(Millis{5'000});
  for (const char* params :
       {R"({"report_interval":0})", R"({"alarm_threshold":999,"report_interval":5})", R"({"temperature":20})"}) {
    CAPTURE(params);
    bench.board.platform.push_set("3", params);
    bench.run_for(Millis{500});
    CHECK(bench.board.platform.last_set_reply == R"({"id":"3","code":460,"data":{}})");
    CHECK(bench.monitor.settings().report_interval_s == 60);
  }
}

TEST_CASE("a sensor that fails for a moment is counted and the last good air is still reported") {
  Bench bench({.report_interval_s = 5});
  bench.run_for(Millis{7'500});
  bench.chip.broken = Error::io_failed;
  const auto before = bench.board.platform.posts_received;
  bench.run_for(Millis{3'000});
  CHECK(bench.monitor.counters().bad_samples > 0);
  CHECK(bench.board.platform.posts_received > before);
}

TEST_CASE("a sensor that goes away is told once, nothing is reported without it, and its return is told") {
  Bench bench({.report_interval_s = 5});
  bench.run_for(Millis{11'000});
  bench.chip.broken = Error::io_failed;
  bench.run_for(Millis{10'000});
  CHECK(bench.monitor.fault() == SensorFault::absent);
  CHECK(bench.board.platform.events_received == 1);
  CHECK(bench.board.platform.last_event.str().find(R"("value":{"fault":"absent"})") != std::string_view::npos);
  const auto before = bench.board.platform.posts_received;
  bench.run_for(Millis{60'000});
  CHECK(bench.board.platform.posts_received == before);
  CHECK(bench.board.platform.events_received == 1);
  bench.chip.broken.reset();
  bench.run_for(Millis{10'000});
  CHECK(bench.board.platform.last_event.str().find(R"("value":{"fault":"none"})") != std::string_view::npos);
  CHECK(bench.board.platform.posts_received > before);
  CHECK(bench.monitor.counters().faults == 1);
}

TEST_CASE("a sensor that fails in two ways by turns is told once, and its old air is not reported on") {
  Bench bench({.report_interval_s = 5});
  bench.run_for(Millis{11'000});
  const auto fail_for = [&](int samples) {
    for (int i = 0; i < samples; ++i) {
      bench.chip.broken = i % 2 == 0 ? std::optional{Error::io_failed} : std::nullopt;
      bench.chip.air.temperature = 200;
      bench.run_for(Millis{1'000});  // one sample
    }
  };
  fail_for(10);
  CHECK(bench.monitor.fault() != SensorFault::none);
  const auto reported = bench.board.platform.posts.size();
  fail_for(60);
  CHECK(bench.board.platform.posts.size() == reported);
  CHECK(bench.board.platform.events_received == 1);
  CHECK(bench.monitor.counters().faults == 1);
}

TEST_CASE("impossible air is never reported") {
  Bench bench({.report_interval_s = 5});
  bench.chip.air = {-300, 50};
  bench.run_for(Millis{20'000});
  CHECK(bench.board.platform.posts_received == 0);
  CHECK(bench.monitor.fault() == SensorFault::out_of_range);
}

TEST_CASE("a change beyond the setting is reported before the interval is over") {
  Bench bench({.report_interval_s = 600, .report_change = 2});
  bench.run_for(Millis{10'000});
  CHECK(bench.board.platform.posts_received == 1);
  bench.chip.air.temperature = 23.5f;
  bench.run_for(Millis{60'000});
  CHECK(bench.board.platform.posts_received == 1);
  bench.chip.air.temperature = 24;
  bench.run_for(Millis{60'000});
  CHECK(bench.board.platform.posts_received == 2);
  CHECK(bench.board.platform.posts.back().find(R"("temperature":{"value":24.0,)") != std::string::npos);
  bench.board.platform.push_set("5", R"({"report_change":0})");
  bench.run_for(Millis{1'000});
  bench.chip.air.temperature = 30;
  const auto before = bench.board.platform.posts_received;
  bench.run_for(Millis{60'000});
  CHECK(bench.board.platform.posts_received == before);
}

TEST_CASE("settings kept by an earlier program are read") {
  Bench bench;
  const std::array<std::uint8_t, 8> old{0, 0, 0, 30, 0x41, 0xE0, 0, 0};  // 30 s, 28 degrees
  REQUIRE(bench.board.store.set("climate", old));
  Monitor restarted{bench.device, bench.chip, &bench.board.store};
  CHECK(restarted.settings().report_interval_s == 30);
  CHECK(restarted.settings().alarm_threshold == 28);
  CHECK(restarted.settings().report_change == 1);
}

TEST_CASE("a conversion under way is asked for again soon, and costs no sample") {
  Bench bench({.report_interval_s = 25});
  bench.chip.broken = Error::would_block;
  bench.run_for(Millis{2'000});
  CHECK(bench.monitor.counters().bad_samples == 0);
  bench.chip.broken.reset();
  bench.run_for(Millis{200});
  CHECK(bench.monitor.counters().samples == 1);
}

TEST_CASE("the board's health is told at the start, a minute later and once an hour") {
  struct Doctor final : HealthSource {
    Health look() override { return {"brown_out", 7, 90'000, 60'000, 2'000}; }
  } doctor;
  Bench bench({.report_interval_s = 600});
  bench.monitor.watch_health(doctor);
  const auto told = [&] {
    int count = 0;
    for (const std::string& post : bench.board.platform.posts) count += post.find("boot_count") != std::string::npos;
    return count;
  };
  bench.run_for(Seconds{100});
  CHECK(told() == 2);
  bench.run_for(Seconds{3'500});
  CHECK(told() == 2);
  bench.run_for(Seconds{100});
  CHECK(told() == 3);
  CHECK(bench.board.platform.posts[0].find(R"("reset_reason":{"value":"brown_out",)") != std::string::npos);
  CHECK(bench.board.platform.posts[0].find(R"("stack_low":{"value":2000,)") != std::string::npos);
}

TEST_CASE("the diurnal model repeats itself for a seed, is warmest in the afternoon and stays in range") {
  DiurnalModel one{7}, same{7}, other{8};
  constexpr std::int64_t kMidnight = 1'800'028'800'000;  // 00:00 at UTC+8
  float warmest = -100;
  std::int64_t warmest_hour = 0;
  bool differs = false;
  for (std::int64_t minute = 0; minute < 24 * 60; ++minute) {
    const UnixMillis at{kMidnight + minute * 60'000};
    const Reading air = *one.sample(at);
    const Reading again = *same.sample(at);
    CHECK(air.temperature == again.temperature);
    differs |= air.temperature != other.sample(at)->temperature;
    CHECK((air.temperature > 15 && air.temperature < 29));
    CHECK((air.humidity >= 0 && air.humidity <= 100));
    if (air.temperature > warmest) warmest = air.temperature, warmest_hour = minute / 60;
  }
  CHECK(differs);
  CHECK((warmest_hour >= 12 && warmest_hour <= 18));
}

TEST_CASE("readings that an outage has cost are counted, and told once when it is over") {
  Bench bench({.report_interval_s = 10});
  bench.run_for(Millis{11'000});
  bench.board.network.link = false;
  bench.board.platform.hang_up();
  bench.run_for(Seconds{1'000});
  const auto dropped = bench.device.outbox().dropped;
  CHECK(dropped > 50);
  bench.board.network.link = true;
  bench.board.platform.posts.clear();
  bench.run_for(Seconds{200});
  std::size_t told = 0;
  for (const std::string& post : bench.board.platform.posts)
    if (post.find("outbox_dropped") != std::string::npos) {
      ++told;
      CHECK(post.find("\"outbox_dropped\":{\"value\":" + std::to_string(bench.device.outbox().dropped) + ",") !=
            std::string::npos);
    }
  CHECK(told == 1);
}

TEST_CASE("after a reconnection the attempts and what broke last are told, once; after the first connection nothing") {
  Bench bench({.report_interval_s = 10});
  const auto told = [&] {
    std::size_t count = 0;
    for (const std::string& post : bench.board.platform.posts)
      count += post.find("connect_attempts") != std::string::npos;
    return count;
  };
  bench.run_for(Seconds{60});
  CHECK(told() == 0);
  bench.board.transport.break_at(device::Stage::securing, Error::tls_expired);
  bench.board.platform.hang_up();
  bench.run_for(Seconds{30});
  bench.board.transport.mend();
  bench.run_for(Seconds{200});
  REQUIRE(told() == 1);
  for (const std::string& post : bench.board.platform.posts) {
    if (post.find("connect_attempts") == std::string::npos) continue;
    CHECK(post.find(R"("last_break":{"value":"tls: tls_expired")") != std::string::npos);
  }
  CHECK(bench.device.ladder().attempts() > 2);
}

TEST_CASE("the days left to the server's certificate are told when they change, also when there are none left") {
  Bench bench({.report_interval_s = 60});
  constexpr std::int64_t kDay = 86'400'000;
  bench.board.transport.expiry = UnixMillis{bench.board.clock.wall().ms + 30 * kDay + kDay / 2};
  bench.run_for(Seconds{300});
  const auto last = [&] {
    std::string found;
    for (const std::string& post : bench.board.platform.posts)
      if (post.find("certificate_days") != std::string::npos) found = post;
    return found;
  };
  CHECK(last().find(R"("certificate_days":{"value":30,)") != std::string::npos);
  bench.board.platform.posts.clear();
  bench.run_for(Seconds{300});
  CHECK(last().empty());
  bench.board.transport.expiry = UnixMillis{bench.board.clock.wall().ms - 2 * kDay};
  bench.run_for(Seconds{120});
  CHECK(last().find(R"("certificate_days":{"value":-2,)") != std::string::npos);
}
