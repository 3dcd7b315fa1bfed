#include "platform/thing/validate.h"

#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;
using alink::Code;

namespace {

Code check_text(const Model& model, std::string_view identifier, std::string_view value, Validation mode) {
  const auto parsed = json::parse(value);
  REQUIRE(parsed);
  const auto* property = model.find_property(identifier);
  REQUIRE(property);
  return check(model, property->spec, *parsed, mode).code;
}

}  // namespace

TEST_CASE("each type is checked as weakly or strongly as the product asks") {
  struct Row {
    std::string_view identifier, value;
    Code weak, strong;
  };
  const Code ok = Code::success;
  const Row rows[] = {
      {"interval", "60", ok, ok},
      {"interval", "60.0", ok, ok},
      {"interval", "60.5", Code::bad_int, Code::bad_int},
      {"interval", "\"60\"", Code::bad_int, Code::bad_int},
      {"interval", "3000000000", Code::bad_int, Code::bad_int},
      {"interval", "-2147483648", ok, Code::bad_int},
      {"interval", "0", ok, Code::bad_int},
      {"interval", "3601", ok, Code::bad_int},
      {"interval", "null", Code::bad_int, Code::bad_int},
      {"temperature", "21.3", ok, ok},
      {"temperature", "21", ok, ok},
      {"temperature", "-40", ok, ok},
      {"temperature", "80.1", ok, Code::bad_float},
      {"temperature", "21.35", ok, Code::bad_float},
      {"temperature", "1e39", Code::bad_float, Code::bad_float},
      {"temperature", "\"21\"", Code::bad_float, Code::bad_float},
      {"temperature", "true", Code::bad_float, Code::bad_float},
      {"humidity", "1e39", ok, Code::bad_double},
      {"humidity", "1e400", Code::bad_double, Code::bad_double},
      {"humidity", "[]", Code::bad_double, Code::bad_double},
      {"mode", "1", ok, ok},
      {"mode", "-2", ok, ok},
      {"mode", "7", ok, Code::bad_enum},
      {"mode", "\"eco\"", Code::bad_enum, Code::bad_enum},
      {"led", "1", ok, ok},
      {"led", "2", Code::bad_bool, Code::bad_bool},
      {"led", "true", Code::bad_bool, Code::bad_bool},
      {"label", "\"\"", ok, ok},
      {"label", "\"12345678\"", ok, ok},
      {"label", "\"123456789\"", ok, Code::bad_text},
      {"label", "\"\xE6\xB8\xA9\xE5\xBA\xA6\xE6\xB8\xA9\xE5\xBA\xA6\"", ok, ok},
      {"label", R"("\u6e29\u5ea6\n\"1234")", ok, ok},
      {"label", R"("\ud83d\ude001234567")", ok, ok},
      {"label", R"("\ud83d\ude0012345678")", ok, Code::bad_text},
      {"label", "5", Code::bad_text, Code::bad_text},
      {"started", "\"1524448722000\"", ok, ok},
      {"started", "1524448722000", Code::bad_date, Code::bad_date},
      {"started", "\"yesterday\"", Code::bad_date, Code::bad_date},
      {"started", "\"\"", Code::bad_date, Code::bad_date},
      {"position", R"({"lat":1.5,"fix":1})", ok, ok},
      {"position", R"({"lat":1.5})", ok, Code::bad_struct},
      {"position", R"({"lat":91,"fix":1})", ok, Code::bad_double},
      {"position", R"({"lat":"1","fix":1})", Code::bad_double, Code::bad_double},
      {"position", R"({"lat":1,"fix":1,"alt":2})", Code::params_not_exist, Code::params_not_exist},
      {"position", "[1]", Code::bad_struct, Code::bad_struct},
      {"samples", "[]", ok, ok},
      {"samples", "[1,2,3]", ok, ok},
      {"samples", "[1,2,3,4]", ok, Code::bad_array},
      {"samples", "[1,\"2\"]", Code::bad_array_element, Code::bad_array_element},
      {"samples", "{}", Code::value_not_array, Code::value_not_array},
      {"track", R"([{"x":1},{"x":2}])", ok, ok},
      {"track", R"([{"y":1}])", Code::params_not_exist, Code::params_not_exist},
      {"track", R"([{"x":1.5}])", Code::bad_int, Code::bad_int},
      {"track", "[1]", Code::bad_struct, Code::bad_struct},
  };
  const auto model = Model::compile(kBoardTsl).model;
  for (const auto& row : rows) {
    INFO(row.identifier << " = " << row.value);
    CHECK(check_text(*model, row.identifier, row.value, Validation::none) == ok);
    CHECK(check_text(*model, row.identifier, row.value, Validation::weak) == row.weak);
    CHECK(check_text(*model, row.identifier, row.value, Validation::strong) == row.strong);
  }
}

TEST_CASE("a failed check is worded as the cloud words it") {
  std::string text;
  append_check_text(text, {Code::params_not_exist}, "LightCurrent");
  CHECK(text == "tsl parse: params not exist -> LightCurrent");
  text.clear();
  append_check_text(text, {Code::bad_double, "lat"}, "position");
  CHECK(text == "tsl parse: double value not valid -> position.lat");
}

TEST_CASE("an identifier that is too long to show is cut between characters and escapes") {
  for (const std::string piece : {"a", "\xE6\xB8\xA9", "\\n", "\\u6e29"}) {
    std::string raw, text;
    while (raw.size() < 200) raw += piece;
    append_check_text(text, {Code::params_not_exist}, raw);
    const auto shown = text.substr(text.find("-> ") + 3);
    CHECK(shown.size() <= 64);
    CHECK(shown.size() > 56);
    CHECK(shown.size() % piece.size() == 0);
  }
}
