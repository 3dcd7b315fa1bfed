#include "platform/openapi/percent.h"

#include <doctest/doctest.h>

using namespace tercet::openapi;

TEST_CASE("percent-encoding keeps only unreserved characters") {
  CHECK(percent_encode("AZaz09-_.~") == "AZaz09-_.~");
  CHECK(percent_encode("light (1)!'*~ +/中") == "light%20%281%29%21%27%2A~%20%2B%2F%E4%B8%AD");
  CHECK(percent_encode(std::string_view("\0\xff", 2)) == "%00%FF");
}

TEST_CASE("percent-decoding is lenient with what is not an escape") {
  CHECK(percent_decode("a%20b", Plus::itself) == "a b");
  CHECK(percent_decode("a%2", Plus::itself) == "a%2");
  CHECK(percent_decode("%zz%", Plus::itself) == "%zz%");
  CHECK(percent_decode("%e4%B8%ad", Plus::itself) == "中");
  CHECK(percent_decode("%00", Plus::itself) == std::string(1, '\0'));
}

TEST_CASE("a plus is itself in a query and a blank in a form") {
  CHECK(percent_decode("a+b", Plus::itself) == "a+b");
  CHECK(percent_decode("a+b", Plus::blank) == "a b");
}

TEST_CASE("fields are taken apart in order") {
  CHECK(parse_fields("b=2&a=%3D1&&c&=x&d=a=b", Plus::itself) ==
        NamedTexts{{"b", "2"}, {"a", "=1"}, {"c", ""}, {"", "x"}, {"d", "a=b"}});
  CHECK(parse_fields("", Plus::itself).empty());
}

TEST_CASE("every byte survives encoding and decoding") {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  CHECK(percent_decode(percent_encode(all), Plus::itself) == all);
  CHECK(percent_decode(percent_encode(all), Plus::blank) == all);
}

TEST_CASE("no more fields are taken apart than asked for") {
  CHECK(parse_fields("a=1&b=2&c=3", Plus::itself, 2) == NamedTexts{{"a", "1"}, {"b", "2"}});
}
