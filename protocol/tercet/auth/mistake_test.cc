#include "tercet/auth/mistake.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tercet/auth/sign.h"
#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::auth;

namespace {

const std::string kProduct = "a1B2c3D4e5F";
const std::string kDevice = "sensor_01";
const std::string kSecret = "0123456789abcDEF0123456789abcDEF";
const std::string kProductSecret = "ProductSecret01x";
const std::string kUser = kDevice + "&" + kProduct;
const std::string kId = "a4cf12ef";
constexpr UnixMillis kNow{1700000005000};
const std::string kTime = "1700000000123";

using enum crypto::Algorithm;

Known known() {
  return {.product = {},
          .device = {},
          .device_secret = kSecret,
          .product_secret = kProductSecret,
          .siblings = [](const std::function<bool(const Sibling&)>& use) {
            for (int i = 1; i < 300; ++i) {
              const std::string name = "sensor_" + std::to_string(i);
              const std::string secret = "secret of number " + std::to_string(i);
              if (!use({name, secret})) return;
            }
          }};
}

std::string hex(const crypto::Digest& digest, crypto::HexCase letters = crypto::HexCase::lower) {
  std::array<char, 64> text;
  return std::string(*crypto::encode_hex(digest.view(), text, letters));
}
std::string mac(crypto::Algorithm algorithm, const std::string& key, const std::string& text) {
  return hex(crypto::hmac(algorithm, key, text));
}
std::string base64(std::string_view bytes) {
  std::array<char, 128> text;
  return std::string(*crypto::encode_base64(as_bytes(bytes), text));
}

/// The official client id of the test device, as its form says.
std::string client_id(const std::string& method = "hmacsha1", const std::string& timestamp = kTime) {
  return kId + "|securemode=2,signmethod=" + method + (timestamp.empty() ? "" : ",timestamp=" + timestamp) + "|";
}
std::string content(const std::string& timestamp = kTime) {
  return "clientId" + kId + "deviceName" + kDevice + "productKey" + kProduct +
         (timestamp.empty() ? "" : "timestamp" + timestamp);
}
const std::string kAmpersands = "clientId" + kId + "&deviceName" + kDevice + "&productKey" + kProduct;

struct Row {
  std::string what;
  std::string client_id;
  std::string user_name;
  std::string password;
  Cause first;
  Transport transport = Transport::tls;
};

/// Every mistake of the list, made on purpose.
std::vector<Row> seeded() {
  const std::string id = client_id();
  const std::string right = mac(sha1, kSecret, content());
  const crypto::Digest digest = crypto::hmac(sha1, kSecret, content());
  const auto signed_as = [](const std::string& text) { return mac(sha1, kSecret, text); };
  const auto keyed = [](const std::string& key) { return mac(sha1, key, content()); };
  std::string unpadded;
  for (const std::uint8_t byte : digest.view()) {
    std::array<char, 3> two;
    std::snprintf(two.data(), two.size(), "%x", byte);
    unpadded += two.data();
  }
  REQUIRE(unpadded != right);
  const std::string sibling = "secret of number 7";
  const std::string c4 = kProduct + "." + kDevice;
  return {
      {"the secret as password", id, kUser, kSecret, Cause::password_is_secret},
      {"the secret and a newline as password", id, kUser, kSecret + "\n", Cause::password_is_secret},
      {"the product secret as password", id, kUser, kProductSecret, Cause::password_is_product_secret},
      {"the text to sign as password", id, kUser, content(), Cause::password_is_content},
      {"no password", id, kUser, "", Cause::password_empty},
      {"'&' between fields", id, kUser, signed_as(kAmpersands + "&timestamp" + kTime),
       Cause::sign_ampersand_between_fields},
      {"'&' between fields, no timestamp", client_id("hmacsha1", ""), kUser, signed_as(kAmpersands),
       Cause::sign_ampersand_between_fields},
      {"'&' and '='", id, kUser,
       signed_as("clientId=" + kId + "&deviceName=" + kDevice + "&productKey=" + kProduct + "&timestamp=" + kTime),
       Cause::sign_ampersand_between_fields},
      {"'=' only", id, kUser,
       signed_as("clientId=" + kId + "deviceName=" + kDevice + "productKey=" + kProduct + "timestamp=" + kTime),
       Cause::sign_equals_between_name_and_value},
      {"commas", id, kUser,
       signed_as("clientId" + kId + ",deviceName" + kDevice + ",productKey" + kProduct + ",timestamp" + kTime),
       Cause::sign_other_separator},
      {"productKey before deviceName", id, kUser,
       signed_as("clientId" + kId + "productKey" + kProduct + "deviceName" + kDevice + "timestamp" + kTime),
       Cause::sign_order},
      {"timestamp first", id, kUser,
       signed_as("timestamp" + kTime + "clientId" + kId + "deviceName" + kDevice + "productKey" + kProduct),
       Cause::sign_order},
      {"no clientId", id, kUser, signed_as("deviceName" + kDevice + "productKey" + kProduct + "timestamp" + kTime),
       Cause::sign_field_missing},
      {"no deviceName", id, kUser, signed_as("clientId" + kId + "productKey" + kProduct + "timestamp" + kTime),
       Cause::sign_field_missing},
      {"no productKey", id, kUser, signed_as("clientId" + kId + "deviceName" + kDevice + "timestamp" + kTime),
       Cause::sign_field_missing},
      {"values without names", id, kUser, signed_as(kId + kDevice + kProduct + kTime), Cause::sign_labels_missing},
      {"names in lower case", id, kUser,
       signed_as("clientid" + kId + "devicename" + kDevice + "productkey" + kProduct + "timestamp" + kTime),
       Cause::sign_labels_case},
      {"ClientId, DeviceName, ProductKey", id, kUser,
       signed_as("ClientId" + kId + "DeviceName" + kDevice + "ProductKey" + kProduct + "Timestamp" + kTime),
       Cause::sign_labels_case},
      {"product key in lower case", id, kUser,
       signed_as("clientId" + kId + "deviceName" + kDevice + "productKeya1b2c3d4e5ftimestamp" + kTime),
       Cause::sign_names_case},
      {"securemode and signmethod signed", id, kUser,
       signed_as("clientId" + kId + "deviceName" + kDevice + "productKey" + kProduct +
                 "securemode2signmethodhmacsha1timestamp" + kTime),
       Cause::sign_extra_field},
      {"timestamp not signed", id, kUser, signed_as(content("")), Cause::sign_timestamp_missing},
      {"constant timestamp signed, none sent", client_id("hmacsha1", ""), kUser, signed_as(content("2524608000000")),
       Cause::sign_timestamp_not_in_client_id},
      {"the article's sample timestamp signed, none sent", client_id("hmacsha1", ""), kUser,
       signed_as(content("1712345678900")), Cause::sign_timestamp_not_in_client_id},
      {"the documents' sample timestamp signed, the clock sent", id, kUser, signed_as(content("789")),
       Cause::sign_timestamp_differs},
      {"clock signed, none sent", client_id("hmacsha1", ""), kUser, signed_as(content("1699999998000")),
       Cause::sign_timestamp_not_in_client_id},
      {"clock read twice", id, kUser, signed_as(content("1700000000125")), Cause::sign_timestamp_differs},
      {"clock read twice, seconds apart", id, kUser, signed_as(content("1700000002123")),
       Cause::sign_timestamp_differs},
      {"milliseconds cut off", id, kUser, signed_as(content("1700000000000")), Cause::sign_timestamp_differs},
      {"seconds signed, milliseconds sent", id, kUser, signed_as(content("1700000000")), Cause::sign_timestamp_seconds},
      {"milliseconds signed, seconds sent", client_id("hmacsha1", "1700000000"), kUser,
       signed_as(content("1700000000000")), Cause::sign_timestamp_seconds},
      {"overflow signed, milliseconds sent", client_id("hmacsha1", "1700000000000"), kUser,
       signed_as(content(std::to_string(static_cast<std::uint32_t>(1700000000000)))), Cause::sign_timestamp_overflow},
      {"negative overflow signed", client_id("hmacsha1", "1712345678000"), kUser,
       signed_as(content("18446744072363278512")), Cause::sign_timestamp_overflow},
      {"milliseconds signed, overflow sent",
       client_id("hmacsha1", std::to_string(static_cast<std::uint32_t>(1700000000000))), kUser,
       signed_as(content("1700000000000")), Cause::sign_timestamp_overflow},
      {"× in the signed text", id, kUser, signed_as(kAmpersands + "\xC3\x97tamp" + kTime), Cause::sign_times_sign},
      {"× behind the signature", kId + "|secureMode=2|", kUser,
       signed_as(kAmpersands + "&timestamp" + kTime) + "\xC3\x97tamp=" + kTime + "&signMethod=hmacSha1",
       Cause::sign_times_sign},
      {"× in both", kId + "|secureMode=2|", kUser,
       signed_as(kAmpersands + "\xC3\x97tamp" + kTime) + "\xC3\x97tamp=" + kTime + "&signMethod=hmacSha1",
       Cause::sign_times_sign},
      {"× signed in the article's form", kId + "|secureMode=2|", kUser,
       signed_as(kAmpersands + "\xC3\x97tamp" + kTime) + "&timestamp=" + kTime + "&signMethod=hmacSha1",
       Cause::sign_times_sign},
      {"the extension signed too", id, kUser,
       signed_as("clientId" + id + "deviceName" + kDevice + "productKey" + kProduct + "timestamp" + kTime),
       Cause::sign_whole_client_id},
      {"pk.dn signed, another id sent", id, kUser,
       signed_as("clientId" + c4 + "deviceName" + kDevice + "productKey" + kProduct + "timestamp" + kTime),
       Cause::sign_other_client_id},
      {"names swapped in the signed text", id, kUser,
       signed_as("clientId" + kId + "deviceName" + kProduct + "productKey" + kDevice + "timestamp" + kTime),
       Cause::sign_names_swapped},
      {"a NUL signed", id, kUser, signed_as(content() + std::string(1, '\0')), Cause::sign_trailing_character},
      {"a newline signed", id, kUser, signed_as(content() + "\n"), Cause::sign_trailing_character},
      {"sha256 made, sha1 named", id, kUser, mac(sha256, kSecret, content()), Cause::sign_method_differs},
      {"sha1 made, md5 named", client_id("hmacmd5"), kUser, right, Cause::sign_method_differs},
      {"md5 made, sha256 named", client_id("hmacsha256"), kUser, mac(md5, kSecret, content()),
       Cause::sign_method_differs},
      {"sha1 made, none named", kId + "|securemode=2,timestamp=" + kTime + "|", kUser, right,
       Cause::sign_method_missing},
      {"plain sha1 of text and secret", id, kUser, hex(crypto::hash(sha1, as_bytes(content() + kSecret))),
       Cause::sign_plain_digest},
      {"plain md5 of the text", client_id("hmacmd5"), kUser, hex(crypto::md5(content())), Cause::sign_plain_digest},
      {"key and message swapped", id, kUser, mac(sha1, content(), kSecret), Cause::sign_key_and_message_swapped},
      {"key with a newline", id, kUser, keyed(kSecret + "\n"), Cause::key_trailing_character},
      {"key with a carriage return and newline", id, kUser, keyed(kSecret + "\r\n"), Cause::key_trailing_character},
      {"key with a blank", id, kUser, keyed(kSecret + " "), Cause::key_trailing_character},
      {"key in quotes", id, kUser, keyed("\"" + kSecret + "\""), Cause::key_trailing_character},
      {"key decoded from hex", id, kUser, keyed("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"),
       Cause::key_hex_decoded},
      {"key in lower case", id, kUser, keyed("0123456789abcdef0123456789abcdef"), Cause::key_case},
      {"key one character short", id, kUser, keyed(kSecret.substr(0, 31)), Cause::key_cut},
      {"key half", id, kUser, keyed(kSecret.substr(0, 16)), Cause::key_cut},
      {"key with '&'", id, kUser, keyed(kSecret + "&"), Cause::key_ampersand_appended},
      {"empty key", id, kUser, keyed(""), Cause::key_empty},
      {"the product key as key", id, kUser, keyed(kProduct), Cause::key_is_a_name},
      {"the product secret as key", id, kUser, keyed(kProductSecret), Cause::key_is_product_secret},
      {"another device's secret", id, kUser, keyed(sibling), Cause::key_is_sibling_secret},
      {"another device's secret as password", id, kUser, sibling, Cause::password_is_secret},
      {"base64", id, kUser, base64(as_text(digest.view())), Cause::password_base64},
      {"base64 of hex", id, kUser, base64(right), Cause::password_base64_of_hex},
      {"raw bytes", id, kUser, std::string(as_text(digest.view())), Cause::password_raw_bytes},
      {"%x for %02x", id, kUser, unpadded, Cause::password_leading_zeros_lost},
      {"cut by a buffer of 32", id, kUser, right.substr(0, 31), Cause::password_cut},
      {"sha256 cut to 40", client_id("hmacsha256"), kUser, mac(sha256, kSecret, content()).substr(0, 40),
       Cause::password_cut},
      {"quotes", id, kUser, "\"" + right + "\"", Cause::password_decorated},
      {"a newline behind", id, kUser, right + "\n", Cause::password_decorated},
      {"0x in front", id, kUser, "0x" + right, Cause::password_decorated},
      {"text behind", id, kUser, right + "&signMethod=hmacSha1", Cause::password_suffix},
      {"official text with the article's suffix", id, kUser, right + "&timestamp=" + kTime + "&signMethod=hmacSha1",
       Cause::password_suffix},
      {"client id cut in a value", id.substr(0, id.size() - 5), kUser, right, Cause::client_id_cut},
      {"client id cut before signmethod", kId + "|securemode=2,sig", kUser, right, Cause::client_id_cut},
      {"client id without its closing bar", id.substr(0, id.size() - 1), kUser, right, Cause::client_id_cut},
      {"client id cut before its first bar", c4.substr(0, 15), kUser,
       mac(sha256, kSecret,
           "clientId" + c4 + "deviceName" + kDevice + "productKey" + kProduct + "timestamp2524608000000"),
       Cause::client_id_cut},
      {"client id too long", std::string(65, 'x') + "|securemode=2|", kUser, right, Cause::client_id_too_long},
      {"client id without id", "|securemode=2|", kUser, right, Cause::client_id_empty},
      {"unknown signmethod", client_id("sha512"), kUser, right, Cause::client_id_bad_sign_method},
      {"securemode in words", kId + "|securemode=tls|", kUser, right, Cause::client_id_bad_secure_mode},
      {"× in the client id", kId + "|securemode=2,signmethod=hmacsha1\xC3\x97tamp=" + kTime + "|", kUser, right,
       Cause::sign_times_sign},
      {"securemode=2 over plain TCP", id, kUser, right, Cause::secure_mode_contradicts_transport, Transport::tcp},
      {"securemode=3 over TLS", kId + "|securemode=3,signmethod=hmacsha1,timestamp=" + kTime + "|", kUser, right,
       Cause::secure_mode_contradicts_transport},
      {"names swapped in the user name", id, kProduct + "&" + kDevice, right, Cause::user_name_swapped},
      {"names swapped in both", id, kProduct + "&" + kDevice,
       signed_as("clientId" + kId + "deviceName" + kProduct + "productKey" + kDevice + "timestamp" + kTime),
       Cause::user_name_swapped},
      {"&amp; in the user name", id, kDevice + "&amp;" + kProduct, right, Cause::user_name_html_ampersand},
      {"another separator in the user name", id, kDevice + "@" + kProduct, right, Cause::user_name_separator},
      {"only the device name", id, kDevice, right, Cause::user_name_separator},
      {"half a user name", id, kDevice + "&", right, Cause::user_name_incomplete},
      {"a blank in the user name", id, kDevice + "& " + kProduct, right, Cause::user_name_blank},
      {"no user name", id, "", right, Cause::user_name_missing},
      {"the secret in the user name", id, kDevice + "&" + kProduct + "&" + kSecret, right,
       Cause::user_name_holds_secret},
      {"anything", id, kUser, "0123456789012345678901234567890123456789", Cause::wrong_password},
      {"public", id, kUser, "public", Cause::wrong_password},
      // Two at a time.
      {"'&' and sha256", id, kUser, mac(sha256, kSecret, kAmpersands + "&timestamp" + kTime),
       Cause::sign_ampersand_between_fields},
      {"'&' and whole client id", id, kUser,
       signed_as("clientId" + id + "&deviceName" + kDevice + "&productKey" + kProduct + "&timestamp" + kTime),
       Cause::sign_ampersand_between_fields},
      {"'&' and the timestamp not sent", client_id("hmacsha1", ""), kUser,
       signed_as(kAmpersands + "&timestamp2524608000000"), Cause::sign_ampersand_between_fields},
      {"'&' and a key with a newline", id, kUser, mac(sha1, kSecret + "\n", kAmpersands + "&timestamp" + kTime),
       Cause::sign_ampersand_between_fields},
      {"no timestamp and base64", id, kUser, base64(as_text(crypto::hmac(sha1, kSecret, content("")).view())),
       Cause::sign_timestamp_missing},
      {"order and no names", id, kUser, signed_as(kDevice + kId + kProduct + kTime), Cause::sign_labels_missing},
  };
}

LoginStrings strings(const Row& row) { return {row.client_id, row.user_name, row.password}; }

/// The triple's own names are known when the server or the doctor has found the device.
Known known_for(const Row& row) {
  Known made = known();
  if (row.user_name != kUser) made.product = kProduct, made.device = kDevice;
  return made;
}

}  // namespace

