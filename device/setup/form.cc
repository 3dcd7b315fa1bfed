#include "setup/form.h"

#include <algorithm>

namespace tercet::setup {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string_view> decode(std::string_view text, MutableBytes into) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (size == into.size()) return fail(Error::no_space);
    if (text[at] != '%') {
      into[size++] = static_cast<std::uint8_t>(text[at] == '+' ? ' ' : text[at]);
      continue;
    }
    const int high = at + 2 < text.size() ? digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return fail(Error::malformed);
    into[size++] = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return as_text(into.first(size));
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

constexpr std::string_view kSsid = "wifi_ssid", kPassword = "wifi_pass";

}  // namespace

Result<std::string_view> form_value(std::string_view body, std::string_view name, MutableBytes into) {
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const std::size_t sign = std::min(pair.find('='), pair.size());
    if (pair.substr(0, sign) == name) return decode(pair.substr(std::min(sign + 1, pair.size())), into);
  }
  return fail(Error::not_found);
}

Result<std::optional<std::string_view>> change_of(std::string_view body, const Field& field, MutableBytes into) {
  constexpr std::optional<std::string_view> kStays, kRemoved = std::string_view{};
  const std::string_view key = field.key;
  const auto value = form_value(body, key, into);
  if (!value && value.error() == Error::not_found) return kStays;
  if (!value) return fail(value.error());
  const std::string_view text = key == kSsid || key == kPassword ? *value : without_blanks(*value);
  if (!text.empty()) return text;
  if (key != kPassword) return kStays;
  const auto network = form_value(body, kSsid, into);
  if (!network && network.error() != Error::not_found) return fail(network.error());
  return network && !network->empty() ? kRemoved : kStays;
}

}  // namespace tercet::setup
