#include "tercet/crypto/signature.h"

#include <doctest/doctest.h>

#include <array>
#include <string_view>

#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::crypto;

namespace {

// Made with `openssl`: keys for this test alone, and their signatures of the text `the image`.
constexpr std::string_view kEcKey =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEk/Xg6xp6M+XJkfrtJxoxk620XErsl4VEbdBrUGdTP7raPbDl9rq1TzFB5dy2pnRA"
    "XhoLobyGFgWXqpKOLZj8Fg==";
constexpr std::string_view kEcSignature =
    "MEUCIFoyHESGKJPDPjQPsQGC1GVTnZTOFy7EzhLRebBMBjBGAiEA/0mJcDErq20oyYQxWwdJgdk5v2kVOMm8MfR2fJQpuvU=";
constexpr std::string_view kRsaKey =
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArrwLrBWeJnxTwJ8rAu7Z+wEr9GbFhkwRCl+5tjChoGepJ5ICzY2sWwpA"
    "+/lVON/ntP7X/FbOI0DLbKO9mymmu4ux0cJL9tZvzuInaquQcG/3k4ov8E/pwdVe283Wo0eK3EDAbiM0HSrdVVNlMR2eZylZbdN4"
    "Y+jiFFKJ1EYD4whE4tRj63ghEJvNEvm1Uk2q7DyoCAfuORuJarntQcpFVghyYnzNjT7Xz2SwYZy2VgSeGgFe2uOjONw+DfOFEHXz"
    "701BzrzM27LZhxG44J7izril2bkH5zTgdpQUoyUfbiMWWIlQ3076ChconWZHydLi2RvHP2s+XVI5k4LGyoLbswIDAQAB";
constexpr std::string_view kRsaSignature =
    "K/2SjY8Ue58ftO7l7gnS491Ke/oKcHrHITJetB4uiTMxsc9FAjW7h79FLvOFc3xhqj3fcrk1xiZyg4Dw04aoNJOxoSonggOCWaRK"
    "5vR+y6ql//l/L6UI40js/Khcm15cgBLURmgxkVLWWLnmLNryYmMv1AvDJfg5b/0k0JZtL2hSRbW91AoKjLmstwatHTIXCjKBERDO"
    "qBnRci8dAbSDqXtt0vPgcYc4VNYCXLjolzvYSoIfGv1sU3lMCbG5eYt/ol++gblyiCpsSL96sfO3sWzu7OTjzJ4TYslBas7S1adl"
    "yLcxuWktJfLT90SMi7jjolTipQp4oUzvvpRWfTiyRg==";
constexpr std::string_view kRsa1024Key =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDfQQdDetV/diIx41LJRluKMkYwrb2iYLBCVPN+JKWDysgC9Opgu+3XvDAUso2I"
    "sEn+MuKQdNzTP0//Pf3RaHImco7LgwcfeM8gUjXHQZAm5QIkz0ab1he8KV/DWzotnck+7IFau6uLGBKmSzuechu3QBKz0qLWCvxv"
    "Ulvu7LBUfQIDAQAB";
constexpr std::string_view kEc384Key =
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEJ/nHUhMxyJDGL8xgYyocV3SgiGA9X8ysXGisPAVmFAfd5fRFw6kY1WFlRler6XHPju4W"
    "NclYDJZy5rJgft9ZtLlC+U2oTXjkPvmi7eGcGe1aGb1+/lbhp8qC8L/B2RtD";

struct Decoded {
  explicit Decoded(std::string_view base64) {
    const auto decoded = decode_base64(base64, buffer);
    REQUIRE(decoded);
    size = decoded->size();
  }
  std::array<std::uint8_t, 640> buffer{};
  std::size_t size = 0;
  MutableBytes bytes() { return MutableBytes{buffer}.first(size); }
};

Result<void> verify(Bytes key, std::string_view text, Bytes signature) {
  return verify_signature(key, sha256(text).view(), signature);
}

bool is(const Result<void>& result, Error error) { return !result && result.error() == error; }

}  // namespace

TEST_CASE("what openssl has signed is accepted, with RSA and with ECDSA") {
  CHECK(verify(Decoded{kEcKey}.bytes(), "the image", Decoded{kEcSignature}.bytes()));
  CHECK(verify(Decoded{kRsaKey}.bytes(), "the image", Decoded{kRsaSignature}.bytes()));
}

TEST_CASE("another text, another key's signature and a changed one are denied") {
  Decoded ec_key{kEcKey}, ec{kEcSignature}, rsa_key{kRsaKey}, rsa{kRsaSignature};
  CHECK(is(verify(ec_key.bytes(), "the image.", ec.bytes()), Error::denied));
  CHECK(is(verify(rsa_key.bytes(), "the image.", rsa.bytes()), Error::denied));
  CHECK(is(verify(ec_key.bytes(), "the image", rsa.bytes()), Error::denied));
  CHECK(is(verify(rsa_key.bytes(), "the image", ec.bytes()), Error::denied));
  CHECK(is(verify(rsa_key.bytes(), "the image", {}), Error::denied));
  CHECK(is(verify(ec_key.bytes(), "the image", {}), Error::denied));
  for (std::size_t at = 0; at < ec.size; at += 5) {
    ec.buffer[at] ^= 0x40;
    CHECK(is(verify(ec_key.bytes(), "the image", ec.bytes()), Error::denied));
    ec.buffer[at] ^= 0x40;
  }
  for (std::size_t at = 0; at < rsa.size; at += 37) {
    rsa.buffer[at] ^= 1;
    CHECK(is(verify(rsa_key.bytes(), "the image", rsa.bytes()), Error::denied));
    rsa.buffer[at] ^= 1;
  }
  for (std::size_t size = 0; size < ec.size; size += 7)
    CHECK(is(verify(ec_key.bytes(), "the image", ec.bytes().first(size)), Error::denied));
}

TEST_CASE("keys of other kinds, short keys and cut keys are no keys") {
  Decoded ec_key{kEcKey}, ec{kEcSignature}, rsa_key{kRsaKey}, rsa{kRsaSignature};
  CHECK(is(verify({}, "the image", ec.bytes()), Error::bad_argument));
  CHECK(is(verify(Decoded{kRsa1024Key}.bytes(), "the image", rsa.bytes()), Error::bad_argument));
  CHECK(is(verify(Decoded{kEc384Key}.bytes(), "the image", ec.bytes()), Error::bad_argument));
  for (std::size_t size = 0; size < ec_key.size; size += 9)
    CHECK(is(verify(ec_key.bytes().first(size), "the image", ec.bytes()), Error::bad_argument));
  for (std::size_t size = 0; size < rsa_key.size; size += 23)
    CHECK(is(verify(rsa_key.bytes().first(size), "the image", rsa.bytes()), Error::bad_argument));
  CHECK(is(verify_signature(ec_key.bytes(), Bytes{ec_key.bytes()}.first(20), ec.bytes()), Error::bad_argument));
}
