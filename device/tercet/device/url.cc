#include "tercet/device/url.h"

#include <algorithm>

namespace tercet::device {
namespace {

constexpr std::size_t kMostHost = 253;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

/// Takes `prefix`, written in small letters, off the front of the text.
bool skip(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  if (!std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) { return a == lower(b); }))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_name(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == '_';
  });
}

bool is_ipv6_text(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

bool read_port(std::string_view digits, std::uint16_t& port) {
  if (digits.empty() || digits.size() > 5) return false;
  std::uint32_t value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (value == 0 || value > 0xFFFF) return false;
  port = static_cast<std::uint16_t>(value);
  return true;
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
bool read_authority(std::string_view text, Url& url) {
  std::string_view behind;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.is_ipv6 = true;
    url.host = text.substr(1, end - 1), behind = text.substr(end + 1);
    if (!is_ipv6_text(url.host)) return false;
  } else {
    const auto colon = text.find(':');
    url.host = text.substr(0, colon);
    if (colon != std::string_view::npos) behind = text.substr(colon);
    if (!is_name(url.host)) return false;
  }
  if (url.host.empty() || url.host.size() > kMostHost) return false;
  if (behind.empty()) return true;
  return behind.front() == ':' && read_port(behind.substr(1), url.port);
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  if (!skip(text, "https://")) {
    if (!skip(text, "http://")) return fail(Error::unsupported);
    url.tls = false, url.port = 80;
  }
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; }))
    return fail(Error::malformed);
  text = text.substr(0, text.find('#'));
  const auto end = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, end);
  url.path = text.substr(end);
  if (authority.find('@') != std::string_view::npos) return fail(Error::unsupported);
  if (!read_authority(authority, url)) return fail(Error::malformed);
  return url;
}

}  // namespace tercet::device
