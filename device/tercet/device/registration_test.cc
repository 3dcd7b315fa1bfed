#include "tercet/device/registration.h"

#include <doctest/doctest.h>

#include <string_view>

#include "ports/fake/board.h"
#include "tercet/auth/sign.h"

using namespace tercet;
using namespace tercet::device;

namespace {

constexpr std::string_view kProductSecret = "ProductSecret01";
constexpr std::string_view kTold =
    R"({"productKey":"a1B2c3D4e5F","deviceName":"sensor_01","deviceSecret":"0123456789abcdef0123456789abcdef"})";
constexpr std::string_view kToken =
    R"({"productKey":"a1B2c3D4e5F","deviceName":"sensor_01","clientId":"Sx2mNq1d","deviceToken":"0011aabb"})";

DeviceId sensor() { return {*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")}; }

struct Bench {
  fake::Board board{1};
  DeviceBuffers<> buffers;
  Registration registration{board.port(), buffers.storage()};
  RegisteredIdentity identity{board.store};

  Result<void> start(bool unlisted = false) {
    RegistrationOptions options;
    options.unlisted = unlisted;
    return registration.start(sensor(), {"iot.example"}, kProductSecret, options);
  }
  void run_for(Millis span) {
    for (const Instant until = board.clock.now() + span; board.clock.now() < until; board.clock.advance(Millis{20}))
      registration.run();
  }
  /// Runs until that many CONNECTs have come.
  bool connects(std::uint32_t count) {
    for (int i = 0; i < 6000 && board.platform.connects < count; ++i) run_for(Millis{20});
    return board.platform.connects >= count;
  }
};

struct Quiet final : DeviceEvents {};

}  // namespace

TEST_CASE("a board asks with the ProductSecret, keeps its DeviceSecret, says goodbye, and logs in with it") {
  Bench bench;
  REQUIRE(bench.start());
  REQUIRE(bench.connects(1));
  auto& platform = bench.board.platform;
  CHECK(platform.client_id.str().substr(0, 29) == "sensor_01.a1B2c3D4e5F|random=");
  const std::string_view random = platform.client_id.str().substr(29, 8);
  CHECK(platform.client_id.str().substr(37) == ",authType=register,securemode=2,signmethod=hmacsha256|");
  CHECK(crypto::equals_hex(
      auth::sign_registration(auth::SignMethod::sha256, kProductSecret, "sensor_01", "a1B2c3D4e5F", random),
      platform.password.str()));
  CHECK(platform.subscribes == 0);
  CHECK(!bench.identity.has(sensor()));
  platform.push("/ext/register", kTold, mqtt::Qos::at_most_once);
  bench.run_for(Millis{200});
  CHECK(bench.registration.is_done());
  CHECK(platform.disconnects == 1);
  CHECK(bench.registration.next_deadline() <= bench.board.clock.now());  // nobody waits for what is over
  REQUIRE(bench.identity.has(sensor()));
  const auto secret = bench.identity.secret_of(sensor());
  REQUIRE(secret);
  CHECK(secret->str() == "0123456789abcdef0123456789abcdef");

  Quiet quiet;
  Device device(bench.board.port(), bench.buffers.storage(), quiet);
  Options options;
  options.login = &bench.identity;
  REQUIRE(device.start(sensor(), {"iot.example"}, options));
  for (int i = 0; i < 3000 && !device.is_online(); ++i) device.run(), bench.board.clock.advance(Millis{20});
  CHECK(device.is_online());
  const auto right = auth::make_credentials({sensor(), *secret}, {.version = options.version});
  REQUIRE(right);
  CHECK(platform.client_id.str() == right->client_id.str());
  CHECK(platform.password.str() == right->password.str());
}

TEST_CASE("a board without pre-registration keeps client id and token, and shows both") {
  Bench bench;
  REQUIRE(bench.start(true));
  REQUIRE(bench.connects(1));
  CHECK(bench.board.platform.client_id.str().find("authType=regnwl") != std::string_view::npos);
  bench.board.platform.push("/ext/regnwl", kToken, mqtt::Qos::at_least_once);
  bench.run_for(Millis{200});
  CHECK(bench.registration.is_done());
  CHECK(bench.identity.has(sensor()));
  CHECK(bench.identity.secret_of(sensor()).error() == Error::not_found);
  const auto login = bench.identity.credentials(sensor(), {.auto_subscribe = true});
  REQUIRE(login);
  CHECK(login->client_id.str() == "Sx2mNq1d|authType=connwl,securemode=-2,_ss=1|");
  CHECK(login->password.str() == "0011aabb");
}

TEST_CASE("a refused board, and one that is told nothing, tries again with another random") {
  Bench bench;
  bench.board.platform.connack = mqtt::ReasonCode::bad_user_name_or_password;
  REQUIRE(bench.start());
  REQUIRE(bench.connects(1));
  const FixedString<256> first = bench.board.platform.client_id;
  bench.board.platform.connack = mqtt::ReasonCode::success;
  REQUIRE(bench.connects(2));
  CHECK(!(bench.board.platform.client_id.str() == first.str()));
  bench.run_for(Millis{200});
  bench.board.platform.hang_up();  // after 15 s of silence
  REQUIRE(bench.connects(3));
  CHECK(!bench.registration.is_done());
  bench.board.platform.push("/ext/register", kTold, mqtt::Qos::at_most_once);
  bench.run_for(Millis{200});
  CHECK(bench.registration.is_done());
}

TEST_CASE("an answer for another device, of the other kind, or of another topic is not kept") {
  Bench bench;
  REQUIRE(bench.start());
  REQUIRE(bench.connects(1));
  auto& platform = bench.board.platform;
  platform.push("/ext/register", kToken, mqtt::Qos::at_most_once);
  platform.push("/ext/error", kTold, mqtt::Qos::at_most_once);
  platform.push("/ext/register", R"({"productKey":"a1B2c3D4e5F","deviceName":"sensor_02","deviceSecret":"s"})",
                mqtt::Qos::at_most_once);
  platform.push("/ext/register", "{", mqtt::Qos::at_most_once);
  bench.run_for(Millis{400});
  CHECK(!bench.identity.has(sensor()));
  CHECK(!bench.registration.is_done());
}

TEST_CASE("what a registration cannot begin with is refused") {
  Bench bench;
  CHECK(bench.registration.start(sensor(), {"iot.example", 1883, false}, kProductSecret).error() ==
        Error::bad_argument);
  CHECK(bench.registration.start(sensor(), {"iot.example"}, "").error() == Error::bad_argument);
  Port port = bench.board.port();
  port.store = nullptr;
  Registration registration{port, bench.buffers.storage()};
  CHECK(registration.start(sensor(), {"iot.example"}, kProductSecret).error() == Error::bad_state);
}

TEST_CASE("an identity belongs to one device, can be forgotten, and is refused when damaged") {
  Bench bench;
  RegisteredIdentity& identity = bench.identity;
  CHECK(identity.secret_of(sensor()).error() == Error::not_found);
  REQUIRE(identity.keep(sensor(), "", "secret"));
  CHECK(identity.has(sensor()));
  CHECK(!identity.has({sensor().product, *DeviceName::parse("sensor_02")}));
  REQUIRE(identity.forget());
  CHECK(!identity.has(sensor()));
  CHECK(identity.keep(sensor(), "", "").error() == Error::bad_argument);
  CHECK(identity.keep(sensor(), "a\nb", "secret").error() == Error::bad_argument);
  REQUIRE(bench.board.store.set("identity", as_bytes("a1B2c3D4e5F\nsensor_01\n\n")));
  CHECK(identity.secret_of(sensor()).error() == Error::malformed);
}
