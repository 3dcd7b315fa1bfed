#include <doctest/doctest.h>

#include <algorithm>

#include "TercetClimate.h"
#include "TercetRules.h"
#include "WiFi.h"
#include "examples/ClimateMonitor/rules.h"
#include "ports/arduino/test_board.h"
#include "secrets.h"

namespace climate_sketch {
#include "examples/ClimateMonitor/ClimateMonitor.ino"
}

using namespace tercet;
using arduino::TestBoard;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

// One case: a sketch lives in globals and starts once.
TEST_CASE(
    "the sketch ClimateMonitor reports, obeys, raises the alarm, lives through an outage and tells of its sensor") {
  TestBoard board;
  auto& platform = board.fake.platform;
  climate_sketch::setup();
  CHECK(standin::wifi_begun);
  const auto run = [&](Millis time) { board.run(climate_sketch::loop, time); };

  // It gets online and reports at once.
  run(Seconds{10});
  REQUIRE(platform.connects == 1);
  CHECK(platform.user_name == "sensor_01&a1B2c3D4e5F");
  CHECK(has(standin::printed, "[tercet] connect: ok"));
  CHECK(has(standin::printed, "[tercet] online"));
  REQUIRE(platform.posts_received >= 1);
  CHECK(climate_sketch::climate.temperature() == doctest::Approx(21.5).epsilon(0.001));

  // At the interval.
  platform.record_posts = true;
  run(Seconds{125});
  CHECK(std::count_if(platform.posts.begin(), platform.posts.end(),
                      [](const std::string& post) { return has(post, "\"temperature\""); }) == 2);

  // On a change, without waiting for the interval.
  run(Seconds{5});
  platform.posts.clear();
  TestBoard::measure(24, 40);
  run(Seconds{30});
  CHECK(has(platform.last_post.str(), "\"temperature\":{\"value\":24"));

  // The alarm, at the threshold that the platform sets.
  CHECK(platform.events_received == 0);
  platform.push_set("77", R"({"alarm_threshold":23})");
  run(Seconds{15});
  CHECK(has(platform.last_set_reply.str(), "\"code\":200"));
  CHECK(platform.events_received == 1);
  CHECK(has(platform.last_event.str(), "alarm_threshold"));
  CHECK(has(standin::printed, "rule too_warm: did alarm"));
  CHECK(!climate_sketch::climate.alarmed());  // the rule does it
  platform.push_set("78", R"({"alarm_threshold":1000})");
  run(Seconds{1});
  CHECK(has(platform.last_set_reply.str(), "\"code\":460"));

  // Another rule set, and one that is wrong.
  CHECK(climate_sketch::rules.version() == 1);
  CHECK(!climate_sketch::rules.offer(R"({"format":1,"version":2,"rules":[{"name":"r"}]})"));
  CHECK(has(climate_sketch::rules.problem(), "line 1"));
  CHECK(climate_sketch::rules.offer(R"({"format":1,"version":2,"rules":[{"name":"hot",
    "when":{"property":"temperature","op":">","value":40},"enter":[{"set":"report_interval","value":5}]}]})"));
  CHECK(climate_sketch::rules.version() == 2);
  run(Seconds{700});  // proven

  // An outage of an hour: nothing measured is lost, and the light says so.
  const auto lit = [&](Millis time) {
    int on = 0, all = 0;
    for (Millis passed{0}; passed < time; passed += Millis{20}, ++all) {
      climate_sketch::loop();
      on += standin::pins.level[2];
      board.fake.clock.advance(Millis{20});
    }
    return on * 100 / all;
  };
  CHECK(lit(Seconds{10}) == 98);
  board.fake.network.link = false;
  board.fake.transport.half_open = true;
  run(Seconds{3'600});
  CHECK(!climate_sketch::cloud.online());
  CHECK(lit(Seconds{10}) == 10);
  CHECK(climate_sketch::cloud.waiting() >= 58);
  CHECK(board.flash.last_bytes > 0);
  board.fake.network.link = true;
  board.fake.transport.half_open = false;
  run(Seconds{180});
  CHECK(climate_sketch::cloud.online());
  CHECK(climate_sketch::cloud.waiting() == 0);
  CHECK(climate_sketch::cloud.dropped() == 0);
  CHECK(platform.batches_received > 0);

  // The sensor is unplugged.
  const auto events = platform.events_received;
  standin::sensor_answers = false;
  run(Seconds{60});
  CHECK(platform.events_received == events + 1);
  CHECK(has(platform.last_event.str(), "absent"));
}

TEST_CASE("rules call a function of the sketch, are kept over a restart, and leave after a crash within their trial") {
  TestBoard board;
  TestBoard::measure(30, 40);
  constexpr const char* kWarm = R"({"format":1,"version":7,"rules":[{"name":"warm",
    "when":{"property":"temperature","op":">","value":25},"enter":[{"call":"fan"}],"leave":[{"call":"fan"}]}]})";
  static int fan = 0;
  static TercetDevice* device = nullptr;
  static TercetClimate* monitor = nullptr;
  static TercetRules* rules = nullptr;
  const auto live = [&](const char* own, std::string_view reason, Millis time, bool offer) {
    board.reason = reason;
    TercetDevice cloud;
    TercetSht3x sensor;
    TercetClimate climate(cloud, sensor);
    TercetRules these(cloud, climate);
    device = &cloud, monitor = &climate, rules = &these;
    CHECK(!these.begin());  // too early
    cloud.host("platform.example");
    REQUIRE(cloud.begin("a1B2c3D4e5F", "sensor_01", "0123456789abcdef0123456789abcdef"));
    REQUIRE(climate.begin());
    CHECK(these.onCall("fan", [](bool entered) { fan += entered ? 1 : -1; }));
    CHECK(these.begin(own) == (std::string_view(own) != "{"));
    if (offer) CHECK(these.offer(kWarm));
    board.run(
        [] {
          device->loop();
          monitor->loop();
          rules->loop();
        },
        time);
    const auto version = these.version();
    cloud.device()->stop();
    board.run([] { device->loop(); }, Seconds{2});
    return version;
  };
  CHECK(live("{", "power_on", Seconds{20}, true) == 7);
  CHECK(fan == 1);
  CHECK(live("", "software", Seconds{20}, false) == 7);
  CHECK(fan == 2);
  CHECK(live("", "task_watchdog", Seconds{20}, false) == 0);
  CHECK(fan == 2);
}
