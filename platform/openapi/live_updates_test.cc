#include "platform/openapi/live_updates.h"

#include <doctest/doctest.h>

#include "platform/runtime/sim.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

struct Given {
  DeviceUpdates updates;
  bool left_out = false;
};

struct Scene {
  Scene()
      : world(3), loop(world.add_host("10.0.0.1").add_loop()), updates(loop, [this](auto given, bool left_out) {
          if (full) return false;
          all.push_back({*given, left_out});
          return true;
        }) {}
  void post(std::uint64_t device, std::string_view identifier, std::string_view value, std::int64_t time) {
    loop.post([this, device, identifier, value, time] {
      const thing::Change change{identifier, value, UnixMillis{time}};
      updates.on_values(device, "a1", "d" + std::to_string(device), {&change, 1});
    });
  }
  runtime::SimWorld world;
  runtime::SimLoop& loop;
  bool full = false;
  std::vector<Given> all;
  ShardUpdates updates;
};

}  // namespace

TEST_CASE("changes within an interval are one update with the newest values") {
  Scene scene;
  scene.post(1, "t", "20.5", 1);
  scene.post(1, "t", "21.5", 2);
  scene.post(1, "label", "\"a\"", 3);
  scene.post(2, "t", "1", 4);
  scene.world.run_for(Millis{100});
  CHECK(scene.all.empty());
  scene.world.run_for(Millis{200});
  REQUIRE(scene.all.size() == 1);
  const DeviceUpdates& updates = scene.all[0].updates;
  REQUIRE(updates.size() == 2);
  CHECK(updates.at(1).name == "d1");
  CHECK(updates.at(1).values.at("t").text == "21.5");
  CHECK(updates.at(1).values.at("label").text == "a");
  CHECK(!updates.at(1).online);
  CHECK(!scene.all[0].left_out);
  scene.world.run_for(Millis{1000});
  CHECK(scene.all.size() == 1);
}

TEST_CASE("an event is told beside the values of its interval, and a merge keeps it") {
  Scene scene;
  scene.post(1, "t", "20.5", 1);
  scene.loop.post([&scene] { scene.updates.on_event(1, "a1", "d1", {"burnt", "{}", UnixMillis{2}}); });
  scene.post(2, "t", "1", 3);
  scene.world.run_for(Millis{300});
  REQUIRE(scene.all.size() == 1);
  const DeviceUpdates& updates = scene.all[0].updates;
  CHECK(updates.at(1).has_events);
  CHECK(updates.at(1).values.at("t").text == "20.5");
  CHECK(!updates.at(2).has_events);
  DeviceUpdate earlier = updates.at(1);
  earlier.merge(updates.at(2));
  CHECK(earlier.has_events);
}

TEST_CASE("what the management thread could not take is kept for the next interval") {
  Scene scene;
  scene.full = true;
  scene.post(1, "t", "20.5", 1);
  scene.world.run_for(Millis{300});
  CHECK(scene.all.empty());
  scene.post(1, "t", "22.5", 2);
  scene.full = false;
  scene.world.run_for(Millis{500});
  REQUIRE(scene.all.size() == 1);
  CHECK(scene.all[0].updates.at(1).values.at("t").text == "22.5");
}

TEST_CASE("more devices than the bound are left out, and that is said") {
  Scene scene;
  for (std::uint64_t i = 0; i < ShardUpdates::kMostDevices + 10; ++i) scene.post(i, "t", "1", 1);
  scene.world.run_for(Millis{500});
  REQUIRE(scene.all.size() == 1);
  CHECK(scene.all[0].updates.size() == ShardUpdates::kMostDevices);
  CHECK(scene.all[0].left_out);
}

TEST_CASE("a value too large for an event is left out, and so is what is too much for one interval") {
  Scene scene;
  const std::string large(ShardUpdates::kMostValueBytes + 1, '1');
  const std::string text(30'000, '1');
  scene.post(1, "large", large, 1);
  scene.post(1, "t", "1", 1);
  scene.world.run_for(Millis{500});
  REQUIRE(scene.all.size() == 1);
  CHECK(scene.all[0].left_out);
  CHECK(scene.all[0].updates.at(1).values.size() == 1);
  for (std::uint64_t i = 0; i < 200; ++i) scene.post(i, "text", text, 1);
  scene.world.run_for(Millis{500});
  REQUIRE(scene.all.size() == 2);
  CHECK(scene.all[1].left_out);
  std::size_t bytes = 0;
  for (const auto& [device, update] : scene.all[1].updates)
    for (const auto& [identifier, value] : update.values) bytes += value.text.size();
  CHECK(bytes <= ShardUpdates::kMostBytes);
  CHECK(bytes > ShardUpdates::kMostBytes / 2);
}

TEST_CASE("a newer update goes over an older one member by member") {
  DeviceUpdate older;
  older.product = "a1", older.name = "d";
  older.online = true, older.since = UnixMillis{5};
  older.values["t"] = {"1", UnixMillis{1}};
  DeviceUpdate newer = older;
  newer.online.reset();
  newer.values = {{"h", {"2", UnixMillis{2}}}};
  older.merge(newer);
  CHECK(older.online == true);
  CHECK(older.since == UnixMillis{5});
  CHECK(older.values.size() == 2);
}
