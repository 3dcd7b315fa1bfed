#include "tercet/device/http_head.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::device;

namespace {

constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: application/json\r\nContent-Length: 1234\r\n\r\n";
constexpr std::string_view kPart =
    "HTTP/1.1 206 Partial Content\r\ncontent-length:  100 \r\nContent-Range: bytes 100-199/1000\r\nETag: \"e\"\r\n\r\n";

/// The head read in one piece.
Result<HttpHead> read(std::string_view text) {
  HttpHeadParser parser;
  const auto used = parser.take(as_bytes(text));
  if (!used) return fail(used.error());
  if (!parser.is_done()) return fail(Error::need_more);
  CHECK(*used <= text.size());
  return parser.head();
}

Error error_of(std::string_view text) {
  const auto head = read(text);
  return head ? Error::internal : head.error();
}

std::string with(std::string_view field) { return "HTTP/1.1 200 OK\r\n" + std::string(field) + "\r\n\r\n"; }

}  // namespace

TEST_CASE("a head says its status, the length of its body, and which part of the file it is") {
  const auto ok = read(kOk);
  REQUIRE(ok);
  CHECK(ok->status == 200);
  CHECK(ok->length == 1234u);
  CHECK(!ok->range);
  CHECK(!ok->is_chunked);

  const auto part = read(kPart);
  REQUIRE(part);
  CHECK(part->status == 206);
  CHECK(part->length == 100u);
  REQUIRE(part->range);
  CHECK(part->range->first == 100u);
  CHECK(part->range->last == 199u);
  CHECK(part->range->total == 1000u);

  const auto unknown = read(with("Content-Range: bytes 0-9/*"));
  REQUIRE(unknown);
  REQUIRE(unknown->range);
  CHECK(!unknown->range->total);
  CHECK(read("HTTP/1.0 404\n\n")->status == 404);  // no words, and line ends as from a terminal
}

TEST_CASE("every split of a head gives the same, and the body behind it is left") {
  for (const std::string_view head : {kOk, kPart}) {
    const std::string text = std::string(head) + "{body}\r\n\r\n";
    for (std::size_t cut = 0; cut <= head.size(); ++cut) {
      HttpHeadParser parser;
      const auto first = parser.take(as_bytes(text).first(cut));
      REQUIRE(first);
      CHECK(*first == cut);
      CHECK(parser.is_done() == (cut == head.size()));
      const auto second = parser.take(as_bytes(text).subspan(cut));
      REQUIRE(second);
      CHECK(*first + *second == head.size());
      CHECK(parser.is_done());
      CHECK(parser.head().status == read(head)->status);
      CHECK(parser.head().length == read(head)->length);
      CHECK(parser.head().range.has_value() == read(head)->range.has_value());
    }
    HttpHeadParser parser;  // a byte at a time
    for (std::size_t i = 0; i < head.size(); ++i) {
      CHECK(!parser.is_done());
      REQUIRE(parser.take(as_bytes(text).subspan(i, 1)));
    }
    CHECK(parser.is_done());
    CHECK(parser.head().length == read(head)->length);
  }
}

TEST_CASE("an interim response is not the answer [RFC9110-15.2]") {
  const auto head = read("HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\n" + std::string(kOk));
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->length == 1234u);
  CHECK(error_of("HTTP/1.1 101 Switching Protocols\r\n\r\n") == Error::malformed);
}

TEST_CASE("bodies that a board does not take are named") {
  CHECK(read(with("Transfer-Encoding: chunked"))->is_chunked);
  CHECK(read(with("Transfer-Encoding: gzip, chunked"))->is_chunked);
  CHECK(!read(with("Transfer-Encoding: identity"))->is_chunked);
  CHECK(read(with("Content-Encoding: gzip"))->is_encoded);
  CHECK(!read(with("X: y"))->length);
}

TEST_CASE("a head that is not HTTP or contradicts itself is refused at once") {
  for (const std::string_view text : {"SSH-2.0-OpenSSH_9.2", "\x15\x03\x01", "HTTP/2 200\r\n\r\n", "HTTP/1.1\r\n\r\n",
                                      "HTTP/1.1 2000 x\r\n", "HTTP/1.1 99 x\r\n", "HTTP/1.1 600 x\r\n",
                                      "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1  200 OK\r\n", "http/1.1 200 OK\r\n", "\r\n"}) {
    CAPTURE(text);
    CHECK(error_of(text) == Error::malformed);
  }
  for (const std::string_view field :
       {"Content-Length: -1", "Content-Length: 1x", "Content-Length:", "Content-Length: 1234567890123456789",
        "Content-Length: 1\r\nContent-Length: 2", "Content-Length : 1", "no colon", ": no name", " folded: line",
        "Content-Range: bytes 0-1/2\r\nContent-Range: bytes 0-1/2"}) {
    CAPTURE(field);
    CHECK(error_of(with(field)) == Error::malformed);
  }
  CHECK(read(with("Content-Length: 1\r\nContent-Length: 1"))->length == 1u);
}

TEST_CASE("a range that cannot be is no range") {
  for (const std::string_view value : {"bytes */100", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9/", "items 0-9/10",
                                       "bytes 0-9", "bytes -9/10", "bytes x-9/10", "bytes", "bytes 1/2-3"}) {
    CAPTURE(value);
    const auto head = read(with("Content-Range: " + std::string(value)));
    REQUIRE(head);
    CHECK(!head->range);
  }
}

TEST_CASE("a head has a bound, and a long field that nobody reads does not matter") {
  CHECK(read(with("Set-Cookie: " + std::string(3000, 'c') + "\r\nContent-Length: 5"))->length == 5u);
  CHECK(error_of(with("Content-Length: " + std::string(200, '0'))) == Error::too_large);
  CHECK(error_of(with("X: " + std::string(HttpHeadParser::kMostHead, 'x'))) == Error::too_large);
  std::string endless;
  while (endless.size() < HttpHeadParser::kMostHead) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(error_of(endless) == Error::too_large);
}

TEST_CASE("a truncated head is never done") {
  for (const std::string_view head : {kOk, kPart})
    for (std::size_t size = 0; size < head.size(); ++size) {
      const std::string text{head.substr(0, size)};
      CHECK(error_of(text) == Error::need_more);
    }
}
