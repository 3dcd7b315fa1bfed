#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "platform/registry/test_world.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

struct Rotating : TestWorld {
  std::string product;
  std::string first;
  Rotating() {
    NewProduct wanted;
    wanted.name = "climate";
    product = open().create_product(wanted)->product.key;
    first = registry->register_device({product, "sensor_01", {}, {}})->device.secret;
    settle();
  }
  DeviceRef ref() const { return {{}, product, "sensor_01"}; }
  const Device& at_home() {
    settle();
    return *home(product, "sensor_01").device(product, "sensor_01");
  }
  bool takes(const std::string& secret, UnixMillis wall) {
    return at_home().proves(wall, [&](std::string_view one) { return one == secret; });
  }
};

}  // namespace

TEST_CASE("both secrets are taken until the overlap is over, and the new one after it") {
  Rotating world;
  const UnixMillis start = world.management.wall();
  const auto rotated = world.registry->rotate_secret(world.ref(), std::chrono::hours{24});
  REQUIRE(rotated);
  const std::string second = rotated->device.secret;
  CHECK(second.size() == 32);
  CHECK(second != world.first);
  const UnixMillis end{start.ms + 86'400'000};
  CHECK(world.takes(world.first, {end.ms - 1}));
  CHECK(!world.takes(world.first, end));
  CHECK(world.takes(second, end));
  CHECK(!world.takes("", start));
  CHECK(!world.at_home().sign_out);

  SUBCASE("also across a restart") {
    world.open();
    CHECK(world.takes(world.first, {end.ms - 1}));
    CHECK(!world.takes(world.first, end));
    CHECK(world.takes(second, end));
  }
  SUBCASE("neither is in the file") {
    world.reset();
    for (const auto& file : std::filesystem::directory_iterator(world.folder.path())) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      CHECK(bytes.find(world.first) == std::string::npos);
      CHECK(bytes.find(second) == std::string::npos);
    }
  }
  SUBCASE("a second rotation waits for the end of the first") {
    const auto again = world.registry->rotate_secret(world.ref(), Millis{0});
    REQUIRE(!again);
    CHECK(again.problem().code == "tercet.rotation.Running");
    CHECK(world.takes(world.first, start));
    REQUIRE(world.registry->end_rotation(world.ref()));
    CHECK(world.registry->rotate_secret(world.ref(), Millis{0}));
  }
  SUBCASE("ended on request, the earlier one is known but not taken, and the device is signed out") {
    REQUIRE(world.registry->end_rotation(world.ref()));
    CHECK(!world.takes(world.first, start));
    CHECK(world.takes(second, start));
    CHECK(world.at_home().sign_out);
    CHECK(world.at_home().earlier->secret == world.first);
    CHECK(world.registry->end_rotation(world.ref()).problem().code == "tercet.rotation.NotRunning");
    world.open();
    CHECK(!world.takes(world.first, start));
    CHECK(!world.at_home().sign_out);
  }
}

TEST_CASE("without an overlap the earlier secret ends at once") {
  Rotating world;
  REQUIRE(world.registry->rotate_secret(world.ref(), Millis{0}));
  CHECK(!world.takes(world.first, world.management.wall()));
  CHECK(world.at_home().sign_out);
}

TEST_CASE("an overlap that cannot be is refused, and nothing changes") {
  Rotating world;
  for (const Millis overlap : {Millis{-1}, Registry::kLongestOverlap + Millis{1}})
    CHECK(world.registry->rotate_secret(world.ref(), overlap).problem().code == "tercet.rotation.InvalidOverlap");
  CHECK(world.takes(world.first, world.management.wall()));
  CHECK(world.at_home().earlier == nullptr);
}
