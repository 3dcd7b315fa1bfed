#include "ports/posix/image_directory.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <vector>

using namespace tercet;
using namespace tercet::posix;

namespace {

struct Directory {
  std::string path = [] {
    std::string made = (std::filesystem::temp_directory_path() / "tercet-images-XXXXXX").string();
    REQUIRE(::mkdtemp(made.data()) != nullptr);
    return made;
  }();
  ~Directory() { std::filesystem::remove_all(path); }
};

/// A directory whose second image was fetched and activated.
void update(const Directory& at) {
  std::ofstream(at.path + "/a.img") << "old";
  ImageDirectory running(at.path);
  REQUIRE(running.boot());
  REQUIRE(running.erase(0));
  REQUIRE(running.write(0, as_bytes("new one")));
  REQUIRE(running.activate());
}

}  // namespace

TEST_CASE("a directory without a selection runs its first image, confirmed") {
  const Directory at;
  ImageDirectory images(at.path);
  REQUIRE(images.boot());
  CHECK(images.running_file() == at.path + "/a.img");
  CHECK(!images.is_on_trial());
  CHECK(!images.was_spare_rejected());
}

TEST_CASE("an image that was activated is tried, and stays once it is confirmed") {
  const Directory at;
  update(at);
  ImageDirectory images(at.path);
  REQUIRE(images.boot());
  CHECK(images.running_file() == at.path + "/b.img");
  ImageDirectory program(at.path);
  REQUIRE(program.attach());
  CHECK(program.is_on_trial());
  REQUIRE(program.confirm());
  CHECK(!program.is_on_trial());
  REQUIRE(images.boot());
  CHECK(images.running_file() == at.path + "/b.img");
}

TEST_CASE("an image that was not confirmed is left at the next start, and so is one that gives itself up") {
  for (const bool gives_up : {false, true}) {
    const Directory at;
    update(at);
    ImageDirectory images(at.path);
    REQUIRE(images.boot());
    if (gives_up) REQUIRE(images.roll_back());
    REQUIRE(images.boot());
    CHECK(images.running_file() == at.path + "/a.img");
    CHECK(images.was_spare_rejected());
    CHECK(!images.is_on_trial());
  }
}

TEST_CASE("the spare image is read back as written, behind its end as erased, and no longer than it is") {
  const Directory at;
  ImageDirectory images(at.path, 10'000);
  REQUIRE(images.boot());
  REQUIRE(images.write(0, std::vector<std::uint8_t>(9'000, 7)));
  REQUIRE(images.erase(4096));
  REQUIRE(images.write(4096, as_bytes("end")));
  std::array<std::uint8_t, 6> bytes{};
  REQUIRE(images.read(4094, bytes));
  CHECK(as_text(Bytes{bytes}) ==
        "\x07\x07"
        "end\xFF");
  CHECK(std::filesystem::file_size(images.spare_file()) == 4'099);
  CHECK(!images.erase(1));
  CHECK(!images.erase(12'288));
  CHECK(!images.write(12'287, bytes));
}

TEST_CASE("what the images say of themselves is read from their marks") {
  const Directory at;
  std::ofstream(at.path + "/a.img") << "tercet-image 1.0 climate";
  ImageDirectory images(at.path);
  REQUIRE(images.boot());
  CHECK(images.running_identity()->version.str() == "1.0");
  CHECK(images.spare_identity().error() == Error::io_failed);
  REQUIRE(images.erase(0));
  REQUIRE(images.write(0, as_bytes("no mark")));
  CHECK(images.spare_identity().error() == Error::malformed);
  REQUIRE(images.erase(0));
  REQUIRE(images.write(0, as_bytes("tercet-image 1.1 climate")));
  CHECK(images.spare_identity()->version.str() == "1.1");
}

TEST_CASE("an image that is tried may be executed, whatever the file was before") {
  const Directory at;
  std::ofstream(at.path + "/b.img") << "old";
  namespace fs = std::filesystem;
  fs::permissions(at.path + "/b.img", fs::perms::owner_read | fs::perms::owner_write);
  update(at);
  CHECK((fs::status(at.path + "/b.img").permissions() & fs::perms::owner_exec) != fs::perms::none);
}

TEST_CASE("an empty image is not activated, and without another one nothing is given up") {
  const Directory at;
  ImageDirectory images(at.path);
  REQUIRE(images.boot());
  CHECK(images.roll_back().error() == Error::not_found);
  CHECK(images.activate().error() == Error::malformed);
  REQUIRE(images.boot());
  CHECK(images.running_file() == at.path + "/a.img");
}