TEST_CASE("each seeded mistake is named first") {
  for (const Row& row : seeded()) {
    CAPTURE(row.what);
    const auto mistakes = find_mistakes(strings(row), known_for(row), row.transport, kNow);
    REQUIRE(!mistakes.empty());
    CHECK(std::string(code(mistakes[0].cause)) == std::string(code(row.first)));
    CHECK(!mistakes[0].evidence.empty());
  }
}

TEST_CASE("two mistakes are both named") {
  const auto named = [](const std::string& id, const std::string& password) {
    std::vector<Cause> causes;
    for (const Mistake& mistake : find_mistakes({id, kUser, password}, known(), Transport::tls, kNow))
      causes.push_back(mistake.cause);
    return causes;
  };
  CHECK(named(client_id(), mac(sha256, kSecret, kAmpersands + "&timestamp" + kTime)) ==
        std::vector{Cause::sign_ampersand_between_fields, Cause::sign_method_differs});
  CHECK(named(client_id("hmacsha1", ""), mac(sha1, kSecret, kAmpersands + "&timestamp1699999998000")) ==
        std::vector{Cause::wrong_password});  // a clock that nobody sent is not guessed in pairs
  CHECK(named(client_id(), mac(sha1, kSecret + "\n", kAmpersands + "&timestamp" + kTime)) ==
        std::vector{Cause::sign_ampersand_between_fields, Cause::key_trailing_character});
  CHECK(named(kId + "|securemode=3,signmethod=hmacsha1,timestamp=" + kTime + "|", mac(sha1, kSecret, content(""))) ==
        std::vector{Cause::sign_timestamp_missing, Cause::secure_mode_contradicts_transport});
}

