#include "platform/rule/trial.h"

#include <doctest/doctest.h>

namespace tercet::rule {
namespace {

Trial::Message message_of(std::string payload, std::int64_t time = 1000) {
  return {"/sys/a1/board/thing/event/property/post", "a1", "board", std::move(payload), time, {{"room", "kitchen"}}};
}

TEST_CASE("a trial gives what would have been sent, in either spelling of a topic, with tags") {
  std::string problem;
  const auto trial = Trial::begin(
      "SELECT t, attribute('room') AS r FROM \"/a1/+/thing/event/property/post\" WHERE t > 5", "", problem);
  REQUIRE(trial);
  CHECK(!trial->feed(message_of("{\"t\":5}")));
  const auto row = trial->feed(message_of("{\"t\":6}"));
  REQUIRE(row);
  CHECK(row->result == "{\"t\":6,\"r\":\"kitchen\"}");
  CHECK(trial->counts().messages == 2);
  CHECK(trial->counts().met == 1);
}

TEST_CASE("what a trial remembers is each device's own") {
  std::string problem;
  const auto trial =
      Trial::begin("SELECT t FROM \"/a1/+/thing/event/property/post\" WHERE DURATION(t > 5, 60)", "", problem);
  REQUIRE_MESSAGE(trial, problem);
  Trial::Message other = message_of("{\"t\":9}", 61'000);
  other.topic = "/a1/other/thing/event/property/post";
  other.device_name = "other";
  CHECK(!trial->feed(message_of("{\"t\":9}", 1'000)));
  CHECK(!trial->feed(other));
  CHECK(trial->feed(message_of("{\"t\":9}", 61'000)));
}

TEST_CASE("the part of a rule that is wrong is named") {
  std::string problem;
  CHECK(!Trial::begin("a", "/a1/+/user/x", "a >", "", problem));
  CHECK(problem.starts_with("Where, "));
  CHECK(!Trial::begin("a", "/a1/+/user/x", "a > 1", "[]", problem));
  CHECK(problem.starts_with("Alarm: "));
}

}  // namespace
}  // namespace tercet::rule
