#include "platform/runtime/pki.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "platform/runtime/atomic_file.h"

using namespace tercet;
using namespace tercet::runtime;

namespace {

constexpr UnixMillis kNow{1'800'000'000'000};

struct Directory {
  Directory() {
    char name[] = "/tmp/tercet-pki-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  unsigned mode(const std::string& name) const {
    struct stat facts {};
    return ::stat((path + "/" + name).c_str(), &facts) == 0 ? facts.st_mode & 0777U : 0;
  }
  std::string path;
};

}  // namespace

TEST_CASE("a first start makes both roots and both server certificates; keys are for the owner only") {
  const Directory directory;
  const auto made = Pki::open(directory.path, {"localhost", "127.0.0.1", "0:0:0:0::1"}, kNow);
  REQUIRE(made);
  CHECK(made->renewed);
  for (const char* key : {"ca-ecdsa.key", "ca-rsa.key", "server-ecdsa.key", "server-rsa.key"})
    CHECK(directory.mode(key) == 0600);
  for (const char* pem : {"ca.pem", "ca-ecdsa.pem", "server-ecdsa.pem"}) CHECK(directory.mode(pem) == 0644);
  CHECK(*read_file(made->roots_path) == made->roots_pem);
  const auto facts = read_certificate(made->ecdsa.chain_pem);
  REQUIRE(facts);
  CHECK(facts->names.size() == 3);
  CHECK(facts->not_after == made->expires);
  CHECK(facts->not_after.ms - kNow.ms == kServerDays * kDayMs);
  CHECK(facts->not_before < kNow);
  CHECK(facts->issuer.find("Tercet CA") == 0);
  CHECK(read_certificate(made->roots_pem)->not_after.ms - kNow.ms == kAuthorityDays * kDayMs);

  SUBCASE("the next start finds them as they are") {
    const auto again = Pki::open(directory.path, {"127.0.0.1", "::1", "localhost", "localhost"}, kNow);
    REQUIRE(again);
    CHECK(!again->renewed);
    CHECK(again->ecdsa.chain_pem == made->ecdsa.chain_pem);
  }
  SUBCASE("another name, or an end that is near, makes new server certificates under the same roots") {
    const auto renamed = Pki::open(directory.path, {"localhost", "broker.local"}, kNow);
    REQUIRE(renamed);
    CHECK(renamed->renewed);
    CHECK(renamed->roots_pem == made->roots_pem);
    const UnixMillis late{kNow.ms + (kServerDays - kRenewDays) * kDayMs};
    const auto renewed = Pki::open(directory.path, {"localhost", "broker.local"}, late);
    REQUIRE(renewed);
    CHECK(renewed->renewed);
    CHECK(renewed->expires > renamed->expires);
    CHECK(renewed->roots_pem == made->roots_pem);
  }
}

TEST_CASE("what is no name is refused before a certificate is made of it") {
  const auto root = make_authority(KeyKind::ecdsa_p256, "Test", kNow);
  REQUIRE(root);
  for (const char* name : {"", "a b", "*.", "host,DNS:evil", "-\n", ".x", "*.*.x"}) {
    CAPTURE(name);
    const std::vector<std::string> names{name};
    CHECK(!make_server_identity(*root, KeyKind::ecdsa_p256, names, kNow));
  }
  CHECK(!make_server_identity(*root, KeyKind::ecdsa_p256, {}, kNow));
  CHECK(!read_certificate("nothing"));
}

TEST_CASE("a directory that cannot be written is a problem that names the path") {
  const auto refused = Pki::open("/nonexistent-directory", {"localhost"}, kNow);
  REQUIRE(!refused);
  CHECK(refused.problem().detail.find("/nonexistent-directory/") != std::string::npos);
}

TEST_CASE("a file is replaced as a whole and keeps no trace of the attempt") {
  const Directory directory;
  const std::string path = directory.path + "/key";
  REQUIRE(write_file_atomically(path, "one", FileMode::shared));
  REQUIRE(write_file_atomically(path, "two", FileMode::secret));
  CHECK(*read_file(path) == "two");
  CHECK(directory.mode("key") == 0600);
  CHECK(!std::filesystem::exists(path + ".new"));
  CHECK(read_file(directory.path + "/none").problem().code == Error::not_found);
}
