#include "tercet/device/url.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::device;

TEST_CASE("an address is taken apart into what a connection and a request need") {
  struct Row {
    std::string_view text, host, path;
    std::uint16_t port;
    bool tls, is_ipv6;
  };
  const Row rows[] = {
      {"https://a.example.com/x/y.json?Expires=1&Signature=a%2Fb%3D", "a.example.com",
       "/x/y.json?Expires=1&Signature=a%2Fb%3D", 443, true, false},
      {"http://a.example.com", "a.example.com", "", 80, false, false},
      {"HTTPS://Host:8443/", "Host", "/", 8443, true, false},
      {"https://192.0.2.7:443?x=1", "192.0.2.7", "?x=1", 443, true, false},
      {"https://[2001:db8::1]:9/f", "2001:db8::1", "/f", 9, true, true},
      {"https://[::1]/f", "::1", "/f", 443, true, true},
      {"https://h/a#part", "h", "/a", 443, true, false},
      {"https://h/a?b=@:/[]", "h", "/a?b=@:/[]", 443, true, false},
      {"https://h:65535/", "h", "/", 65535, true, false},
  };
  for (const Row& row : rows) {
    const auto url = parse_url(row.text);
    CAPTURE(row.text);
    REQUIRE(url);
    CHECK(url->host == row.host);
    CHECK(url->path == row.path);
    CHECK(url->port == row.port);
    CHECK(url->tls == row.tls);
    CHECK(url->is_ipv6 == row.is_ipv6);
  }
}

TEST_CASE("an address that could lead elsewhere than it looks is refused") {
  struct Row {
    std::string_view text;
    Error error;
  };
  const Row rows[] = {
      {"", Error::unsupported},
      {"https:/h/", Error::unsupported},
      {"ftp://h/", Error::unsupported},
      {"//h/", Error::unsupported},
      {"https://", Error::malformed},
      {"https:///x", Error::malformed},
      {"https://?x", Error::malformed},
      {"https://:443/", Error::malformed},
      {"https://h:/", Error::malformed},
      {"https://h:0/", Error::malformed},
      {"https://h:65536/", Error::malformed},
      {"https://h:443443/", Error::malformed},
      {"https://h:4x3/", Error::malformed},
      {"https://user@h/", Error::unsupported},
      {"https://user:word@h/", Error::unsupported},
      {"https://[::1/", Error::malformed},
      {"https://[]/", Error::malformed},
      {"https://[::1]x/", Error::malformed},
      {"https://[h.example]/", Error::malformed},
      {"https://h h/", Error::malformed},
      {"https://h/a b", Error::malformed},
      {"https://h/a\r\nX: y", Error::malformed},
      {"https://h%41/", Error::malformed},
      {"https://\xE4/", Error::malformed},
      {"https://h/\xE4", Error::malformed},
      {"https://h\\x/", Error::malformed},
  };
  for (const Row& row : rows) {
    const auto url = parse_url(row.text);
    CAPTURE(row.text);
    REQUIRE(!url);
    CHECK(url.error() == row.error);
  }
  CHECK(!parse_url("https://" + std::string(254, 'h') + "/"));
  CHECK(parse_url("https://" + std::string(253, 'h') + "/"));
  CHECK(!parse_url(std::string_view("https://h/\0x", 12)));
}

TEST_CASE("a truncated address is another address or none, and never more than was there") {
  const std::string whole = "https://host.example:8443/path/file?sign=0123#end";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string text = whole.substr(0, size);  // of its own, so that a read past its end is seen
    const auto url = parse_url(text);
    if (!url) continue;
    CHECK(size > 8);
    CHECK(url->host.data() >= text.data());
    CHECK(url->path.data() + url->path.size() <= text.data() + text.size());
  }
}
