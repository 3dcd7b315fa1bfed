// What a login costs the shard: a right official one, one in the tutorial's form, and a wrong one that is examined or
// not. Prints nanoseconds each, beside one HMAC-SHA256 of the same content.
#include <chrono>
#include <cstdio>

#include "platform/registry/login.h"
#include "tercet/auth/sign.h"
#include "tercet/crypto/encoding.h"

namespace {

using namespace tercet;

constexpr std::string_view kSecret = "abcdef0123456789abcdef0123456789";
constexpr std::string_view kProduct = "a1abcXYZabc";
constexpr std::string_view kDevice = "sensor_0001";

struct Nobody final : broker::Journal, registry::LoginEvents {
  void record(broker::Refusal) override {}
  void on_first_login(std::uint64_t, UnixMillis) override {}
  void on_login(std::uint64_t, UnixMillis, const runtime::Address&) override {}
};

template <typename Work>
void measure(const char* what, int count, Work&& work) {
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) work(i);
  const double took = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began).count();
  std::printf("%-42s %8.0f ns\n", what, took / count);
}

std::string hex(const crypto::Digest& digest) {
  std::string text(2 * digest.size, '\0');
  static_cast<void>(crypto::encode_hex(digest.view(), text));
  return text;
}

}  // namespace

int main() {
  registry::Directory directory;
  auto product = std::make_shared<registry::Product>();
  product->key = kProduct;
  product->secret = "ProductSecret001";
  directory.put(product);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    registry::Device device;
    device.number = i + 1;
    device.product = kProduct;
    char name[16];
    std::snprintf(name, sizeof name, "sensor_%04u", static_cast<unsigned>(i));
    device.name = name;
    device.secret = kSecret;
    if (i < 200) directory.put_sibling(kProduct, device.name, "ffffffffffffffffffffffffffffffff");
    directory.put(std::move(device));
  }
  registry::Throttle throttle;
  registry::StandardUsers users{registry::StandardPolicy{}};
  Nobody nobody;
  registry::LoginAuthenticator authenticator({directory, throttle, users, nobody, nobody},
                                             {.burst = 1'000'000, .device_burst = 1'000'000});

  const auth::SignInput input{.client_id = "a1abcXYZabc.sensor_0001",
                              .device = kDevice,
                              .product = kProduct,
                              .timestamp = auth::kConstantTimestamp};
  const std::string right = hex(auth::sign(auth::SignMethod::sha256, kSecret, input));
  const std::string article =
      hex(auth::sign_article(auth::SignMethod::sha1, kSecret, "a4cf12", kDevice, kProduct, "1712345678000")) +
      "&timestamp=1712345678000&signMethod=hmacSha1";
  const std::string user = std::string(kDevice) + "&" + std::string(kProduct);
  broker::LoginAttempt attempt;
  attempt.user_name = user;
  attempt.tls = true;
  attempt.wall = {1712345678000};
  attempt.client_id =
      "a1abcXYZabc.sensor_0001|timestamp=2524608000000,_ss=1,_v=sdk-c-4.2.0,securemode=2,signmethod=hmacsha256,ext=3|";
  attempt.password = as_bytes(right);
  measure("HMAC-SHA256 of the content", 300'000, [&](int) { auth::sign(auth::SignMethod::sha256, kSecret, input); });
  measure("right, official", 300'000, [&](int) {
    if (!authenticator.authenticate(attempt).accepted) std::abort();
  });
  attempt.password = as_bytes("0123456789abcdef");
  measure("wrong, examined", 300, [&](int) { static_cast<void>(authenticator.authenticate(attempt)); });
  registry::LoginAuthenticator busy({directory, throttle, users, nobody, nobody}, {.burst = 0});
  measure("wrong, over the budget", 100'000, [&](int) { static_cast<void>(busy.authenticate(attempt)); });
  attempt.client_id = "a4cf12|secureMode=2|";
  attempt.password = as_bytes(article);
  measure("right, the tutorial's form", 300'000, [&](int) {
    if (!authenticator.authenticate(attempt).accepted) std::abort();
  });
  std::printf("examinations %llu\n", static_cast<unsigned long long>(authenticator.counters().examinations));
  return 0;
}
