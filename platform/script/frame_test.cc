#include "platform/script/frame.h"

#include <doctest/doctest.h>

namespace tercet::script {
namespace {

TEST_CASE("requests and outcomes are what they were, and every truncation of them is refused") {
  const std::string request =
      encode({Function::transform, "p", std::make_shared<const std::string>("code"), "/t", std::string("\0\xFF", 2)});
  CHECK(request == std::string("\0\0\0\x15\x03\0\0\0\x04"
                               "code\0\0\0\x02/t\0\0\0\x02\0\xFF",
                               25));
  const auto read = decode_request(std::string_view(request).substr(4));
  REQUIRE(read.has_value());
  CHECK(read->function == Function::transform);
  CHECK(*read->script == "code");
  CHECK(read->topic == "/t");
  CHECK(read->input == std::string("\0\xFF", 2));
  Outcome outcome;
  outcome.code = alink::Code::script_error;
  outcome.output = "out", outcome.detail = "why", outcome.micros = 70'000, outcome.is_cut_off = true;
  const std::string answer = encode(outcome);
  const auto back = decode_outcome(std::string_view(answer).substr(4));
  REQUIRE(back.has_value());
  CHECK(back->code == outcome.code);
  CHECK(back->output == "out");
  CHECK(back->detail == "why");
  CHECK(back->micros == 70'000);
  CHECK(back->is_cut_off);
  for (std::size_t size = 4; size < request.size(); ++size)
    CHECK(!decode_request(std::string_view(request).substr(4, size - 4)));
  for (std::size_t size = 4; size < answer.size(); ++size)
    CHECK(!decode_outcome(std::string_view(answer).substr(4, size - 4)));
  CHECK(!decode_request(request.substr(4) + "x"));
  CHECK(!decode_outcome(answer.substr(4) + "x"));
  CHECK(!frame_size("abc"));
  CHECK(frame_size(request) == request.size() - 4);
}

}  // namespace
}  // namespace tercet::script
