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
  std::string_view decoded = as_text(into.first(size));
  while (!decoded.empty() && decoded.front() == ' ') decoded.remove_prefix(1);
  while (!decoded.empty() && (decoded.back() == ' ' || decoded.back() == '\n' || decoded.back() == '\r'))
    decoded.remove_suffix(1);
  return decoded;
}

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

}  // namespace tercet::setup
