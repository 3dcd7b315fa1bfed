#include "platform/openapi/http_parser.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tercet;
using namespace tercet::openapi;
using State = HttpParser::Step::State;

namespace {

/// Feeds text in pieces of `size`; collects the requests, ends at a refusal.
struct Fed {
  std::vector<HttpRequest> requests;
  int refused = 0;
  std::string left;
};
Fed feed(std::string_view text, std::size_t size, HttpLimits limits = {}) {
  HttpParser parser(limits);
  Fed fed;
  for (std::size_t at = 0; at < text.size(); at += size) {
    fed.left += text.substr(at, size);
    for (;;) {
      const auto step = parser.take(as_bytes(fed.left));
      fed.left.erase(0, step.used);
      if (step.state == State::refused) {
        fed.refused = step.status;
        return fed;
      }
      if (step.state == State::need_more) break;
      fed.requests.push_back(parser.take_request());
    }
  }
  return fed;
}

constexpr std::string_view kThree =
    "GET //?a=1 HTTP/1.1\r\nHost: h:1\r\nX-ACS-Action:  RegisterDevice \r\n\r\n"
    "\r\nPOST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: "
    "t\r\n\r\n";

}  // namespace

TEST_CASE("pipelined requests are the same in pieces of any size") {
  for (const std::size_t size : {kThree.size(), std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}}) {
    CAPTURE(size);
    const Fed fed = feed(kThree, size);
    REQUIRE(fed.refused == 0);
    REQUIRE(fed.requests.size() == 3);
    CHECK(fed.requests[0].path == "/");
    CHECK(fed.requests[0].query == "a=1");
    CHECK(fed.requests[0].header("x-acs-action") == "RegisterDevice");
    CHECK(fed.requests[0].header("host") == "h:1");
    CHECK(fed.requests[1].method == HttpRequest::Method::post);
    CHECK(fed.requests[1].path == "/p");
    CHECK(fed.requests[1].body == "hello");
    CHECK(fed.requests[2].body == "abcde");
    CHECK(fed.left.empty());
  }
}

TEST_CASE("an absolute target loses its host") {
  const Fed fed =
      feed("GET http://h:1/x/y?q HTTP/1.1\r\nHost: h:1\r\n\r\nGET http://h HTTP/1.1\r\nHost: h\r\n\r\n", 512);
  REQUIRE(fed.requests.size() == 2);
  CHECK(fed.requests[0].path == "/x/y");
  CHECK(fed.requests[0].query == "q");
  CHECK(fed.requests[1].path == "/");
}

TEST_CASE("what HTTP does not allow is refused with its status") {
  struct Row {
    std::string text;
    int status;
  };
  const Row rows[] = {
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost h\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n", 413},
      {"GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(300, 'a'), 431}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(feed(row.text, row.text.size(), {.header_bytes = 256, .body_bytes = 10}).refused == row.status);
    CHECK(feed(row.text, 1, {.header_bytes = 256, .body_bytes = 10}).refused == row.status);
  }
}

TEST_CASE("every truncation of a request waits, and every changed byte is understood or refused") {
  constexpr std::string_view whole =
      "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Fed fed = feed(whole.substr(0, size), size + 1);
    CHECK(fed.requests.empty());
    CHECK(fed.refused == 0);
  }
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      std::string text(whole);
      text[at] = static_cast<char>(value);
      const Fed fed = feed(text, text.size());
      CHECK(fed.requests.size() <= 2);
    }
}

TEST_CASE("a client that waits for 100 Continue is told once") {
  HttpParser parser;
  const std::string_view head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  CHECK(!parser.take_expect_continue());
  CHECK(parser.take(as_bytes(head)).state == State::need_more);
  CHECK(parser.take_expect_continue());
  CHECK(!parser.take_expect_continue());
  CHECK(parser.take(as_bytes(std::string_view("ok"))).state == State::whole);
}

TEST_CASE("keep-alive follows version and header") {
  const auto keeps = [](std::string_view text) {
    HttpParser parser;
    REQUIRE(parser.take(as_bytes(text)).state == State::whole);
    return parser.keep_alive();
  };
  CHECK(keeps("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(!keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  CHECK(!keeps("GET / HTTP/1.0\r\n\r\n"));
  CHECK(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}
