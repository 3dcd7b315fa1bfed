#include "console/console_assets.h"

#include <doctest/doctest.h>

using namespace tercet;

TEST_CASE("the page and what it names are inside the executable") {
  const auto page = console::find_asset("/index.html");
  REQUIRE(page);
  CHECK(page->content_type == "text/html;charset=utf-8");
  CHECK(!page->immutable);
  const std::string_view html = as_text(page->bytes);
  CHECK(html.find("<div id=\"app\">") != std::string_view::npos);
  const auto at = html.find("/assets/");
  REQUIRE(at != std::string_view::npos);
  const auto script = console::find_asset(html.substr(at, html.find('"', at) - at));
  REQUIRE(script);
  CHECK(script->immutable);
  CHECK(script->bytes.size() > 1000);
  CHECK(script->gzip.size() > 1000);
  CHECK(script->gzip.size() < script->bytes.size());
  CHECK(script->etag.size() > 10);
}

TEST_CASE("the page holds nothing inline, so that a strict content policy holds") {
  const std::string_view html = as_text(console::find_asset("/index.html")->bytes);
  CHECK(html.find("<style") == std::string_view::npos);
  CHECK(html.find(" style=") == std::string_view::npos);
  CHECK(html.find("<script>") == std::string_view::npos);
}

TEST_CASE("other paths are nothing") {
  CHECK(!console::find_asset("/"));
  CHECK(!console::find_asset("/index.html.gz"));
  CHECK(!console::find_asset("/../index.html"));
}
