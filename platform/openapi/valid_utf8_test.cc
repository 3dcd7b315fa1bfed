#include "platform/openapi/valid_utf8.h"

#include <doctest/doctest.h>

using namespace tercet::openapi;

TEST_CASE("every byte that belongs to no character becomes U+FFFD, characters stay") {
  const std::string bad = "\xEF\xBF\xBD";
  struct Row {
    std::string text, expected;
  };
  const Row rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"é 产 😀", "é 产 😀"},
      {"\xFF", bad},
      {"a\xC3", "a" + bad},
      {"a\xC3\"", "a" + bad + "\""},
      {"\xE4\xBA", bad + bad},
      {"\xC0\xAF", bad + bad},                      // overlong
      {"\xE0\x80\xAF", bad + bad + bad},            // overlong
      {"\xED\xA0\x80", bad + bad + bad},            // a surrogate
      {"\xF4\x90\x80\x80", bad + bad + bad + bad},  // beyond U+10FFFF
      {"\x80z", bad + "z"},
  };
  for (const Row& row : rows) CHECK(valid_utf8(row.text) == row.expected);
}
