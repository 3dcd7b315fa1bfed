#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/flash.h"
#include "tercet/alink/batch.h"
#include "tercet/alink/envelope.h"
#include "tercet/device/client.h"

// The whole outbox (connection, RAM, flash) against a model that knows only what was posted, what arrived, and what was
// counted. Anything may happen at any time: outages, silence, stops, resets, power cuts, flash that cannot be read.
using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<float> kTemperature{"temperature"};
constexpr std::int64_t kStart = 1'800'000'000'000;

struct Life final : DeviceEvents {
  Life(std::uint32_t seed, bool flash_is_there)
      : random(seed), flash(seed % 3 == 0 ? 5 : 24, 1024, 1u << seed % 5), has_flash(flash_is_there) {
    options.time.floor = UnixMillis{1'700'000'000'000};
    options.post_interval = Millis{0};
    options.backoff_limit = Millis{1'000};
    options.flash_after = seed % 4 == 3 ? Millis{5'000} : Millis{0};
    options.drop = seed % 5 == 4 ? DropPolicy::newest : DropPolicy::oldest;
    board.platform.record_posts = true;
    board.log.record = false;
    boot();
  }
  std::uint32_t below(std::uint32_t bound) { return (random.next() >> 4) % bound; }

  void boot() {
    device.reset();
    buffers = std::make_unique<DeviceBuffers<>>();
    Port port = board.port();
    if (has_flash) port.flash = &flash;
    device = std::make_unique<Device>(port, buffers->storage(), *this);
    start();
  }
  void start() {
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device->start(id, {"iot.example"}, options));
  }
  /// The supply fails: what was in RAM alone may be gone.
  void reboot() {
    const OutboxCounters before = device->outbox();
    flash.power_on();
    flash.failing_reads = 0;
    board.transport.close();
    for (int n = 1; n <= readings; ++n)
      if (!safe.contains(n)) excused.insert(n);
    boot();
    const OutboxCounters after = device->outbox();
    forgotten += before.dropped - std::min(before.dropped, after.dropped);
    forgotten += before.torn;
    recent.clear();
    ++reboots;
  }
  void stop_and_start() {
    device->stop();
    for (int i = 0; i < 100 && !device->is_stopped() && !flash.is_off(); ++i) pass();
    if (flash.is_off()) return reboot();
    REQUIRE(device->is_stopped());
    if (has_flash && device->outbox().in_flash == device->outbox().waiting) make_safe();
    if (has_flash && below(3) == 0) return reboot();
    start();
  }
  void make_safe() {
    for (int n = 1; n <= readings; ++n) safe.insert(n);
  }
  void post() {
    const int n = readings + 1;
    const auto made = device->post_properties({kTemperature(static_cast<float>(n))}, UnixMillis{kStart + n});
    if (made)
      readings = n;
    else
      ++refused;
  }
  void pass() {
    const bool was_online = device->is_online();
    const bool was_readable = flash.failing_reads == 0;  // if not, what is acknowledged may not be marked so
    device->run();
    board.clock.advance(Millis{below(8) == 0 ? 400u : 20u});
    take_arrivals();
    if (flash.is_off()) return;
    // Two passes later, on a connection that stands, the acknowledgement has been understood.
    if (!was_online || !device->is_online() || !was_readable) recent.clear();
    for (auto& [n, passes] : recent)
      if (++passes > 2) settled.insert(n);
    std::erase_if(recent, [](const auto& one) { return one.second > 2; });
    const OutboxCounters now = device->outbox();
    const bool all_in_flash = has_flash && options.flash_after == Millis{0} && !device->is_online() && !was_online &&
                              now.waiting == now.in_flash && device->next_deadline() > board.clock.now();
    if (all_in_flash) make_safe();
  }
  void take_arrivals() {
    for (const std::string& post : board.platform.posts) {
      const auto request = alink::parse_request(post);
      REQUIRE(request);
      const bool is_batch = request->method == "thing.event.property.batch.post";
      const auto group = is_batch ? alink::parse_batch(*request->params)->properties : request->params;
      alink::Samples samples(*group);
      while (const auto sample = samples.next()) {
        const auto n = static_cast<int>(*sample->posted.value.real());
        REQUIRE(n >= 1);
        REQUIRE(n <= readings);
        REQUIRE(sample->posted.time);
        CHECK(sample->posted.time->ms == kStart + n);  // its own time, and never another's value
        CHECK_MESSAGE(!settled.contains(n), "sent again after it was acknowledged: ", n);
        arrived.insert(n);
        if (board.platform.acknowledges) recent[n] = 0;
      }
    }
    board.platform.posts.clear();
  }
  void step() {
    switch (below(26)) {
      case 0:
        board.transport.break_at(device::Stage::connecting, Error::io_failed);
        board.platform.hang_up();
        break;
      case 1:
      case 2:
      case 3:
        board.transport.mend();
        board.platform.acknowledges = board.platform.answers_posts = true;
        break;
      case 4:
        board.platform.hang_up();
        break;
      case 5:
        board.platform.acknowledges = false;
        break;
      case 6:
        board.transport.half_open = true;
        break;
      case 7:
      case 24:
      case 25:
        if (device->is_online()) board.platform.push_set("12", R"({"report_interval":60})");
        break;
      case 8:
        if (below(3) == 0) stop_and_start();
        break;
      case 9:
        if (has_flash) flash.failing_reads = below(14);
        break;
      default:
        for (std::uint32_t count = below(4); count > 0; --count) post();
    }
    for (std::uint32_t count = below(4); count > 0 && !flash.is_off(); --count) pass();
  }
  /// Works until the supply fails.
  void live(int most_steps, bool is_last = false) {
    if (has_flash && !is_last) {
      flash.tear = static_cast<fake::Flash::Tear>(below(3));
      flash.cut_at(below(60), random.next() >> 8);
    }
    for (int i = 0; i < most_steps && !flash.is_off(); ++i) step();
    if (has_flash && !is_last) reboot();
  }
  void settle() {
    board.transport.mend();
    board.platform.acknowledges = board.platform.answers_posts = true;
    flash.failing_reads = 0;
    const auto is_done = [&] {
      return device->is_online() && device->in_flight() == 0 && device->outbox().waiting == 0;
    };
    for (int i = 0; i < 5'000 && !is_done(); ++i) pass();
    if (has_flash && !is_done()) {  // acknowledged while the flash could not be read: once more after a restart
      reboot();
      for (int i = 0; i < 20'000 && !is_done(); ++i) pass();
    }
    CHECK(is_done());
    std::uint32_t missing = 0;
    for (int n = 1; n <= readings; ++n) missing += !arrived.contains(n) && !excused.contains(n);
    const OutboxCounters counters = device->outbox();
    CHECK(missing <= counters.dropped + counters.torn + forgotten - refused);  // a refusal is counted too
    CHECK(flash.violations == 0);
  }

  fake::Board board;
  fake::Random random;
  fake::Flash flash;
  bool has_flash;
  Options options;
  std::unique_ptr<DeviceBuffers<>> buffers;
  std::unique_ptr<Device> device;
  int readings = 0;
  std::uint32_t refused = 0, forgotten = 0, reboots = 0;
  std::set<int> arrived;
  std::set<int> safe;         ///< were in flash at some time
  std::set<int> excused;      ///< were perhaps in RAM alone at a reset
  std::set<int> settled;      ///< arrived, and the device knows
  std::map<int, int> recent;  ///< arrived and acknowledged, so many passes ago
};

std::uint32_t how_many() {
  if (const char* wanted = std::getenv("TERCET_OUTBOX_LIVES"))
    return static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10));
#if defined(TERCET_SANITIZED)
  return 150;  // slow as well
#elif defined(__linux__)
  return 400;
#else
  return 10;  // emulators are slow
#endif
}

}  // namespace

TEST_CASE("whatever happens, a post that was in flash arrives or is counted, and none comes again once acknowledged") {
  std::uint32_t reboots = 0;
  for (std::uint32_t seed = 1; seed <= how_many(); ++seed) {
    CAPTURE(seed);
    Life life(seed, true);
    for (int round = 0; round < 25; ++round) life.live(200);
    life.live(60, true);
    life.settle();
    CHECK(life.safe.size() > 10);
    reboots += life.reboots;
  }
  CHECK(reboots >= 25 * how_many());
}

TEST_CASE("without flash, a post arrives or is counted over any outages, stops and starts") {
  int readings = 0;
  for (std::uint32_t seed = 1; seed <= how_many(); ++seed) {
    CAPTURE(seed);
    Life life(seed, false);
    life.live(300);
    life.settle();
    readings += life.readings;
  }
  CHECK(readings / 50 > static_cast<int>(how_many()));  // lives worth the name, on average
}