TEST_CASE("a right login has no mistake, and costs one digest") {
  for (const std::string& password :
       {mac(sha1, kSecret, content()), hex(crypto::hmac(sha1, kSecret, content()), crypto::HexCase::upper)}) {
    const Examination done = examine({client_id(), kUser, password}, known(), Transport::tls, kNow);
    CHECK(done.mistakes.empty());
    CHECK(done.digests == 1);
  }
}

TEST_CASE("no evidence holds a secret or the password") {
  for (const Row& row : seeded()) {
    CAPTURE(row.what);
    for (const Mistake& mistake : find_mistakes(strings(row), known_for(row), row.transport, kNow)) {
      CHECK(mistake.evidence.find(kSecret) == std::string::npos);
      CHECK(mistake.evidence.find(kProductSecret) == std::string::npos);
      CHECK(mistake.evidence.find("secret of number") == std::string::npos);
      CHECK(mistake.evidence.find(mac(sha1, kSecret, content())) == std::string::npos);
      if (row.password.size() > 8 && row.first != Cause::password_is_content)
        CHECK(mistake.evidence.find(row.password) == std::string::npos);
      CHECK(mistake.evidence.size() < 1024);
    }
  }
}

TEST_CASE("the examination is bounded, whatever comes") {
  Known all = known();
  all.siblings = [](const std::function<bool(const Sibling&)>& use) {
    for (int i = 0; i < 100'000; ++i)
      if (!use({"x" + std::to_string(i), "s" + std::to_string(i)})) return;
  };
  const std::string long_id(200, '|');
  for (const std::string& password : {std::string(40, '0'), std::string(64, 'f'), std::string(33, 'a'),
                                      std::string(16, '\x80'), std::string(20, ' ')})
    for (const std::string& id : {client_id(), client_id("hmacsha1", ""), long_id, std::string()}) {
      const Examination done = examine({id, kUser, password}, all, Transport::unknown, kNow);
      CHECK(done.digests <= kMaxDigests);
      CHECK(!done.mistakes.empty());
    }
}

TEST_CASE("a NUL after the secret is no mistake: HMAC pads its key with zeros") {
  const std::string password = mac(sha1, kSecret + std::string(1, '\0'), content());
  CHECK(find_mistakes({client_id(), kUser, password}, known(), Transport::tls, kNow).empty());
}

TEST_CASE("evidence says what was received and what reproduces it") {
  const auto mistakes =
      find_mistakes({client_id(), kUser, mac(sha256, kSecret, content())}, known(), Transport::tls, kNow);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].evidence == "received: 64 hex digits, which is HMAC-SHA256(the DeviceSecret, \"" + content() +
                                    "\"); right is HMAC-SHA1(the DeviceSecret, \"" + content() + "\")");
}

