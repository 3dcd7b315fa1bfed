#include "tercet/json/reader.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tercet/json/object_reader.h"

using namespace tercet;
using namespace tercet::json;

namespace {

/// Visits everything in a value and counts the leaves; whatever parse() accepted must be walkable.
std::size_t walk(const Value& value) {
  std::size_t leaves = 0;
  std::array<std::uint8_t, 8192> buffer;
  switch (value.type()) {
    case Type::object:
      for (const auto& [name, member] : value.members()) {
        CHECK(name.unescape(buffer));
        leaves += walk(member);
      }
      return leaves;
    case Type::array:
      for (const auto& element : value.elements()) leaves += walk(element);
      return leaves;
    case Type::string:
      CHECK(value.text()->unescape(buffer));
      return 1;
    case Type::number:
      CHECK(value.real());
      (void)value.integer();
      return 1;
    case Type::boolean:
      CHECK(value.boolean());
      return 1;
    case Type::null:
      return 1;
  }
  return 0;
}

std::string unescaped(std::string_view json) {
  std::array<std::uint8_t, 64> buffer;
  const auto value = parse(json);
  REQUIRE(value);
  const auto text = value->text();
  REQUIRE(text);
  return std::string(*text->unescape(buffer));
}

const std::string kPost =
    R"({"id":"1000000000","version":"1.0","sys":{"ack":1},"params":{"temperature":21.5,"humidity":{"value":40,)"
    R"("time":1524448722000}},"method":"thing.event.property.post"})";
const std::string kMixed =
    R"( { "a" : [ 1 , -2.5e+3 , "x\n\u00e9\ud83d\ude00" , true,false , null , [ ] , { } ] , "é" : {"b":"\\\"/"} } )";

}  // namespace

TEST_CASE("a property post is walked member by member") {
  const auto post = parse(kPost);
  REQUIRE(post);
  CHECK(post->is(Type::object));
  CHECK(post->size() == 5);
  CHECK(post->find("id")->text()->raw() == "1000000000");
  CHECK(post->find("sys")->find("ack")->integer() == 1);
  CHECK(post->find("params")->raw() == R"({"temperature":21.5,"humidity":{"value":40,"time":1524448722000}})");
  CHECK(post->find("params")->find("temperature")->real() == 21.5);
  CHECK(post->find("params")->find("humidity")->find("time")->integer() == 1524448722000);
  CHECK(!post->find("nothing"));
  CHECK(!post->find("sys")->text());
  CHECK(post->find("sys")->elements().next() == std::nullopt);
}

TEST_CASE("blanks, nesting, escapes and every type are understood") {
  const auto value = parse(kMixed);
  REQUIRE(value);
  CHECK(walk(*value) == 7);
  const Value list = *value->find("a");
  CHECK(list.size() == 8);
  Elements elements = list.elements();
  CHECK(elements.next()->integer() == 1);
  CHECK(elements.next()->real() == -2500);
  CHECK(elements.next()->text()->has_escapes());
  CHECK(elements.next()->boolean() == true);
  CHECK(elements.next()->boolean() == false);
  CHECK(elements.next()->is(Type::null));
  CHECK(elements.next()->raw() == "[ ]");
  CHECK(elements.next()->raw() == "{ }");
  CHECK(!elements.next());
  CHECK(*value->find("é")->find("b")->text() == "\\\"/");
}

TEST_CASE("a document may be a single value of any type") {
  for (const std::string_view good : {"1", " null ", "\"x\"", "[]", "{}", "-0", "0.5E-7", "true", "\"\""})
    CHECK_MESSAGE(parse(good), good);
}

