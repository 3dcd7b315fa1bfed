#include "platform/upgrade/images.h"

#include <doctest/doctest.h>

#include <vector>

#include "platform/store/test_folder.h"

using namespace tercet;
using namespace tercet::upgrade;

TEST_CASE("an image is stored in pieces, with its digests, and read in parts") {
  store::TestFolder folder;
  const auto images = Images::open(folder.path() / "ota");
  REQUIRE(images.has_value());
  auto writer = images->write("a.bin", 100);
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->add(as_bytes(std::string_view("1234"))).has_value());
  CHECK(images->read("a.bin") == nullptr);
  REQUIRE((*writer)->add(as_bytes(std::string_view("56789"))).has_value());
  const auto facts = (*writer)->keep();
  REQUIRE(facts.has_value());
  CHECK(facts->bytes == 9);
  CHECK(facts->md5 == "25f9e794323b453885f5181f1b624d0b");
  CHECK(facts->sha256 == "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
  const auto reader = images->read("a.bin");
  REQUIRE(reader != nullptr);
  CHECK(reader->bytes() == 9);
  std::vector<std::uint8_t> part(4);
  CHECK(reader->read(7, part) == 2);
  CHECK(part[0] == '8');
  images->remove("a.bin");
  CHECK(images->read("a.bin") == nullptr);
  CHECK(reader->read(0, part) == 4);  // who is reading it goes on
}

TEST_CASE("an upload that stops, is too large or has a strange name leaves nothing") {
  store::TestFolder folder;
  const auto images = Images::open(folder.path());
  REQUIRE(images.has_value());
  {
    auto writer = images->write("b.bin", 4);
    REQUIRE(writer.has_value());
    CHECK((*writer)->add(as_bytes(std::string_view("12345"))).problem().code == Error::too_large);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  for (const std::string_view name : {"", "../x", "a/b", ".hidden", "a b"})
    CHECK(images->write(name, 1).problem().code == Error::bad_argument);
}
