#include "tercet/auth/verify.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "tercet/auth/sign.h"
#include "tercet/crypto/encoding.h"

// Counts every allocation of this program; the test looks at the difference.
namespace {
long allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
}  // namespace
void* operator new(std::size_t size) { return counted(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }  // std::stable_sort
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

using namespace tercet;
using namespace tercet::auth;

namespace {

constexpr std::string_view kSecret = "abcdef0123456789abcdef0123456789";
constexpr std::string_view kUser = "sensor_01&a1abcXYZ";
constexpr UnixMillis kNow{1712345678000};

struct ArticleVector {
  std::string id;
  std::string password;
  UnixMillis now;
};
const std::vector<ArticleVector> kArticle{
    {"a4cf12", "2af90709aa5a6348d7bbbf5d2497e85d40229096&timestamp=1712345678000&signMethod=hmacSha1", kNow},
    {"a4cf12", "45550079b78758d01aa244d3451b21dbc57d26af&timestamp=1712345678900&signMethod=hmacSha1", kNow},
    {"a4cf12ef", "0abe592d8511b4faee3cc939f7fa4ccd02d695b3&timestamp=1712345678000&signMethod=hmacSha1", kNow},
};
const std::string kOverflowed =
    "376dbf3b7cc637b0be87948f573aeb5ba5d2e124&timestamp=18446744072363278512&signMethod=hmacSha1";

}  // namespace

TEST_CASE("the article's logins are accepted in each of its three client id forms, vectors A1 to A3") {
  for (const ArticleVector& v : kArticle) {
    const std::string form_a = v.id +
                               "|clientId=xxx, deviceName=sensor_01, productKey=a1abcXYZ, timestamp=1712345678900, "
                               "signMethod=hmacSha1, resourceOwner=true, secureMode=2, authId=sensor_01, random=1|";
    const std::string inner_a = "ID|clientId=" + v.id + ", signMethod=hmacSha1|";
    const std::string form_b = v.id + "|secureMode=2,authId=sensor_01,timestamp=1712345678900|";
    const std::string form_c = v.id + "|secureMode=2|";
    for (const std::string& client_id : {form_a, inner_a, form_b, form_c}) {
      CAPTURE(client_id);
      const LoginStrings login{client_id, kUser, v.password};
      const Verification done = verify(login, kSecret, v.now);
      CHECK(done.verdict == Verdict::article);
      CHECK(done.accepted());
      CHECK(!done.clock_differs);
      CHECK(verify(login, "another secret", v.now).verdict == Verdict::wrong_password);
      CHECK(verify(login, kSecret, v.now, {.accept_article = false}).verdict == Verdict::article_not_allowed);
    }
  }
}

TEST_CASE("an overflowed timestamp is signed consistently and only the window refuses it, vector A4") {
  const LoginStrings login{"a4cf12|secureMode=2|", kUser, kOverflowed};
  CHECK(verify(login, kSecret, kNow).verdict == Verdict::outside_window);
  CHECK(verify(login, kSecret, kNow, {.article_window = std::nullopt}).verdict == Verdict::article);
  CHECK(verify(login, kSecret, kNow, {.article_window = std::nullopt}).clock_differs);
}

TEST_CASE("the official login of the article's device is accepted, vector A5") {
  const LoginStrings login{"a4cf12|securemode=2,signmethod=hmacsha1,timestamp=1712345678000|", kUser,
                           "c538e4cd2978c496a3d53387c442a0e92598929f"};
  CHECK(verify(login, kSecret, kNow).verdict == Verdict::official);
}

TEST_CASE("the article's window is fifteen minutes either way, to the millisecond") {
  const LoginStrings login{"a4cf12|secureMode=2|", kUser, kArticle[0].password};
  const std::int64_t window = kArticleWindow.count();
  for (const int sign : {-1, 1}) {
    CHECK(verify(login, kSecret, UnixMillis{kNow.ms + sign * window}).verdict == Verdict::article);
    CHECK(verify(login, kSecret, UnixMillis{kNow.ms + sign * (window + 1)}).verdict == Verdict::outside_window);
  }
}

TEST_CASE("official timestamps are held against no clock unless the policy says so") {
  const LoginStrings login{"a4cf12|securemode=2,signmethod=hmacsha1,timestamp=1712345678000|", kUser,
                           "C538E4CD2978C496A3D53387C442A0E92598929F"};
  const UnixMillis later{kNow.ms + 86'400'000};
  const Verification lenient = verify(login, kSecret, later);
  CHECK(lenient.verdict == Verdict::official);
  CHECK(lenient.clock_differs);
  CHECK(verify(login, kSecret, later, {.official_window = kArticleWindow}).verdict == Verdict::outside_window);
  CHECK(verify(login, kSecret, kNow, {.official_window = kArticleWindow}).verdict == Verdict::official);
}

TEST_CASE("the constant of the C SDKs is no clock difference") {
  const LoginStrings login{"a1B2c3D4e5F.sensor_01|timestamp=2524608000000,signmethod=hmacsha256,securemode=2|",
                           "sensor_01&a1B2c3D4e5F", "6DD0716F22A33F301FC27F8B79008E14A7AD96D1C84C3885F814D4C5ACFB5F11"};
  const Verification done = verify(login, "0123456789abcdef0123456789abcdef", kNow);
  CHECK(done.verdict == Verdict::official);
  CHECK(!done.clock_differs);
}

TEST_CASE("what is no login with a secret, or is malformed, is told apart from a wrong password") {
  const auto verdict = [](std::string_view id, std::string_view user, std::string_view password,
                          std::string_view secret = kSecret) {
    return verify(LoginStrings{id, user, password}, secret, kNow).verdict;
  };
  CHECK(verdict("", kUser, "x") == Verdict::bad_client_id);
  CHECK(verdict("x|securemode=2", kUser, "x") == Verdict::bad_client_id);
  CHECK(verdict("x|signmethod=rsa|", kUser, "x") == Verdict::bad_client_id);
  CHECK(verdict("x", "sensor_01", "x") == Verdict::bad_user_name);
  CHECK(verdict("x|securemode=-2,authType=connwl|", kUser, "x") == Verdict::not_a_secret_login);
  CHECK(verdict("x|securemode=2,authType=register,random=1|", kUser, "x") == Verdict::not_a_secret_login);
  CHECK(verdict("x|securemode=8|", kUser, "x") == Verdict::not_a_secret_login);
  CHECK(verdict("x", kUser, "") == Verdict::wrong_password);
  CHECK(verdict("x", kUser, "00") == Verdict::wrong_password);
}

TEST_CASE("an empty secret lets nobody in, not even who signs with an empty key") {
  std::array<char, 64> hex;
  const auto digest = sign(SignMethod::md5, "", {.client_id = "x", .device = "d", .product = "p", .timestamp = {}});
  const auto password = crypto::encode_hex(digest.view(), hex);
  CHECK(verify(LoginStrings{"x", "d&p", *password}, "", kNow).verdict == Verdict::wrong_password);
}

TEST_CASE("an accepted login allocates nothing of ours") {
  const LoginStrings official{"a4cf12|securemode=2,signmethod=hmacsha1,timestamp=1712345678000|", kUser,
                              "c538e4cd2978c496a3d53387c442a0e92598929f"};
  const LoginStrings article{"a4cf12|secureMode=2|", kUser, kArticle[0].password};
  (void)verify(official, kSecret, kNow);  // the thread's first use fills the pool
  const long before = allocations;
  const bool accepted = verify(official, kSecret, kNow).accepted() && verify(article, kSecret, kNow).accepted();
  const long after = allocations;
  CHECK(accepted);
  CHECK(after == before);
}

TEST_CASE("no changed byte of a signature or its timestamp is right, except for the case of letters") {
  const std::string right = kArticle[0].password;
  for (std::size_t at = 0; at < right.find("&signMethod"); ++at)
    for (const char c : {'0', '1', 'a', 'F', 'x', '&', '\0'}) {
      std::string changed = right;
      changed[at] = c;
      if (equals_ignoring_case(changed, right)) continue;
      CHECK(!verify(LoginStrings{"a4cf12|secureMode=2|", kUser, changed}, kSecret, kNow).accepted());
    }
}
