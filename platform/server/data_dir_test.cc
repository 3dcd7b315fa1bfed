#include "platform/server/data_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

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

TEST_CASE("a data directory that has lost its registry is refused rather than begun anew") {
  Folder folder;
  std::filesystem::create_directories(folder.path / "stream");
  ::chmod(folder.path.c_str(), 0700);
  std::ofstream(folder.path / "stream" / "CURRENT") << "MANIFEST-000005\n";
  for (const bool there : {false, true}) {
    if (there) std::ofstream(folder.path / "registry.db");
    const auto opened = DataDir::open(folder.path.string());
    REQUIRE(!opened);
    CHECK(opened.problem().code == Error::malformed);
    CHECK(opened.problem().detail.find("registry.db") != std::string::npos);
    CHECK(opened.problem().detail.find("backup") != std::string::npos);
  }
  std::ofstream(folder.path / "registry.db") << "something";
  CHECK(DataDir::open(folder.path.string()));
}
