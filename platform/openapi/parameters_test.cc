#include "platform/openapi/parameters.h"

#include <doctest/doctest.h>

using namespace tercet::openapi;

TEST_CASE("parameters are read as what the action wants") {
  const Parameters given(
      {{"N", "42"}, {"Neg", "-1"}, {"B", "True"}, {"Z", "0"}, {"T", "x"}, {"Empty", ""}, {"T", "y"}});
  CHECK(given.number("N") == 42);
  CHECK(given.number("Neg") == -1);
  CHECK(!given.number("T"));
  CHECK(!given.number("Empty"));
  CHECK(!given.number("None"));
  CHECK(given.flag("B") == true);
  CHECK(given.flag("Z") == false);
  CHECK(!given.flag("T"));
  CHECK(given.text("T") == "x");
  CHECK(!given.has("Empty"));
}

TEST_CASE("numbers must be whole and fit") {
  const Parameters given(
      {{"A", "1.5"}, {"B", "9223372036854775808"}, {"C", "9223372036854775807"}, {"D", " 1"}, {"E", "1x"}});
  CHECK(!given.number("A"));
  CHECK(!given.number("B"));
  CHECK(given.number("C") == 9223372036854775807);
  CHECK(!given.number("D"));
  CHECK(!given.number("E"));
}

TEST_CASE("an array is its elements up to the first gap") {
  const Parameters given({{"D.2", "b"}, {"D.1", "a"}, {"D.4", "d"}, {"One", "x"}});
  CHECK(given.list("D") == std::vector<std::string>{"a", "b"});
  CHECK(given.list("One") == std::vector<std::string>{"x"});
  CHECK(given.list("None").empty());
}
