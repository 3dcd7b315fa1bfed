#include "platform/script/engine.h"

#include <doctest/doctest.h>

#include "platform/script/test_scripts.h"

namespace tercet::script {
namespace {

using alink::Code;

Outcome run(Function function, std::string_view script, std::string input = {}, std::string topic = {}) {
  return run_here({function, "p", std::make_shared<const std::string>(script), std::move(topic), std::move(input)});
}
std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

TEST_CASE("bytes become the object that the script makes of them, in the script's order") {
  const auto made = run(Function::raw_to_protocol, kClimateScript, bytes({0, 7, 0x09, 0xC4, 0x01, 0xC2, 0, 0}));
  CHECK(made.ok());
  CHECK(made.output ==
        R"({"id":"7","version":"1.0","method":"thing.event.property.post","params":{"temperature":25,"humidity":45}})");
}

TEST_CASE("an object becomes bytes: of an array, of a typed array, negative ones as two's complement") {
  CHECK(run(Function::protocol_to_raw, kClimateScript, R"({"id":"7","code":200})").output == bytes({0x80, 7, 0, 200}));
  CHECK(run(Function::protocol_to_raw, "function protocolToRawData(j) { return new Uint8Array([1, 2, j.x]); }",
            R"({"x":255})")
            .output == bytes({1, 2, 255}));
  CHECK(run(Function::protocol_to_raw, "function protocolToRawData(j) { return [-1, -128]; }", "{}").output ==
        bytes({255, 128}));
}

TEST_CASE("a payload of a custom topic becomes JSON, text or bytes") {
  CHECK(run(Function::transform, "function transformPayload(t, b) { return {topic: t, first: b[0]}; }", "A", "/a/b")
            .output == R"({"topic":"/a/b","first":65})");
  CHECK(run(Function::transform, "function transformPayload(t, b) { return 'hot'; }").output == "hot");
  CHECK(run(Function::transform, "function transformPayload(t, b) { return new Uint8Array(b); }", "xy").output == "xy");
}

TEST_CASE("what a script gives wrongly is said, with its code") {
  struct Row {
    Function function;
    const char* script;
    Code code;
    const char* detail;
  };
  const Row rows[] = {
      {Function::raw_to_protocol, "", Code::script_empty, "no script"},
      {Function::raw_to_protocol, "function other() {}", Code::script_function_missing, "this name"},
      {Function::check, "var x = 1;", Code::script_function_missing, "none of"},
      {Function::check, "function rawDataToProtocol( {", Code::script_error, "SyntaxError"},
      {Function::raw_to_protocol, "function rawDataToProtocol(b) { return 5; }", Code::script_wrong_type, "object"},
      {Function::raw_to_protocol, "function rawDataToProtocol(b) { return [1]; }", Code::script_wrong_type, "object"},
      {Function::raw_to_protocol, "function rawDataToProtocol(b) {}", Code::script_wrong_type, "object"},
      {Function::raw_to_protocol, "\nfunction rawDataToProtocol(b) { return b.c.d; }", Code::script_error, "line 2"},
      {Function::raw_to_protocol, "function rawDataToProtocol(b) { var o = {}; o.o = o; return o; }",
       Code::script_error, "cyclic"},
      {Function::raw_to_protocol, "function rawDataToProtocol(b) { return {a: rawDataToProtocol(b)}; }",
       Code::script_error, "RangeError"},
      {Function::raw_to_protocol, "function rawDataToProtocol(b) { throw {toString: function() { throw 1; }}; }",
       Code::script_error, ""},
      {Function::protocol_to_raw, "function protocolToRawData(j) { return [256]; }", Code::script_wrong_type, "-128"},
      {Function::protocol_to_raw, "function protocolToRawData(j) { return [0.5]; }", Code::script_wrong_type, "-128"},
      {Function::protocol_to_raw, "function protocolToRawData(j) { return [NaN]; }", Code::script_wrong_type, "-128"},
      {Function::protocol_to_raw, "function protocolToRawData(j) { return ['a']; }", Code::script_wrong_type, "-128"},
      {Function::protocol_to_raw, "function protocolToRawData(j) { return 'abc'; }", Code::script_wrong_type, "array"},
      {Function::protocol_to_raw, "function protocolToRawData(j) { return []; }", Code::script_failed, "no bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.script);
    const auto outcome = run(row.function, row.script, "{}");
    CHECK(alink::number(outcome.code) == alink::number(row.code));
    CHECK(outcome.detail.find(row.detail) != std::string::npos);
    CHECK(outcome.output.empty());
  }
}

TEST_CASE("a script that eats memory is cut off, whatever it catches") {
  for (const char* script :
       {"function rawDataToProtocol(b) { var a = []; for (;;) a.push(new Array(1000).join('x') + a.length); }",
        "function rawDataToProtocol(b) { var s = 'x'; for (;;) s += s; }",
        "function rawDataToProtocol(b) { return {a: new Uint8Array(1e9)}; }"}) {
    CAPTURE(script);
    const auto outcome = run(Function::raw_to_protocol, script, "1");
    CHECK(outcome.is_cut_off);
    CHECK(outcome.detail.find("16 MB of memory") != std::string::npos);
  }
}

TEST_CASE("no call sees what another has left, and none reaches anything of the machine") {
  const char* const script =
      "var n = 0; function rawDataToProtocol(b) { return {n: ++n, names: typeof require + typeof "
      "process + typeof print + typeof readFile}; }";
  for (int i = 0; i < 2; ++i)
    CHECK(run(Function::raw_to_protocol, script, "1").output ==
          R"({"n":1,"names":"undefinedundefinedundefinedundefined"})");
}

TEST_CASE("a script of more than 128 KB is not run") {
  const auto outcome = run(Function::check, "function rawDataToProtocol() {}" + std::string(kMaxScript, ' '));
  CHECK(outcome.code == Code::script_error);
}

}  // namespace
}  // namespace tercet::script
