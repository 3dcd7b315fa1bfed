#include "cli/new_files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace tercet::cli;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/tercet-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
  std::string at(const std::string& name) const { return path + '/' + name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  std::string text(const std::string& name) const {
    std::ifstream in(at(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path;
};

}  // namespace

TEST_CASE("new files are private and appear when all are written") {
  const Folder folder;
  std::string problem;
  NewFiles files(false);
  REQUIRE(files.add(folder.at("image"), "one", problem));
  REQUIRE(files.add(folder.at("keys"), "two", problem));
  CHECK(!fs::exists(folder.at("image")));
  REQUIRE(files.commit(problem));
  CHECK(folder.text("image") == "one");
  CHECK(folder.text("keys") == "two");
  CHECK(folder.files() == 2);
  struct stat info {};
  REQUIRE(::stat(folder.at("image").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("what is not committed leaves nothing behind") {
  const Folder folder;
  std::string problem;
  {
    NewFiles files(false);
    REQUIRE(files.add(folder.at("image"), "one", problem));
    CHECK(!files.add(folder.at("missing/keys"), "two", problem));
    CHECK(problem.find("missing/keys") != std::string::npos);
  }
  CHECK(folder.files() == 0);
}

TEST_CASE("a file that is there is kept, also one that comes between writing and committing") {
  const Folder folder;
  std::string problem;
  std::ofstream(folder.at("keys")) << "old";
  CHECK(!NewFiles(false).add(folder.at("keys"), "new", problem));
  CHECK(problem.find("--force") != std::string::npos);
  fs::remove(folder.at("keys"));
  {
    NewFiles files(false);
    REQUIRE(files.add(folder.at("image"), "new", problem));
    REQUIRE(files.add(folder.at("keys"), "new", problem));
    std::ofstream(folder.at("keys")) << "old";
    CHECK(!files.commit(problem));
  }
  CHECK(folder.text("keys") == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("a file is replaced when that was asked for, and is private then") {
  const Folder folder;
  std::string problem;
  std::ofstream(folder.at("image")) << "old";
  ::chmod(folder.at("image").c_str(), 0644);
  NewFiles files(true);
  REQUIRE(files.add(folder.at("image"), "new", problem));
  REQUIRE(files.commit(problem));
  CHECK(folder.text("image") == "new");
  struct stat info {};
  REQUIRE(::stat(folder.at("image").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("when one of several cannot replace what is there, all the old ones are kept") {
  const Folder folder;
  std::string problem;
  std::ofstream(folder.at("image")) << "old";
  {
    NewFiles files(true);
    REQUIRE(files.add(folder.at("image"), "new", problem));
    REQUIRE(files.add(folder.at("note"), "new", problem));
    REQUIRE(files.add(folder.at("keys"), "new", problem));
    fs::create_directory(folder.at("keys"));
    CHECK(!files.commit(problem));
    CHECK(problem.find("keys is a folder") != std::string::npos);
  }
  CHECK(folder.text("image") == "old");
  CHECK(!fs::exists(folder.at("note")));
  CHECK(fs::is_directory(folder.at("keys")));
  CHECK(folder.files() == 2);
}

TEST_CASE("several files are replaced together and the old ones are gone") {
  const Folder folder;
  std::string problem;
  for (const char* name : {"keys", "image"}) std::ofstream(folder.at(name)) << "old";
  NewFiles files(true);
  for (const char* name : {"keys", "image"}) REQUIRE(files.add(folder.at(name), "new", problem));
  REQUIRE(files.commit(problem));
  for (const char* name : {"keys", "image"}) CHECK(folder.text(name) == "new");
  CHECK(folder.files() == 2);
}

TEST_CASE("a folder is never free, whatever may be replaced") {
  const Folder folder;
  fs::create_directory(folder.at("keys"));
  for (const bool replace : {false, true}) {
    std::string problem;
    CHECK(!NewFiles::is_free(folder.at("keys"), replace, problem));
    CHECK(problem.find("is a folder") != std::string::npos);
  }
}