TEST_CASE("an article login with a clock that is off is told what is wrong with the clock") {
  const auto named = [](const std::string& timestamp, UnixMillis now) {
    const std::string password =
        mac(sha1, kSecret, kAmpersands + "&timestamp" + timestamp) + "&timestamp=" + timestamp + "&signMethod=hmacSha1";
    const auto mistakes = find_mistakes({kId + "|secureMode=2|", kUser, password}, known(), Transport::tls, now);
    REQUIRE(!mistakes.empty());
    return mistakes[0].cause;
  };
  const std::int64_t minute = 60'000;
  CHECK(named("1712345678000", UnixMillis{1712345678000 + 16 * minute}) == Cause::clock_outside_window);
  CHECK(named("1712345678000", UnixMillis{1712345678000 - 16 * minute}) == Cause::clock_outside_window);
  CHECK(named("18446744072363278512", UnixMillis{1712345678000}) == Cause::clock_overflow);
  CHECK(named("1994041344", UnixMillis{1767225600000}) == Cause::clock_overflow);
  CHECK(named("1712345678", UnixMillis{1712345678000}) == Cause::clock_seconds);
  CHECK(named("12000", UnixMillis{1712345678000}) == Cause::clock_never_set);
  CHECK(named("1712345678000", UnixMillis{1712345678000}) == Cause::article_dialect_off);
}

