#include "tercet/mqtt/topic.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::mqtt;
using namespace std::literals;

namespace {

struct Match {
  std::string_view filter;
  std::string_view topic;
  bool matches;
};

}  // namespace

TEST_CASE("filters select the topics of section 4.7") {
  const Match table[] = {
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/tennis/player1/#", "sport/tennis/player2", false},
      {"sport/#", "sport", true},  // the parent level [MQTT-4.7.1-2]
      {"sport/#", "sports", false},
      {"#", "sport", true},
      {"#", "a/b/c", true},
      {"#", "/", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+", "sport", true},
      {"+", "/sport", false},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      {"+/tennis/#", "sport/tennis/x", true},
      {"+/tennis/#", "sport/golf/x", false},
      {"+/+/+", "a//c", true},
      {"a/b", "a/b", true},
      {"a/b", "a/B", false},
      {"a/b", "a/b/", false},
      {"a/b/", "a/b", false},
      {"a/b", "/a/b", false},
      {"/", "/", true},
      {"a", "ab", false},
      {"ab", "a", false},
      {"a b/c", "a b/c", true},
      {"#", "$SYS/x", false},  // [MQTT-4.7.2-1]
      {"+/monitor/Clients", "$SYS/monitor/Clients", false},
      {"$SYS/#", "$SYS/x", true},
      {"$SYS/#", "$SYS", true},
      {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
      {"$SYS/#", "x", false},
      {"a/#", "a/$b", true},
      {"/sys/+/+/thing/service/#", "/sys/pk/dn/thing/service/property/set", true},
      {"/sys/pk/dn/thing/event/+/post_reply", "/sys/pk/dn/thing/event/property/post_reply", true},
      {"温/+", "温/湿", true},
  };
  for (const Match& each : table) {
    CAPTURE(each.filter);
    CAPTURE(each.topic);
    CHECK(matches(each.filter, each.topic) == each.matches);
  }
}

TEST_CASE("topic names are one byte or more of text without wildcards") {
  for (const auto good : {"a"sv, "/"sv, "a/b"sv, "/a//b/"sv, "a b"sv, "$SYS/x"sv, "温湿度/ö/x"sv, "12345678"sv,
                          "0123456789abcdef"sv, "0123456789abcdefg"sv, "\x01"sv})
    CHECK_MESSAGE(is_valid_topic(good), good);
  for (const auto bad : {""sv, "#"sv, "+"sv, "a/+"sv, "a/b#"sv, "a\0b"sv, "\xff"sv, "\xed\xa0\x80"sv, "温/#"sv,
                         "\xc3"sv, "\xf4\x90\x80\x80"sv, "\xe0\x80\x80"sv, "\xf0\x80\x80\x80"sv, "\xc0\x80"sv})
    CHECK_MESSAGE(!is_valid_topic(bad), bad);
  CHECK(is_valid_topic(std::string(65'535, 'x')));
  CHECK(!is_valid_topic(std::string(65'536, 'x')));
}

TEST_CASE("a bad byte is found at every place of a topic of every length") {
  for (std::size_t length = 1; length < 70; ++length) {
    CHECK(is_valid_topic(std::string(length, 'a')));
    for (std::size_t at = 0; at < length; ++at) {
      for (const char bad : {'\0', '+', '#', '\x80', '\xff'}) {
        std::string topic(length, 'a');
        topic[at] = bad;
        CHECK(!is_valid_topic(topic));
      }
    }
  }
}

TEST_CASE("every byte is judged as UTF-8 wants it") {
  for (int value = 1; value < 256; ++value) {
    const std::string text(20, static_cast<char>(value));
    CHECK(is_valid_utf8(text) == (value < 128));
    CHECK(is_ascii_without<>(text) == (value < 128));
  }
  for (const auto good : {""sv, "é"sv, "€"sv, "\xf0\x9f\x8c\xa1"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv,
                          "\xef\xbf\xbf"sv, "\xf4\x8f\xbf\xbf"sv})
    CHECK(is_valid_utf8(good));
  for (const auto bad : {"\xe2\x82"sv, "\xf0\x9f\x8c"sv, "\xed\xbf\xbf"sv, "\xf5\x80\x80\x80"sv, "\xc1\xbf"sv,
                         "a\x80"sv, "\xe2\x28\xa1"sv, "\xf0\x28\x8c\xbc"sv})
    CHECK(!is_valid_utf8(bad));
}

TEST_CASE("wildcards take whole levels, and # only the last [MQTT-4.7.1-2, MQTT-4.7.1-3]") {
  for (const auto good : {"#"sv, "+"sv, "a/#"sv, "/#"sv, "+/#"sv, "a/+/b"sv, "/+"sv, "+/"sv, "a"sv, "/"sv, "温/+"sv,
                          "$share/g/a"sv, "$share/g/#"sv, "$share/g//"sv, "$sharex"sv, "$SYS/#"sv})
    CHECK_MESSAGE(is_valid_filter(good), good);
  for (const auto bad :
       {""sv, "a#"sv, "#/a"sv, "a/#/b"sv, "a+"sv, "+a"sv, "a/+b/c"sv, "##"sv, "a/##"sv, "a\0"sv, "\xff"sv, "$share/g"sv,
        "$share//a"sv, "$share/g/"sv, "$share/+/a"sv, "$share/g#/a"sv, "$share/g/a#"sv, "$share/"sv})
    CHECK_MESSAGE(!is_valid_filter(bad), bad);
  CHECK(!is_valid_filter(std::string(65'536, 'x')));
}

TEST_CASE("a shared filter is taken apart") {
  const auto shared = parse_shared("$share/group/a/+");
  REQUIRE(shared);
  CHECK(shared->group == "group");
  CHECK(shared->filter == "a/+");
  CHECK(parse_shared("a/b").error() == Error::not_found);
  CHECK(parse_shared("$share/group").error() == Error::malformed);
}

TEST_CASE("levels are walked one by one, empty ones too") {
  Levels levels{"/a//b/"};
  for (const auto want : {""sv, "a"sv, ""sv, "b"sv, ""sv}) CHECK(levels.next() == want);
  CHECK(!levels.next());
  CHECK(!levels.next());
}
