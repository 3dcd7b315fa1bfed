#include "cli/fleet_flash.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace tercet;
using namespace tercet::cli;

namespace {

constexpr std::uint32_t kSector = SectorPool::kSectorBytes;

std::vector<std::uint8_t> image(std::size_t bytes, std::uint8_t seed) {
  std::vector<std::uint8_t> made(bytes);
  for (std::size_t i = 0; i < bytes; ++i) made[i] = static_cast<std::uint8_t>(i * 7 + i / 256 + seed);
  return made;
}

void put(FleetFlash& flash, const std::vector<std::uint8_t>& bytes) {
  for (std::uint32_t at = 0; at < bytes.size(); at += kSector) REQUIRE(flash.erase(at));
  for (std::size_t at = 0; at < bytes.size(); at += 512)
    REQUIRE(flash.write(static_cast<std::uint32_t>(at), Bytes{bytes}.subspan(at, 512)));
}

std::vector<std::uint8_t> all_of(FleetFlash& flash, std::size_t bytes) {
  std::vector<std::uint8_t> read(bytes);
  REQUIRE(flash.read(0, read));
  return read;
}

}  // namespace

TEST_CASE("a hundred boards with one image keep it once, and read it back byte for byte") {
  SectorPool pool;
  const auto bytes = image(16 * kSector, 1);
  std::vector<std::unique_ptr<FleetFlash>> boards;
  for (int i = 0; i < 100; ++i) {
    boards.push_back(std::make_unique<FleetFlash>(pool));
    put(*boards.back(), bytes);
  }
  CHECK(pool.distinct() == 16);
  for (const auto& board : boards) CHECK(all_of(*board, bytes.size()) == bytes);
}

TEST_CASE("a board that was given other bytes reads those back") {
  SectorPool pool;
  FleetFlash one(pool), other(pool);
  const auto bytes = image(4 * kSector, 1);
  auto wrong = bytes;
  wrong[2 * kSector + 5] ^= 1;
  put(one, bytes), put(other, wrong);
  CHECK(all_of(one, bytes.size()) == bytes);
  CHECK(all_of(other, bytes.size()) == wrong);
  CHECK(pool.distinct() == 5);
}

TEST_CASE("what is not erased is not written, within a sector and after it") {
  SectorPool pool;
  FleetFlash flash(pool);
  const auto bytes = image(kSector, 3);
  CHECK(flash.write(0, Bytes{bytes}.first(16)).error() == Error::io_failed);
  REQUIRE(flash.erase(0));
  REQUIRE(flash.write(0, Bytes{bytes}.first(16)));
  CHECK(flash.write(0, Bytes{bytes}.first(16)).error() == Error::io_failed);
  REQUIRE(flash.write(16, Bytes{bytes}.subspan(16)));
  CHECK(flash.write(16, Bytes{bytes}.first(16)).error() == Error::io_failed);
  REQUIRE(flash.erase(0));
  std::vector<std::uint8_t> read(8);
  REQUIRE(flash.read(0, read));
  CHECK(std::all_of(read.begin(), read.end(), [](std::uint8_t b) { return b == 0xFF; }));
  CHECK(flash.write(8, Bytes{bytes}.first(16)).error() == Error::bad_argument);
  CHECK(flash.erase(8).error() == Error::bad_argument);
}

TEST_CASE("an activated image is tried once: confirmed it stays, otherwise the next restart goes back") {
  SectorPool pool;
  FleetFlash flash(pool);
  CHECK(flash.activate().error() == Error::malformed);
  const auto first = image(kSector, 1), second = image(kSector, 2);
  put(flash, first);
  REQUIRE(flash.activate());
  CHECK(flash.boot());
  CHECK(flash.is_on_trial());
  REQUIRE(flash.confirm());
  CHECK(!flash.boot());
  put(flash, second);
  REQUIRE(flash.activate());
  CHECK(flash.boot());
  CHECK(flash.boot());  // not confirmed
  CHECK(!flash.is_on_trial());
  CHECK(flash.was_spare_rejected());
  CHECK(all_of(flash, kSector) == second);  // and lies in the spare slot again
}

TEST_CASE("values are kept over a restart") {
  SectorPool pool;
  FleetFlash flash(pool);
  const auto bytes = image(40, 9);
  REQUIRE(flash.set("ota", bytes));
  CHECK(!flash.boot());
  std::vector<std::uint8_t> read(64);
  CHECK(*flash.get("ota", read) == 40);
  CHECK(std::equal(bytes.begin(), bytes.end(), read.begin()));
  CHECK(flash.get("ota", MutableBytes{read}.first(8)).error() == Error::no_space);
  REQUIRE(flash.remove("ota"));
  CHECK(flash.get("ota", read).error() == Error::not_found);
}
