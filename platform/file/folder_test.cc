#include "platform/file/folder.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "platform/store/test_folder.h"

using namespace tercet;
using namespace tercet::file;

namespace {

std::string content(const std::shared_ptr<const Reader>& reader) {
  if (!reader) return "none";
  std::string text(reader->bytes(), '\0');
  text.resize(reader->read(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}));
  return text;
}

}  // namespace

TEST_CASE("a file grows under a temporary name, is kept under its own, and read in parts") {
  store::TestFolder at;
  const auto folder = Folder::open(at.path() / "files");
  REQUIRE(folder.has_value());
  REQUIRE(folder->write(7, 0, as_bytes("hello ")).has_value());
  REQUIRE(folder->write(7, 6, as_bytes("world")).has_value());
  CHECK(folder->growing(7) == 11u);
  CHECK(folder->read(7) == nullptr);
  CHECK(content(folder->read(7, true)) == "hello world");
  REQUIRE(folder->write(7, 6, as_bytes("you")).has_value());  // what stands behind is cut off
  REQUIRE(folder->keep(7).has_value());
  CHECK(!folder->growing(7).has_value());
  const auto reader = folder->read(7);
  CHECK(content(reader) == "hello you");
  std::uint8_t part[3];
  CHECK(reader->read(6, part) == 3);
  CHECK(as_text(Bytes(part)) == "you");
  CHECK(reader->read(9, part) == 0);
  CHECK(folder->keep(7).has_value());   // it has its name already
  CHECK(!folder->keep(8).has_value());  // there is none
  folder->remove(7);
  CHECK(folder->read(7) == nullptr);
  CHECK(content(reader) == "hello you");  // who reads it may go on
}

TEST_CASE("files that nobody knows are removed, others are left alone") {
  store::TestFolder at;
  const auto folder = Folder::open(at.path());
  REQUIRE(folder.has_value());
  for (const std::uint64_t number : {1, 2, 3}) REQUIRE(folder->write(number, 0, as_bytes("x")).has_value());
  REQUIRE(folder->keep(3).has_value());
  std::ofstream(at.path() / "notes") << "mine";
  folder->keep_only({2});
  CHECK(!folder->growing(1).has_value());
  CHECK(folder->growing(2) == 1u);
  CHECK(folder->read(3) == nullptr);
  CHECK(std::filesystem::exists(at.path() / "notes"));
}
