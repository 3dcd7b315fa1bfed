#include "platform/sink/message.h"

#include <doctest/doctest.h>

namespace tercet::sink {
namespace {

rule::Queued record_of(std::string_view result) {
  rule::Queued record;
  record.time = 1'700'000'000'123;
  record.message_id = "42";
  record.topic = "/a1/b/user/x";
  record.product = "a1";
  record.device_name = "b";
  record.result = result;
  return record;
}

std::string filled(std::string_view text, std::string_view result, bool in_json = false) {
  std::string problem;
  const auto made = Template::parse(text, problem);
  REQUIRE_MESSAGE(made.has_value(), problem);
  const rule::Queued record = record_of(result);
  const Message message(record, "hot");
  return in_json ? made->json_text(message) : made->text(message);
}

TEST_CASE("a template takes members of the result, and what is known of every message") {
  struct Row {
    const char *text, *result, *filled;
  };
  const Row rows[] = {
      {"plain", "{}", "plain"},
      {"${t} °C", R"({"t":25.5})", "25.5 °C"},
      {"${a.b[1].c}", R"({"a":{"b":[0,{"c":"x"}]}})", "x"},
      {"${items.temperature.value}", R"({"items.temperature.value":7})", "7"},
      {"${nothing}|", "{}", "|"},
      {"${n}", R"({"n":null})", ""},
      {"${o}", R"({"o":{"a":1.5,"b":[true,"x"]}})", R"({"a":1.5,"b":[true,"x"]})"},
      {"${rule} ${productKey}/${deviceName} ${topic} ${messageId} ${timestamp} ${time}", "{}",
       "hot a1/b /a1/b/user/x 42 1700000000123 2023-11-14T22:13:20.123Z"},
      {"${deviceName}", R"({"deviceName":"mine"})", "mine"},
      {"${result}", R"({"a":1})", R"({"a":1})"},
      {"${result}", "no JSON", "no JSON"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(filled(row.text, row.result) == row.filled);
  }
}

TEST_CASE("what is put into JSON cannot end the text it stands in") {
  CHECK(filled(R"({"text":"${t}"})", R"({"t":"a\"b\\c\nd"})", true) == R"({"text":"a\"b\\c\nd"})");
}

TEST_CASE("a template that is one path gives the value, not its text") {
  std::string problem;
  const rule::Queued record = record_of(R"({"t":25.5,"b":true})");
  const Message message(record, "hot");
  CHECK(Template::parse("${t}", problem)->value(message).is_double());
  CHECK(Template::parse("${b}", problem)->value(message).is_bool());
  CHECK(Template::parse("${x}", problem)->value(message).is_null());
  CHECK(Template::parse("${t}!", problem)->value(message).as_string() == "25.5!");
}

TEST_CASE("a template without an end is refused") {
  std::string problem;
  for (const char* wrong : {"${", "a ${b", "${}"}) CHECK(!Template::parse(wrong, problem));
  CHECK(problem.find("${temperature}") != std::string::npos);
}

TEST_CASE("the whole message is JSON, its result as the rule wrote it") {
  const rule::Queued record = record_of(R"({"t":25.50})");
  CHECK(Message(record, "h\"t").whole() ==
        R"({"rule":"h\"t","topic":"/a1/b/user/x","productKey":"a1","deviceName":"b","messageId":"42",)"
        R"("timestamp":1700000000123,"result":{"t":25.50}})");
}

}  // namespace
}  // namespace tercet::sink
