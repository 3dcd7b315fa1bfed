#include "cli/openapi_client.h"

#include <doctest/doctest.h>

using namespace tercet::cli;

TEST_CASE("a request is signed as the reference vector D is") {
  const V3Request request{"127.0.0.1:18080", "RegisterDevice", "2026-01-02T03:04:05Z",
                          "15215528852396",  "testid",         "testsecret"};
  const std::string query =
      canonical_query({{"ProductKey", "a1BwAGV****"}, {"DeviceName", "light (1)!'*~ +/\xE4\xB8\xAD"}});
  CHECK(query == "DeviceName=light%20%281%29%21%27%2A~%20%2B%2F%E4%B8%AD&ProductKey=a1BwAGV%2A%2A%2A%2A");
  CHECK(authorization_v3(request, query).ends_with("a818c5c0b6c0fe11432da0572eb7d060c0aea1282adec8e011764321f3040df3"));
}

TEST_CASE("a long value travels in the form body, short ones in the query") {
  const std::string model(70'000, '{');
  const Payload payload = divide({{"ProductKey", "a1"}, {"TslStr", model}});
  CHECK(payload.query == "ProductKey=a1");
  CHECK(payload.form.size() == std::string("TslStr=").size() + 3 * model.size());
  CHECK(payload.form.starts_with("TslStr=%7B%7B"));
}

TEST_CASE("the body's type and hash are signed") {
  V3Request request{"h", "ImportThingModelTsl", "2026-01-02T03:04:05Z", "n", "id", "secret"};
  const std::string without = authorization_v3(request, "");
  request.form = "TslStr=a";
  const std::string with = authorization_v3(request, "");
  request.form = "TslStr=b";
  CHECK(without.find("SignedHeaders=host;") != std::string::npos);
  CHECK(with.find("SignedHeaders=content-type;host;") != std::string::npos);
  CHECK(with != authorization_v3(request, ""));
}

TEST_CASE("without flags, environment or ready file the remedy is named") {
  ApiAccess access;
  std::string problem;
  AccessSources sources;
  sources.ready_file = "/nonexistent/ready.json";
  CHECK(!find_access(sources, access, problem));
  CHECK(problem.find("/nonexistent/ready.json") != std::string::npos);
}

TEST_CASE("an endpoint without its keys is not filled from another platform's ready file") {
  ApiAccess access;
  std::string problem;
  AccessSources sources;
  sources.flags.url = "http://192.0.2.1:9";
  sources.ready_file = "/nonexistent/ready.json";
  CHECK(!find_access(sources, access, problem));
  CHECK(problem.find("belong together") != std::string::npos);
}

TEST_CASE("an endpoint without a scheme is explained, not tried") {
  const ApiAnswer answer = call({"127.0.0.1:8080", "id", "secret", ""}, "QueryProductList", {});
  CHECK(!answer.arrived());
  CHECK(answer.problem.find("http://") != std::string::npos);
}
