#include "platform/openapi/nonces.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::openapi;

TEST_CASE("a nonce is good once, for each key") {
  Nonces nonces;
  const Instant now{Millis{1000}};
  CHECK(nonces.use("id", "n", now) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "n", now) == Nonces::Use::used);
  CHECK(nonces.use("other", "n", now) == Nonces::Use::fresh);
}

TEST_CASE("a nonce is remembered as long as its timestamp could be accepted, and no longer") {
  Nonces nonces;
  const Instant now{Millis{1000}};
  CHECK(nonces.use("id", "n", now) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "n", now + Nonces::kKeep - Millis{1}) == Nonces::Use::used);
  CHECK(nonces.use("id", "n", now + Nonces::kKeep) == Nonces::Use::fresh);
  CHECK(nonces.size() == 1);
}

TEST_CASE("a full store refuses rather than forgets") {
  Nonces nonces(2);
  const Instant now{Millis{1000}};
  CHECK(nonces.use("id", "1", now) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "2", now) == Nonces::Use::fresh);
  CHECK(nonces.use("id", "3", now) == Nonces::Use::full);
  CHECK(nonces.use("id", "1", now) == Nonces::Use::used);
  CHECK(nonces.use("id", "3", now + Nonces::kKeep) == Nonces::Use::fresh);
}
