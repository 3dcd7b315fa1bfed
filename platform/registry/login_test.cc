#include "platform/registry/login.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "platform/registry/password.h"
#include "tercet/auth/registration.h"
#include "tercet/auth/sign.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

constexpr std::string_view kSecret = "abcdef0123456789abcdef0123456789";
constexpr UnixMillis kWall{1712345678000};

std::string hex(const crypto::Digest& digest) {
  std::string text(2 * digest.size, '\0');
  static_cast<void>(crypto::encode_hex(digest.view(), text));
  return text;
}

struct Told final : broker::Journal, LoginEvents {
  std::vector<broker::Refusal> warnings;
  std::vector<std::uint64_t> first, logins;
  bool broken = false;
  void record(broker::Refusal refusal) override { warnings.push_back(std::move(refusal)); }
  void on_first_login(std::uint64_t number, UnixMillis) override { first.push_back(number); }
  void on_login(std::uint64_t number, UnixMillis, const runtime::Address&) override {
    if (broken) throw std::runtime_error("broken on purpose");
    logins.push_back(number);
  }
};

struct TestRegistrar final : Registrar {
  std::vector<std::string> asked;
  std::vector<Done> waiting;
  void register_unlisted(std::string product, std::string device, Done done) override {
    asked.push_back(product + "/" + device);
    waiting.push_back(std::move(done));
  }
};

/// One product, two devices, one shard.
struct World {
  Directory directory;
  Throttle throttle;
  StandardUsers users{{{{"backend", hash_password("right", {.log_n = 4})}}, true}};
  Told told;
  ExaminerLimits limits;
  TestRegistrar registrar;
  LoginAuthenticator authenticator{{directory, throttle, users, told, told, &registrar}};

  // What the next attempt shows.
  std::string client_id = "a4cf12|securemode=2,signmethod=hmacsha256|";
  std::string user = "sensor_01&a1abcXYZ";
  std::string password;
  broker::LoginAttempt attempt;

  World() {
    attempt.tls = true;
    attempt.wall = kWall;
    attempt.peer.ip[10] = attempt.peer.ip[11] = 0xff;
    attempt.peer.ip[12] = 127, attempt.peer.ip[15] = 1;
    attempt.peer.port = 5000;
    put_product({});
    put_device("sensor_01", kSecret, 1);
    put_device("sensor_02", "ffffffffffffffffffffffffffffffff", 2);
    password = official(kSecret);
  }
  void put_product(std::function<void(Product&)> change) {
    auto product = std::make_shared<Product>();
    product->key = "a1abcXYZ";
    product->secret = "ProductSecret001";
    if (change) change(*product);
    directory.put(product);
  }
  void put_device(std::string name, std::string_view secret, std::uint64_t number, bool enabled = true) {
    Device device;
    device.number = number;
    device.product = "a1abcXYZ";
    device.name = std::move(name);
    device.secret = secret;
    device.enabled = enabled;
    directory.put_sibling(device.product, device.name, device.secret);
    directory.put(std::move(device));
  }
  std::string official(std::string_view secret) const {
    const auth::ClientId id = auth::parse_client_id(client_id);
    return hex(
        auth::sign(id.sign_method, secret,
                   {.client_id = id.id, .device = "sensor_01", .product = "a1abcXYZ", .timestamp = id.timestamp}));
  }
  std::string article(std::string_view timestamp) const {
    const auth::ClientId id = auth::parse_client_id(client_id);
    return hex(auth::sign_article(auth::SignMethod::sha1, kSecret, id.id, "sensor_01", "a1abcXYZ", timestamp)) +
           "&timestamp=" + std::string(timestamp) + "&signMethod=hmacSha1";
  }
  broker::Verdict login() {
    attempt.client_id = client_id;
    attempt.user_name = user;
    attempt.password = as_bytes(password);
    return authenticator.authenticate(attempt);
  }
  /// The cause of the refusal that login() must be.
  std::string refused() {
    const broker::Verdict verdict = login();
    CHECK(!verdict.accepted);
    REQUIRE(verdict.refusal);
    CHECK(verdict.refusal->code == verdict.connack_code);
    CHECK(verdict.refusal->evidence.find(kSecret) == std::string::npos);
    last_code = verdict.connack_code;
    return verdict.refusal->cause;
  }
  int last_code = 0;
};

}  // namespace

