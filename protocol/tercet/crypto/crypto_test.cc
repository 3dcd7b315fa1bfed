#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::crypto;

namespace {

std::string hex(const Digest& digest) {
  std::array<char, 64> text{};
  return std::string(*encode_hex(digest.view(), text));
}

std::string base64(std::string_view text) {
  std::array<char, 64> out{};
  return std::string(*encode_base64(as_bytes(text), out));
}

}  // namespace

TEST_CASE("keyed digests give the published values [RFC 2202, RFC 4231]") {
  const std::string what = "what do ya want for nothing?";
  CHECK(hex(hmac(Algorithm::md5, "Jefe", what)) == "750c783e6ab0b503eaa86e310a5db738");
  CHECK(hex(hmac(Algorithm::sha1, "Jefe", what)) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  CHECK(hex(hmac(Algorithm::sha256, "Jefe", what)) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string long_key(131, '\xaa');
  CHECK(hex(hmac(Algorithm::sha256, long_key, "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hex(hmac(Algorithm::sha256, "", "")) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("digests give the published values [RFC 1321, FIPS 180]") {
  CHECK(hex(md5("")) == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(hex(md5("message digest")) == "f96b697d7cb7938d525a2f31aaf161d0");
  CHECK(hex(hash(Algorithm::sha1, as_bytes("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("feeding piece by piece is the same as feeding the whole") {
  Hmac mac{Algorithm::sha256, "key"};
  mac.add("ab").add("").add("cdef");
  CHECK(hex(mac.finish()) == hex(hmac(Algorithm::sha256, "key", "abcdef")));
  Hash sum{Algorithm::md5};
  sum.add("ab").add("cdef");
  CHECK(hex(sum.finish()) == hex(md5("abcdef")));
}

TEST_CASE("a second finish gives nothing, and nothing equals nothing") {
  Hmac mac{Algorithm::md5, "key"};
  CHECK(!mac.finish().empty());
  const Digest none = mac.finish();
  CHECK(none.empty());
  CHECK(!equals(none.view(), none.view()));
  CHECK(!equals_hex(none, ""));
}

namespace {

void keep_many_open() {
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<Hmac>> open;
    for (int i = 0; i < 7; ++i) open.push_back(std::make_unique<Hmac>(Algorithm::sha1, std::to_string(i)));
    for (int i = 0; i < 7; ++i) open[i]->add("text");
    for (int i = 0; i < 7; ++i)
      if (hex(open[i]->finish()) != hex(hmac(Algorithm::sha1, std::to_string(i), "text"))) std::abort();
  }
}

}  // namespace

TEST_CASE("many digests may be under way at a time") { keep_many_open(); }

#ifdef _GLIBCXX_HAS_GTHREADS  // not on a bare target
TEST_CASE("many digests may be under way at a time, on many threads") {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(keep_many_open);
  for (auto& thread : threads) thread.join();
}
#endif

TEST_CASE("comparison sees every difference and ignores the case of hex") {
  const Digest digest = md5("x");
  const std::string good = hex(digest);
  CHECK(equals_hex(digest, good));
  std::string upper = good;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  CHECK(equals_hex(digest, upper));
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int c = 0; c < 256; ++c) {
      std::string changed = good;
      changed[i] = static_cast<char>(c);
      CHECK(equals_hex(digest, changed) == (std::tolower(c) == good[i]));
    }
  CHECK(!equals_hex(digest, good.substr(1)));
  Digest odd_and_zero;
  odd_and_zero.bytes.fill(0x10);
  odd_and_zero.size = 16;
  CHECK(equals_hex(odd_and_zero, "10101010101010101010101010101010"));
  CHECK(!equals_hex(odd_and_zero, "1010101010101010101010101010101x"));
  CHECK(!equals_hex(odd_and_zero, "x0101010101010101010101010101010"));
  CHECK(!equals_hex(digest, good + "0"));
  Digest other = digest;
  other.bytes[15] ^= 1;
  CHECK(!equals(digest.view(), other.view()));
  CHECK(equals(digest.view(), digest.view()));
  CHECK(!equals(digest.view(), digest.view().first(15)));
}

TEST_CASE("hexadecimal goes both ways in either case") {
  const std::array<std::uint8_t, 3> bytes{0x00, 0xAB, 0x7F};
  std::array<char, 6> text{};
  CHECK(*encode_hex(bytes, text) == "00ab7f");
  CHECK(*encode_hex(bytes, text, HexCase::upper) == "00AB7F");
  CHECK(encode_hex(bytes, std::span(text).first(5)).error() == Error::no_space);
  std::array<std::uint8_t, 3> back{};
  CHECK(as_text(*decode_hex("00aB7f", back)) == as_text(bytes));
  CHECK(decode_hex("0", back).error() == Error::malformed);
  CHECK(decode_hex("0g", back).error() == Error::malformed);
  CHECK(decode_hex("00112233", back).error() == Error::no_space);
}

TEST_CASE("base64 goes both ways [RFC 4648]") {
  const std::vector<std::pair<std::string, std::string>> table{{"", ""},
                                                               {"f", "Zg=="},
                                                               {"fo", "Zm8="},
                                                               {"foo", "Zm9v"},
                                                               {"foob", "Zm9vYg=="},
                                                               {"fooba", "Zm9vYmE="},
                                                               {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : table) {
    CHECK(base64(plain) == coded);
    std::array<std::uint8_t, 16> out{};
    const auto back = decode_base64(coded, out);
    REQUIRE(back);
    CHECK(as_text(*back) == plain);
  }
  std::array<std::uint8_t, 16> out{};
  for (const std::string_view bad : {"Z", "Zg=", "Zg", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zg==Zg==", "Zm9v\n"})
    CHECK(decode_base64(bad, out).error() == Error::malformed);
  CHECK(decode_base64("Zm9vYmFy", std::span(out).first(5)).error() == Error::no_space);
  std::array<char, 3> small{};
  CHECK(encode_base64(as_bytes("f"), small).error() == Error::no_space);
}
