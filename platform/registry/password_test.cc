#include "platform/registry/password.h"

#include <doctest/doctest.h>

#include "platform/registry/standard_users.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

constexpr PasswordCost kCheap{.log_n = 4};

}  // namespace

TEST_CASE("a password fits its hash and no other; two hashes of it differ") {
  const std::string a = hash_password("correct horse", kCheap), b = hash_password("correct horse", kCheap);
  CHECK(a.starts_with("$scrypt$4$8$1$"));
  CHECK(a != b);
  CHECK(check_password("correct horse", a));
  CHECK(check_password("correct horse", b));
  CHECK(!check_password("correct hors", a));
  CHECK(!check_password("", a));
}

TEST_CASE("a stored hash keeps working") {
  // Made with another program: scrypt("pleaseletmein", "SodiumChlorideSo", N 16, r 8, p 1, 32 bytes).
  CHECK(check_password("pleaseletmein",
                       "$scrypt$4$8$1$U29kaXVtQ2hsb3JpZGVTbw==$C/g32i2BbMJDovC3IOrq6lkeKxUH09JN44XiLpm1rHw="));
}

TEST_CASE("what is no hash, or a costlier one than we run, fits nothing") {
  const std::string good = hash_password("p", kCheap);
  CHECK(!check_password("p", ""));
  CHECK(!check_password("p", "p"));
  CHECK(!check_password("p", good.substr(0, good.size() - 4)));
  CHECK(!check_password("p", "$scrypt$30$8$1$" + good.substr(14)));
  CHECK(!check_password("p", "$scrypt$x$8$1$" + good.substr(14)));
  CHECK(!check_password("p", "$bcrypt" + good.substr(7)));
}

TEST_CASE("users of the standard policy are known by name and password; a proved one costs no slow check") {
  StandardUsers users({{{"ann", hash_password("a1", kCheap)}, {"bob", hash_password("b1", kCheap)}}, false}, 2);
  using Answer = StandardUsers::Answer;
  CHECK(!users.anonymous_on_loopback());
  CHECK(users.check("ann", as_bytes("a1"), {}) == Answer::right);
  CHECK(users.check("ann", as_bytes("b1"), {}) == Answer::wrong);
  CHECK(users.check("eve", as_bytes("a1"), {}) == Answer::wrong);
  // Two slow checks a second have been used up: unproved passwords wait, the proved one does not.
  CHECK(users.check("bob", as_bytes("b1"), {}) == Answer::busy);
  CHECK(users.check("ann", as_bytes("a1"), {}) == Answer::right);
  CHECK(users.check("bob", as_bytes("b1"), {Millis{500}}) == Answer::right);
}
