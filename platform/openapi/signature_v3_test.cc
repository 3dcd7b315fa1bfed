#include "platform/openapi/signature_v3.h"

#include <doctest/doctest.h>

using namespace tercet::openapi;

namespace {

constexpr const char* kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kRegisterSignature = "a818c5c0b6c0fe11432da0572eb7d060c0aea1282adec8e011764321f3040df3";

HttpHeaders headers_of(std::string action, std::string body_hash) {
  return {{"x-acs-version", "2018-01-20"},
          {"host", "127.0.0.1:18080"},
          {"x-acs-action", std::move(action)},
          {"x-acs-content-sha256", std::move(body_hash)},
          {"x-acs-credentials-provider", "static_ak"},
          {"x-acs-date", " 2026-01-02T03:04:05Z "},
          {"x-acs-signature-nonce", "15215528852396"},
          {"user-agent", "not signed"}};
}

const std::vector<std::string_view> kSigned{
    "host",       "x-acs-action",          "x-acs-content-sha256", "x-acs-credentials-provider",
    "x-acs-date", "x-acs-signature-nonce", "x-acs-version"};

}  // namespace

TEST_CASE("signature v3 gives what the unmodified SDK gives without a body (D)") {
  const std::string canonical =
      canonical_request_v3("POST", {{"ProductKey", "a1BwAGV****"}, {"DeviceName", "light (1)!'*~ +/中"}},
                           headers_of("RegisterDevice", kEmptyHash), kSigned, sha256_hex(""));
  CHECK(canonical ==
        "POST\n/\nDeviceName=light%20%281%29%21%27%2A~%20%2B%2F%E4%B8%AD&ProductKey=a1BwAGV%2A%2A%2A%2A\n"
        "host:127.0.0.1:18080\nx-acs-action:RegisterDevice\n"
        "x-acs-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        "x-acs-credentials-provider:static_ak\nx-acs-date:2026-01-02T03:04:05Z\n"
        "x-acs-signature-nonce:15215528852396\nx-acs-version:2018-01-20\n\n"
        "host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;"
        "x-acs-version\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(canonical) == "102f1840f2b49b099ef2fbcdaf48da6acc381c7abfa1fd7001cab9c6490da1d5");
  CHECK(sign_v3("testsecret", string_to_sign_v3(canonical)) == kRegisterSignature);
  CHECK(signature_matches_v3("testsecret", string_to_sign_v3(canonical), kRegisterSignature));
  CHECK(!signature_matches_v3("testsecreT", string_to_sign_v3(canonical), kRegisterSignature));
}

TEST_CASE("signature v3 gives what the unmodified SDK gives with a form body (E)") {
  const std::string hash = sha256_hex("MessageContent=aGVsbG8%2Bd29ybGQ%3D");
  CHECK(hash == "b0713a59a5e2595a95fdf640e250804e1f1f070f9819e239c40c94030bf471e1");
  HttpHeaders headers = headers_of("Pub", hash);
  headers.emplace_back("content-type", "application/x-www-form-urlencoded");
  std::vector<std::string_view> names = kSigned;
  names.insert(names.begin(), "content-type");
  const std::string canonical = canonical_request_v3(
      "POST", {{"ProductKey", "a1BwAGV****"}, {"Qos", "1"}, {"TopicFullName", "/a1BwAGV****/light/user/get"}}, headers,
      names, hash);
  CHECK(sha256_hex(canonical) == "019fe5e541d67c25a8169308cea0779f6c88960395f8260e541d5a4e5cf54e02");
  CHECK(sign_v3("testsecret", string_to_sign_v3(canonical)) ==
        "7f89cde84ee50b20d049fd169f47ff0266723e4bc4f4725289f07c5be574284b");
}

TEST_CASE("several values of one signed header are sorted and joined") {
  const std::string canonical =
      canonical_request_v3("GET", {}, {{"x-acs-a", "2"}, {"x-acs-a", " 1"}}, {"x-acs-a"}, "hash");
  CHECK(canonical == "GET\n/\n\nx-acs-a:1,2\n\nx-acs-a\nhash");
}

TEST_CASE("the authorization header is taken apart") {
  const auto parts =
      parse_authorization_v3("ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host;x-acs-date,Signature=00ff");
  REQUIRE(parts);
  CHECK(parts->algorithm == "ACS3-HMAC-SHA256");
  CHECK(parts->credential == "testid");
  CHECK(parts->signed_headers == std::vector<std::string_view>{"host", "x-acs-date"});
  CHECK(parts->signature == "00ff");
  CHECK(parse_authorization_v3("ACS3-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")->credential == "a");
}

TEST_CASE("an authorization header without one of its parts is nothing") {
  CHECK(!parse_authorization_v3(""));
  CHECK(!parse_authorization_v3("ACS3-HMAC-SHA256"));
  CHECK(!parse_authorization_v3("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b"));
  CHECK(!parse_authorization_v3("ACS3-HMAC-SHA256 Credential=a,Signature=b"));
  CHECK(!parse_authorization_v3("ACS3-HMAC-SHA256 SignedHeaders=a,Signature=b"));
}
