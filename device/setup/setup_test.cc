#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "setup/dns_answer.h"
#include "setup/field.h"
#include "setup/form.h"
#include "setup/host.h"
#include "setup/page.h"
#include "setup/paste.h"

using namespace tercet;
using namespace tercet::setup;

namespace {

const std::vector<std::uint8_t> kQuestion{0x12, 0x34, 0x01, 0x00, 0,   1,   0,   0,   0,   0, 0, 0, 3, 'w', 'w',
                                          'w',  7,    'e',  'x',  'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1};

}  // namespace

TEST_CASE("values that cannot be right are refused before they are stored") {
  const struct {
    const char *key, *good, *bad;
  } table[] = {{"wifi_pass", "12345678", "1234567"},
               {"wifi_ssid", "家里的网络", "一个比三十二个字节更长的网络名称"},
               {"pk", "a1B2c3D4e5F", "a1B2 c3D4"},
               {"dn", "sensor_01", "sensor 01"},
               {"ds", "0123456789abcdef", "tab\there"},
               {"host", "192.168.1.2", "http://192.168.1.2"},
               {"port", "8883", "65536"},
               {"port", "1", "0"},
               {"port", "443", "443x"},
               {"ca", "pin-sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF", "pin-sha256:01"}};
  for (const auto& row : table) {
    CAPTURE(row.key);
    CHECK(check(row.key, row.good));
    CHECK(check(row.key, row.bad).error() == Error::malformed);
    CHECK(check(row.key, ""));
  }
  CHECK(check("wifi_ssid", std::string(33, 'x')).error() == Error::malformed);
  CHECK(check("wifi_pass", std::string(64, 'x')).error() == Error::malformed);
  CHECK(check("wifi_pass", std::string(64, 'a')));
  CHECK(check("unheard_of", "x").error() == Error::not_found);
}

TEST_CASE("secrets are known as such") {
  for (const Field& field : fields()) {
    const std::string_view key = field.key;
    CHECK(field.is_secret == (key == "ds" || key == "wifi_pass"));
  }
}

TEST_CASE("a form's values are decoded, whatever their order") {
  std::array<std::uint8_t, 32> into{};
  constexpr std::string_view kBody = "wifi_ssid=My+%E7%BD%91%26%3D&wifi_pass=&pk=+a1B2c3D4e5F%0D%0A&bare";
  CHECK(*form_value(kBody, "wifi_ssid", into) == "My 网&=");
  CHECK(form_value(kBody, "wifi_pass", into)->empty());
  CHECK(*form_value(kBody, "pk", into) == " a1B2c3D4e5F\r\n");
  CHECK(form_value(kBody, "bare", into)->empty());
  CHECK(form_value(kBody, "ssid", into).error() == Error::not_found);
  CHECK(form_value("", "pk", into).error() == Error::not_found);
}

TEST_CASE("a network given without a password is an open one; other fields left empty stay as they are") {
  std::array<std::uint8_t, 160> into{};
  const Field &network = *find_field("wifi_ssid"), &password = *find_field("wifi_pass"), &secret = *find_field("ds");
  const auto removed = change_of("wifi_ssid=cafe&wifi_pass=&ds=", password, into);
  REQUIRE((removed && *removed));
  CHECK((*removed)->empty());
  for (const char* body : {"wifi_ssid=&wifi_pass=&ds=++", "wifi_pass=&ds=", "wifi_ssid=cafe", "pk=a1B2c3D4e5F"}) {
    CAPTURE(body);
    const auto kept = change_of(body, password, into), same = change_of(body, secret, into);
    CHECK((kept && !*kept));
    CHECK((same && !*same));
  }
  CHECK(**change_of("wifi_ssid=cafe&wifi_pass=", network, into) == "cafe");
  CHECK(**change_of("wifi_ssid=home&wifi_pass=12345678", password, into) == "12345678");
  CHECK(change_of("wifi_ssid=%zz&wifi_pass=", password, into).error() == Error::malformed);
  CHECK(change_of("ds=%zz", secret, into).error() == Error::malformed);
  CHECK(page().find("the old password is removed") != std::string_view::npos);
  CHECK(page().find("原密码删除") != std::string_view::npos);
}

TEST_CASE("blanks around a Wi-Fi name or password belong to it, those around other values do not") {
  std::array<std::uint8_t, 160> into{};
  constexpr std::string_view kBody = "wifi_ssid=+My+net+&wifi_pass=+12345678+&pk=+a1B2c3D4e5F%0D%0A";
  CHECK(**change_of(kBody, *find_field("wifi_ssid"), into) == " My net ");
  CHECK(**change_of(kBody, *find_field("wifi_pass"), into) == " 12345678 ");
  CHECK(**change_of(kBody, *find_field("pk"), into) == "a1B2c3D4e5F");
}

TEST_CASE("a broken escape and a value that is too long are refused") {
  std::array<std::uint8_t, 4> into{};
  for (const char* body : {"a=%", "a=%2", "a=%zz", "a=xx%2"})
    CHECK(form_value(body, "a", into).error() == Error::malformed);
  CHECK(form_value("a=12345", "a", into).error() == Error::no_space);
  CHECK(*form_value("a=%31%32%33%34", "a", into) == "1234");
}

TEST_CASE("every name leads to the board; other questions get no address") {
  std::array<std::uint8_t, 128> into{};
  const auto size = answer_dns(kQuestion, {192, 168, 4, 1}, into);
  REQUIRE(size);
  CHECK(*size == kQuestion.size() + 16);
  CHECK((into[0] == 0x12 && into[1] == 0x34 && into[2] == 0x85 && into[3] == 0 && into[7] == 1));
  CHECK(std::equal(kQuestion.begin() + 12, kQuestion.end(), into.begin() + 12));
  const std::vector<std::uint8_t> tail{0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 168, 4, 1};
  CHECK(std::equal(tail.begin(), tail.end(), into.begin() + 29));
  auto other = kQuestion;
  other[26] = 28;  // AAAA
  const auto none = answer_dns(other, {192, 168, 4, 1}, into);
  REQUIRE(none);
  CHECK(*none == other.size());
  CHECK(into[7] == 0);
}

TEST_CASE("no truncation of a question is answered, nor an answer, nor two questions, nor a pointer") {
  std::array<std::uint8_t, 128> into{};
  for (std::size_t size = 0; size < kQuestion.size(); ++size)
    CHECK(answer_dns(Bytes{kQuestion}.first(size), {1, 2, 3, 4}, into).error() == Error::malformed);
  for (const auto& [at, value] : {std::pair{2, 0x81}, {5, 2}, {12, 0xC0}}) {
    auto broken = kQuestion;
    broken[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
    CHECK(answer_dns(broken, {1, 2, 3, 4}, into).error() == Error::malformed);
  }
  CHECK(answer_dns(kQuestion, {1, 2, 3, 4}, MutableBytes{into}.first(44)).error() == Error::no_space);
}

TEST_CASE("the page asks for every field and shows none") {
  for (const Field& field : fields())
    CHECK(page().find("name=" + std::string(field.key) + " ") != std::string_view::npos);
  CHECK(page().find("value=") == std::string_view::npos);
}

TEST_CASE("the page is for the board's own address, telephones that look for a portal are led there, others refused") {
  constexpr std::string_view kOwn = "192.168.4.1";
  for (const char* own : {"192.168.4.1", "192.168.4.1:80"}) CHECK(host_of(own, kOwn) == Host::own);
  for (const char* portal : {"connectivitycheck.gstatic.com", "captive.apple.com:80", "WWW.MsftConnectTest.com"})
    CHECK(host_of(portal, kOwn) == Host::portal);
  // A name of another site that leads to the board; what only looks like ours; nothing.
  for (const char* other : {"evil.example", "192.168.4.1.evil.example", "192.168.4.1@evil.example", "192.168.4.2",
                            "192.168.4.1:8080", "192.168.4.1:80:80", "192.168.4.1.", "192.168.4.", "", ":80",
                            "captive.apple.com.evil.example", "evil.captive.apple.com", "[::1]", "localhost"}) {
    CAPTURE(other);
    CHECK(host_of(other, kOwn) == Host::other);
  }
  CHECK(host_of("", "") == Host::other);
}

namespace {

Paste::State type(Paste& paste, std::string_view text) {
  for (const char c : text) paste.add(c);
  return paste.state();
}

}  // namespace

TEST_CASE("a pasted object ends where its braces close, whatever stands in its texts") {
  std::array<std::uint8_t, 64> room{};
  Paste paste(room);
  CHECK(type(paste, "\r\n  ") == Paste::State::waiting);
  CHECK(type(paste, "{\"a\": \"}\\\"}\",\r\n") == Paste::State::inside);
  CHECK(type(paste, " \"b\": {\"c\": \"\\\\\"}") == Paste::State::inside);
  CHECK(type(paste, "}and more") == Paste::State::whole);
  CHECK(paste.text() == "{\"a\": \"}\\\"}\",\n\n \"b\": {\"c\": \"\\\\\"}}");
}

TEST_CASE("a paste that is too long is told when it ends, and one can be given up") {
  std::array<std::uint8_t, 8> room{};
  Paste longer(room);
  CHECK(type(longer, "{\"abcdef\"") == Paste::State::inside);
  CHECK(type(longer, "}") == Paste::State::too_long);
  Paste fitting(room);
  CHECK(type(fitting, "{\"abcd\"}") == Paste::State::whole);
  for (const char c : {'\x1b', '\x03', '\x04'}) {
    Paste given_up(room);
    CHECK(type(given_up, std::string("{\"a") + c) == Paste::State::cancelled);
    CHECK(type(given_up, "}") == Paste::State::cancelled);
  }
}
