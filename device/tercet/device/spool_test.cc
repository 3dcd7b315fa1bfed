#include "tercet/device/spool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/flash.h"
#include "tercet/alink/batch.h"
#include "tercet/alink/envelope.h"
#include "tercet/device/client.h"

using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<float> kTemperature{"temperature"};
inline constexpr Property<float> kHumidity{"humidity"};
constexpr std::int64_t kStart = 1'800'000'000'000;
constexpr auto kOff = device::Stage::connecting;

/// A board with flash that can be switched off and on.
struct Station final : DeviceEvents {
  explicit Station(std::uint32_t sectors = 8, std::uint32_t sector_bytes = 4096) : flash(sectors, sector_bytes) {
    options.time.floor = UnixMillis{1'700'000'000'000};
    board.platform.record_posts = true;
    boot();
  }
  void boot() {
    device.reset();
    buffers = std::make_unique<DeviceBuffers<>>();
    Port port = board.port();
    if (has_flash) port.flash = &flash;
    device = std::make_unique<Device>(port, buffers->storage(), *this);
    start();
  }
  void start(std::string_view name = "sensor_01") {
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse(name)};
    REQUIRE(device->start(id, {"iot.example"}, options));
  }
  void stop() {
    device->stop();
    for (int i = 0; i < 50 && !device->is_stopped(); ++i) pass();
    REQUIRE(device->is_stopped());
  }
  /// On the wire, not acknowledged, and never arrived.
  void measure_into_the_void(int count) {
    board.platform.acknowledges = board.platform.answers_posts = false;
    measure(count);
    CHECK(device->in_flight() == static_cast<std::size_t>(count));
    board.platform.posts.clear();
    board.platform.acknowledges = board.platform.answers_posts = true;
  }
  /// Power fails: RAM is lost, the connection too.
  void reboot() {
    board.transport.close();
    boot();
  }
  void go_offline() {
    board.transport.break_at(kOff, Error::io_failed);
    board.platform.hang_up();
    run_for(Millis{100});
  }
  void come_back() {
    board.transport.mend();
    for (int i = 0; i < 20'000 && !is_drained(); ++i) pass();
    for (int i = 0; i < 10; ++i) pass();
  }
  bool is_drained() const { return device->is_online() && device->in_flight() == 0 && device->outbox().waiting == 0; }
  void pass() {
    device->run();
    board.clock.advance(Millis{10});
  }
  void run_for(Millis by) {
    for (const Instant until = board.clock.now() + by; board.clock.now() < until;) pass();
  }
  /// A reading a second: the n-th has temperature n and the time of that second.
  void measure(int count) {
    for (int i = 0; i < count; ++i) {
      const UnixMillis at{kStart + ++readings * 1'000};
      REQUIRE(device->post_properties({kTemperature(static_cast<float>(readings)), kHumidity(40)}, at));
      run_for(Millis{50});
    }
  }
  /// Every reading that reached the platform, in the order of arrival; each with its own time.
  std::vector<int> arrived() {
    std::vector<int> temperatures;
    for (const std::string& post : board.platform.posts) {
      const auto request = alink::parse_request(post);
      REQUIRE(request);
      const bool is_batch = request->method == "thing.event.property.batch.post";
      const auto group = is_batch ? alink::parse_batch(*request->params)->properties : request->params;
      if (!group) continue;
      alink::Samples samples(*group);
      while (const auto sample = samples.next()) {
        if (!(sample->identifier == "temperature")) continue;
        const auto number = static_cast<int>(*sample->posted.value.real());
        REQUIRE(sample->posted.time);
        CHECK(sample->posted.time->ms == kStart + number * 1'000);
        temperatures.push_back(number);
      }
    }
    return temperatures;
  }
  std::vector<int> up_to_now(int from = 1) const {
    std::vector<int> all;
    for (int n = from; n <= readings; ++n) all.push_back(n);
    return all;
  }

  void on_reply(const PostReply& reply) override { answered += reply.posts, last_code = reply.code; }
  void on_rung(Rung, const RungRecord& record, std::string_view) override { broken += record.error.has_value(); }

  fake::Board board;
  fake::Flash flash;
  bool has_flash = true;
  Options options;
  std::unique_ptr<DeviceBuffers<>> buffers;
  std::unique_ptr<Device> device;
  int readings = 0;
  std::uint32_t answered = 0, broken = 0;
  std::int32_t last_code = 0;
};

}  // namespace

TEST_CASE("while the board is online nothing is written to flash") {
  Station station;
  station.come_back();
  for (int i = 0; i < 50; ++i) {
    station.measure(1);
    station.run_for(Millis{200});
  }
  CHECK(station.arrived() == station.up_to_now());
  CHECK(station.flash.operations == 0);
}

TEST_CASE("a short outage stays in RAM; a longer one goes to flash, and comes back in order in batches") {
  Station station;
  station.come_back();
  station.go_offline();
  station.measure(5);
  CHECK(station.device->outbox().in_flash == 0);
  station.run_for(Seconds{31});
  CHECK(station.device->outbox().in_flash == 5);
  station.measure(60);
  CHECK(station.device->outbox().waiting == 65);
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  CHECK(station.board.platform.batches_received > 5);
  CHECK(station.board.platform.posts.size() < 40);
  CHECK(station.device->outbox().in_flash == 0);
  CHECK(station.device->outbox().dropped == 0);
  CHECK(station.answered == 65);
  CHECK(station.last_code == 200);
  CHECK(station.device->delivered() == 65);
}

TEST_CASE("RAM that is full goes to flash at once, also while the silence of a dead link has not been noticed") {
  Station station;
  station.come_back();
  station.board.transport.half_open = true;
  station.measure(40);
  CHECK(station.device->is_online());
  CHECK(station.device->outbox().dropped == 0);
  CHECK(station.device->outbox().in_flash > 20);
  station.board.platform.hang_up();
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("a reset during the outage loses nothing that is in flash, nor what was on the wire") {
  Station station;
  station.come_back();
  station.board.platform.acknowledges = station.board.platform.answers_posts = false;
  station.measure(3);  // on the wire, not acknowledged
  CHECK(station.device->in_flight() == 3);
  station.board.platform.posts.clear();  // and never arrived
  station.go_offline();
  station.measure(20);
  station.run_for(Seconds{31});
  station.measure(10);
  station.run_for(Seconds{1});
  station.board.platform.acknowledges = station.board.platform.answers_posts = true;
  station.reboot();
  CHECK(station.device->outbox().in_flash == 33);
  station.measure(5);
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  station.reboot();
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());  // nothing again
}

TEST_CASE("what was on the wire when the outage began is sent once when no reset comes between") {
  Station station;
  station.come_back();
  station.board.platform.acknowledges = false;
  station.measure(3);
  station.board.platform.posts.clear();
  station.go_offline();
  station.board.platform.acknowledges = true;
  station.run_for(Seconds{40});
  station.measure(4);
  CHECK(station.device->outbox().in_flash == 7);
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  CHECK(station.device->outbox().in_flash == 0);
}

TEST_CASE("flash forgets a batch only when it is acknowledged: a reset before that sends it again") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(30);
  station.board.platform.acknowledges = false;
  station.board.transport.mend();
  station.run_for(Seconds{70});
  CHECK(station.board.platform.batches_received >= 1);
  CHECK(station.device->outbox().in_flash == 30);
  station.board.platform.posts.clear();
  station.board.platform.acknowledges = true;
  station.reboot();
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  CHECK(station.device->outbox().in_flash == 0);
}

