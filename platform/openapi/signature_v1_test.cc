#include "platform/openapi/signature_v1.h"

#include <doctest/doctest.h>

using namespace tercet::openapi;

namespace {

constexpr const char* kName = "light (1)!'*~ +/中";

NamedTexts common(std::string action, std::string format) {
  return {{"Action", std::move(action)},        {"Version", "2018-01-20"},
          {"Format", std::move(format)},        {"AccessKeyId", "testid"},
          {"SignatureMethod", "HMAC-SHA1"},     {"SignatureVersion", "1.0"},
          {"SignatureNonce", "15215528852396"}, {"Timestamp", "2026-01-02T03:04:05Z"}};
}

NamedTexts with(NamedTexts parameters, NamedTexts more) {
  parameters.insert(parameters.end(), more.begin(), more.end());
  return parameters;
}

}  // namespace

TEST_CASE("signature v1 gives what unmodified official SDKs give") {
  struct Vector {
    const char* name;
    const char* method;
    NamedTexts parameters;
    const char* signature;
  };
  const NamedTexts named{{"DeviceName", kName}, {"ProductKey", "a1BwAGV****"}};
  const Vector vectors[] = {
      {"A: pop-core GET", "GET", with(common("RegisterDevice", "JSON"), with(named, {{"RegionId", "cn-shanghai"}})),
       "UntOV6dSelal5U9kJWnojhOdyuI="},
      {"B: pop-core POST form", "POST",
       with(common("RegisterDevice", "JSON"), with(named, {{"RegionId", "cn-shanghai"}})),
       "PZc5YNLvG4AZBL3ZaZ4TBfRU+vs="},
      {"C: an array parameter", "POST",
       with(common("BatchGetDeviceState", "JSON"),
            {{"DeviceName.1", "d1"}, {"DeviceName.2", "d 2"}, {"ProductKey", "a1"}}),
       "F8DeVO9NtIvV92Rl+Fn2YmlrD9w="},
      {"F: iot20180120 in v2 mode", "POST", with(common("RegisterDevice", "json"), named),
       "QpyrVzEOQscvfw5wXLHLOyt37s0="},
      {"G: query and form body together", "POST",
       with(common("Pub", "json"), {{"ProductKey", "a1BwAGV****"},
                                    {"Qos", "1"},
                                    {"TopicFullName", "/a1BwAGV****/light/user/get"},
                                    {"MessageContent", "aGVsbG8+d29ybGQ="}}),
       "DOQkJ0vKOPxxXilnETg4duaxwxQ="},
      {"H: the vendor's documented sample",
       "GET",
       {{"Action", "Pub"},
        {"Version", "2017-04-20"},
        {"Format", "XML"},
        {"AccessKeyId", "testid"},
        {"SignatureMethod", "HMAC-SHA1"},
        {"SignatureVersion", "1.0"},
        {"SignatureNonce", "0715a395-aedf-4a41-bab7-746b43d38d88"},
        {"Timestamp", "2017-10-02T09:39:41Z"},
        {"ServiceCode", "iot"},
        {"RegionId", "cn-shanghai"},
        {"Qos", "0"},
        {"ProductKey", "12345abcdeZ"},
        {"TopicFullName", "/productKey/testdevice/get"},
        {"MessageContent", "aGVsbG93b3JsZA="}},
       "Y9eWn4nF8QPh3c4zAFkM/k/u7eA="}};
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    const std::string text = string_to_sign_v1(vector.method, vector.parameters);
    CHECK(sign_v1("testsecret", text) == vector.signature);
    CHECK(signature_matches_v1("testsecret", text, vector.signature));
    CHECK(!signature_matches_v1("testsecret2", text, vector.signature));
  }
}

TEST_CASE("the string to sign of v1 is the documented one, whatever the order") {
  NamedTexts parameters = with(common("RegisterDevice", "JSON"),
                               {{"ProductKey", "a1BwAGV****"}, {"DeviceName", kName}, {"RegionId", "cn-shanghai"}});
  parameters.emplace_back("Signature", "left out");
  CHECK(
      string_to_sign_v1("GET", parameters) ==
      "GET&%2F&AccessKeyId%3Dtestid%26Action%3DRegisterDevice%26DeviceName%3Dlight%2520%25281%2529%2521%2527%252A~%2520"
      "%252B%252F%25E4%25B8%25AD%26Format%3DJSON%26ProductKey%3Da1BwAGV%252A%252A%252A%252A%26RegionId%3Dcn-shanghai%26"
      "SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D15215528852396%26SignatureVersion%3D1.0%26Timestamp%3D2026-01-"
      "02T03%253A04%253A05Z%26Version%3D2018-01-20");
}

TEST_CASE("a changed parameter changes the v1 signature") {
  NamedTexts parameters = common("RegisterDevice", "JSON");
  const std::string before = sign_v1("s", string_to_sign_v1("GET", parameters));
  parameters[2].second = "XML";
  CHECK(sign_v1("s", string_to_sign_v1("GET", parameters)) != before);
}
