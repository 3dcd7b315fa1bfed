#include "ports/esp-idf/app_slots.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "chip.h"
#include "tercet/ota/test_board.h"
#include "tercet/ota/test_uplink.h"

namespace tercet::idf {
namespace {

constexpr std::string_view kProject = "tercet_climate";

/// One value after another in RAM; outlives the boots of a test.
struct Store final : device::KeyValueStore {
  std::map<std::string, std::vector<std::uint8_t>, std::less<>> values;
  Result<std::size_t> get(std::string_view key, MutableBytes into) override {
    const auto found = values.find(key);
    if (found == values.end()) return fail(Error::not_found);
    if (found->second.size() > into.size()) return fail(Error::no_space);
    std::copy(found->second.begin(), found->second.end(), into.begin());
    return found->second.size();
  }
  Result<void> set(std::string_view key, Bytes value) override {
    values[std::string(key)].assign(value.begin(), value.end());
    return {};
  }
  Result<void> remove(std::string_view key) override {
    values.erase(std::string(key));
    return {};
  }
};

/// A board that was flashed with 1.0.0 by cable, and its updater after each boot.
struct Bench {
  Chip& chip = Chip::instance();
  Store store;
  ota::ScriptedSource source;
  std::array<ota::Source*, 1> sources{&source};
  ota::RecordingUplink uplink;
  std::optional<AppSlots> slots;
  ota::ImageIdentity running;
  std::unique_ptr<ota::Updater> updater;
  Instant now{Millis{1'000}};

  Bench() {
    chip = Chip();
    chip.flash_by_cable(make_app("1.0.0", kProject, 9'000));
    start();
  }
  void start() {
    slots = AppSlots::find();
    REQUIRE(slots);
    running = AppSlots::running_identity();
    uplink.sent.clear();
    updater = std::make_unique<ota::Updater>(
        *slots, *slots, store, sources, uplink,
        ota::UpdaterOptions{.version = running.version.str(), .project = running.project.str()});
    updater->start(now);
  }
  void restart() {
    chip.boot();
    start();
  }
  void go_online(bool answered) {
    updater->on_online(now);
    run(3);
    if (answered) updater->on_answer(now);
    run(3);
  }
  void run(int times) {
    for (int i = 0; i < times; ++i) now = now + Millis{100}, updater->run(now);
  }
  void offer(Bytes image, std::string_view version) {
    source.file = {image.begin(), image.end()};
    updater->on_offer(ota::offer_of(image, version), now);
    run(200);
  }
  bool said(std::string_view text) const {
    for (const auto& message : uplink.sent)
      if (message.second.find(text) != std::string::npos) return true;
    return false;
  }
};

}  // namespace

TEST_CASE("a whole update: fetched, tried once, confirmed, and the next one goes into the other slot") {
  Bench bench;
  const char* const versions[] = {"1.1.0", "1.2.0", "1.3.0"};
  for (const char* const version : versions) {
    CAPTURE(version);
    bench.go_online(true);
    bench.offer(make_app(version, kProject, 30'001), version);
    REQUIRE(bench.updater->wants_restart());
    bench.restart();
    CHECK(bench.chip.running_version() == version);
    CHECK(bench.slots->is_on_trial());
    bench.go_online(true);
    CHECK(!bench.slots->is_on_trial());
    CHECK(bench.said(version));
    bench.restart();
    CHECK(bench.chip.running_version() == version);
  }
}

TEST_CASE("an image on trial that restarts without being confirmed is left for the one before") {
  Bench bench;
  bench.go_online(true);
  bench.offer(make_app("1.1.0", kProject, 30'000), "1.1.0");
  bench.restart();
  bench.restart();
  CHECK(bench.chip.running_version() == "1.0.0");
  CHECK(!bench.slots->is_on_trial());
  CHECK(bench.slots->was_spare_rejected());
}

TEST_CASE("an image that does not get online is given up, also when it was the first after a cable") {
  Bench bench;
  for (const int updates_before : {0, 1}) {
    CAPTURE(updates_before);
    const std::string old_version(bench.chip.running_version());
    bench.go_online(true);
    bench.offer(make_app("1.9.0", kProject, 30'000 + static_cast<std::uint32_t>(updates_before)), "1.9.0");
    bench.restart();
    REQUIRE(bench.slots->is_on_trial());
    bench.run(6'001);
    CHECK(bench.updater->wants_restart());
    CHECK(bench.chip.reboots == updates_before);  // the first time the boot loader does it
    bench.restart();
    CHECK(bench.chip.running_version() == old_version);
    CHECK(bench.slots->was_spare_rejected());
    bench.go_online(true);
    CHECK(bench.said("unhealthy"));
    // One that is good, so that the other slot has notes the next time.
    bench.offer(make_app("1.5.0", kProject, 20'000), "1.5.0");
    bench.restart();
    bench.go_online(true);
    CHECK(bench.chip.running_version() == "1.5.0");
  }
}

TEST_CASE("an image of another project or version, or none at all, is refused, and nothing is switched") {
  struct Wrong {
    const char* what;
    std::vector<std::uint8_t> image;
    const char* told;
  };
  std::vector<std::uint8_t> damaged = make_app("1.1.0", kProject, 30'000);
  damaged[20'000] ^= 1;
  const Wrong wrong[] = {{"project", make_app("1.1.0", "kettle", 30'000), "other_image"},
                         {"version", make_app("1.0.9", kProject, 30'000), "other_image"},
                         {"no image", std::vector<std::uint8_t>(30'000, 0x42), "other_image"},
                         {"damaged before it was offered", damaged, "not_switched"},
                         {"longer than the slot", make_app("1.1.0", kProject, Chip::kSlotBytes + 1), "too_large"}};
  for (const Wrong& one : wrong) {
    CAPTURE(one.what);
    Bench bench;
    bench.go_online(true);
    bench.offer(one.image, "1.1.0");
    CHECK(!bench.updater->wants_restart());
    CHECK(bench.said(one.told));
    bench.restart();
    CHECK(bench.chip.running_version() == "1.0.0");
    CHECK(!bench.slots->is_on_trial());
  }
}

TEST_CASE("an image whose secure version is below the chip's is not switched to") {
  Bench bench;
  bench.chip.least_secure_version = 3;
  bench.go_online(true);
  bench.offer(make_app("1.1.0", kProject, 30'000, 2), "1.1.0");
  CHECK(bench.said("not_switched"));
  bench.offer(make_app("1.1.1", kProject, 30'000, 3), "1.1.1");
  CHECK(bench.updater->wants_restart());
}

TEST_CASE("flash that fails, and notes that cannot be written, end the update with the old image") {
  Bench bench;
  bench.go_online(true);
  bench.chip.flash_fails = ESP_ERR_FLASH_OP_FAIL;
  bench.offer(make_app("1.1.0", kProject, 30'000), "1.1.0");
  CHECK(bench.said("flash"));
  bench.chip.flash_fails = ESP_OK, bench.chip.notes_fail = ESP_ERR_FLASH_OP_FAIL;
  bench.offer(make_app("1.1.1", kProject, 30'000), "1.1.1");
  CHECK(bench.said("not_switched"));
  CHECK(bench.slots->confirm().error() == Error::io_failed);
  CHECK(bench.slots->roll_back().error() == Error::io_failed);
  bench.restart();
  CHECK(bench.chip.running_version() == "1.0.0");
}

TEST_CASE("an encrypted slot is written in units of 16 bytes") {
  Bench bench;
  bench.chip.is_encrypted = true;
  bench.restart();
  CHECK(bench.slots->geometry().write_bytes == 16);
  bench.go_online(true);
  bench.offer(make_app("1.1.0", kProject, 30'003), "1.1.0");
  CHECK(bench.updater->wants_restart());
}

TEST_CASE("places outside of the slot are refused") {
  Bench bench;
  std::array<std::uint8_t, 16> bytes{};
  CHECK(bench.slots->geometry().bytes == Chip::kSlotBytes);
  CHECK(bench.slots->erase(100).error() == Error::bad_argument);
  CHECK(bench.slots->erase(Chip::kSlotBytes).error() == Error::bad_argument);
  CHECK(bench.slots->write(Chip::kSlotBytes - 8, bytes).error() == Error::bad_argument);
  CHECK(bench.slots->read(Chip::kSlotBytes + 1, bytes).error() == Error::bad_argument);
}

TEST_CASE("a partition table with one slot, or without otadata, has no updates") {
  Bench bench;
  bench.chip.has_second_slot = false;
  CHECK(!AppSlots::find());
  bench.chip.has_second_slot = true, bench.chip.has_notes = false;
  CHECK(!AppSlots::find());
}

TEST_CASE("with no other image there is nothing to roll back to") {
  Bench bench;
  CHECK(bench.slots->roll_back().error() == Error::io_failed);  // no notes at all: it runs as it was flashed
  bench.chip.entries[0] = {1, ESP_OTA_IMG_PENDING_VERIFY};      // ota_0 on trial, and nothing beside it
  bench.chip.running = 0;
  bench.start();
  CHECK(bench.slots->roll_back().error() == Error::not_found);
}

}  // namespace tercet::idf
