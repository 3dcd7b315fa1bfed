#include "platform/openapi/gateway.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "platform/openapi/handlers.h"
#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

std::string code_of(const HttpAnswer& answer) { return std::string(answer.json().at("Code").as_string()); }

/// A v3 request as the official SDK sends it.
std::string request_v3(TestPlatform& platform, const std::string& action, const NamedTexts& query,
                       const std::string& form, std::map<std::string, std::string> changes = {}) {
  HttpHeaders headers{{"host", "h:80"},
                      {"x-acs-action", action},
                      {"x-acs-content-sha256", sha256_hex(form)},
                      {"x-acs-credentials-provider", "static_ak"},
                      {"x-acs-date", utc_seconds(platform.loop.wall())},
                      {"x-acs-signature-nonce", std::to_string(++platform.nonces)},
                      {"x-acs-version", "2018-01-20"}};
  if (changes.contains("content-type")) headers.insert(headers.begin(), {"content-type", ""});
  for (auto& [name, value] : headers)
    if (changes.contains(name)) value = changes[name];
  std::vector<std::string_view> names;
  std::string joined;
  for (const auto& [name, value] : headers) {
    if (changes["unsigned"] == name) continue;
    names.push_back(name);
    joined.append(joined.empty() ? "" : ";").append(name);
  }
  const std::string canonical = canonical_request_v3("POST", query, headers, names, sha256_hex(form));
  std::string text = "POST //?";
  for (const auto& [name, value] : query) text.append(name).append("=").append(percent_encode(value)).append("&");
  text += " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers)
    if (changes["without"] != name) text.append(name).append(": ").append(value).append("\r\n");
  text += "Authorization: ACS3-HMAC-SHA256 Credential=" + platform.access.id + ",SignedHeaders=" + joined +
          ",Signature=" + sign_v3(platform.access.secret, string_to_sign_v3(canonical)) + "\r\n";
  if (form.empty()) return text + "Content-Length: 0\r\n\r\n";
  char size[24];
  std::snprintf(size, sizeof size, "%zx", form.size());
  return text + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\n" + form + "\r\n0\r\n\r\n";
}

}  // namespace

TEST_CASE("the table of actions is sorted and finds its rows") {
  const auto actions = all_actions();
  CHECK(
      std::is_sorted(actions.begin(), actions.end(), [](const Action& a, const Action& b) { return a.name < b.name; }));
  for (const Action& action : actions) CHECK(find_action(action.name) == &action);
  CHECK(find_action("Nothing") == nullptr);
  CHECK(find_action("") == nullptr);
}

TEST_CASE("a v1 call is answered in the format asked for, XML when none is named") {
  TestPlatform platform;
  const auto query = [&](const char* format) {
    return platform.get(platform.signed_query("QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "10"}}, "GET",
                                              {{"Format", format}}));
  };
  const HttpAnswer json = query("json");
  CHECK(json.status == 200);
  CHECK(json.header("Content-Type") == "application/json;charset=utf-8");
  CHECK(json.json().at("Success").as_bool());
  CHECK(json.json().at("RequestId").as_string().size() == 36);
  CHECK(!json.json().contains("Code"));
  for (const char* format : {"-", "XML"}) {
    const HttpAnswer xml = query(format);
    CHECK(xml.header("Content-Type") == "text/xml;charset=utf-8");
    CHECK(xml.body.find("<QueryProductListResponse><RequestId>") != std::string::npos);
    CHECK(xml.body.find("<Success>true</Success>") != std::string::npos);
  }
  const HttpAnswer other = query("yaml");
  CHECK(other.status == 400);
  CHECK(other.body.find("<Error><RequestId>") != std::string::npos);
  CHECK(other.body.find("<Code>InvalidParameter.Format</Code>") != std::string::npos);
}

