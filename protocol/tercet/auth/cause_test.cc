#include "tercet/auth/cause.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace tercet::auth;

TEST_CASE("every cause has a code of its own and both texts in both languages") {
  std::vector<std::string_view> codes;
  for (const CauseText& row : all_causes()) {
    CAPTURE(std::string(row.code));
    CHECK(std::count(codes.begin(), codes.end(), row.code) == 0);
    codes.push_back(row.code);
    CHECK(find_cause(row.code) == row.cause);
    CHECK(&text(row.cause) == &row);
    CHECK(row.connack <= 5);
    for (const std::string_view words : {row.cause_en, row.remedy_en}) {
      CHECK(words.size() > 8);
      CHECK(words.ends_with('.'));
    }
    for (const std::string_view words : {row.cause_zh, row.remedy_zh}) {
      CHECK(words.size() > 8);
      CHECK(words.ends_with("。"));
    }
    CHECK(row.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string_view::npos);
  }
}

TEST_CASE("an unknown code of an older or newer journal is no cause") { CHECK(!find_cause("sign.no_such_thing")); }
