#include "platform/registry/topic_classes.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::registry;
using auth::Cause;

namespace {

std::optional<Cause> refused(std::string_view rest, bool publishes, bool is_free = false) {
  auto classes = default_topic_classes();
  classes.push_back({9, "chat", TopicRight::both});
  classes.push_back({10, "room/+/said", TopicRight::subscribe});
  classes.push_back({11, "all/#", TopicRight::subscribe});
  const auto refusal = topic_class_refusal(classes, is_free, rest, publishes);
  return refusal ? std::optional(refusal->cause) : std::nullopt;
}

}  // namespace

TEST_CASE("a class lets devices do what its right says, and nothing else") {
  CHECK(!refused("user/update", true));
  CHECK(!refused("user/update/error", true));
  CHECK(!refused("user/get", false));
  CHECK(!refused("user/chat", true));
  CHECK(!refused("user/chat", false));
  CHECK(refused("user/get", true) == Cause::topic_class_publish);
  CHECK(refused("user/update", false) == Cause::topic_class_subscribe);
  CHECK(refused("user/other", true) == Cause::topic_class_missing);
  CHECK(refused("user/update/other", true) == Cause::topic_class_missing);
  CHECK(refused("update", true) == Cause::topic_class_missing);
  CHECK(refused("user/get", true, true) == Cause::topic_class_publish);  // a class says so, free or not
  CHECK(!refused("user/other", true, true));
}

TEST_CASE("a filter needs a class that holds all it can match") {
  CHECK(!refused("user/room/3/said", false));
  CHECK(!refused("user/room/+/said", false));
  CHECK(refused("user/room/#", false) == Cause::topic_class_missing);
  CHECK(refused("user/+", false) == Cause::topic_class_missing);
  CHECK(refused("#", false) == Cause::topic_class_missing);
  CHECK(!refused("user/all/#", false));
  CHECK(!refused("user/all/of/it", false));
  CHECK(!refused("user/all", false));
  CHECK(refused("user/all/of/it", true) == Cause::topic_class_publish);
  CHECK(!refused("#", false, true));
}

TEST_CASE("names of classes are levels of letters, digits and underscores; wildcards are for subscribing") {
  for (const char* name : {"get", "update/error", "A_9/b"}) CHECK(is_topic_class(name, TopicRight::both));
  for (const char* name : {"", "/", "a/", "/a", "a//b", "a-b", "a b", "+", "a/#", "ä", "#/a"})
    CHECK(!is_topic_class(name, TopicRight::both));
  for (const char* name : {"+", "a/+/b", "a/#", "#"}) CHECK(is_topic_class(name, TopicRight::subscribe));
  for (const char* name : {"#/a", "a+", "a/+b", "a#"}) CHECK(!is_topic_class(name, TopicRight::subscribe));
  CHECK(!is_topic_class(std::string(65, 'a'), TopicRight::both));
}
