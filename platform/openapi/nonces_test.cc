#include "platform/openapi/nonces.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::openapi;

namespace {

constexpr UnixMillis kNow{1'700'000'000'000}, kEnd{1'700'000'900'000};

}  // namespace

TEST_CASE("a nonce is good once, for each key") {
  Nonces nonces;
  CHECK(nonces.use("id", "n", kEnd, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "n", kEnd, kNow) == Nonces::Use::used);
  CHECK(nonces.use("other", "n", kEnd, kNow) == Nonces::Use::fresh);
}

TEST_CASE("a nonce is remembered as long as its timestamp is accepted, and no longer") {
  Nonces nonces;
  CHECK(nonces.use("id", "early", kEnd, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "late", UnixMillis{kEnd.ms + 5000}, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "early", kEnd, kEnd) == Nonces::Use::used);
  CHECK(nonces.use("id", "late", kEnd, UnixMillis{kEnd.ms + 1}) == Nonces::Use::used);
  CHECK(nonces.size() == 1);
  CHECK(nonces.use("id", "late", kEnd, UnixMillis{kEnd.ms + 5001}) == Nonces::Use::fresh);
}

TEST_CASE("a key with too many nonces is refused rather than any forgotten, and others are not") {
  Nonces nonces(2, 5);
  CHECK(nonces.use("id", "1", kEnd, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "2", kEnd, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "3", kEnd, kNow) == Nonces::Use::full);
  CHECK(nonces.use("id", "1", kEnd, kNow) == Nonces::Use::used);
  CHECK(nonces.use("other", "1", kEnd, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("other", "2", kEnd, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("third", "1", kEnd, kNow) == Nonces::Use::fresh);
  CHECK(nonces.use("third", "2", kEnd, kNow) == Nonces::Use::full);
  CHECK(nonces.use("id", "3", kEnd, UnixMillis{kEnd.ms + 1000}) == Nonces::Use::fresh);
}
