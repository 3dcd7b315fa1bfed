#include "platform/registry/http_logins.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::registry;
using auth::Cause;

namespace {

constexpr UnixMillis kWall{1'800'000'000'000};
constexpr const char* kSecret = "0123456789abcdef0123456789abcdef";

struct Heard final : broker::Journal, LoginEvents {
  void record(broker::Refusal refusal) override { refusals.push_back(std::move(refusal)); }
  void on_first_login(std::uint64_t number, UnixMillis) override { first.push_back(number); }
  void on_login(std::uint64_t, UnixMillis, const runtime::Address&) override { ++logins; }
  std::vector<broker::Refusal> refusals;
  std::vector<std::uint64_t> first;
  int logins = 0;
};

struct World {
  World() {
    auto product = std::make_shared<Product>();
    product->key = "a1Ck8X2nQPw";
    directory.put(product);
    put(kSecret);
  }
  void put(const char* secret, bool enabled = true) {
    Device device;
    device.number = 7;
    device.product = "a1Ck8X2nQPw";
    device.name = "sensor-1";
    device.secret = secret;
    device.enabled = enabled;
    directory.put(device);
  }
  HttpLogins::Login login(HttpLoginForm form) { return logins.authenticate(form, {}, wall, now); }
  HttpCode check(std::string_view token) { return logins.check(token, wall).code; }
  /// The cause of the newest refusal.
  std::string cause() { return heard.refusals.empty() ? std::string() : heard.refusals.back().cause; }

  Directory directory;
  Throttle throttle;
  Heard heard;
  HttpLogins logins{{directory, throttle, heard, heard, 5, 1}};
  UnixMillis wall = kWall;
  Instant now{Millis{1000}};
};

/// The form of the vendor's C SDKs; the signs are from Python's hmac.
HttpLoginForm form(std::string_view method = "", std::string_view sign = "3f4f3f4d44c330d0f66e8128f4bda850") {
  HttpLoginForm made{{{"productKey", "a1Ck8X2nQPw"},
                      {"deviceName", "sensor-1"},
                      {"clientId", "mySensor"},
                      {"sign", std::string(sign)},
                      {"version", "default"}}};
  if (!method.empty()) made.fields.emplace_back("signmethod", method);
  return made;
}

}  // namespace

TEST_CASE("each method of signing gives a token, which is good for seven days and fits into the vendor's C SDK") {
  struct Row {
    const char *method, *sign;
  };
  for (const Row& row :
       {Row{"", "3f4f3f4d44c330d0f66e8128f4bda850"}, Row{"hmacmd5", "3F4F3F4D44C330D0F66E8128F4BDA850"},
        Row{"hmacsha1", "aeb7a28a5ee001971499740fa122a972f09cecb5"},
        Row{"hmacsha256", "33ddd1677c9f8692ea02f83e3b6072195e689f21b6c9ccc37758c33387abcd5e"}}) {
    CAPTURE(row.method);
    World world;
    const auto login = world.login(form(row.method, row.sign));
    REQUIRE(login.code == HttpCode::success);
    CHECK(login.token.size() <= 192);
    CHECK(login.token.find_first_of("+/= \r\n") == std::string::npos);
    CHECK(names_in_token(login.token)->device == "sensor-1");
    CHECK(world.logins.check(login.token, world.wall).device->number == 7);
    world.wall.ms += Millis(HttpLogins::kTokenLife).count() - 1000;
    CHECK(world.check(login.token) == HttpCode::success);
    world.wall.ms += 1000;
    CHECK(world.check(login.token) == HttpCode::token_expired);
    CHECK(world.heard.first == std::vector<std::uint64_t>{7});
    CHECK(world.heard.logins == 1);
    CHECK(world.heard.refusals.empty());
  }
}

TEST_CASE("a timestamp is signed with the rest and must be within fifteen minutes") {
  World world;
  HttpLoginForm with = form("", "8c6d74c79808cc9ca0eb517e24e4cbb4");
  with.fields.emplace_back("timestamp", "1800000000000");
  CHECK(world.login(with).code == HttpCode::success);
  world.wall.ms = kWall.ms + Millis(HttpLogins::kWindow).count();
  CHECK(world.login(with).code == HttpCode::success);
  for (const std::int64_t off : {1, -1}) {
    world.wall.ms = kWall.ms + off * (Millis(HttpLogins::kWindow).count() + 1);
    CHECK(world.login(with).code == HttpCode::auth_check_error);
    CHECK(world.cause() == auth::code(Cause::clock_outside_window));
  }
}

TEST_CASE("what is wrong with a login is in the journal, without a secret") {
  struct Row {
    const char *field, *value;
    Cause cause;
  };
  for (const Row& row :
       {Row{"clientId", "", Cause::client_id_empty}, Row{"signmethod", "md5", Cause::client_id_bad_sign_method},
        Row{"productKey", "a1other", Cause::unknown_product}, Row{"deviceName", "nobody", Cause::unknown_device},
        Row{"clientId", "another", Cause::wrong_password}, Row{"sign", "00", Cause::wrong_password},
        Row{"sign", "", Cause::wrong_password}}) {
    CAPTURE(row.value);
    World world;
    HttpLoginForm made = form("hmacmd5");
    for (auto& [name, value] : made.fields)
      if (name == row.field) value = row.value;
    const auto login = world.login(made);
    CHECK(login.code == HttpCode::auth_check_error);
    CHECK(login.token == "");
    CHECK(world.cause() == auth::code(row.cause));
    CHECK(world.heard.refusals.back().evidence.find(kSecret) == std::string::npos);
  }
}

TEST_CASE("wrong signs make the next answer wait, and right ones are never delayed") {
  World world;
  Millis longest{0};
  for (int i = 0; i < 8; ++i) longest = std::max(longest, world.login(form("", "00")).delay);
  CHECK(longest >= Seconds{2});
  const auto right = world.login(form());
  CHECK(right.code == HttpCode::success);
  CHECK(right.delay == Millis{0});
}

TEST_CASE("a device that asks for a token again and again is told that it is too often") {
  World world;
  for (int i = 0; i < 5; ++i) CHECK(world.login(form()).code == HttpCode::success);
  CHECK(world.login(form()).code == HttpCode::too_many);
  CHECK(world.cause() == auth::code(Cause::connect_rate));
  world.now = world.now + Seconds{60};
  CHECK(world.login(form()).code == HttpCode::success);
}

TEST_CASE("a token ends with a new secret, and while its device is disabled") {
  World world;
  const auto token = world.login(form()).token;
  world.put(kSecret, false);
  CHECK(world.check(token) == HttpCode::token_check_error);
  CHECK(world.login(form()).code == HttpCode::auth_check_error);
  CHECK(world.cause() == auth::code(Cause::device_disabled));
  world.put("another-secret");
  CHECK(world.check(token) == HttpCode::token_check_error);
  world.put(kSecret);
  CHECK(world.check(token) == HttpCode::success);
  world.directory.remove_device("a1Ck8X2nQPw", "sensor-1");
  CHECK(world.check(token) == HttpCode::token_check_error);
}

TEST_CASE("a token that was changed or cut anywhere is none") {
  World world;
  const std::string token = world.login(form()).token;
  CHECK(world.check("") == HttpCode::token_null);
  for (std::size_t i = 1; i < token.size(); ++i) CHECK(world.check(token.substr(0, i)) == HttpCode::token_check_error);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(world.check(changed) == HttpCode::token_check_error);
  }
  CHECK(world.check(std::string(300, 'A')) == HttpCode::token_check_error);
  CHECK(world.check("not base64!") == HttpCode::token_check_error);
}
