#include "platform/server/data_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tercet;
using namespace tercet::server;

namespace {
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("tercet-data-dir-" + std::to_string(::getpid()));
  ~Folder() { std::filesystem::remove_all(path); }
};
}  // namespace

TEST_CASE("a data directory is made for its owner only and locked while it is used") {
  Folder folder;
  auto first = DataDir::open(folder.path.string());
  REQUIRE(first);
  CHECK((*first)->is_new());
  struct stat about {};
  REQUIRE(::stat(folder.path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0700);
  const auto second = DataDir::open(folder.path.string());
  REQUIRE(!second);
  CHECK(second.problem().code == Error::already_exists);
  CHECK(second.problem().detail.find("--data") != std::string::npos);
  first->reset();
  CHECK(DataDir::open(folder.path.string()));
}

TEST_CASE("a data directory that others may enter is refused") {
  Folder folder;
  std::filesystem::create_directories(folder.path);
  ::chmod(folder.path.c_str(), 0755);
  const auto opened = DataDir::open(folder.path.string());
  REQUIRE(!opened);
  CHECK(opened.problem().detail.find("chmod 700") != std::string::npos);
}
