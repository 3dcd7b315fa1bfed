#include "tercet/auth/sign.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tercet/auth/verify.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::auth;

namespace {

std::string hex(const crypto::Digest& digest) {
  std::array<char, 64> text;
  return std::string(*crypto::encode_hex(digest.view(), text));
}

constexpr std::string_view kProduct = "a1B2c3D4e5F";
constexpr std::string_view kDevice = "sensor_01";
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kProductSecret = "ProductSecret01";

Triple triple() { return {{*ProductKey::parse(kProduct), *DeviceName::parse(kDevice)}, *DeviceSecret::parse(kSecret)}; }

}  // namespace

TEST_CASE("signatures equal the official examples, sets A and B") {
  struct Row {
    SignMethod method;
    std::string_view with_timestamp;
    std::string_view without;
  };
  const std::vector<Row> table{
      {SignMethod::md5, "14b198324fe55e1d3c88f2e705e201ee", "2ce7304ec0ddd548eb1492d65ac0b334"},
      {SignMethod::sha1, "fafd82a3d602b37fb0fa8b7892f24a477f851a14", "3504e4df7ce4766d30f796ee973c9ce7fc5425cb"},
      {SignMethod::sha256, "6074a46a91b1ebb2cc4ea42790ad0e80202c9843859fc292e57c4eb19fad9e57",
       "c8cb3dcb7159682438e5fd9a9c34f398e41bb8edb6f222795e307bafee151090"},
  };
  for (const Row& row : table) {
    SignInput input{.client_id = "12345", .device = "device", .product = "pk", .timestamp = "789"};
    CHECK(hex(sign(row.method, "secret", input)) == row.with_timestamp);
    input.timestamp = std::nullopt;
    CHECK(hex(sign(row.method, "secret", input)) == row.without);
  }
}

TEST_CASE("signatures equal what the vendor's SDKs send, set C") {
  const auto device = [](SignMethod method, std::string_view id, std::string_view name,
                         std::optional<std::string_view> timestamp) {
    return hex(sign(method, kSecret, {.client_id = id, .device = name, .product = kProduct, .timestamp = timestamp}));
  };
  const auto registration = [](SignMethod method) {
    return hex(sign_registration(method, kProductSecret, kDevice, kProduct, "567345"));
  };
  using enum crypto::Algorithm;
  // V1 C SDKs, V2 Node, V3 no signmethod, no timestamp
  CHECK(device(sha256, "a1B2c3D4e5F.sensor_01", kDevice, "2524608000000") ==
        "6dd0716f22a33f301fc27f8b79008e14a7ad96d1c84c3885f814d4c5acfb5f11");
  CHECK(device(sha1, "a1B2c3D4e5F&sensor_01", kDevice, "1700000000000") == "a6442b23bc726682169fc4d18bcaef2f25058579");
  CHECK(device(md5, "aabbccddeeff", kDevice, std::nullopt) == "9088ef5371c9aac7bef39307b05c8bfe");
  // V4..V6 dynamic registration
  CHECK(registration(md5) == "039180ffca478d79794e34655e5229a8");
  CHECK(registration(sha1) == "4bdc3593b89d139142fd155fe29bfa041fb82cf3");
  CHECK(registration(sha256) == "2bb1347d2277acf838a10367782e0dd287b087a067f00e93a2c247dfec7976c9");
  // V7..V9 sub-devices; C SDK 4 signs its whole client id there
  CHECK(device(sha256, "a1B2c3D4e5F.sub_01", "sub_01", "2524608000000") ==
        "c64a74e12a4e0f3de92dfd1ce60016bb8fa0f22cf38ec9c3066d3aa8021e6049");
  CHECK(device(sha256, "a1B2c3D4e5F.sub_01|_ss=1,_v=sdk-c-4.1.0|", "sub_01", "2524608000000") ==
        "a48af70dbe4505983925fc60f23091f125914a43ae5c4e6df9e2792352ec5f41");
  CHECK(device(sha1, "a1B2c3D4e5F&sub_01", "sub_01", "1700000000000") == "da3e6fd500699dec28c25fae6f41fb2969a37664");
  // V10, V11 HTTPS; V12 CoAP, where `seq` takes part; V13 the AES key of CoAP
  CHECK(device(md5, "a1B2c3D4e5F.sensor_01", kDevice, std::nullopt) == "60e0f502467d5c735a991f0051029977");
  CHECK(device(sha1, "a1B2c3D4e5F.sensor_01", kDevice, std::nullopt) == "91f578ab032703c9e3bc5a114741096de38d7517");
  CHECK(hex(crypto::hmac(md5, kSecret, "clientIda1B2c3D4e5F.sensor_01deviceNamesensor_01productKeya1B2c3D4e5Fseq10")) ==
        "576735cd147ae6babfcab9bf4faf7a05");
  const std::string key = hex(crypto::sha256("0123456789abcdef0123456789abcdef,8fe3c8d50e10c6b4"));
  CHECK(key == "c2c4b274735417fbecfcbf7fc43cb376dab26e347b4575ff7fbb9765504193ac");
  CHECK(key.substr(16, 32) == "ecfcbf7fc43cb376dab26e347b4575ff");
}