TEST_CASE("a connection that breaks within a batch repeats that batch and no other") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(30);
  station.board.transport.mend();
  for (int i = 0; i < 200'000 && station.board.platform.batches_received < 3; ++i) {
    station.board.platform.acknowledges = station.board.platform.batches_received != 2;
    station.pass();
  }
  station.board.platform.acknowledges = true;
  station.board.platform.hang_up();
  station.come_back();
  auto arrived = station.arrived();
  CHECK(arrived.size() >= 30);
  CHECK(arrived.size() <= 30 + 16);
  std::sort(arrived.begin(), arrived.end());
  arrived.erase(std::unique(arrived.begin(), arrived.end()), arrived.end());
  CHECK(arrived == station.up_to_now());
}

TEST_CASE("events keep their place, their output and their time in a batch") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(2);
  REQUIRE(station.device->post_event("alarm", {kTemperature(41.5f)}, UnixMillis{kStart + 7}));
  REQUIRE(station.device->post_event("alarm", {kTemperature(42.5f)}, UnixMillis{kStart + 9}));
  station.measure(1);
  station.come_back();
  const std::string batch{station.board.platform.last_batch.str()};
  CHECK(batch.find(R"("events":{"alarm":[{"value":{"temperature":41.5},"time":1800000000007},)"
                   R"({"value":{"temperature":42.5},"time":1800000000009}]})") != std::string::npos);
  CHECK(batch.find(R"("properties":{"temperature":[{"value":1.0,"time":1800000001000},)") != std::string::npos);
  CHECK(batch.find(R"("humidity":[{"value":40.0,)") != std::string::npos);
  CHECK(batch.find(R"("method":"thing.event.property.batch.post")") != std::string::npos);
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("a single post from flash is the post it was, with its id") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  const auto id = station.device->post_event("alarm", {kTemperature(40.5f)}, UnixMillis{kStart + 1});
  REQUIRE(id);
  station.run_for(Seconds{1});
  CHECK(station.device->outbox().in_flash == 1);
  station.reboot();
  station.come_back();
  CHECK(station.board.platform.last_event ==
        R"({"id":")" + std::to_string(*id) +
            R"(","version":"1.0","params":{"value":{"temperature":40.5},"time":1800000000001},)"
            R"("method":"thing.event.alarm.post"})");
  const auto next = station.device->post_event("alarm", {kTemperature(20)});
  REQUIRE(next);
  CHECK(*next > *id);  // ids go on where those of the flash end
}

