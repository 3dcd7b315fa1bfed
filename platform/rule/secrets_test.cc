#include "platform/rule/secrets.h"

#include <doctest/doctest.h>

namespace tercet::rule {
namespace {

TEST_CASE("a configuration is shown without its secrets, and they stay when what was shown comes back") {
  const std::string kept =
      R"({"host":"db","password":"p1","part":{"token":"t1"},"url":"https://qyapi.weixin.qq.com/send?key=k1"})";
  const std::string shown = without_secrets(kept);
  for (const char* secret : {"p1", "t1", "k1"}) CHECK(shown.find(secret) == std::string::npos);
  CHECK(shown.find("\"host\":\"db\"") != std::string::npos);
  CHECK(with_secrets_of(shown, kept) == kept);
}

TEST_CASE("a secret that is given anew replaces the old one") {
  const std::string kept = R"({"host":"db","password":"p1"})";
  CHECK(with_secrets_of(R"({"host":"other","password":"p2"})", kept) == R"({"host":"other","password":"p2"})");
  CHECK(with_secrets_of(R"({"host":"other","password":"******"})", kept) == R"({"host":"other","password":"p1"})");
}

TEST_CASE("of a configuration that is no JSON nothing is shown") { CHECK(without_secrets("password=p1").empty()); }

}  // namespace
}  // namespace tercet::rule