TEST_CASE("the right password lets the device in, with what its client id says") {
  World world;
  world.client_id = "a4cf12|securemode=2,signmethod=hmacsha256,timestamp=2524608000000,_ss=1,ext=3|";
  world.password = world.official(kSecret);
  const auto verdict = world.login();
  REQUIRE(verdict.accepted);
  CHECK(verdict.identity == broker::Identity{broker::Identity::Kind::device, "a1abcXYZ/sensor_01"});
  CHECK(verdict.auto_subscribe);
  CHECK(verdict.ext == 3);
  CHECK(verdict.tag == 1);
  CHECK(verdict.delay == Millis{0});
  CHECK(!verdict.refusal);
  CHECK(world.told.warnings.empty());
  CHECK(world.told.logins == std::vector<std::uint64_t>{1});
}

TEST_CASE("with the right password nothing is examined, however many logins come") {
  World world;
  for (int i = 0; i < 1000; ++i) CHECK(world.login().accepted);
  CHECK(world.authenticator.counters().accepted == 1000);
  CHECK(world.authenticator.counters().examinations == 0);
  CHECK(world.authenticator.counters().examinations_skipped == 0);
}

TEST_CASE("the first login activates the device, once") {
  World world;
  CHECK(world.login().accepted);
  CHECK(world.login().accepted);
  CHECK(world.told.first == std::vector<std::uint64_t>{1});
  CHECK(world.directory.device(1)->activated == kWall);
}

TEST_CASE("home keys are what the attempt claims, and nothing for what claims nothing") {
  World world;
  const auto key = [&](std::optional<std::string_view> user) {
    world.attempt.user_name = user;
    return world.authenticator.home_key(world.attempt);
  };
  CHECK(key("sensor_01&a1abcXYZ") == "d/a1abcXYZ/sensor_01");
  CHECK(key("anything at all&x") == "d/x/anything at all");
  CHECK(key(std::nullopt) == "");
  CHECK(key("no ampersand") == "");
  CHECK(key("a&b&c") == "");
  CHECK(key(std::string(100, 'a') + "&b") == "");
  world.attempt.policy = broker::PolicyKind::standard;
  world.attempt.client_id = "backend-1";
  CHECK(key(std::nullopt) == "c/backend-1");
  world.attempt.client_id = "";
  CHECK(key(std::nullopt) == "");
}

TEST_CASE("refusals name their cause and carry the cloud's code") {
  World world;
  world.password = "00112233";
  CHECK(world.refused() == "login.wrong_password");
  CHECK(world.last_code == 4);
  world.user = "sensor_09&a1abcXYZ";
  CHECK(world.refused() == "login.unknown_device");
  CHECK(world.last_code == 4);
  world.user = "sensor_01&a1nothing";
  CHECK(world.refused() == "login.unknown_product");
  world.user = "a1abcXYZ&sensor_01";
  CHECK(world.refused() == "user_name.swapped");
  CHECK(world.last_code == 4);
  world.user = "";
  CHECK(world.refused() == "user_name.missing");
  world.attempt.user_name.reset();
  CHECK(world.refused() == "user_name.missing");
}

TEST_CASE("defects of the client id are code 2") {
  World world;
  world.client_id = "a4cf12|securemode=2,signmethod=hmacsha512|";
  CHECK(world.refused() == "client_id.bad_sign_method");
  CHECK(world.last_code == 2);
  world.client_id = "a4cf12|securemode=2,signmethod=hmacsha256";
  CHECK(world.refused() == "client_id.cut");
  CHECK(world.last_code == 2);
  world.client_id = "|securemode=2|";
  CHECK(world.refused() == "client_id.empty");
  world.client_id = std::string(65, 'a') + "|securemode=2|";
  CHECK(world.refused() == "client_id.too_long");
  world.client_id = "a4cf12|securemode=two|";
  CHECK(world.refused() == "client_id.bad_secure_mode");
}

TEST_CASE("a disabled device is told so only with the right password") {
  World world;
  world.put_device("sensor_01", kSecret, 1, false);
  CHECK(world.refused() == "login.device_disabled");
  CHECK(world.last_code == 5);
  world.password = "wrong";
  CHECK(world.refused() == "login.wrong_password");
  CHECK(world.last_code == 4);
}

