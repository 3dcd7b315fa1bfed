#include "platform/openapi/sessions.h"

#include <doctest/doctest.h>

#include "platform/runtime/random.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

constexpr Instant kStart{Millis{1'000'000}};

}  // namespace

TEST_CASE("a session lives as long as it is used, and ends after its idle time") {
  runtime::SeededRandom random(1);
  Sessions sessions(random);
  const std::string secret = sessions.open(kStart);
  CHECK(secret.size() == 64);
  CHECK(sessions.touch(secret, kStart + Sessions::kIdle - Millis{1}));
  CHECK(sessions.touch(secret, kStart + Sessions::kIdle + Sessions::kIdle - Millis{2}));
  CHECK(!sessions.touch(secret, kStart + Sessions::kIdle * 4));
  CHECK(sessions.size() == 0);
}

TEST_CASE("a closed session and an invented one are refused") {
  runtime::SeededRandom random(1);
  Sessions sessions(random);
  const std::string secret = sessions.open(kStart);
  CHECK(!sessions.touch(std::string(64, 'a'), kStart));
  CHECK(!sessions.touch("", kStart));
  CHECK(!sessions.touch(secret.substr(1), kStart));
  sessions.close(secret);
  CHECK(!sessions.touch(secret, kStart));
}

TEST_CASE("sessions are bounded: the longest idle one makes room") {
  runtime::SeededRandom random(1);
  Sessions sessions(random);
  const std::string first = sessions.open(kStart);
  const std::string second = sessions.open(kStart + Millis{1});
  for (std::size_t i = 2; i < Sessions::kMostSessions; ++i) sessions.open(kStart + Millis{2});
  CHECK(sessions.touch(first, kStart + Millis{3}));
  sessions.open(kStart + Millis{4});
  CHECK(sessions.size() == Sessions::kMostSessions);
  CHECK(sessions.touch(first, kStart + Millis{5}));
  CHECK(!sessions.touch(second, kStart + Millis{5}));
}

TEST_CASE("a login token works once, within its life") {
  runtime::SeededRandom random(1);
  Sessions sessions(random);
  const std::string token = sessions.make_login_token(kStart);
  CHECK(!sessions.use_login_token("", kStart));
  CHECK(!sessions.use_login_token(token + "0", kStart));
  CHECK(sessions.use_login_token(token, kStart));
  CHECK(!sessions.use_login_token(token, kStart));
  CHECK(!sessions.use_login_token(sessions.make_login_token(kStart), kStart + Sessions::kTokenLife));
}

TEST_CASE("wrong passwords are refused per network, and in total they make everybody wait, for a minute") {
  using Verdict = LoginBrake::Verdict;
  LoginBrake brake;
  for (unsigned i = 0; i < LoginBrake::kPerNetwork; ++i) {
    CHECK(brake.judge("192.0.2.1", kStart) == Verdict::go);
    brake.count_wrong("192.0.2.1", kStart);
  }
  CHECK(brake.judge("192.0.2.1", kStart) == Verdict::refuse);
  CHECK(brake.judge("192.0.2.2", kStart) == Verdict::go);
  for (unsigned i = LoginBrake::kPerNetwork; i < LoginBrake::kInTotal; ++i)
    brake.count_wrong("10.0.0." + std::to_string(i), kStart);
  CHECK(brake.judge("192.0.2.2", kStart) == Verdict::wait);
  CHECK(brake.judge("192.0.2.1", kStart) == Verdict::refuse);
  CHECK(brake.judge("192.0.2.1", kStart + LoginBrake::kWindow) == Verdict::go);
}

TEST_CASE("whether a session lives can be asked by its hash, without making it live longer") {
  runtime::SeededRandom random(1);
  Sessions sessions(random);
  const std::string secret = sessions.open(kStart);
  const std::string hash = Sessions::hash_of(secret);
  CHECK(hash != secret);
  CHECK(sessions.lives(hash, kStart + Sessions::kIdle - Millis{1}));
  CHECK(!sessions.lives(hash, kStart + Sessions::kIdle));
  CHECK(sessions.lives(hash, kStart));
  sessions.close(secret);
  CHECK(!sessions.lives(hash, kStart));
}
