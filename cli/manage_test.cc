#include "cli/manage.h"

#include <doctest/doctest.h>

using namespace tercet::cli;

TEST_CASE("a list becomes a table with the columns asked for") {
  const std::string body = R"({"Data":{"List":[{"A":"x","B":1,"C":"y"},{"A":"long","B":22}]}})";
  CHECK(render_table(body, "Data.List", {"A", "B"}) == "A     B\nx     1\nlong  22\n");
}

TEST_CASE("an object becomes lines of name and value") {
  CHECK(render_table(R"({"Data":{"Status":"ONLINE","N":3}})", "Data", {}) == "Status  ONLINE\nN       3\n");
}

TEST_CASE("an answer without the list is an empty table") { CHECK(render_table("{}", "Data.List", {}).empty()); }

TEST_CASE("control characters in what strangers have sent do not reach the terminal") {
  const std::string body = "{\"Name\":\"\\u001b]0;owned\\u0007\\u007f\\u009b\\n\xE6\xB8\xA9\"}";
  CHECK(render_table(body, "", {}) == "Name  \\x1b]0;owned\\x07\\x7f\\x9b\\x0a\xE6\xB8\xA9\n");
}