TEST_CASE("logins without a DeviceSecret are refused by name") {
  World world;
  world.client_id = "id|securemode=-2|";
  CHECK(world.refused() == "login.registration_not_offered");
  world.client_id = "id|securemode=-1,signmethod=hmacsha256|";
  CHECK(world.refused() == "login.registration_not_offered");
  world.client_id = "id|securemode=8,signmethod=hmacsha256|";
  CHECK(world.refused() == "login.id2_not_offered");
}

TEST_CASE("a wrong password is examined and the mistake named, with the others behind it") {
  World world;
  world.password = std::string(kSecret);
  CHECK(world.refused() == "sign.password_is_secret");
  world.password = world.official("ProductSecret001");
  CHECK(world.refused() == "key.is_product_secret");
  world.password = world.official("ffffffffffffffffffffffffffffffff");
  CHECK(world.refused() == "key.is_sibling_secret");
  CHECK(world.authenticator.counters().examinations == 3);
}

TEST_CASE("examinations have a budget per device and for all, and go on when it has filled up again") {
  World world;
  world.password = "wrong";
  for (int i = 0; i < 30; ++i) CHECK(!world.login().accepted);
  CHECK(world.authenticator.counters().examinations == 10);
  CHECK(world.authenticator.counters().examinations_skipped == 20);
  const auto skipped = world.login();
  CHECK(skipped.refusal->cause == "login.wrong_password");
  CHECK(skipped.refusal->evidence.find("not examined") != std::string::npos);
  world.attempt.now = world.attempt.now + Seconds{6};
  CHECK(!world.login().accepted);
  CHECK(world.authenticator.counters().examinations == 11);
  for (int i = 0; i < 100; ++i) {
    world.user = "n" + std::to_string(i) + "&a1abcXYZ";
    CHECK(!world.login().accepted);
  }
  CHECK(world.authenticator.counters().examinations <= 11 + 40);
  for (int i = 0; i < 6000; ++i) {
    world.attempt.now = world.attempt.now + Seconds{1};
    world.user = "m" + std::to_string(i) + "&a1abcXYZ";
    CHECK(world.login().refusal->cause == "login.unknown_device");
  }
}

TEST_CASE("the tutorial's login is let in, with a warning about each thing the real cloud would refuse, once an hour") {
  World world;
  world.client_id = "a4cf12|secureMode=2|";
  world.password = world.article("1712345678000");
  for (int i = 0; i < 3; ++i) CHECK(world.login().accepted);
  const std::size_t warned = world.told.warnings.size();
  CHECK(warned >= 2);
  for (const auto& warning : world.told.warnings) {
    CHECK(warning.warning);
    CHECK(warning.name == "a1abcXYZ/sensor_01");
    CHECK(warning.code == 0);
    CHECK(!warning.cause.empty());
    CHECK(auth::find_cause(warning.cause));
  }
  CHECK(world.authenticator.counters().article == 3);
  world.attempt.now = world.attempt.now + std::chrono::hours{1};
  CHECK(world.login().accepted);
  CHECK(world.told.warnings.size() == 2 * warned);
}

