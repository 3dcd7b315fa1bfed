#include "tercet/json/writer.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <string>

#include "tercet/json/reader.h"

using namespace tercet;

namespace {

template <typename Fill>
std::string written(Fill&& fill) {
  std::array<std::uint8_t, 512> buffer;
  tercet::Writer out{buffer};
  json::Writer json{out};
  fill(json);
  REQUIRE(out.ok());
  return std::string(out.text());
}

}  // namespace

TEST_CASE("a document is written without blanks and with its commas in place") {
  CHECK(written([](json::Writer& json) {
          json.begin_object().key("a").number(1).key("b").begin_array();
          json.string("x").boolean(true).null().begin_object().end_object().begin_array().end_array().number(-2.5);
          json.end_array().key("c").raw(R"({"d":1})").key("e").raw_string(R"(\n)").end_object();
        }) == R"({"a":1,"b":["x",true,null,{},[],-2.5],"c":{"d":1},"e":"\n"})");
}

TEST_CASE("whole numbers are written in full") {
  CHECK(written([](json::Writer& json) {
          json.begin_array();
          json.number(std::numeric_limits<std::int64_t>::min()).number(std::numeric_limits<std::uint64_t>::max());
          json.number(0U).number(short{-1}).end_array();
        }) == "[-9223372036854775808,18446744073709551615,0,-1]");
}

TEST_CASE("what JSON has no number for becomes null") {
  CHECK(written([](json::Writer& json) {
          json.begin_array().number(std::numeric_limits<double>::infinity());
          json.number(std::numeric_limits<double>::quiet_NaN()).end_array();
        }) == "[null,null]");
}

TEST_CASE("any bytes become a string that reads back") {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xe6\xb8\xa9\xe5\xba\xa6 \xf0\x9f\x98\x80";
  const std::string text = written([&](json::Writer& json) { json.string(all); });
  const auto value = json::parse(std::string_view(text));
  REQUIRE(value);
  CHECK(*value->text() == all);
  CHECK(written([](json::Writer& json) {
          json.string(
              "a\xff\xc3"
              "b");
        }) ==
        "\"a\xef\xbf\xbd\xef\xbf\xbd"
        "b\"");
  CHECK(written([](json::Writer& json) { json.begin_object().key("\"\x01").null().end_object(); }) ==
        R"({"\"\u0001":null})");
}

TEST_CASE("a buffer that is too small gives nothing, at any size") {
  const auto fill = [](json::Writer& json) {
    json.begin_object().key("temperature").number(21.5).key("text").string("a\"b").end_object();
  };
  const std::string whole = written(fill);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::string buffer(size, 'x');
    tercet::Writer out{MutableBytes(reinterpret_cast<std::uint8_t*>(buffer.data()), size)};
    json::Writer json{out};
    fill(json);
    CHECK(!json.ok());
    CHECK(out.text().empty());
  }
}