TEST_CASE("stop saves what waits in RAM") {
  Station station;
  station.go_offline();
  station.measure(4);
  station.device->stop();
  for (int i = 0; i < 5 && !station.device->is_stopped(); ++i) station.pass();
  CHECK(station.device->is_stopped());
  CHECK(station.device->outbox().in_flash == 4);
  station.reboot();
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("an outage longer than the flash loses its beginning by the policy `oldest`, and every loss is counted") {
  Station station(4, 1024);
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(60);
  const auto counters = station.device->outbox();
  CHECK(counters.dropped > 0);
  CHECK(counters.dropped + counters.waiting == 60);
  station.reboot();
  CHECK(station.device->outbox().dropped == counters.dropped);
  station.come_back();
  CHECK(station.arrived() == station.up_to_now(static_cast<int>(counters.dropped) + 1));
}

TEST_CASE("an outage longer than flash and RAM loses its end by the policy `newest`, and the caller is told") {
  Station station(4, 1024);
  station.options.drop = DropPolicy::newest;
  station.reboot();
  station.go_offline();
  station.run_for(Seconds{31});
  int refused = 0, kept = 0;
  for (int i = 1; i <= 100; ++i) {
    const auto made =
        station.device->post_properties({kTemperature(static_cast<float>(i))}, UnixMillis{kStart + i * 1'000});
    if (made) {
      CHECK(refused == 0);
      station.readings = ++kept;
    } else {
      CHECK(made.error() == Error::no_space);
      ++refused;
    }
    station.run_for(Millis{50});
  }
  CHECK(refused > 10);
  CHECK(station.device->outbox().dropped == static_cast<std::uint32_t>(refused));
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("however much waits, the platform is sent at most ten posts in any second") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(120);
  station.board.transport.mend();
  std::vector<Instant> sent;
  for (int i = 0; i < 20'000 && !station.is_drained(); ++i) {
    station.pass();
    while (sent.size() < station.board.platform.posts.size()) sent.push_back(station.board.clock.now());
  }
  CHECK(station.arrived() == station.up_to_now());
  CHECK(sent.size() > 20);
  for (std::size_t i = 10; i < sent.size(); ++i) CHECK(sent[i] - sent[i - 10] >= Millis{990});
  CHECK(sent.back() - sent.front() < Millis{210} * static_cast<int>(sent.size()));
}

TEST_CASE("a board that holds posts back says when it wants to go on") {
  Station station;
  station.come_back();
  station.run_for(Seconds{2});
  for (int i = 1; i <= 8; ++i)
    REQUIRE(station.device->post_properties({kTemperature(static_cast<float>(i))}, UnixMillis{kStart + i * 1'000}));
  station.readings = 8;
  for (int i = 0; i < 5; ++i) station.device->run();
  CHECK(station.board.platform.posts.size() == 5);
  CHECK(station.device->next_deadline() > station.board.clock.now());
  CHECK(station.device->next_deadline() <= station.board.clock.now() + Millis{200});
  station.run_for(Seconds{1});
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("a batch is never larger than what one packet holds") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(40);
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  for (const std::string& line : station.board.log.lines) CHECK(line.find("given up") == std::string::npos);
  CHECK(DeviceBuffers<1024, 2048, 1024>{}.mqtt.output.size() >= 1024 + 200);
}

TEST_CASE("flash that cannot be used leaves the board as it is without flash") {
  Station station;
  station.flash.unreadable = true;
  station.reboot();
  CHECK(station.device->outbox().flash_failures == 1);
  station.go_offline();
  station.measure(5);
  station.run_for(Seconds{60});
  CHECK(station.device->outbox().waiting == 5);
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("flash that wears out during an outage leaves RAM to wait in") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(3);
  station.flash.bad_to_program.assign(8, true);
  station.flash.bad_to_erase.assign(8, true);
  station.measure(3);
  CHECK(station.device->outbox().in_flash == 3);
  CHECK(station.device->outbox().waiting == 6);
  CHECK(station.device->outbox().flash_failures > 0);
  const auto operations = station.flash.operations;
  CHECK(station.device->next_deadline() > station.board.clock.now());
  station.run_for(Seconds{9});
  CHECK(station.flash.operations == operations);  // it is not tried in each pass
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  CHECK(station.device->outbox().waiting == 0);
}

TEST_CASE("a platform that refuses the answer's topic of batches is no reason to stay offline") {
  Station station;
  station.board.platform.refuses_filter_ending = "batch/post_reply";
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(10);
  station.come_back();
  CHECK(station.device->ladder().standing() >= Rung::suback);
  CHECK(station.device->ladder().record(Rung::suback).failed == 0);
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("readings without a time are sent from flash too, with the platform's") {
  Station station;
  station.options.time.floor = UnixMillis{kStart + 1'000'000'000'000};  // the clock is never set
  station.reboot();
  station.go_offline();
  station.run_for(Seconds{31});
  for (int i = 0; i < 3; ++i) REQUIRE(station.device->post_property(kTemperature(20)));
  station.run_for(Seconds{1});
  CHECK(station.device->outbox().in_flash == 3);
}

TEST_CASE("a set's reply that went past what waits in flash does not make it be passed over") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(40);
  station.board.platform.acknowledges = false;
  station.board.transport.mend();
  for (int i = 0; i < 20'000 && station.board.platform.batches_received == 0; ++i) station.pass();
  station.board.platform.push_set("77", R"({"report_interval":60})");
  for (int k = 0; k < 5; ++k) station.pass();
  CHECK(station.device->in_flight() == 2);  // a batch, and the reply
  station.go_offline();
  station.run_for(Seconds{31});  // the reply goes to flash, behind what has not been sent
  CHECK(station.device->outbox().in_flash == 41);
  station.board.platform.posts.clear();
  station.board.platform.acknowledges = true;
  station.come_back();
  CHECK(station.device->outbox().in_flash == 0);
  CHECK(station.arrived() == station.up_to_now());
}

TEST_CASE("without flash, what is on the wire when the device is stopped is sent after the next start, as it was") {
  Station station;
  station.has_flash = false;
  station.reboot();
  station.come_back();
  station.measure_into_the_void(3);
  station.stop();
  station.measure(2);
  station.options.keep_alive = Seconds{90};
  station.start();
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  CHECK(station.board.platform.posts.front().find(R"("id":"1")") != std::string::npos);
  CHECK(station.board.platform.keep_alive == Seconds{90});
  CHECK(station.device->outbox().dropped == 0);
}

TEST_CASE("what is on the wire when another device takes the place is counted as dropped") {
  Station station;
  station.has_flash = false;
  station.reboot();
  station.come_back();
  station.measure_into_the_void(3);
  station.stop();
  station.start("sensor_02");
  station.come_back();
  CHECK(station.arrived().empty());
  CHECK(station.device->outbox().dropped == 3);
}

TEST_CASE("a stop in the middle of a batch and a start repeat nothing that arrived and lose nothing") {
  Station station;
  station.go_offline();
  station.run_for(Seconds{31});
  station.measure(30);
  station.board.platform.acknowledges = false;
  station.board.transport.mend();
  for (int i = 0; i < 20'000 && station.board.platform.batches_received == 0; ++i) station.pass();
  station.board.platform.posts.clear();  // the batch has not arrived
  station.board.platform.acknowledges = true;
  station.stop();
  CHECK(station.device->outbox().in_flash == 30);
  station.start();
  station.come_back();
  CHECK(station.arrived() == station.up_to_now());
  CHECK(station.device->outbox().in_flash == 0);
}

TEST_CASE("a pass writes a few records to flash, or erases once, and asks for the next one at once") {
  Station station(8, 1024);
  station.go_offline();
  station.measure(8);
  REQUIRE(station.device->outbox().in_flash == 0);
  station.board.clock.advance(Seconds{31});
  std::uint32_t erasures = 0, in_flash = 0;
  const auto all = [&] {
    std::uint32_t sum = 0;
    for (const std::uint32_t count : station.flash.erasures) sum += count;
    return sum;
  };
  erasures = all();
  int passes = 0;
  for (; station.device->outbox().in_flash < 8 && passes < 20; ++passes) {
    station.device->run();
    CHECK(station.device->outbox().in_flash - in_flash <= 4);
    CHECK(all() - erasures <= 1);
    in_flash = station.device->outbox().in_flash, erasures = all();
    if (in_flash < 8) CHECK(station.device->next_deadline() <= station.board.clock.now());
  }
  CHECK(passes >= 2);
  CHECK(passes < 20);
}

TEST_CASE("a flash that cannot be read for a while loses nothing, and is asked again without haste") {
  for (const bool everywhere : {true, false}) {
    CAPTURE(everywhere);  // or in the text of one record
    Station station;
    station.go_offline();
    station.run_for(Seconds{31});
    station.measure(20);
    if (everywhere)
      station.flash.unreadable = true;
    else
      station.flash.unreadable_from = 110, station.flash.unreadable_to = 111;
    station.board.transport.mend();
    for (int i = 0; i < 20'000 && !station.device->is_online(); ++i) station.pass();
    station.run_for(Seconds{1});
    const auto failures = station.device->outbox().flash_failures;
    CHECK(failures > 0);
    CHECK(failures < 60);
    CHECK(station.device->next_deadline() <= station.board.clock.now() + Millis{500});
    station.flash.unreadable = false;
    station.flash.unreadable_to = 0;
    station.come_back();
    auto arrived = station.arrived();
    std::sort(arrived.begin(), arrived.end());
    CHECK(std::unique(arrived.begin(), arrived.end()) == arrived.begin() + 20);
    CHECK(station.device->outbox().dropped == 0);
    CHECK(station.device->outbox().torn == 0);
  }
}

TEST_CASE("a place of the flash that can never be read is given up after some tries, and counted") {
  for (const bool head : {true, false}) {
    CAPTURE(head);  // or its text
    Station station;
    station.go_offline();
    station.run_for(Seconds{31});
    station.measure(20);
    station.flash.unreadable_from = head ? 72 : 110;
    station.flash.unreadable_to = head ? 80 : 111;
    station.come_back();
    const auto counters = station.device->outbox();
    CHECK(counters.waiting == 0);
    CHECK(counters.dropped > 0);
    CHECK(station.arrived().size() + counters.dropped == 20);
  }
}

TEST_CASE("an outage longer than the flash, whose oldest record can never be read, costs what stood with it") {
  for (const DropPolicy policy : {DropPolicy::oldest, DropPolicy::newest}) {
    Station station(6, 1024);
    station.options.drop = policy;
    station.reboot();
    station.go_offline();
    station.run_for(Seconds{31});
    station.measure(30);
    station.flash.unreadable_from = 72, station.flash.unreadable_to = 80;
    for (int n = 0; n < 30; ++n) {
      const UnixMillis at{kStart + (station.readings + 1) * 1'000};
      const auto number = static_cast<float>(station.readings + 1);
      if (station.device->post_properties({kTemperature(number), kHumidity(40)}, at)) ++station.readings;
      station.run_for(Millis{50});
    }
    const auto in_outage = station.device->outbox();
    CHECK(in_outage.waiting >= 30);
    station.come_back();
    const auto counters = station.device->outbox();
    const auto refused = static_cast<std::uint32_t>(60 - station.readings);
    CHECK(counters.waiting == 0);
    CHECK(station.arrived().size() >= 30);
    CHECK(station.arrived().size() + counters.dropped - refused == static_cast<std::size_t>(station.readings));
  }
}

TEST_CASE("ids go on above those in flash also when a set's reply was the last to go there") {
  Station station;
  station.come_back();
  station.measure_into_the_void(2);
  station.board.platform.acknowledges = false;
  station.board.platform.push_set("9", R"({"report_interval":60})");
  for (int k = 0; k < 3; ++k) station.pass();
  station.go_offline();
  station.board.platform.acknowledges = true;
  station.run_for(Seconds{31});
  CHECK(station.device->outbox().in_flash == 3);
  station.reboot();
  const auto id = station.device->post_property(kTemperature(1));
  REQUIRE(id);
  CHECK(*id == 3);
}

TEST_CASE("power cuts during outages and returns: everything that went to flash arrives, whatever the cut hits") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Station station(40, 1024);
    station.options.flash_after = Millis{0};
    station.reboot();
    fake::Random random{seed};
    std::vector<int> safe;  // what went to flash; RAM promises nothing
    const auto measure = [&] {
      const auto before = station.device->outbox().spilled;
      station.measure(1);
      if (station.device->outbox().spilled > before && !station.flash.is_off()) safe.push_back(station.readings);
    };
    for (int round = 0; round < 6; ++round) {
      station.flash.tear = static_cast<fake::Flash::Tear>(random.next() % 3);
      station.go_offline();
      for (auto count = random.next() % 8; count > 0; --count) measure();
      station.flash.cut_at(random.next() % 30, random.next() >> 8);
      if (random.next() % 2 == 0) station.board.transport.mend();
      for (int i = 0; i < 400 && !station.flash.is_off(); ++i) {
        if (random.next() % 16 == 0) measure();
        station.pass();
      }
      station.flash.power_on();
      station.reboot();
    }
    station.come_back();
    const auto arrived = station.arrived();
    CHECK(safe.size() > 5);
    for (const int wanted : safe) CHECK(std::find(arrived.begin(), arrived.end(), wanted) != arrived.end());
    CHECK(station.device->outbox().dropped == 0);
    CHECK(station.flash.violations == 0);
  }
}
