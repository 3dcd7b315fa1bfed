#include "platform/registry/naming.h"

#include <algorithm>
#include <array>
#include <optional>

namespace tercet::registry {
namespace {

constexpr std::string_view kAlnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kHex = "0123456789abcdef";

bool is_alnum(char c) { return kAlnum.find(c) != std::string_view::npos; }

struct Length {
  std::size_t characters = 0;  // each counting 1
  std::size_t width = 0;       // outside ASCII counting 2
};

/// Nothing for text that is not UTF-8 or that has a character which `allowed` does not take; asked of ASCII only.
template <typename Allowed>
std::optional<Length> measure(std::string_view text, Allowed&& allowed) {
  Length length;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || at + bytes > text.size()) return std::nullopt;
    for (std::size_t i = 1; i < bytes; ++i)
      if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return std::nullopt;
    if (bytes == 1 && !allowed(text[at])) return std::nullopt;
    ++length.characters;
    length.width += bytes == 1 ? 1 : 2;
    at += bytes;
  }
  return length;
}

bool is_printable(char c) { return c >= 0x20 && c != 0x7f; }
bool is_within(std::size_t value, std::size_t least, std::size_t most) { return value >= least && value <= most; }

}  // namespace

bool is_product_key(std::string_view text) {
  return is_within(text.size(), 1, 20) && std::all_of(text.begin(), text.end(), is_alnum);
}

bool is_product_name(std::string_view text) {
  if (text.starts_with(' ') || text.ends_with(' ')) return false;
  const auto length = measure(
      text, [](char c) { return is_alnum(c) || std::string_view("_-@.() ").find(c) != std::string_view::npos; });
  return length && is_within(length->width, 4, 30);
}

bool is_device_name(std::string_view text) {
  return is_within(text.size(), 4, 32) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alnum(c) || std::string_view("-_@.:").find(c) != std::string_view::npos;
         });
}

bool is_nickname(std::string_view text) {
  const auto length = measure(text, is_printable);
  return length && is_within(length->width, 4, 64);
}

bool is_description(std::string_view text) {
  const auto length = measure(text, [](char c) { return is_printable(c) || c == '\n' || c == '\t' || c == '\r'; });
  return length && length->characters <= 100;
}

bool is_secret(std::string_view text) {
  return is_within(text.size(), 1, 64) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_tag_key(std::string_view text) {
  return is_within(text.size(), 1, 64) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alnum(c) || std::string_view("_-#@%&*.").find(c) != std::string_view::npos;
         });
}

bool is_tag_value(std::string_view text) {
  const auto length = measure(
      text, [](char c) { return is_alnum(c) || std::string_view("_-#@%&:.").find(c) != std::string_view::npos; });
  return length && is_within(length->width, 1, 128);
}

std::string Names::pick(std::string_view alphabet, std::size_t count) {
  // Bytes that would favour the alphabet's first letters are thrown away.
  const std::size_t fair = 256 / alphabet.size() * alphabet.size();
  std::string made;
  while (made.size() < count) {
    std::array<std::uint8_t, 32> bytes;
    random_.fill(bytes);
    for (const std::uint8_t byte : bytes)
      if (byte < fair && made.size() < count) made += alphabet[byte % alphabet.size()];
  }
  return made;
}

std::string Names::product_key() { return "a1" + pick(kAlnum, 9); }
std::string Names::product_secret() { return pick(kAlnum, 16); }
std::string Names::device_name() { return pick(kAlnum, 20); }
std::string Names::device_secret() { return pick(kHex, 32); }
std::string Names::client_id() { return pick(kAlnum, 20); }
std::string Names::group_id() { return pick(kAlnum, 16); }
std::string Names::iot_id() { return pick(kAlnum, 20) + "000100"; }
std::string Names::access_key_id() { return "LTAI" + pick(kAlnum, 20); }
std::string Names::access_key_secret() { return pick(kAlnum, 30); }

}  // namespace tercet::registry