TEST_CASE("v1 parameters may come in the query, in a form, or in both") {
  TestPlatform platform;
  const std::string all =
      platform.signed_query("CreateProduct", {{"ProductName", "in a form"}, {"NodeType", "0"}}, "POST");
  const HttpAnswer form = platform.exchange(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: " +
      std::to_string(all.size()) + "\r\n\r\n" + all);
  CHECK(form.json().at("Success").as_bool());
  const std::string both =
      platform.signed_query("QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "10"}}, "POST");
  const auto cut = both.find("&PageSize");
  const std::string tail = both.substr(cut + 1);
  const HttpAnswer mixed =
      platform.exchange("POST /?" + both.substr(0, cut) +
                        " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(tail.size()) + "\r\n\r\n" + tail);
  CHECK(mixed.json().at("Data").at("Total").to_number<int>() == 1);
}

TEST_CASE("a v3 call is answered in JSON, with the form body chunked and the path doubled") {
  TestPlatform platform;
  const HttpAnswer made = platform.exchange(
      request_v3(platform, "CreateProduct", {{"NodeType", "0"}}, "ProductName=" + percent_encode("产品 1")));
  REQUIRE(made.status == 200);
  CHECK(made.json().at("Data").at("ProductName").as_string() == "产品 1");
  const HttpAnswer listed =
      platform.exchange(request_v3(platform, "QueryProductList", {{"PageSize", "10"}, {"CurrentPage", "1"}}, ""));
  CHECK(listed.json().at("Data").at("List").at("ProductInfo").as_array().size() == 1);
}

TEST_CASE("every wrong v1 signature has the gateway's code and HTTP status") {
  TestPlatform platform;
  struct Row {
    std::map<std::string, std::string> changes;
    int status;
    const char* code;
  };
  const Row rows[] = {
      {{{"AccessKeyId", "-"}}, 400, "MissingAccessKeyId"},
      {{{"AccessKeyId", "nobody"}}, 404, "InvalidAccessKeyId.NotFound"},
      {{{"SignatureMethod", "HMAC-MD5"}}, 400, "InvalidSignatureMethod"},
      {{{"SignatureVersion", "-"}}, 400, "IncompleteSignature"},
      {{{"SignatureNonce", "-"}}, 400, "MissingSignatureNonce"},
      {{{"Timestamp", "-"}}, 400, "MissingTimestamp"},
      {{{"Timestamp", "2026-01-02 03:04:05"}}, 400, "InvalidTimeStamp.Format"},
      {{{"Timestamp", "2026-01-02T03:04:05Z"}}, 400, "InvalidTimeStamp.Expired"},
      {{{"SignatureNonce", std::string(129, 'n')}}, 400, "InvalidSignatureNonce"},
      {{{"Version", "2017-04-20"}}, 400, "InvalidVersion"},
      {{{"Version", "-"}}, 400, "MissingVersion"},
      {{{"Action", "-"}}, 400, "MissingAction"},
      {{{"Action", "QueryNothing"}}, 404, "InvalidApi.NotFound"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.code);
    const HttpAnswer answer = platform.get(platform.signed_query("QueryProductList", {}, "GET", row.changes));
    CHECK(answer.status == row.status);
    CHECK(code_of(answer) == row.code);
    CHECK(answer.json().at("HostId").as_string() == "h:80");
    CHECK(!answer.json().at("Message").as_string().empty());
  }
  const HttpAnswer missing = platform.get(platform.signed_query("QueryProduct", {}));
  CHECK(missing.status == 400);
  CHECK(code_of(missing) == "MissingProductKey");
  CHECK(missing.json().at("Message").as_string() == "ProductKey is mandatory for this action.");
}

TEST_CASE("a changed v1 request is refused, with the string the server signs") {
  TestPlatform platform;
  const std::string query = platform.signed_query("QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "10"}});
  const HttpAnswer answer = platform.get(query + "&PageSize=11");
  CHECK(answer.status == 400);
  CHECK(code_of(answer) == "SignatureDoesNotMatch");
  CHECK(answer.body.find("GET&%2F&") != std::string::npos);
  CHECK(platform.get(query).status == 200);
}

TEST_CASE("a recorded request cannot be sent again, but a refused one does not use up its nonce") {
  TestPlatform platform;
  const std::string query = platform.signed_query("QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "10"}});
  CHECK(code_of(platform.get(query + "&x=1")) == "SignatureDoesNotMatch");
  CHECK(platform.get(query).status == 200);
  CHECK(code_of(platform.get(query)) == "SignatureNonceUsed");
}

TEST_CASE("a timestamp from before the start is refused, for its nonce may have been used then") {
  TestPlatform platform;
  platform.run(Millis{2000});
  const NamedTexts page{{"CurrentPage", "1"}, {"PageSize", "10"}};
  const std::string before = utc_seconds({platform.loop.wall().ms - 60'000});
  const HttpAnswer refused =
      platform.get(platform.signed_query("QueryProductList", page, "GET", {{"Timestamp", before}}));
  CHECK(code_of(refused) == "InvalidTimeStamp.Expired");
  CHECK(refused.body.find("start at") != std::string::npos);
  platform.host.jump_wall(Millis{-3'600'000});  // a clock that is set right locks nobody out
  CHECK(platform.get(platform.signed_query("QueryProductList", page)).status == 200);
}

TEST_CASE("a method that no call has is refused by the gateway's code, on other addresses in plain words") {
  TestPlatform platform;
  const HttpAnswer api = platform.exchange("PUT /?Format=JSON HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  CHECK(api.status == 400);
  CHECK(code_of(api) == "UnsupportedHTTPMethod");
  for (const char* path : {"/metrics", "/console/session", "/login"}) {
    const HttpAnswer other =
        platform.exchange("DELETE " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    CHECK(other.status == 405);
    CHECK(other.header("Allow") == "GET, HEAD, POST");
  }
}

TEST_CASE("a call with thousands of parameters is refused before it is authenticated") {
  TestPlatform platform;
  const auto with_fields = [&](std::size_t fields) {
    std::string form = "Format=JSON";
    for (std::size_t i = 1; i < fields; ++i) form += "&a" + std::to_string(i) + "=1";
    return code_of(platform.exchange("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(form.size()) +
                                     "\r\n\r\n" + form));
  };
  CHECK(with_fields(kMostFields) == "MissingAccessKeyId");
  CHECK(with_fields(kMostFields + 1) == "InvalidParameter.TooMany");
  CHECK(with_fields(100'000) == "InvalidParameter.TooMany");
}

TEST_CASE("a v3 call may bring its parameters as a JSON object, a v1 call may not, for nothing signs it") {
  TestPlatform platform;
  const std::map<std::string, std::string> json{{"content-type", "application/json; charset=utf-8"}};
  const auto made = platform.exchange(
      request_v3(platform, "CreateProduct", {{"NodeType", "0"}}, R"({"ProductName":"in JSON","NodeType":7})", json));
  CHECK(made.status == 200);
  CHECK(made.json().at("Data").at("ProductName").as_string() == "in JSON");
  for (const char* body : {"[1]", "{\"a\":", R"({"a":{"b":{"c":{"d":{"e":{"f":1}}}}}})"})
    CHECK(code_of(platform.exchange(request_v3(platform, "CreateProduct", {}, body, json))) == "InvalidParameter.Body");
  const std::string query = platform.signed_query("QueryProductList", {}, "POST");
  CHECK(code_of(platform.exchange("POST /?" + query +
                                  " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: "
                                  "17\r\n\r\n{\"CurrentPage\":1}")) == "InvalidParameter.Body");
}

TEST_CASE("an answer is UTF-8 whatever bytes a name holds") {
  const Answer answer = success({{"Name", "a\xFF\xC3"}});
  CHECK(render(answer, "A", Format::json).body == "{\"Success\":true,\"Name\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\"}");
  CHECK(render(answer, "A", Format::xml).body.find("<Name>a\xEF\xBF\xBD\xEF\xBF\xBD</Name>") != std::string::npos);
}

TEST_CASE("a page beyond all numbers is refused") {
  TestPlatform platform;
  for (const char* page : {"9223372036854775807", "1000000001", "0", "-1", "x"})
    CHECK(platform.call("QueryProductList", {{"CurrentPage", page}, {"PageSize", "200"}}).at("Code").as_string() ==
          "iot.common.InvalidPageParams");
  CHECK(
      platform.call("QueryProductList", {{"CurrentPage", "1000000000"}, {"PageSize", "200"}}).at("Success").as_bool());
}

TEST_CASE("a timestamp is good for fifteen minutes either way") {
  TestPlatform platform;
  platform.run(Millis{20 * 60 * 1000});  // before the start is another matter
  const auto with_offset = [&](std::int64_t seconds) {
    return platform
        .get(platform.signed_query("QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "10"}}, "GET",
                                   {{"Timestamp", utc_seconds({platform.loop.wall().ms + seconds * 1000})}}))
        .status;
  };
  CHECK(with_offset(-14 * 60) == 200);
  CHECK(with_offset(14 * 60) == 200);
  CHECK(with_offset(-16 * 60) == 400);
  CHECK(with_offset(16 * 60) == 400);
}

TEST_CASE("a disabled access key is refused") {
  TestPlatform platform;
  REQUIRE(platform.registry->set_access_key_active(platform.access.id, false));
  const HttpAnswer answer = platform.get(platform.signed_query("QueryProductList", {}));
  CHECK(answer.status == 400);
  CHECK(code_of(answer) == "InvalidAccessKeyId.Inactive");
}

TEST_CASE("every wrong v3 signature has the gateway's code") {
  TestPlatform platform;
  struct Row {
    std::map<std::string, std::string> changes;
    const char* code;
  };
  const Row rows[] = {
      {{{"x-acs-content-sha256", sha256_hex("other")}}, "SignatureDoesNotMatch"},
      {{{"x-acs-date", "2026-01-02T03:04:05Z"}}, "InvalidTimeStamp.Expired"},
      {{{"x-acs-version", "2019-01-01"}}, "InvalidVersion"},
      {{{"x-acs-action", "Nothing"}}, "InvalidApi.NotFound"},
      {{{"unsigned", "x-acs-action"}}, "IncompleteSignature"},
      {{{"unsigned", "host"}}, "IncompleteSignature"},
      {{{"without", "x-acs-signature-nonce"}}, "IncompleteSignature"},
      {{{"without", "x-acs-credentials-provider"}}, "SignatureDoesNotMatch"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.code);
    const HttpAnswer answer = platform.exchange(
        request_v3(platform, "QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "10"}}, "", row.changes));
    CHECK(answer.status >= 400);
    CHECK(code_of(answer) == row.code);
  }
}

TEST_CASE("a bearer token is refused by name") {
  TestPlatform platform;
  const HttpAnswer answer = platform.exchange(
      "POST /?SignatureType=BEARERTOKEN&BearerToken=x&AccessKeyId=a&Format=JSON HTTP/1.1\r\nHost: h\r\nContent-Length: "
      "0\r\n\r\n");
  CHECK(answer.status == 400);
  CHECK(code_of(answer) == "UnsupportedSignatureType");
}
