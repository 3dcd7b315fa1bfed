#include <algorithm>
#include <array>

#include "ports/contract/suite.h"
#include "ports/contract/watched.h"

namespace tercet::contract {
namespace {

using Geometry = device::Flash::Geometry;

device::Flash* flash_of(Bench& bench, Check& check) {
  device::Flash* flash = bench.port().flash;
  if (flash == nullptr) check.skip("this port has none");
  return flash;
}

/// Every byte of the sector.
bool is_filled(device::Flash& flash, std::uint32_t sector, std::uint8_t with) {
  const Geometry geometry = flash.geometry();
  std::array<std::uint8_t, 128> part;
  for (std::uint32_t at = 0; at < geometry.sector_bytes; at += 128) {
    if (!flash.read(sector * geometry.sector_bytes + at, part)) return false;
    if (std::any_of(part.begin(), part.end(), [&](std::uint8_t byte) { return byte != with; })) return false;
  }
  return true;
}

void geometry(Bench& bench, Check& check) {
  const device::Flash* flash = flash_of(bench, check);
  if (flash == nullptr) return;
  const Geometry g = flash->geometry();
  check.that(g.sectors >= 2, "two sectors or more");
  check.that(g.sector_bytes >= 512 && g.sector_bytes <= 32'768, "a sector has 512 to 32768 bytes");
  const auto unit = g.program_bytes;
  check.that(unit >= 1 && unit <= 16 && (unit & (unit - 1)) == 0, "a unit has 1, 2, 4, 8 or 16 bytes");
  check.that(g.sector_bytes % 128 == 0, "a sector is a multiple of 128 bytes");
}

void erase_gives_ones(Bench& bench, Check& check) {
  device::Flash* flash = flash_of(bench, check);
  if (flash == nullptr) return;
  const Geometry g = flash->geometry();
  std::array<std::uint8_t, 16> unit{};
  for (const std::uint32_t sector : {std::uint32_t{0}, g.sectors - 1}) {
    check.that(flash->erase(sector).has_value() && is_filled(*flash, sector, 0xFF), "an erased sector is all 0xFF");
    const Bytes zeros = Bytes{unit}.first(g.program_bytes);
    check.that(flash->program(sector * g.sector_bytes, zeros).has_value(), "program the first unit");
    check.that(flash->program((sector + 1) * g.sector_bytes - g.program_bytes, zeros).has_value(), "and the last one");
    check.that(!is_filled(*flash, sector, 0xFF), "what was programmed is there");
    check.that(flash->erase(sector).has_value() && is_filled(*flash, sector, 0xFF), "and is gone after erasing");
  }
}

void program_comes_back(Bench& bench, Check& check) {
  device::Flash* flash = flash_of(bench, check);
  if (flash == nullptr) return;
  const Geometry g = flash->geometry();
  check.that(flash->erase(1).has_value(), "erase()");
  std::array<std::uint8_t, 128> bytes, back{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 91 + 5);
  const std::uint32_t at = g.sector_bytes + g.program_bytes;
  check.that(flash->program(at, bytes).has_value(), "program 128 bytes, one unit into the sector");
  check.that(flash->read(at, back).has_value() && back == bytes, "they come back");
  std::array<std::uint8_t, 1> one{};
  check.that(flash->read(at + 77, one).has_value() && one[0] == bytes[77], "any place can be read");
  check.that(flash->read(at + 128, one).has_value() && one[0] == 0xFF, "what is behind them is untouched");
  check.that(flash->read(at - 1, one).has_value() && one[0] == 0xFF, "and what is before them");
}

void sectors_are_apart(Bench& bench, Check& check) {
  device::Flash* flash = flash_of(bench, check);
  if (flash == nullptr) return;
  const Geometry g = flash->geometry();
  check.that(flash->erase(0).has_value() && flash->erase(1).has_value(), "erase()");
  std::array<std::uint8_t, 16> unit{};
  const Bytes zeros = Bytes{unit}.first(g.program_bytes);
  check.that(flash->program(g.sector_bytes - g.program_bytes, zeros).has_value(), "the last unit of one sector");
  check.that(flash->erase(1).has_value(), "the next sector is erased");
  std::array<std::uint8_t, 2> edge{};
  check.that(flash->read(g.sector_bytes - 1, edge).has_value(), "a read goes over the edge of a sector");
  check.that(edge[0] == 0 && edge[1] == 0xFF, "erasing one sector leaves the others");
}

void bounds(Bench& bench, Check& check) {
  device::Flash* flash = flash_of(bench, check);
  if (flash == nullptr) return;
  const Geometry g = flash->geometry();
  const std::uint32_t end = g.sectors * g.sector_bytes;
  std::array<std::uint8_t, 32> bytes{};
  const MutableBytes unit = MutableBytes{bytes}.first(g.program_bytes);
  check.that(is(flash->read(end - 1, MutableBytes{bytes}.first(2)), Error::bad_argument), "read() beyond the end");
  check.that(is(flash->read(end + 4096, unit), Error::bad_argument), "read() far beyond the end");
  check.that(is(flash->read(0xFFFF'FFF0u, bytes), Error::bad_argument), "read() where the sum overflows");
  check.that(is(flash->program(end, unit), Error::bad_argument), "program() beyond the end");
  check.that(is(flash->erase(g.sectors), Error::bad_argument), "erase() beyond the end");
  check.that(flash->read(end - 1, MutableBytes{bytes}.first(1)).has_value(), "the last byte is there");
  if (g.program_bytes == 1) return;
  check.that(is(flash->program(1, unit), Error::bad_argument), "program() between units");
  check.that(is(flash->program(0, MutableBytes{bytes}.first(g.program_bytes + 1)), Error::bad_argument),
             "program() of a part of a unit");
}

void restarts(Bench& bench, Check& check) {
  device::Flash* flash = flash_of(bench, check);
  if (flash == nullptr) return;
  const std::uint32_t at = flash->geometry().sector_bytes;
  std::array<std::uint8_t, 16> bytes, back{};
  bytes.fill(0x5A);
  check.that(flash->erase(1).has_value() && flash->program(at, bytes).has_value(), "program()");
  if (!bench.restart()) return check.skip("this bench cannot restart its board");
  flash = flash_of(bench, check);
  check.that(flash != nullptr && flash->read(at, back).has_value() && back == bytes, "flash survives a restart");
  if (flash != nullptr) check.that(flash->erase(1).has_value(), "erase()");
}

constexpr Promise kPromises[] = {
    {"flash: its geometry is one the outbox can use", geometry},
    {"flash: erased bytes are 0xFF, all of them", erase_gives_ones},
    {"flash: what is programmed comes back, and nothing beside it changes", program_comes_back},
    {"flash: erasing a sector leaves the others", sectors_are_apart},
    {"flash: what is not in the region, or between units, is bad_argument", bounds},
    {"flash: what is programmed survives a restart", restarts},
};

}  // namespace

std::span<const Promise> flash_promises() { return kPromises; }

}  // namespace tercet::contract
