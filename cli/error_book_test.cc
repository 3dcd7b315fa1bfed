#include "cli/error_book.h"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "platform/registry/api_code.h"
#include "platform/registry/http_logins.h"
#include "platform/thing/shadow.h"
#include "tercet/alink/codes.h"
#include "tercet/ota/fault.h"

using namespace tercet;
using namespace tercet::cli;

namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("every entry has a cause and a remedy in both languages, and a code once in its chapter") {
  CHECK(error_book().size() == 6);
  for (const ErrorChapter& chapter : error_book()) {
    CHECK(!chapter.entries.empty());
    std::set<std::string> codes;
    for (const ErrorEntry& entry : chapter.entries) {
      CAPTURE(entry.code);
      CHECK(codes.insert(entry.code).second);
      for (const std::string_view words : {entry.cause_en, entry.remedy_en}) {
        CHECK(words.size() > 8);
        CHECK(words.ends_with('.'));
      }
      for (const std::string_view words : {entry.cause_zh, entry.remedy_zh}) {
        CHECK(words.size() > 8);
        CHECK(words.ends_with("。"));
      }
    }
  }
}

// That the book has every code is decided when it is compiled: the enumerations are made of its rows, and an ApiCode
// takes no text that is in no row. What is left to see is that the compiler was asked.
TEST_CASE("what is emitted is in the book, with the text that is emitted") {
  static_assert(registry::find_api_code("iot.prod.NotExistedProduct") != nullptr);
  static_assert(registry::find_api_code("iot.prod.NoSuchCode") == nullptr);
  static_assert(!std::is_constructible_v<registry::ApiCode, std::string>);
  static_assert(!std::is_constructible_v<registry::ApiCode, std::string_view>);
  const auto found = find_error(std::to_string(alink::number(alink::Code::params_not_exist)));
  REQUIRE(found.size() == 1);
  CHECK(found[0].entry->says == alink::message(alink::Code::params_not_exist));
  CHECK(find_error("409")[0].entry->says == thing::text(thing::ShadowError::version_conflict));
  CHECK(find_error("20001")[0].entry->says == registry::message_of(registry::HttpCode::token_expired));
  for (std::size_t i = 1; i < ota::kFaults; ++i) {
    const auto fault = static_cast<ota::Fault>(i);
    const auto of_board = find_error(ota::name(fault));
    REQUIRE(!of_board.empty());
    const auto step = find_error(std::to_string(static_cast<int>(ota::step_of(fault))));
    REQUIRE(step.size() == 1);
    CHECK(step[0].entry->says == of_board[0].entry->says);
  }
}

TEST_CASE("a code of several chapters is explained for each, and one of a family by its family") {
  const auto both = find_error("429");
  REQUIRE(both.size() == 2);
  CHECK(both[0].chapter->name == "alink");
  CHECK(both[1].chapter->name == "shadow");
  const auto missing = find_error("MissingDeviceName");
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].entry->code == "Missing*");
  CHECK(error_explanation(both, false).find("  Remedy: ") != std::string::npos);
  CHECK(error_explanation(both, true).find("  处理：") != std::string::npos);
}

TEST_CASE("for an unknown code the nearest ones are named") {
  CHECK(find_error("6305").empty());
  CHECK(find_error("").empty());
  CHECK(nearest_errors("6305", 2).size() == 2);
  CHECK(nearest_errors("6305", 1)[0].entry->code == "6304");
  CHECK(nearest_errors("iot.prod.NotExistProduct", 1)[0].entry->code == "iot.prod.NotExistedProduct");
  CHECK(nearest_errors("notexisteddevice", 1)[0].entry->code == "iot.device.NotExistedDevice");
  CHECK(nearest_errors("wrong_digst", 1)[0].entry->code == "wrong_digest");
  CHECK(nearest_errors(std::string(100'000, 'x')).size() == 3);
}

TEST_CASE("the committed pages are what the book prints: tercet errors --markdown > docs/errors.md") {
  CHECK(file_text(TERCET_SOURCE "/docs/errors.md") == error_page(false));
  CHECK(file_text(TERCET_SOURCE "/docs/errors.zh-CN.md") == error_page(true));
}
