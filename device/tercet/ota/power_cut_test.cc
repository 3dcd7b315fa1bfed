#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>

#include "ports/fake/board.h"
#include "tercet/ota/test_board.h"

// Whole updates in simulation: updater, slots, boot loader and store on one flash whose supply is cut within any
// erasure and any write. TERCET_OTA_CUTS and TERCET_OTA_UPDATES say how often, TERCET_OTA_SEED where chance begins.
using namespace tercet;
using namespace tercet::ota;

namespace {

std::uint32_t number_of(const char* name, std::uint32_t otherwise) {
  const char* wanted = std::getenv(name);
  return wanted == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10));
}

using Image = std::vector<std::uint8_t>;

/// A board, the platform that wants it to run `next`, and what each restart came to.
struct World {
  fake::BootLoader board;
  Image old, next;
  std::string next_version;
  int boots = 0, successes = 0, cuts = 0;
  bool is_neither = false;  ///< what booted was neither image, or nothing did

  explicit World(std::uint32_t unit = 4) : board(unit), old(fake::make_image("1.0.0", 9'000, 1)) {
    board.flash_factory(old);
    target("1.0.1", 10'007, 2);
  }
  void target(std::string version, std::uint32_t bytes, std::uint32_t seed) {
    next_version = std::move(version), next = fake::make_image(next_version, bytes, seed);
  }

  bool boot() {
    ++boots;
    while (!board.boot()) {
      is_neither = is_neither || board.is_bricked();
      if (is_neither || boots > 50) return false;
      board.flash.power_on(), ++boots, ++cuts;
    }
    const Image running = board.running_image();
    is_neither = running != old && running != next;
    return !is_neither;
  }

  /// From one start to the next: until the supply fails, the board restarts, or it runs what it should.
  bool live(std::uint32_t drops_at = ~0u) {
    ScriptedSource source;
    source.file = next, source.drops_at = drops_at;
    std::array<Source*, 1> sources{&source};
    RecordingUplink uplink;
    UpdaterOptions options{.version = board.running_version()};
    options.record_bytes = 2'048, options.allows_older = true;
    Updater updater{board, board, board, sources, uplink, options};
    Instant now{Millis{1'000}};
    updater.start(now);
    updater.on_online(now);
    std::size_t heard = 0;
    for (int i = 0; i < 2'000 && !board.flash.is_off() && !updater.wants_restart(); ++i) {
      now = now + Millis{500};
      updater.run(now);
      for (; heard < uplink.sent.size() && !board.flash.is_off(); ++heard) {
        const auto& [channel, text] = uplink.sent[heard];
        if (channel == Channel::get) updater.on_answer(now);
        if (channel != Channel::inform) continue;
        if (text.find('"' + next_version + '"') != std::string::npos) return ++successes, true;
        updater.on_offer(offer_of(next, next_version), now);
      }
    }
    if (board.flash.is_off()) board.flash.power_on(), ++cuts;
    return false;
  }

  /// Until the platform has been told the new version. `second`: cut again so many operations after the first cut.
  bool update(std::optional<std::uint32_t> second = {}, std::uint32_t drops_at = ~0u) {
    for (int restarts = 0; restarts < 40; ++restarts) {
      if (!boot()) return false;
      if (cuts == 1 && second) board.flash.cut_at(*second, 33), second.reset();
      if (live(drops_at)) return !board.is_on_trial() && board.running_image() == next;
    }
    return false;
  }
};

std::uint32_t operations_of_an_update() {
  World world;
  world.board.flash.cut_at(1'000'000, 0);  // it counts while a cut is to come
  REQUIRE(world.update());
  return world.board.flash.operations;
}

constexpr fake::Flash::Tear kTears[] = {fake::Flash::Tear::from_front, fake::Flash::Tear::from_back,
                                        fake::Flash::Tear::scattered};

}  // namespace

TEST_CASE("an update without trouble runs the new image after one restart, confirmed") {
  World world;
  CHECK(world.update());
  CHECK(world.boots == 2);
  CHECK(world.board.running_version() == "1.0.1");
  REQUIRE(world.boot());
  CHECK(world.board.running_version() == "1.0.1");
}

TEST_CASE("the supply cut at every erasure and every write of an update leaves the old or the new image running") {
  const std::uint32_t operations = operations_of_an_update();
  CHECK(operations > 40);
  int lives = 0;
  for (std::uint32_t at = 0; at < operations; ++at)
    for (const auto tear : kTears)
      for (const std::uint32_t byte : {0u, 37u, 1'023u}) {
        World world;
        world.board.flash.tear = tear;
        world.board.flash.cut_at(at, byte);
        const bool is_updated = world.update();
        ++lives;
        CAPTURE(at);
        CAPTURE(byte);
        CHECK(!world.is_neither);
        CHECK(is_updated);
        CHECK(world.cuts == 1);
        CHECK(world.board.flash.violations == 0);
      }
  MESSAGE(operations << " erasures and writes, " << lives << " updates cut, each at one of them");
}

TEST_CASE("two cuts at random leave the old or the new image running, and the update comes to its end") {
  const std::uint32_t count = number_of("TERCET_OTA_CUTS", 300), seed = number_of("TERCET_OTA_SEED", 1);
  const std::uint32_t operations = operations_of_an_update();
  fake::Random random{seed};
  int cuts = 0, neither = 0, unfinished = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    World world(i % 2 == 0 ? 4 : 16);
    world.board.flash.tear = kTears[random.next() / 7 % 3];
    world.board.flash.cut_at(random.next() / 5 % operations, random.next() / 3);
    unfinished += world.update(random.next() / 5 % operations) ? 0 : 1;
    neither += world.is_neither ? 1 : 0, cuts += world.cuts;
  }
  MESSAGE(count << " updates with seed " << seed << ", " << cuts << " cuts");
  CHECK(neither == 0);
  CHECK(unfinished == 0);
}

TEST_CASE("updates in a row all succeed, with cuts and lost connections among them") {
  const std::uint32_t count = number_of("TERCET_OTA_UPDATES", 60);
  fake::Random random{number_of("TERCET_OTA_SEED", 1)};
  World world;
  int done = 0, cuts = 0;
  for (std::uint32_t i = 1; i <= count && !world.is_neither; ++i) {
    world.target("1.0." + std::to_string(i), 8'000 + random.next() % 8'000, i + 10);
    world.boots = world.cuts = 0;
    if (i % 3 == 0) world.board.flash.cut_at(random.next() / 5 % 60, random.next() / 3);
    done += world.update({}, i % 4 == 0 ? 3'000 : ~0u) ? 1 : 0;
    world.old = world.next;
    cuts += world.cuts;
  }
  MESSAGE(count << " updates in a row, " << cuts << " cuts");
  CHECK(done == static_cast<int>(count));
}