TEST_CASE("an article login with a wrong secret is told so, not that it is an article login") {
  const std::string password =
      mac(sha1, kProductSecret, kAmpersands + "&timestamp" + kTime) + "&timestamp=" + kTime + "&signMethod=hmacSha1";
  const auto mistakes = find_mistakes({kId + "|secureMode=2|", kUser, password}, known(), Transport::tls, kNow);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].cause == Cause::key_is_product_secret);
}

TEST_CASE("without a secret only the form is examined") {
  const Known nothing;
  CHECK(find_mistakes({client_id(), kUser, "whatever"}, nothing, Transport::tls, kNow).empty());
  const auto mistakes = find_mistakes({kId + "|securemode=2", kUser, "whatever"}, nothing, Transport::tls, kNow);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].cause == Cause::client_id_cut);
}

TEST_CASE("a user name of an unknown device is examined by its form and by what is known") {
  const auto first = [](std::string_view user_name) {
    const auto mistakes = find_user_name_mistakes(user_name, [](std::string_view product, std::string_view device) {
      return product == kProduct && device == kDevice;
    });
    return mistakes.empty() ? std::string_view{} : code(mistakes[0].cause);
  };
  CHECK(first(kProduct + "&" + kDevice) == "user_name.swapped");
  CHECK(first("your_device_name&your_product_key") == "user_name.placeholder");
  CHECK(first("${DeviceName}&${ProductKey}") == "user_name.placeholder");
  CHECK(first("") == "user_name.missing");
  CHECK(first("dn&amp;pk") == "user_name.html_ampersand");
  CHECK(first("dn_pk") == "user_name.separator");
  CHECK(first("abc") == "user_name.separator");
  CHECK(first("&pk") == "user_name.incomplete");
  CHECK(first("dn&pk\n") == "user_name.blank");
  CHECK(first("other&product") == "");
}

