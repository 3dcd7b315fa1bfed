// A day of the climate application against the fake platform, on the emulated board, in an image without a heap: it
// gets online, reports each minute, obeys a set, raises an alarm, and survives what a day brings. Time is moved, not
// waited for. Ends with 0 when the day went well, and says how deep the stack went.
#include <cstdio>
#include <cstring>

#include "climate_application.h"
#include "ports/fake/platform.h"
#include "stack_gauge.h"

using namespace tercet;
using namespace tercet::device;

namespace {

struct Cloud final : fake::Platform {};

/// Both directions lie in a buffer until the platform's turn, so that its stack is not counted as the device's.
class Wire final : public Transport {
 public:
  Cloud cloud;
  bool half_open = false, resolves = true;

  /// The platform's turn.
  void deliver() {
    if (half_open) sent_ = 0;
    if (sent_ == 0) return;
    cloud.receive(Bytes{up_}.first(sent_));
    sent_ = 0;
  }

  Result<void> open(const Target&) override {
    stage_ = Stage::resolving;
    return {};
  }
  Result<Stage> advance() override {
    if (stage_ == Stage::resolving && !resolves) return fail(Error::dns_failed);
    if (stage_ == Stage::ready) return stage_;
    stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
    if (stage_ == Stage::ready) cloud.connected(), sent_ = 0;
    return stage_;
  }
  Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override {
    const Bytes waiting = cloud.waiting();
    if (waiting.empty() || half_open) return fail(cloud.hung_up() ? Error::closed : Error::would_block);
    const std::size_t size = std::min(into.size(), waiting.size());
    std::memcpy(into.data(), waiting.data(), size);
    cloud.taken(size);
    return size;
  }
  Result<std::size_t> write(Bytes from) override {
    const std::size_t size = std::min(from.size(), up_.size() - sent_);
    if (size == 0) return fail(Error::would_block);
    std::memcpy(up_.data() + sent_, from.data(), size);
    sent_ += size;
    return size;
  }
  void close() override { stage_ = Stage::closed; }

 private:
  std::array<std::uint8_t, 4096> up_{};
  std::size_t sent_ = 0;
  Stage stage_ = Stage::closed;
};

struct BoardClock final : Clock {
  Instant at{Millis{1'000}};
  UnixMillis wall_at{1'800'000'000'000};
  Instant now() const override { return at; }
  UnixMillis wall() const override { return wall_at; }
  void set_wall(UnixMillis to) override { wall_at = to; }
  void advance(Millis by) { at = at + by, wall_at.ms += by.count(); }
};

struct Noise final : Random {
  std::uint32_t state = 1;
  void fill(MutableBytes into) override {
    for (std::uint8_t& byte : into) {
      state = state * 1'664'525u + 1'013'904'223u;
      byte = static_cast<std::uint8_t>(state >> 24);
    }
  }
};

struct Radio final : Network {
  bool link = true;
  bool has_link() const override { return link; }
  bool has_address() const override { return link; }
};

struct Vault final : SecretStore {
  Result<DeviceSecret> secret_of(const DeviceId&) override {
    return DeviceSecret::parse("0123456789abcdef0123456789abcdef");
  }
};

struct Serial final : Log {
  std::uint32_t lines = 0;
  void line(LogLevel, std::string_view) override { ++lines; }
};

struct Thermometer final : climate::Sensor {
  float temperature = 21.5f;
  Result<climate::Reading> sample(UnixMillis) override {
    humidity = 100.75f - humidity;  // a sensor that never flickers counts as stuck
    return climate::Reading{temperature, humidity};
  }
  std::string_view description() const override { return "fake"; }
  float humidity = 50.25f;
};

struct Day {
  Wire wire;
  BoardClock clock;
  Noise noise;
  Radio radio;
  Vault vault;
  Serial serial;
  Thermometer thermometer;
  emulator::StackGauge gauge;
  emulator::Application application{{wire, clock, noise, radio, vault, nullptr, nullptr, &serial, nullptr},
                                    thermometer};
  bool good = true;

  void live(Seconds duration) {
    for (const Instant until = clock.now() + duration; clock.now() < until;) {
      gauge.run([](void* day) { static_cast<Day*>(day)->application.run(); }, this);
      wire.deliver();
      // A platform that answered is heard soon; otherwise the application says when it wants to run.
      const Instant soon = clock.now() + Millis{20};
      const Instant next = wire.cloud.waiting().empty() ? std::max(application.next_deadline(), soon) : soon;
      clock.advance(std::min(next, until) - clock.now());
      wire.cloud.wall = clock.wall();
    }
  }
  void expect(bool holds, const char* what) {
    if (!holds) std::printf("not so: %s\n", what);
    good = good && holds;
  }
};

Day day;

}  // namespace

int main() {
  using std::chrono::hours, std::chrono::minutes;
  const fake::Platform& cloud = day.wire.cloud;
  day.expect(day.application.start().has_value(), "the application starts");
  day.live(hours{3});
  day.expect(day.application.device().is_online(), "online");
  day.expect(cloud.password == "6dd0716f22a33f301fc27f8b79008e14a7ad96d1c84c3885f814d4c5acfb5f11",
             "the known signature");
  day.expect(cloud.posts_received >= 180, "a report each minute");
  day.expect(cloud.last_post.str().find(R"("temperature":{"value":21.5,)") != std::string_view::npos, "its value");

  day.wire.cloud.push_set("1", R"({"report_interval":30})");
  day.live(hours{1});
  day.expect(day.application.monitor().settings().report_interval_s == 30, "the set is obeyed");
  day.expect(cloud.last_set_reply.str().find(R"("code":200)") != std::string_view::npos, "the set is answered");
  day.wire.cloud.push_set("2", R"({"report_interval":60,})");
  day.live(hours{1});
  day.expect(day.application.monitor().settings().report_interval_s == 60, "the second set is obeyed");

  day.wire.half_open = true;  // bytes vanish
  day.live(minutes{5});
  day.wire.half_open = false;
  day.live(hours{4});
  day.wire.resolves = false;
  day.wire.cloud.hang_up();
  day.live(minutes{5});
  day.wire.resolves = true;
  day.live(hours{4});
  day.radio.link = false;
  day.wire.cloud.hang_up();
  day.live(minutes{5});
  day.radio.link = true;
  day.live(hours{4});
  day.expect(day.application.device().is_online(), "online after three outages");
  day.expect(cloud.connects >= 4, "connected again each time");

  day.thermometer.temperature = 36.0f;
  day.live(minutes{10});
  day.expect(cloud.events_received == 1, "one alarm");
  day.thermometer.temperature = 21.5f;
  day.live(hours{6});
  day.expect(day.application.device().outbox().dropped == 0, "no reading was given up");
  day.expect(cloud.posts_received >= day.application.monitor().counters().reports, "every report arrived");
  day.expect(day.application.monitor().counters().reports > 1'400, "a day's reports");
  day.expect(day.serial.lines > 0, "the outages were explained");

  const auto& ladder = day.application.device().ladder();
  std::printf("reports %u connects %u attempts %u\n",
              static_cast<unsigned>(day.application.monitor().counters().reports),
              static_cast<unsigned>(cloud.connects), static_cast<unsigned>(ladder.attempts()));
  std::printf("stack %u\n", static_cast<unsigned>(day.gauge.deepest()));
  return day.good ? 0 : 1;
}