TEST_CASE("what is not JSON is refused where it goes wrong, with the reason") {
  struct Row {
    std::string text;
    std::size_t offset;
    std::string_view reason;
  };
  const std::vector<Row> table{
      {"", 0, "there is nothing"},
      {"  ", 2, "there is nothing"},
      {"{", 1, "the text ends too early"},
      {"[1", 2, "the text ends too early"},
      {"{\"a\"", 4, "the text ends too early"},
      {"{\"a\":", 5, "the text ends too early"},
      {"{a:1}", 1, "a name must be in double quotes"},
      {"{'a':1}", 1, "a name must be in double quotes"},
      {"{\"a\" 1}", 5, "a ':' is missing after a name"},
      {"{\"a\":1 \"b\":2}", 7, "a ',' or '}' is missing here"},
      {"[1 2]", 3, "a ',' or ']' is missing here"},
      {"[1}", 2, "a ',' or ']' is missing here"},
      {"{\"a\":1]", 6, "a ',' or '}' is missing here"},
      {"[1,]", 3, "there is a comma too many before the closing bracket"},
      {"{\"a\":1,}", 7, "there is a comma too many before the closing bracket"},
      {"[,1]", 1, "this is no value; text must be in double quotes"},
      {"{\"a\":nan}", 5, "this is no value; text must be in double quotes"},
      {"{\"a\":on}", 5, "this is no value; text must be in double quotes"},
      {"{\"a\":'x'}", 5, "text must be in double quotes"},
      {"\"a\tb\"", 2, "a control character in a string must be written as an escape"},
      {"\"a\\x\"", 2, "there is no such escape"},
      {"\"\\u12g4\"", 1, "four hexadecimal digits must follow \\u"},
      {"\"abc", 4, "the text ends inside a string"},
      {"\"a\xff\"", 2, "this is not UTF-8"},
      {"\"\xc0\xaf\"", 1, "this is not UTF-8"},
      {"\"\xed\xa0\x80\"", 1, "this is not UTF-8"},
      {"\"\xf4\x90\x80\x80\"", 1, "this is not UTF-8"},
      {"01", 0, "a number must not begin with a zero"},
      {"-", 0, "digits are missing in a number"},
      {"1.", 0, "digits are missing in a number"},
      {"1e+", 0, "digits are missing in a number"},
      {".5", 0, "this is no value; text must be in double quotes"},
      {"+1", 0, "this is no value; text must be in double quotes"},
      {"{} x", 3, "there is text after the end of the value"},
      {std::string("{}\0", 3), 2, "there is text after the end of the value"},
      {"truefalse", 4, "there is text after the end of the value"},
  };
  for (const Row& row : table) {
    CAPTURE(row.text);
    CHECK(parse(row.text).error() == Error::malformed);
    const auto fault = find_fault(row.text);
    REQUIRE(fault);
    CHECK(fault->offset == row.offset);
    CHECK(fault->reason == row.reason);
  }
  CHECK(!find_fault("{}"));
}

TEST_CASE("trailing commas are understood only when asked for") {
  const std::string file = R"({"fileInfo":{"streamId":1,"fileId":1,},"list":[1,2 , ],})";
  CHECK(!parse(file));
  const auto value = parse(file, Grammar::trailing_commas);
  REQUIRE(value);
  CHECK(value->size() == 2);
  CHECK(value->find("fileInfo")->size() == 2);
  CHECK(value->find("list")->size() == 2);
  CHECK(!parse("[,]", Grammar::trailing_commas));
  CHECK(!parse("[1,,2]", Grammar::trailing_commas));
  CHECK(!parse("{,}", Grammar::trailing_commas));
}

TEST_CASE("depth is bounded") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(parse(nested(kMaxDepth)));
  CHECK(!parse(nested(kMaxDepth + 1)));
  CHECK(!parse(std::string(1'000'000, '[')));
}