TEST_CASE("the signed text can be shown") {
  std::array<char, 128> buffer;
  CHECK(*sign_content({.client_id = "12345", .device = "device", .product = "pk", .timestamp = "789"}, buffer) ==
        "clientId12345deviceNamedeviceproductKeypktimestamp789");
  CHECK(sign_content({.client_id = "1", .device = "d", .product = "p", .timestamp = {}}, std::span(buffer).first(8))
            .error() == Error::no_space);
}

TEST_CASE("credentials of a triple are the three strings of a CONNECT") {
  const auto made = make_credentials(triple(), {.auto_subscribe = true, .ext = 1, .version = "tercet-1"});
  REQUIRE(made);
  CHECK(made->client_id.str() ==
        "a1B2c3D4e5F.sensor_01|timestamp=2524608000000,_ss=1,_v=tercet-1,securemode=2,signmethod=hmacsha256,ext=1|");
  CHECK(made->user_name.str() == "sensor_01&a1B2c3D4e5F");
  CHECK(made->password.str() == "6dd0716f22a33f301fc27f8b79008e14a7ad96d1c84c3885f814d4c5acfb5f11");
  const auto plain = make_credentials(
      triple(), {.client_id = "x", .method = SignMethod::md5, .secure_mode = SecureMode::tcp, .timestamp = {}});
  CHECK(plain->client_id.str() == "x|securemode=3,signmethod=hmacmd5|");
}

TEST_CASE("credentials always verify, and only with their secret") {
  for (const SignMethod method : {SignMethod::md5, SignMethod::sha1, SignMethod::sha256})
    for (const std::optional<std::string_view> timestamp :
         {std::optional<std::string_view>{}, std::optional<std::string_view>{"1700000000000"}}) {
      const auto made = make_credentials(triple(), {.method = method, .timestamp = timestamp});
      REQUIRE(made);
      const LoginStrings login{made->client_id.str(), made->user_name.str(), made->password.str()};
      CHECK(verify(login, kSecret, UnixMillis{1}).verdict == Verdict::official);
      CHECK(verify(login, kProductSecret, UnixMillis{1}).verdict == Verdict::wrong_password);
    }
}

TEST_CASE("client ids that would be read as something else are refused") {
  CHECK(make_credentials(triple(), {.client_id = "a|b"}).error() == Error::bad_argument);
  CHECK(make_credentials(triple(), {.client_id = std::string(65, 'a')}).error() == Error::bad_argument);
  CHECK(make_credentials(triple(), {.timestamp = "1,2"}).error() == Error::bad_argument);
  CHECK(make_credentials(triple(), {.timestamp = "12 "}).error() == Error::bad_argument);
  CHECK(make_credentials(triple(), {.version = "a|b"}).error() == Error::bad_argument);
  CHECK(make_credentials(triple(), {.version = "1,timestamp=2"}).error() == Error::bad_argument);
  CHECK(make_credentials(triple(), {.client_id = std::string("a\xE6\xB8\xA9") + std::string(62, 'a')}));
  CHECK(make_credentials(triple(), {.version = "two words"}));
  CHECK(make_credentials(triple(), {.version = std::string(300, 'v')}).error() == Error::bad_argument);
}
