#include "platform/registry/secret_box.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <fstream>

#include "platform/store/test_folder.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

SecretBox::Key counting_key() {
  SecretBox::Key key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

std::string hex(std::string_view bytes) {
  std::string text(2 * bytes.size(), '\0');
  static_cast<void>(crypto::encode_hex(as_bytes(bytes), text));
  return text;
}

}  // namespace

TEST_CASE("what was sealed opens for its row and its key, and for no other") {
  const SecretBox box(counting_key());
  const std::string sealed = box.seal("0123456789abcdef", "d/pk/board");
  CHECK(sealed.find("0123456789abcdef") == std::string::npos);
  CHECK(*box.open(sealed, "d/pk/board") == "0123456789abcdef");
  CHECK(box.open(sealed, "d/pk/other").error() == Error::unauthenticated);
  CHECK(SecretBox({}).open(sealed, "d/pk/board").error() == Error::unauthenticated);
  CHECK(*box.open(box.seal("", "x"), "x") == "");
}

TEST_CASE("the same secret sealed twice looks different") {
  const SecretBox box(counting_key());
  CHECK(box.seal("secret", "row") != box.seal("secret", "row"));
}

TEST_CASE("every single damaged byte, and every cut, is noticed") {
  const SecretBox box(counting_key());
  const std::string sealed = box.seal("secret", "row");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string damaged = sealed;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    CHECK(!box.open(damaged, "row"));
    CHECK(!box.open(sealed.substr(0, i), "row"));
  }
  std::string newer = sealed;
  newer[0] = 2;
  CHECK(box.open(newer, "row").error() == Error::unsupported);
}

TEST_CASE("version 1 of a sealed value is these bytes") {
  // Made once with another program (AES-256-GCM, key 00..1f, nonce a0..ab).
  std::array<std::uint8_t, 12> nonce;
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::uint8_t>(0xa0 + i);
  const std::string sealed = SecretBox(counting_key()).seal_with_nonce("secret", "d/pk/board", nonce);
  CHECK(hex(sealed) == "01a0a1a2a3a4a5a6a7a8a9aaab957d1f5f20bf2f8f91f78dc5a60e9d172cd93942a28b");
}

TEST_CASE("a key file is made once, 0600, and read back") {
  store::TestFolder folder;
  const auto file = folder.path() / "master.key";
  CHECK(SecretBox::from_file(file).problem().code == Error::not_found);
  REQUIRE(SecretBox::create_file(file));
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const auto a = SecretBox::from_file(file), b = SecretBox::from_file(file);
  REQUIRE(a);
  CHECK(*b->open(a->seal("x", "y"), "y") == "x");
  CHECK(SecretBox::create_file(file).problem().code == Error::already_exists);
  CHECK(SecretBox::create_file(folder.path() / "no" / "key").problem().code == Error::io_failed);
}

TEST_CASE("a key file that others can read is refused with the command that mends it") {
  store::TestFolder folder;
  const auto file = folder.path() / "master.key";
  REQUIRE(SecretBox::create_file(file));
  for (const mode_t mode : {0640U, 0604U, 0660U}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    const auto refused = SecretBox::from_file(file);
    REQUIRE(!refused);
    CHECK(refused.problem().code == Error::denied);
    CHECK(refused.problem().detail.find("chmod 600") != std::string::npos);
  }
  REQUIRE(::chmod(file.c_str(), 0400) == 0);
  CHECK(SecretBox::from_file(file));
}

TEST_CASE("a damaged key file, a link, a folder are refused") {
  store::TestFolder folder;
  const auto file = folder.path() / "master.key";
  REQUIRE(SecretBox::create_file(file));
  std::filesystem::create_symlink(file, folder.path() / "link");
  CHECK(!SecretBox::from_file(folder.path() / "link"));
  CHECK(!SecretBox::from_file(folder.path()));
  for (const char* text : {"", "too short", "zz"}) {
    std::ofstream(file) << text;
    const auto refused = SecretBox::from_file(file);
    REQUIRE(!refused);
    CHECK(refused.problem().code == Error::malformed);
  }
}

TEST_CASE("the environment's key comes before the file's") {
  store::TestFolder folder;
  const std::string text(64, 'a');
  REQUIRE(::setenv("TERCET_MASTER_KEY", text.c_str(), 1) == 0);
  const auto box = SecretBox::from_environment_or(folder.path() / "none");
  REQUIRE(box);
  CHECK(*SecretBox::from_hex(text)->open(box->seal("x", "y"), "y") == "x");
  REQUIRE(::setenv("TERCET_MASTER_KEY", "nonsense", 1) == 0);
  const auto refused = SecretBox::from_environment_or(folder.path() / "none");
  REQUIRE(!refused);
  CHECK(refused.problem().detail.find("TERCET_MASTER_KEY") != std::string::npos);
  REQUIRE(::unsetenv("TERCET_MASTER_KEY") == 0);
  CHECK(SecretBox::from_environment_or(folder.path() / "none").problem().code == Error::not_found);
}
