#include <doctest/doctest.h>

#include <vector>

#include "platform/registry/login.h"
#include "platform/registry/psk_keys.h"
#include "tercet/auth/psk.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

constexpr UnixMillis kWall{1712345678000};

struct Told final : broker::Journal, LoginEvents {
  std::vector<std::uint64_t> logins;
  void record(broker::Refusal) override {}
  void on_first_login(std::uint64_t, UnixMillis) override {}
  void on_login(std::uint64_t number, UnixMillis, const runtime::Address&) override { logins.push_back(number); }
};

/// A product whose devices come with certificates, two of them, and one certificate each: "aa" and "bb".
struct World {
  Directory directory;
  Throttle throttle;
  StandardUsers users{{{}, false}};
  Told told;
  CertificateIndex index;
  LoginAuthenticator authenticator{{directory, throttle, users, told, told, nullptr, &index}};
  runtime::PeerCertificate shown{"aa", "0A", "board", {kWall.ms - 1000}, {kWall.ms + 1000}};
  broker::LoginAttempt attempt;

  World() {
    auto product = std::make_shared<Product>();
    product->key = "a1x509";
    product->secret = "ProductSecret001";
    directory.put(product);
    put("sensor_01", 1);
    put("sensor_02", 2);
    index.put("aa", {1, "a1x509", "sensor_01", false});
    index.put("bb", {2, "a1x509", "sensor_02", false});
    attempt.tls = true;
    attempt.wall = kWall;
    attempt.client_id = "|securemode=2,signmethod=hmacsha1,timestamp=2524608000000|";
    attempt.user_name = "";
    attempt.certificate = &shown;
  }
  void put(std::string name, std::uint64_t number, bool enabled = true) {
    Device device;
    device.number = number;
    device.product = "a1x509";
    device.name = std::move(name);
    device.secret = "abcdef0123456789abcdef0123456789";
    device.enabled = enabled;
    device.by_certificate = true;
    directory.put(std::move(device));
  }
  std::string refused() {
    const broker::Verdict verdict = authenticator.authenticate(attempt);
    CHECK(!verdict.accepted);
    REQUIRE(verdict.refusal);
    CHECK(verdict.connack_code == 5);
    CHECK(verdict.delay == Millis{0});
    return verdict.refusal->cause;
  }
};

}  // namespace

TEST_CASE("a certificate alone says who the device is, which is told its names") {
  World world;
  for (const std::string_view user : {"", "&"}) {
    world.attempt.user_name = user;
    CHECK(world.authenticator.home_key(world.attempt) == broker::device_key("a1x509", "sensor_01"));
    const auto verdict = world.authenticator.authenticate(world.attempt);
    REQUIRE(verdict.accepted);
    CHECK(verdict.identity.name == "a1x509/sensor_01");
    CHECK(verdict.tag == 1);
    REQUIRE(verdict.notice);
    CHECK(verdict.notice->topic == "/ext/auth/identity/response");
    CHECK(verdict.notice->payload == R"({"productKey":"a1x509","deviceName":"sensor_01"})");
  }
  world.attempt.user_name.reset();
  CHECK(world.authenticator.authenticate(world.attempt).accepted);
  CHECK(world.told.logins == std::vector<std::uint64_t>{1, 1, 1});
}

TEST_CASE("a device that knows its names says them, with whatever password, and is told nothing") {
  World world;
  world.attempt.user_name = "sensor_01&a1x509";
  world.attempt.password = as_bytes("not looked at");
  const auto verdict = world.authenticator.authenticate(world.attempt);
  REQUIRE(verdict.accepted);
  CHECK(!verdict.notice);
}

TEST_CASE("each wrong certificate is refused with its own cause") {
  World world;
  SUBCASE("none") {
    world.attempt.certificate = nullptr;
    world.attempt.user_name = "sensor_01&a1x509";
    CHECK(world.refused() == "login.certificate_missing");
  }
  SUBCASE("one that belongs to nobody") {
    world.shown.sha256 = "cc";
    CHECK(world.authenticator.home_key(world.attempt).empty());
    CHECK(world.refused() == "login.certificate_unknown");
    world.attempt.user_name = "sensor_01&a1x509";
    CHECK(world.refused() == "login.certificate_unknown");
  }
  SUBCASE("another device's") {
    world.attempt.user_name = "sensor_02&a1x509";
    CHECK(world.refused() == "login.certificate_of_another");
  }
  SUBCASE("revoked") {
    world.index.put("aa", {1, "a1x509", "sensor_01", true});
    CHECK(world.refused() == "login.certificate_revoked");
  }
  SUBCASE("expired, from the moment that it names") {
    world.attempt.wall = {world.shown.not_after.ms - 1};
    CHECK(world.authenticator.authenticate(world.attempt).accepted);
    world.attempt.wall = world.shown.not_after;
    CHECK(world.refused() == "login.certificate_not_valid_now");
  }
  SUBCASE("not valid yet") {
    world.attempt.wall = {world.shown.not_before.ms - 1};
    CHECK(world.refused() == "login.certificate_not_valid_now");
  }
  SUBCASE("of a device that was deleted and made anew under its name") {
    world.directory.remove_device("a1x509", "sensor_01");
    CHECK(world.refused() == "login.certificate_unknown");
    world.put("sensor_01", 3);
    CHECK(world.refused() == "login.certificate_unknown");
  }
  SUBCASE("of a disabled device") {
    world.put("sensor_01", 1, false);
    CHECK(world.refused() == "login.device_disabled");
  }
  CHECK(world.told.logins.size() <= 1);
}

TEST_CASE("the secret of a device that comes with a certificate opens nothing") {
  World world;
  const Device& device = *world.directory.device("a1x509", "sensor_01");
  CHECK(!device.proves(kWall, [](std::string_view) { return true; }));
  CHECK(world.directory.copy_secret("a1x509", "sensor_01").empty());
  world.attempt.certificate = nullptr;
  for (const char* client_id : {"x|securemode=2,authType=register,random=1,signmethod=hmacsha256|",
                                "x|securemode=-2,authType=connwl|", "x|securemode=2,signmethod=hmacsha256|"}) {
    world.attempt.client_id = client_id;
    world.attempt.user_name = "sensor_01&a1x509";
    CHECK(world.refused() == "login.certificate_missing");
  }
}
