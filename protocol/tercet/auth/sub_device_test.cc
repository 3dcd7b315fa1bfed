#include "tercet/auth/sub_device.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tercet/crypto/encoding.h"

namespace tercet::auth {
namespace {

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kPlain = "c64a74e12a4e0f3de92dfd1ce60016bb8fa0f22cf38ec9c3066d3aa8021e6049";
constexpr std::string_view kWhole = "a48af70dbe4505983925fc60f23091f125914a43ae5c4e6df9e2792352ec5f41";

TEST_CASE("a sub-device's signature is that of the vendor's C and Node SDKs") {
  const SubDeviceSignInput c{"a1B2c3D4e5F.sub_01", "sub_01", "a1B2c3D4e5F", "2524608000000"};
  CHECK(crypto::equals_hex(sign_sub_device(SignMethod::sha256, kSecret, c), kPlain));
  const SubDeviceSignInput node{"a1B2c3D4e5F&sub_01", "sub_01", "a1B2c3D4e5F", "1700000000000"};
  CHECK(
      crypto::equals_hex(sign_sub_device(SignMethod::sha1, kSecret, node), "da3e6fd500699dec28c25fae6f41fb2969a37664"));
}

TEST_CASE("fields that are not sent are not signed") {
  const auto none = sign_sub_device(SignMethod::sha1, kSecret, {{}, "sub_01", "pk", {}});
  crypto::Hmac mac{SignMethod::sha1, kSecret};
  CHECK(crypto::equals(none.view(), mac.add("deviceNamesub_01productKeypk").finish().view()));
}

TEST_CASE("a client id with its block is right signed whole or without the block") {
  const SubDeviceSignInput input{"a1B2c3D4e5F.sub_01|_ss=1,_v=sdk-c-4.1.0|", "sub_01", "a1B2c3D4e5F", "2524608000000"};
  CHECK(verify_sub_device(SignMethod::sha256, kSecret, input, kWhole));
  CHECK(verify_sub_device(SignMethod::sha256, kSecret, input, kPlain));
}

TEST_CASE("any other signature, method, secret, name or time is refused") {
  const SubDeviceSignInput right{"a1B2c3D4e5F.sub_01", "sub_01", "a1B2c3D4e5F", "2524608000000"};
  CHECK(verify_sub_device(SignMethod::sha256, kSecret, right, kPlain));
  CHECK(!verify_sub_device(SignMethod::sha256, kSecret, right, kWhole));
  CHECK(!verify_sub_device(SignMethod::sha256, kSecret, right, ""));
  CHECK(!verify_sub_device(SignMethod::sha1, kSecret, right, kPlain));
  CHECK(!verify_sub_device(SignMethod::sha256, "another", right, kPlain));
  CHECK(!verify_sub_device(SignMethod::sha256, "", right, kPlain));
  SubDeviceSignInput other = right;
  other.device = "sub_02";
  CHECK(!verify_sub_device(SignMethod::sha256, kSecret, other, kPlain));
  other = right;
  other.timestamp.reset();
  CHECK(!verify_sub_device(SignMethod::sha256, kSecret, other, kPlain));
}

TEST_CASE("an empty secret proves nothing, even signed with itself") {
  const SubDeviceSignInput input{{}, "sub_01", "pk", {}};
  std::array<char, 64> hex{};
  const auto sign = sign_sub_device(SignMethod::sha256, "", input);
  const auto text = crypto::encode_hex(sign.view(), hex);
  REQUIRE(text);
  CHECK(!verify_sub_device(SignMethod::sha256, "", input, *text));
}

}  // namespace
}  // namespace tercet::auth