TEST_CASE("escapes give the characters they stand for") {
  CHECK(unescaped(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(unescaped(R"("\u0041\u00e9\u4E2d\ud83d\ude00")") == "A\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80");
  CHECK(unescaped(R"("\ud83dx")") == "\xef\xbf\xbdx");
  CHECK(unescaped(R"("\ude00")") == "\xef\xbf\xbd");
  CHECK(unescaped(R"("\ud83d\u0041")") ==
        "\xef\xbf\xbd"
        "A");
  CHECK(unescaped(R"("\u0000")") == std::string(1, '\0'));
  std::array<std::uint8_t, 2> small;
  CHECK(parse(R"("\n\n\n")")->text()->unescape(small).error() == Error::no_space);
}

TEST_CASE("names are compared with their escapes resolved") {
  const auto value = parse(R"({"\u0069d":1,"id2":2,"i\n":3})");
  CHECK(value->find("id")->integer() == 1);
  CHECK(value->find("i\n")->integer() == 3);
  CHECK(!value->find("i"));
  CHECK(!value->find("idx"));
}

TEST_CASE("of repeated names the last counts") { CHECK(parse(R"({"a":1,"b":2,"a":3})")->find("a")->integer() == 3); }

TEST_CASE("brackets and quotes inside strings are text") {
  const auto value = parse(R"({"a":{"x":"}]\"{["},"b":["]",{"y":"\\"}],"c":7})");
  REQUIRE(value);
  CHECK(value->find("c")->integer() == 7);
  CHECK(value->find("b")->size() == 2);
}

TEST_CASE("no truncation of a document is taken for the document") {
  for (const std::string& whole : {kPost, kMixed}) {
    const std::string text = whole.substr(whole.find('{'), whole.rfind('}') + 1 - whole.find('{'));
    REQUIRE(parse(text));
    for (std::size_t size = 0; size < text.size(); ++size) {
      const std::string cut = text.substr(0, size);  // a copy of its own, so that reading beyond it is noticed
      CHECK(!parse(std::string_view(cut)));
    }
  }
}

TEST_CASE("every single-byte change is refused or can be walked") {
  for (const std::string& text : {kPost, kMixed})
    for (std::size_t at = 0; at < text.size(); ++at)
      for (int byte = 0; byte < 256; ++byte) {
        std::string changed = text;
        changed[at] = static_cast<char>(byte);
        for (const Grammar grammar : {Grammar::strict, Grammar::trailing_commas}) {
          const auto value = parse(std::string_view(changed), grammar);
          if (value)
            walk(*value);
          else
            CHECK(find_fault(changed, grammar)->offset <= changed.size());
        }
      }
}

namespace {

/// What ObjectReader makes of a text: the members joined, and whether it was whole.
std::pair<std::string, bool> read_members(std::string_view text, Grammar grammar) {
  std::string members;
  ObjectReader in{text, grammar};
  while (in.next()) {
    members.append(in.name().raw()).append("=").append(in.value().raw()).append(";");
    walk(in.value());
  }
  CHECK(!in.next());
  return {members, in.ok()};
}

}  // namespace

TEST_CASE("an object read and checked in one pass gives its members and whether it was whole") {
  CHECK(read_members(R"( { "a" : 1 , "b":{"c":[2,{}]},"d":"" } )", Grammar::strict) ==
        std::pair<std::string, bool>{R"(a=1;b={"c":[2,{}]};d="";)", true});
  CHECK(read_members("{}", Grammar::strict) == std::pair<std::string, bool>{"", true});
  CHECK(read_members("{\"a\":1,}", Grammar::strict) == std::pair<std::string, bool>{"a=1;", false});
  CHECK(read_members("{\"a\":1,}", Grammar::trailing_commas) == std::pair<std::string, bool>{"a=1;", true});
  for (const std::string_view bad :
       {"", " ", "[]", "1", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{,}", "{} x", "{]"})
    CHECK(!read_members(bad, Grammar::strict).second);
}

TEST_CASE("reading in one pass and parsing agree about every truncation and every changed byte") {
  const std::string text = R"({"id":"1","p":{"a":-2.5e1,"b":[true,null]},"m":"\u00e9"})";
  for (const Grammar grammar : {Grammar::strict, Grammar::trailing_commas}) {
    const auto agree = [grammar](const std::string& changed) {
      const auto value = parse(std::string_view(changed), grammar);
      CHECK(read_members(changed, grammar).second == (value && value->is(Type::object)));
    };
    for (std::size_t size = 0; size <= text.size(); ++size) agree(text.substr(0, size));
    for (std::size_t at = 0; at < text.size(); ++at)
      for (int byte = 0; byte < 256; ++byte) {
        std::string changed = text;
        changed[at] = static_cast<char>(byte);
        agree(changed);
      }
  }
}