TEST_CASE("the tutorial's clock is held to fifteen minutes, and what is wrong with it is told from the number") {
  World world;
  world.client_id = "a4cf12|secureMode=2|";
  const auto with_clock = [&](std::string_view timestamp) {
    world.password = world.article(timestamp);
    return world.refused();
  };
  CHECK(with_clock(std::to_string(kWall.ms - 16 * 60'000)) == "clock.outside_window");
  CHECK(world.last_code == 4);
  CHECK(with_clock(std::to_string(kWall.ms + 16 * 60'000)) == "clock.outside_window");
  CHECK(with_clock("18446744072363278512") == "clock.overflow");
  CHECK(with_clock("1994041344") == "clock.overflow");
  CHECK(with_clock("1712345678") == "clock.seconds");
  CHECK(with_clock("5000") == "clock.never_set");
  CHECK(with_clock("631152000000") == "clock.never_set");
  world.password = world.article(std::to_string(kWall.ms - 14 * 60'000));
  CHECK(world.login().accepted);
}

TEST_CASE("a product can refuse the tutorial's form") {
  World world;
  world.put_product([](Product& product) { product.article_dialect = false; });
  world.client_id = "a4cf12|secureMode=2|";
  world.password = world.article("1712345678000");
  CHECK(world.refused() == "article.dialect_off");
}

TEST_CASE("the clock of an official login is let be, warned about, or enforced, as the product says") {
  World world;
  world.client_id = "a4cf12|securemode=2,signmethod=hmacsha1,timestamp=1712340000000|";
  world.password = world.official(kSecret);
  world.put_product([](Product& product) { product.clock_policy = ClockPolicy::off; });
  CHECK(world.login().accepted);
  CHECK(world.told.warnings.empty());
  world.put_product([](Product& product) { product.clock_policy = ClockPolicy::warn; });
  CHECK(world.login().accepted);
  REQUIRE(world.told.warnings.size() == 1);
  CHECK(world.told.warnings[0].cause == "clock.outside_window");
  CHECK(world.told.warnings[0].evidence.find("5678 s behind") != std::string::npos);
  world.put_product([](Product& product) { product.clock_policy = ClockPolicy::enforce; });
  CHECK(world.refused() == "clock.outside_window");
}

TEST_CASE("a securemode that contradicts the transport is let in with a warning") {
  World world;
  world.attempt.tls = false;
  CHECK(world.login().accepted);
  REQUIRE(world.told.warnings.size() == 1);
  CHECK(world.told.warnings[0].cause == "client_id.secure_mode_contradicts_transport");
  World other;
  other.client_id = "a4cf12|securemode=3,signmethod=hmacsha256|";
  other.password = other.official(kSecret);
  CHECK(other.login().accepted);
  REQUIRE(other.told.warnings.size() == 1);
  CHECK(other.told.warnings[0].evidence.find("over TLS") != std::string::npos);
}

TEST_CASE("after five bad logins the answers wait, a right one does not, and the count begins anew") {
  World world;
  const std::string right = world.password;
  world.password = "wrong";
  for (int i = 0; i < 5; ++i) CHECK(world.login().delay == Millis{0});
  CHECK(world.login().delay == Seconds{1});
  CHECK(world.login().delay == Seconds{2});
  world.password = right;
  const auto verdict = world.login();
  CHECK(verdict.accepted);
  CHECK(verdict.delay == Millis{0});
  world.password = "wrong";
  CHECK(world.login().delay == Millis{0});
}

TEST_CASE("a clock that is off is no guess and slows nobody") {
  World world;
  world.client_id = "a4cf12|secureMode=2|";
  world.password = world.article("5000");
  for (int i = 0; i < 50; ++i) CHECK(world.login().delay == Millis{0});
}

TEST_CASE("what the journal keeps of a long name, client id or extension ends with a whole character") {
  World world;
  const auto whole = [](const std::string& text) {  // as many last bytes of the character as first ones
    return std::count(text.begin(), text.end(), '\xE6') == std::count(text.begin(), text.end(), '\xA9');
  };
  std::string chinese;
  for (int i = 0; i < 200; ++i) chinese += "\xE6\xB8\xA9";
  world.client_id = chinese + "|securemode=2,signmethod=hmacsha256|";
  for (const std::string& user : {chinese, chinese + "&a1abcXYZ", "x" + chinese + "&y" + chinese}) {
    world.user = user;
    world.refused();
    const broker::Verdict verdict = world.login();
    CHECK(whole(verdict.refusal->name));
    CHECK(whole(verdict.refusal->client_id));
    CHECK(whole(verdict.refusal->evidence));
  }
}

TEST_CASE("MQTT 5 gets its own reason codes, also in the journal") {
  World world;
  world.attempt.protocol_level = 5;
  world.password = "wrong";
  auto verdict = world.login();
  CHECK(verdict.reason_code == 0x86);
  CHECK(verdict.refusal->code == 0x86);
  world.client_id = "|x|";
  CHECK(world.login().reason_code == 0x85);
  World disabled;
  disabled.attempt.protocol_level = 5;
  disabled.put_device("sensor_01", kSecret, 1, false);
  CHECK(disabled.login().reason_code == 0x87);
}

TEST_CASE("any exception is a refusal") {
  World world;
  world.told.broken = true;
  CHECK(world.refused() == "internal");
  CHECK(world.last_code == 3);
  CHECK(world.authenticator.counters().failures == 1);
}

TEST_CASE("clients of the standard policy log in by user name and password") {
  World world;
  world.attempt.policy = broker::PolicyKind::standard;
  world.client_id = "my client";
  world.user = "backend";
  world.password = "right";
  const auto verdict = world.login();
  REQUIRE(verdict.accepted);
  CHECK(verdict.identity == broker::Identity{broker::Identity::Kind::client, "my client"});
  world.password = "wrong";
  CHECK(world.refused() == "login.wrong_password");
  CHECK(world.last_code == 4);
  world.user = "nobody";
  CHECK(world.refused() == "login.wrong_password");
}

TEST_CASE("a standard user whose name is being guessed waits, and is not looked at meanwhile") {
  World world;
  world.attempt.policy = broker::PolicyKind::standard;
  world.user = "backend";
  world.password = "wrong";
  for (int i = 0; i < 6; ++i) CHECK(!world.login().accepted);
  world.password = "right";
  CHECK(world.refused() == "login.throttled");
  CHECK(world.last_code == 3);
  world.attempt.now = world.attempt.now + Seconds{1};
  CHECK(world.login().accepted);
}

TEST_CASE("a user that has proved itself is let in whatever others try in its name") {
  World world;
  world.attempt.policy = broker::PolicyKind::standard;
  world.user = "backend";
  world.password = "right";
  CHECK(world.login().accepted);
  world.password = "wrong";
  for (int i = 0; i < 7; ++i) CHECK(!world.login().accepted);
  world.password = "right";
  CHECK(world.login().accepted);
}

TEST_CASE("many unproved passwords at a time are put off") {
  World world;
  world.attempt.policy = broker::PolicyKind::standard;
  world.user = "backend";
  std::string cause;
  for (std::uint8_t i = 0; i < 20 && cause != "login.throttled"; ++i) {
    world.password = "wrong";
    world.attempt.peer.ip[15] = i;
    world.throttle.succeeded("backend");
    cause = world.refused();
  }
  CHECK(cause == "login.throttled");
}

TEST_CASE("anonymous clients come in on loopback only, and only where that is configured") {
  World world;
  world.attempt.policy = broker::PolicyKind::standard;
  const auto anonymous = [&](LoginAuthenticator& authenticator) {
    world.attempt.client_id = "x";
    world.attempt.user_name.reset();
    world.attempt.password.reset();
    return authenticator.authenticate(world.attempt);
  };
  CHECK(!anonymous(world.authenticator).accepted);  // another listener is the anonymous one
  world.attempt.anonymous = true;
  CHECK(anonymous(world.authenticator).accepted);
  StandardUsers closed{StandardPolicy{}};
  LoginAuthenticator strict({world.directory, world.throttle, closed, world.told, world.told});
  const auto refused = anonymous(strict);
  CHECK(!refused.accepted);
  CHECK(refused.connack_code == 5);
  world.attempt.peer.ip[12] = 192;
  CHECK(!anonymous(world.authenticator).accepted);
}

namespace {

constexpr std::string_view kProductSecret = "ProductSecret001";
const auto switch_on = [](Product& product) { product.dynamic_register = true; };

/// What the next attempt shows is a registration.
void ask(World& world, bool unlisted, std::string_view device = "sensor_01", std::string_view secret = kProductSecret) {
  auth::RegistrationOptions options;
  options.unlisted = unlisted;
  const auto made = auth::make_registration({*ProductKey::parse("a1abcXYZ"), *tercet::DeviceName::parse(device)},
                                            secret, "567345", options);
  REQUIRE(made);
  world.client_id = made->client_id.str();
  world.user = made->user_name.str();
  world.password = made->password.str();
}

}  // namespace

TEST_CASE("a device that is registered and not active is told its secret, and nothing of it counts as a login [2.9]") {
  World world;
  world.put_product(switch_on);
  ask(world, false);
  const auto verdict = world.login();
  REQUIRE(verdict.accepted);
  REQUIRE(verdict.handover);
  CHECK(verdict.handover->topic == "/ext/register");
  CHECK(verdict.handover->payload ==
        R"({"productKey":"a1abcXYZ","deviceName":"sensor_01","deviceSecret":")" + std::string(kSecret) + "\"}");
  CHECK(verdict.identity.name == "a1abcXYZ/sensor_01");
  CHECK(world.told.logins.empty());
  CHECK(world.directory.device(1)->activated.ms == 0);
}

TEST_CASE("a registration is refused with its own cause and the code that the cloud sends") {
  World world;
  world.put_product(switch_on);
  const auto refused = [&](std::string_view cause, int code) {
    CHECK(world.refused() == cause);
    CHECK(world.last_code == code);
  };
  ask(world, false);
  SUBCASE("without TLS") {
    world.attempt.tls = false;
    refused("registration.without_tls", 2);
  }
  SUBCASE("without random") {
    world.client_id = "x|authType=register,securemode=2,signmethod=hmacsha256|";
    refused("registration.incomplete", 2);
  }
  SUBCASE("another ProductSecret") {
    ask(world, false, "sensor_01", "ProductSecret002");
    refused("registration.wrong_product_secret", 4);
  }
  SUBCASE("signed with the DeviceSecret, which is said") {
    ask(world, false, "sensor_01", kSecret);
    const auto verdict = world.login();
    REQUIRE(verdict.refusal);
    CHECK(verdict.refusal->evidence.find("DeviceSecret of this device") != std::string::npos);
  }
  SUBCASE("the switch is off") {
    world.put_product({});
    refused("registration.switched_off", 4);
    ask(world, true);
    refused("registration.switched_off", 4);
    CHECK(world.registrar.asked.empty());
  }
  SUBCASE("no such device") {
    ask(world, false, "sensor_99");
    refused("login.unknown_device", 4);
  }
  SUBCASE("no such product") {
    world.user = "sensor_01&a1other";
    refused("login.unknown_product", 4);
  }
  SUBCASE("disabled") {
    world.put_device("sensor_01", kSecret, 1, false);
    refused("login.device_disabled", 4);
  }
  SUBCASE("active already") {
    world.directory.set_activated(1, UnixMillis{kWall.ms - 3'600'000});
    refused("registration.already_active", 4);
  }
}

TEST_CASE("after a reset an active device is told its secret once more, until it logs in") {
  World world;
  world.put_product(switch_on);
  Device device = *world.directory.device(1);
  device.activated = UnixMillis{5};
  device.reset = true;
  world.directory.put(device);
  ask(world, false);
  CHECK(world.login().accepted);
  CHECK(world.login().accepted);  // it may ask again: the answer may have been lost
  world.client_id = "a4cf12|securemode=2,signmethod=hmacsha256|";
  world.password = world.official(kSecret);
  CHECK(world.login().accepted);
  CHECK(world.told.first.size() == 1);  // so that the registry closes it too
  CHECK(world.directory.device(1)->activated.ms == 5);
  ask(world, false);
  CHECK(world.refused() == "registration.already_active");
}

TEST_CASE("guesses at the ProductSecret wait longer and longer; a right one does not") {
  World world;
  world.put_product(switch_on);
  ask(world, false, "sensor_01", "ProductSecret002");
  Millis last{0};
  for (int i = 0; i < 8; ++i) last = world.login().delay;
  CHECK(last >= Seconds{4});
  ask(world, false);
  CHECK(world.login().accepted);
}

TEST_CASE("a board without pre-registration is decided about later, and gets a client id and a token [2.9]") {
  World world;
  world.put_product(switch_on);
  ask(world, true, "a4cf1266aabb");
  auto verdict = world.login();
  CHECK(!verdict.accepted);
  REQUIRE(verdict.later);
  std::optional<broker::Verdict> decided;
  verdict.later([&](broker::Verdict later) { decided = std::move(later); });
  REQUIRE(world.registrar.asked == std::vector<std::string>{"a1abcXYZ/a4cf1266aabb"});
  CHECK(!decided);
  SUBCASE("made") {
    world.registrar.waiting[0](DeviceToken{"Sx2mNq1d", "0011aabb", {}});
    REQUIRE(decided);
    CHECK(decided->accepted);
    REQUIRE(decided->handover);
    CHECK(decided->handover->topic == "/ext/regnwl");
    CHECK(decided->handover->payload ==
          R"({"productKey":"a1abcXYZ","deviceName":"a4cf1266aabb","clientId":"Sx2mNq1d","deviceToken":"0011aabb"})");
    CHECK(world.authenticator.counters().accepted == 1);
  }
  SUBCASE("too many boards") {
    world.registrar.waiting[0](RegistryProblem{Error::bad_state, "tercet.register.TooManyTokens", "five boards"});
    REQUIRE(decided);
    CHECK(decided->connack_code == 4);
    CHECK(decided->refusal->cause == "registration.too_many");
    CHECK(decided->refusal->client_id == world.client_id);
  }
  SUBCASE("the disk is full") {
    world.registrar.waiting[0](RegistryProblem{Error::no_space, "iot.system.SystemException", "full"});
    REQUIRE(decided);
    CHECK(decided->connack_code == 3);
    CHECK(decided->refusal->cause == "registration.unavailable");
  }
}

TEST_CASE("a token lets in the client id it belongs to, and nobody else") {
  World world;
  Device device = *world.directory.device(1);
  device.enrolment = Enrolment::unlisted;
  device.tokens = std::make_shared<const std::vector<DeviceToken>>(
      std::vector<DeviceToken>{{"one", "token1", {}}, {"two", "token2", {}}});
  world.directory.put(device);
  const auto log_in = [&](std::string client_id, std::string token) {
    world.client_id = std::move(client_id);
    world.password = std::move(token);
  };
  log_in("two|authType=connwl,securemode=-2,_ss=1,ext=3,_v=sdk-c-4.2.0|", "token2");
  const auto verdict = world.login();
  REQUIRE(verdict.accepted);
  CHECK(!verdict.handover);
  CHECK(verdict.auto_subscribe);
  CHECK(world.told.first.size() == 1);
  log_in("one|authType=regnwl,securemode=-2|", "token1");  // as one edition of the documents has it
  CHECK(world.login().accepted);
  for (const auto& [id, token] : std::vector<std::pair<std::string, std::string>>{
           {"one", "token2"}, {"one", ""}, {"one", "TOKEN1"}, {"three", "token1"}}) {
    log_in(id + "|authType=connwl,securemode=-2|", token);
    CHECK(world.refused() == "login.token_unknown");
    CHECK(world.last_code == 4);
  }
  device.enabled = false;
  world.directory.put(device);
  log_in("one|authType=connwl,securemode=-2|", "token1");
  CHECK(world.refused() == "login.device_disabled");
  CHECK(world.last_code == 5);
}

TEST_CASE("while a secret is rotated both let the device in, and the journal says when the earlier one was used") {
  World world;
  Device device;
  device.number = 1;
  device.product = "a1abcXYZ";
  device.name = "sensor_01";
  device.secret = "00000000000000000000000000000000";
  device.earlier = std::make_shared<const EarlierSecret>(EarlierSecret{std::string(kSecret), {kWall.ms + 2 * 60'000}});
  world.directory.put(device);

  CHECK(world.login().accepted);
  REQUIRE(world.told.warnings.size() == 1);
  CHECK(world.told.warnings[0].cause == "login.secret_earlier");
  CHECK(world.told.warnings[0].warning);
  CHECK(world.told.warnings[0].evidence == "the earlier DeviceSecret ends in 2 minutes");
  CHECK(world.login().accepted);
  CHECK(world.told.warnings.size() == 1);  // once an hour

  world.password = world.official(device.secret);
  CHECK(world.login().accepted);
  CHECK(world.told.warnings.size() == 1);

  world.password = world.official(kSecret);
  world.attempt.wall = {kWall.ms + 5 * 60'000};
  const broker::Verdict late = world.login();
  CHECK(!late.accepted);
  CHECK(late.connack_code == 4);
  REQUIRE(late.refusal);
  CHECK(late.refusal->cause == "login.secret_ended");
  CHECK(late.refusal->evidence == "right with the earlier DeviceSecret, which ended 3 minutes ago");
  world.password = "wrong";
  CHECK(world.login().refusal->cause == "login.wrong_password");
}