TEST_CASE("what the real cloud would refuse in the article's three forms is listed, and nothing in an official login") {
  const auto codes = [](const std::string& id, const std::string& password) {
    std::string list;
    for (const Mistake& warning : what_the_real_cloud_would_refuse({id, kUser, password})) {
      CHECK(!warning.evidence.empty());
      list.append(code(warning.cause).substr(8)).append(" ");
    }
    return list;
  };
  const std::string password = std::string(40, 'a') + "&timestamp=1712345678000&signMethod=hmacSha1";
  CHECK(
      codes("ID|clientId=xxx, deviceName=sensor_01, productKey=a1abcXYZ, timestamp=1712345678900, "
            "signMethod=hmacSha1, resourceOwner=true, secureMode=2, authId=sensor_01, random=123456789|",
            password) ==
      "password_suffix ampersand_content timestamp_missing key_case blank_after_comma identity_repeated unknown_keys ");
  CHECK(codes("a4cf12|secureMode=2,authId=sensor_01,timestamp=1712345678000|", password) ==
        "password_suffix ampersand_content sign_method_missing key_case identity_repeated ");
  CHECK(codes("a4cf12|secureMode=2|", password) ==
        "password_suffix ampersand_content sign_method_missing timestamp_missing key_case ");
  CHECK(codes(client_id(), std::string(40, 'a')).empty());
  CHECK(
      codes("pk.dn|timestamp=2524608000000,_ss=1,_v=sdk-c-4.2.0,securemode=2,signmethod=hmacsha256,ext=3,_conn=tls_1|",
            std::string(64, 'a'))
          .empty());
}

TEST_CASE("pairs without a name in the client id do not upset the examination") {
  const Known known{
      .product = {}, .device = {}, .device_secret = kSecret, .product_secret = kProductSecret, .siblings = nullptr};
  for (const char* id : {"ID|=true,secureMode=2|", "ID|random=1, =x,, =|", "ID|=|"}) {
    const auto done = examine({id, kUser, std::string(40, 'a')}, known, Transport::tls, UnixMillis{1712345678000});
    CHECK(!done.mistakes.empty());
    CHECK(done.digests <= kMaxDigests);
  }
}
