#include "setup/field.h"

#include <algorithm>
#include <charconv>

#include "tercet/base/triple.h"

namespace tercet::setup {
namespace {

constexpr Field kFields[] = {
    {"wifi_ssid", "name of the Wi-Fi network", false},
    {"wifi_pass", "its password, 8 to 63 characters; for an open network set it to \"\"", true},
    {"pk", "ProductKey", false},
    {"dn", "DeviceName", false},
    {"ds", "DeviceSecret", true},
    {"host", "host name or address of the platform", false},
    {"port", "its port, usually 8883", false},
    {"ca", "pin-sha256: and 64 hexadecimal digits: whom to believe instead of root certificates", false},
};

bool all_of(std::string_view text, bool (*is)(char)) { return std::all_of(text.begin(), text.end(), is); }
bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_printable(char c) { return c >= ' ' && c <= '~'; }

bool is_host(std::string_view text) {
  return text.size() <= 128 &&
         all_of(text, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == ':' || c == '_'; });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [at, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failed == std::errc{} && at == text.data() + text.size() && port != 0;
}

/// WPA: a passphrase, or the 64 digits of the key itself.
bool is_password(std::string_view text) {
  return (text.size() >= 8 && text.size() <= 63 && all_of(text, is_printable)) ||
         (text.size() == 64 && all_of(text, is_hex));
}

bool is_pin(std::string_view text) {
  constexpr std::string_view kPrefix = "pin-sha256:";
  return text.starts_with(kPrefix) && text.size() == kPrefix.size() + 64 && all_of(text.substr(kPrefix.size()), is_hex);
}

bool can_be(std::string_view key, std::string_view value) {
  if (key == "wifi_ssid") return value.size() <= 32;
  if (key == "wifi_pass") return is_password(value);
  if (key == "pk") return ProductKey::parse(value).has_value();
  if (key == "dn") return DeviceName::parse(value).has_value();
  if (key == "ds") return DeviceSecret::parse(value).has_value() && all_of(value, is_printable);
  if (key == "host") return is_host(value);
  if (key == "port") return is_port(value);
  return is_pin(value);  // ca
}

}  // namespace

std::span<const Field> fields() { return kFields; }

const Field* find_field(std::string_view key) {
  for (const Field& field : kFields)
    if (key == field.key) return &field;
  return nullptr;
}

Result<void> check(std::string_view key, std::string_view value) {
  if (find_field(key) == nullptr) return fail(Error::not_found);
  if (value.empty() || can_be(key, value)) return {};
  return fail(Error::malformed);
}

}  // namespace tercet::setup
