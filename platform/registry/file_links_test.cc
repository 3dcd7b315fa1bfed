#include "platform/registry/file_links.h"

#include <doctest/doctest.h>

#include "platform/runtime/random.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

constexpr UnixMillis kNow{1'800'000'000'000};

struct Parts {
  std::string path, expires, signature;
};
Parts parts_of(const std::string& link, std::string_view base) {
  const auto query = link.find("?Expires="), sign = link.find("&Signature=");
  REQUIRE(query != std::string::npos);
  REQUIRE(sign != std::string::npos);
  return {link.substr(base.size(), query - base.size()), link.substr(query + 9, sign - query - 9),
          link.substr(sign + 11)};
}

}  // namespace

TEST_CASE("a link opens its own file until it expires, and nothing else") {
  runtime::SeededRandom random(1);
  FileLinks links(random);
  CHECK(!links.is_offered());
  links.set_base("https://platform.example:8443");
  CHECK(links.is_offered());
  const auto parts = parts_of(links.link("/files/a", kNow), links.base());
  CHECK(parts.path == "/files/a");
  const auto check = [&](const Parts& p, UnixMillis at) { return links.check(p.path, p.expires, p.signature, at); };
  CHECK(check(parts, kNow) == FileLinks::Verdict::good);
  const auto lifetime = std::chrono::milliseconds(FileLinks::kLifetime).count();
  CHECK(check(parts, {kNow.ms + lifetime - 1}) == FileLinks::Verdict::good);
  CHECK(check(parts, {kNow.ms + lifetime}) == FileLinks::Verdict::expired);

  Parts other = parts;
  other.path = "/files/b";
  CHECK(check(other, kNow) == FileLinks::Verdict::forged);
  other = parts, other.expires = std::to_string(std::stoll(parts.expires) + 1);
  CHECK(check(other, kNow) == FileLinks::Verdict::forged);
  for (std::size_t i = 0; i < parts.signature.size(); ++i) {
    other = parts, other.signature[i] = other.signature[i] == '0' ? '1' : '0';
    CHECK(check(other, kNow) == FileLinks::Verdict::forged);
    other = parts, other.signature.resize(i);
    CHECK(check(other, kNow) == FileLinks::Verdict::forged);
  }
  CHECK(links.check("/files/a", "", "", kNow) == FileLinks::Verdict::forged);
}

TEST_CASE("another start has another key") {
  runtime::SeededRandom first(1), second(2);
  FileLinks links(first), later(second);
  const auto parts = parts_of(links.link("/files/a", kNow), "");
  CHECK(later.check(parts.path, parts.expires, parts.signature, kNow) == FileLinks::Verdict::forged);
}
