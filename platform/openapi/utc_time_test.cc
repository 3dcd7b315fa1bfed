#include "platform/openapi/utc_time.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::openapi;

TEST_CASE("times are written in the form of their field family") {
  const UnixMillis at{1533523670007};
  CHECK(utc_seconds(at) == "2018-08-06T02:47:50Z");
  CHECK(utc_millis(at) == "2018-08-06T02:47:50.007Z");
  CHECK(beijing_time(at) == "2018-08-06 10:47:50");
  CHECK(gmt_comma_time(UnixMillis{1479348492000}) == "Thu, 17-Nov-2016 02:08:12 GMT");
}

TEST_CASE("never is an empty text") {
  CHECK(utc_millis(UnixMillis{0}).empty());
  CHECK(beijing_time(UnixMillis{0}).empty());
  CHECK(gmt_comma_time(UnixMillis{0}).empty());
}

TEST_CASE("a request timestamp is read back exactly") {
  CHECK(parse_utc_seconds("2018-08-06T02:47:50Z") == UnixMillis{1533523670000});
  CHECK(parse_utc_seconds("2000-02-29T00:00:00Z") == UnixMillis{951782400000});
}

TEST_CASE("other forms of a timestamp are refused") {
  for (const char* text :
       {"", "2018-08-06 02:47:50", "2018-08-06T02:47:50", "2018-08-06T02:47:50.0Z", "2018-13-06T02:47:50Z",
        "2018-02-30T02:47:50Z", "2018-08-06T24:47:50Z", "2018-08-06T02:60:50Z", "2o18-08-06T02:47:50Z",
        "2018-08-06T02:47:50+", "1533523670000", "-018-08-06T02:47:50Z"})
    CHECK_MESSAGE(!parse_utc_seconds(text), text);
}
