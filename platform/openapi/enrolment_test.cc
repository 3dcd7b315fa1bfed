#include <doctest/doctest.h>

#include "platform/openapi/device_registration.h"
#include "platform/openapi/test_platform.h"
#include "tercet/auth/sign.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

bool succeeded(const boost::json::object& answer) { return answer.at("Success").as_bool(); }
std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

/// A platform whose product allows registration, and the port that boards ask on.
struct Bench : TestPlatform {
  DeviceRegistration handler{{loop, *registry, *journal}};
  HttpServer server{loop, handler};
  std::string product, secret;
  Bench() {
    TERCET_CHECK(
        loop.listen(host.address(8443), [this](auto stream) { server.accept(std::move(stream)); }).has_value());
    const auto made =
        call("CreateProduct", {{"ProductName", "registering"}, {"NodeType", "0"}, {"DynamicRegister", "true"}});
    product = text(made.at("Data").at("ProductKey"));
    secret = text(made.at("Data").at("ProductSecret"));
    TERCET_CHECK(succeeded(call("RegisterDevice", {{"ProductKey", product}, {"DeviceName", "sensor_01"}})));
  }
  std::string sign(const std::string& key, const std::string& device = "sensor_01") const {
    const crypto::Digest digest = auth::sign_registration(auth::SignMethod::sha256, key, device, product, "567345");
    std::string hex(2 * digest.size, '\0');
    static_cast<void>(crypto::encode_hex(digest.view(), hex));
    return hex;
  }
  std::string form(const std::string& key, const std::string& device = "sensor_01",
                   const std::string& method = "hmacsha256") const {
    return "productKey=" + product + "&deviceName=" + device + "&random=567345&sign=" + sign(key, device) +
           "&signMethod=" + method;
  }
  /// The HTTP answer to it, after at most so long.
  HttpAnswer post(const std::string& body, const std::string& method = "POST") {
    TestClient client(client_loop, host.address(8443));
    client.send(method + " /auth/register/device HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    run();
    const auto end = client.received.find("\r\n\r\n");
    HttpAnswer reply;
    if (end == std::string::npos) return reply;
    reply.status = std::stoi(client.received.substr(9, 3));
    reply.head = client.received.substr(0, end + 2);
    reply.body = client.received.substr(end + 4);
    return reply;
  }
  int code(const std::string& body) {
    const HttpAnswer answer = post(body);
    CHECK(answer.status == 200);
    return answer.status == 200 ? answer.json().at("code").to_number<int>() : 0;
  }
  std::string last_cause(const std::string& device = "sensor_01") {
    const auto found = call("QueryRefusals", {{"ProductKey", product}, {"DeviceName", device}});
    return text(found.at("Data").at("Refusal").at(0).at("Cause"));
  }
  NamedTexts device() const { return {{"ProductKey", product}, {"DeviceName", "sensor_01"}}; }
};

}  // namespace

TEST_CASE(
    "a board that signs with the ProductSecret is told its DeviceSecret, in the shape that the SDKs scan [2.10]") {
  Bench bench;
  const auto info = bench.call("QueryDeviceInfo", bench.device());
  const HttpAnswer answer = bench.post(bench.form(bench.secret));
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Length") == std::to_string(answer.body.size()));
  CHECK(answer.body == "{\"code\":200,\"data\":{\"productKey\":\"" + bench.product +
                           "\",\"deviceName\":\"sensor_01\",\"deviceSecret\":\"" +
                           text(info.at("Data").at("DeviceSecret")) + "\"},\"message\":\"success\"}");
  CHECK(bench.code(bench.form(bench.secret, "sensor_01", "HmacSHA256")) == 200);
}

TEST_CASE("each refusal over HTTPS has the cloud's code and an entry in the journal") {
  Bench bench;
  SUBCASE("460 without a random") {
    CHECK(bench.code("productKey=" + bench.product + "&deviceName=sensor_01&sign=1&signMethod=hmacsha1") == 460);
    CHECK(bench.last_cause() == "registration.incomplete");
  }
  SUBCASE("6292 another method") {
    CHECK(bench.code(bench.form(bench.secret, "sensor_01", "rsa")) == 6292);
    CHECK(bench.last_cause() == "client_id.bad_sign_method");
  }
  SUBCASE("6600 another ProductSecret") {
    CHECK(bench.code(bench.form("another")) == 6600);
    CHECK(bench.last_cause() == "registration.wrong_product_secret");
  }
  SUBCASE("6250 no such product") {
    CHECK(bench.code("productKey=a1none&deviceName=sensor_01&random=1&sign=00&signMethod=hmacsha1") == 6250);
  }
  SUBCASE("6288 the switch is off") {
    REQUIRE(succeeded(bench.call("UpdateProduct", {{"ProductKey", bench.product}, {"DynamicRegister", "false"}})));
    CHECK(!bench.call("QueryProduct", {{"ProductKey", bench.product}}).at("Data").at("DynamicRegister").as_bool());
    CHECK(bench.code(bench.form(bench.secret)) == 6288);
    CHECK(bench.last_cause() == "registration.switched_off");
  }
  SUBCASE("6100 no such device") {
    CHECK(bench.code(bench.form(bench.secret, "sensor_99")) == 6100);
    CHECK(bench.last_cause("sensor_99") == "login.unknown_device");
  }
  SUBCASE("6289 active, until a reset") {
    const auto number = bench.registry->device({{}, bench.product, "sensor_01"})->device.number;
    bench.registry->note_activated(number, UnixMillis{5});
    CHECK(bench.code(bench.form(bench.secret)) == 6289);
    CHECK(bench.last_cause() == "registration.already_active");
    REQUIRE(succeeded(bench.call("ResetThing", bench.device())));
    CHECK(bench.code(bench.form(bench.secret)) == 200);
  }
}

TEST_CASE("only POST registers") {
  Bench bench;
  const HttpAnswer answer = bench.post("", "GET");
  CHECK(answer.status == 405);
  CHECK(answer.header("Allow") == "POST");
}

TEST_CASE("a switch that is neither on nor off is refused") {
  Bench bench;
  const auto refused = bench.call("UpdateProduct", {{"ProductKey", bench.product}, {"DynamicRegister", "maybe"}});
  CHECK(text(refused.at("Code")) == "InvalidDynamicRegister");
}

TEST_CASE("the boards that registered under a name are listed, one is kept or taken away") {
  Bench bench;
  std::string first;
  for (int board = 0; board < 3; ++board) {
    const auto made = bench.registry->register_unlisted(bench.product, "a4cf1266aabb");
    REQUIRE(made);
    if (board == 0) first = made->client_id;
  }
  NamedTexts device{{"ProductKey", bench.product}, {"DeviceName", "a4cf1266aabb"}};
  const auto ids = [&] { return bench.call("QueryClientIds", device).at("Data").at("DynamicRegClientIds").as_array(); };
  REQUIRE(ids().size() == 3);
  CHECK(ids()[0].at("CreateTime").is_number());
  device.emplace_back("ClientId", "nobody");
  CHECK(text(bench.call("TransformClientId", device).at("Code")) == "tercet.register.NotExistedClientId");
  device.back().second = first;
  REQUIRE(succeeded(bench.call("TransformClientId", device)));
  REQUIRE(ids().size() == 1);
  CHECK(text(ids()[0].at("ClientId")) == first);
  device.pop_back();
  REQUIRE(succeeded(bench.call("DeleteClientIds", device)));
  CHECK(ids().empty());
}
