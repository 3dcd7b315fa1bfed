#include "ports/posix/file_flash.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>

#include "ports/posix/board.h"
#include "tercet/device/flash_log.h"

using namespace tercet;
using namespace tercet::posix;

namespace {

/// A directory that goes away with its files.
struct Scratch {
  Scratch() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Scratch() {
    ::unlink(file().c_str());
    ::rmdir((path + "/state").c_str());
    ::rmdir(path.c_str());
  }
  std::string file() const { return path + "/state/outbox"; }
  std::string path = "/tmp/tercet-flash-XXXXXX";
};

}  // namespace

TEST_CASE("a file behaves as NOR flash: erased to ones, programming only clears bits, only erasing sets them") {
  Scratch scratch;
  const auto flash = FileFlash::open(scratch.file(), 3);
  REQUIRE(flash);
  FileFlash& nor = **flash;
  CHECK(nor.geometry().sectors == 3);
  std::array<std::uint8_t, 4> got{};
  REQUIRE(nor.read(3 * 4096 - 4, got));
  CHECK(got == std::array<std::uint8_t, 4>{0xFF, 0xFF, 0xFF, 0xFF});
  REQUIRE(nor.program(4096, std::array<std::uint8_t, 4>{0xF0, 0, 0xFF, 1}));
  REQUIRE(nor.program(4096, std::array<std::uint8_t, 4>{0x3C, 0xFF, 0xFF, 1}));
  REQUIRE(nor.read(4096, got));
  CHECK(got == std::array<std::uint8_t, 4>{0x30, 0, 0xFF, 1});
  REQUIRE(nor.erase(0));
  REQUIRE(nor.read(4096, got));
  CHECK(got[1] == 0);
  REQUIRE(nor.erase(1));
  REQUIRE(nor.read(4096, got));
  CHECK(got == std::array<std::uint8_t, 4>{0xFF, 0xFF, 0xFF, 0xFF});
}

TEST_CASE("what is out of place is refused") {
  Scratch scratch;
  CHECK(FileFlash::open(scratch.file(), 1).error() == Error::bad_argument);
  const auto flash = FileFlash::open(scratch.file(), 2);
  REQUIRE(flash);
  std::array<std::uint8_t, 8> bytes{};
  CHECK((*flash)->read(2 * 4096 - 4, bytes).error() == Error::bad_argument);
  CHECK((*flash)->program(2 * 4096 - 4, bytes).error() == Error::bad_argument);
  CHECK((*flash)->program(2, bytes).error() == Error::bad_argument);
  CHECK((*flash)->program(0, Bytes{bytes}.first(3)).error() == Error::bad_argument);
  CHECK((*flash)->erase(2).error() == Error::bad_argument);
  CHECK(FileFlash::open("/proc/none/outbox", 2).error() == Error::io_failed);
}

TEST_CASE("the file is its owner's alone, held by one at a time, and keeps what was programmed") {
  Scratch scratch;
  {
    const auto flash = FileFlash::open(scratch.file(), 2);
    REQUIRE(flash);
    struct stat info {};
    REQUIRE(::stat(scratch.file().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(info.st_size == 2 * 4096);
    CHECK(FileFlash::open(scratch.file(), 2).error() == Error::would_block);
    REQUIRE((*flash)->program(8, std::array<std::uint8_t, 4>{1, 2, 3, 4}));
  }
  REQUIRE(::chmod(scratch.file().c_str(), 0644) == 0);
  const auto again = FileFlash::open(scratch.file(), 4);  // more sectors than before
  REQUIRE(again);
  CHECK((*again)->geometry().sectors == 4);
  std::array<std::uint8_t, 4> got{};
  REQUIRE((*again)->read(8, got));
  CHECK(got == std::array<std::uint8_t, 4>{1, 2, 3, 4});
  REQUIRE((*again)->read(3 * 4096, got));
  CHECK(got == std::array<std::uint8_t, 4>{0xFF, 0xFF, 0xFF, 0xFF});
  struct stat info {};
  REQUIRE(::stat(scratch.file().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a file cut short while it was being made is made whole") {
  Scratch scratch;
  REQUIRE(::mkdir((scratch.path + "/state").c_str(), 0700) == 0);
  std::ofstream(scratch.file()) << std::string(5000, '\xFF');
  const auto flash = FileFlash::open(scratch.file(), 4);
  REQUIRE(flash);
  std::array<std::uint8_t, 4096> sector;
  for (std::uint32_t i = 0; i < 4; ++i) {
    REQUIRE((*flash)->read(i * 4096, sector));
    CHECK(std::count(sector.begin(), sector.end(), 0xFF) == 4096);
  }
}

TEST_CASE("a Linux board keeps what waits in a file of its state directory, and goes without where it cannot") {
  Scratch scratch;
  const std::string state = scratch.path + "/state";
  {
    Board board({.triple_file = "t", .host = "localhost", .trust = {}, .state_directory = state});
    REQUIRE(board.port().flash != nullptr);
    device::FlashLog log(*board.port().flash, device::DropPolicy::oldest);
    REQUIRE(log.mount());
    REQUIRE(log.append({7, UnixMillis{1}, 1, "", "{}"}));
    Board second({.triple_file = "t", .host = "localhost", .trust = {}, .state_directory = state});
    CHECK(second.port().flash == nullptr);
  }
  Board board({.triple_file = "t", .host = "localhost", .trust = {}, .state_directory = state});
  REQUIRE(board.port().flash != nullptr);
  device::FlashLog log(*board.port().flash, device::DropPolicy::oldest);
  REQUIRE(log.mount());
  CHECK(log.highest_id() == 7);
  Board stateless({.triple_file = "t", .host = "localhost", .trust = {}, .state_directory = {}});
  CHECK(stateless.port().flash == nullptr);
}
