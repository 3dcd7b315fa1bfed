#include "cli/secure_socket.h"

#include <doctest/doctest.h>

#include <future>

using namespace tercet;
using namespace tercet::cli;
using std::chrono::milliseconds;

namespace {

std::promise<void>& silence() {
  static std::promise<void> ends;
  return ends;
}

/// A resolver whose server does not answer.
int silent(const char*, const char*, const addrinfo* hints, addrinfo**) {
  if ((hints->ai_flags & AI_NUMERICHOST) == 0) silence().get_future().wait();
  return EAI_NONAME;
}

int unknown(const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; }
int broken(const char*, const char*, const addrinfo* hints, addrinfo**) {
  return (hints->ai_flags & AI_NUMERICHOST) != 0 ? EAI_NONAME : EAI_AGAIN;
}

}  // namespace

TEST_CASE("a resolver that does not answer is waited for only so long") {
  SecureSocket socket(&silent);
  const auto step = socket.resolve("iot.example", 8883, milliseconds(20));
  CHECK(step.failure == SecureSocket::Failure::resolver_failed);
  CHECK(step.detail == "iot.example: no answer in 20 ms");
  silence().set_value();
}

TEST_CASE("a name that does not exist and a resolver that fails are told apart") {
  SecureSocket nobody(&unknown), nothing(&broken);
  CHECK(nobody.resolve("iot.example", 1, milliseconds(10'000)).failure == SecureSocket::Failure::host_unknown);
  CHECK(nothing.resolve("iot.example", 1, milliseconds(10'000)).failure == SecureSocket::Failure::resolver_failed);
}

TEST_CASE("an address needs no resolver") { CHECK(SecureSocket().resolve("127.0.0.1", 1, milliseconds(10'000)).ok()); }
