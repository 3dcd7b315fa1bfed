#include "tercet/auth/received.h"

#include <algorithm>
#include <array>

#include "tercet/crypto/encoding.h"

namespace tercet::auth {
namespace {

constexpr std::array kMethods{SignMethod::md5, SignMethod::sha1, SignMethod::sha256};

bool is_hex(char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

std::optional<SignMethod> method_of_size(std::size_t bytes) {
  for (const SignMethod method : kMethods)
    if (crypto::digest_bytes(method) == bytes) return method;
  return std::nullopt;
}

bool is_digest_hex(std::string_view text) {
  return text.size() % 2 == 0 && method_of_size(text.size() / 2) && std::all_of(text.begin(), text.end(), is_hex);
}

std::string decode_hex(std::string_view hex) {
  std::array<std::uint8_t, crypto::kMaxDigestBytes> bytes;
  const auto decoded = crypto::decode_hex(hex, bytes);
  return decoded ? std::string(as_text(*decoded)) : std::string{};
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return made;
}

std::string hex_of(const crypto::Digest& digest) {
  std::array<char, 2 * crypto::kMaxDigestBytes> text;
  const auto hex = crypto::encode_hex(digest.view(), text);
  return hex ? std::string(*hex) : std::string{};
}

/// As "%x" prints it: no zero in front of a small byte.
std::string hex_without_zeros(const crypto::Digest& digest) {
  std::string made;
  for (const std::uint8_t byte : digest.view()) {
    if (byte >= 16) made += "0123456789abcdef"[byte >> 4];
    made += "0123456789abcdef"[byte & 15];
  }
  return made;
}

void add_once(std::vector<SignMethod>& list, SignMethod method) {
  if (std::find(list.begin(), list.end(), method) == list.end()) list.push_back(method);
}

}  // namespace

Received::Received(std::string_view password) : size_(password.size()) {
  if (password.size() > 512) return;
  read_hex(password);
  read_base64(password);
  if (method_of_size(password.size()) && !std::all_of(password.begin(), password.end(), is_hex))
    read(std::string(password), Cause::password_raw_bytes);
  read_decorated(password);
  note_damaged(password);
  std::erase_if(unlikely_, [this](SignMethod method) {
    return std::find(likely_.begin(), likely_.end(), method) != likely_.end();
  });
}

void Received::read(std::string bytes, std::optional<Cause> rendering) {
  if (const auto method = method_of_size(bytes.size())) add_once(likely_, *method);
  readings_.push_back({std::move(bytes), rendering});
}

void Received::read_hex(std::string_view password) {
  std::size_t digits = 0;
  while (digits < password.size() && is_hex(password[digits])) ++digits;
  const std::string_view hex = password.substr(0, digits);
  if (!is_digest_hex(hex)) return;
  tail_ = password.substr(digits);
  const bool blank = tail_.find_first_not_of(std::string_view(" \t\r\n\0", 5)) == std::string::npos;
  read(decode_hex(hex),
       tail_.empty() ? std::nullopt : std::optional(blank ? Cause::password_decorated : Cause::password_suffix));
}

void Received::read_base64(std::string_view password) {
  std::string text(password);
  while (text.size() % 4 != 0 && text.size() < 90) text += '=';  // some libraries leave the padding off
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  std::array<std::uint8_t, 2 * crypto::kMaxDigestBytes> bytes;
  const auto decoded = crypto::decode_base64(text, bytes);
  if (!decoded) return;
  const std::string_view inside = as_text(*decoded);
  if (is_digest_hex(inside)) read(decode_hex(inside), Cause::password_base64_of_hex);
  if (method_of_size(inside.size())) read(std::string(inside), Cause::password_base64);
}

/// Quotes or blanks around the digits, "0x" before, ':' or '-' between.
void Received::read_decorated(std::string_view password) {
  std::string digits;
  for (std::size_t i = 0; i < password.size(); ++i) {
    const char c = password[i];
    if (c == '0' && i + 1 < password.size() && (password[i + 1] | 0x20) == 'x') {
      ++i;
      continue;
    }
    if (is_hex(c))
      digits += c;
    else if (std::string_view(" \t\r\n\"':-,[]{}<>\0", 17).find(c) == std::string_view::npos)
      return;
  }
  if (digits.size() != password.size() && is_digest_hex(digits)) read(decode_hex(digits), Cause::password_decorated);
}

void Received::note_damaged(std::string_view password) {
  if (password.size() < 12 || password.size() > 2 * crypto::kMaxDigestBytes) return;
  if (!std::all_of(password.begin(), password.end(), is_hex)) return;
  damaged_ = lower(password);
  for (const SignMethod method : kMethods)
    if (2 * crypto::digest_bytes(method) > damaged_.size()) add_once(unlikely_, method);
}

std::optional<Received::Match> Received::match(const crypto::Digest& digest) const {
  if (digest.empty()) return std::nullopt;
  for (const Reading& reading : readings_)
    if (reading.bytes == as_text(digest.view())) return Match{reading.rendering};
  if (damaged_.empty() || damaged_.size() >= 2U * digest.size) return std::nullopt;
  if (damaged_ == hex_without_zeros(digest)) return Match{Cause::password_leading_zeros_lost};
  if (hex_of(digest).starts_with(damaged_)) return Match{Cause::password_cut};
  return std::nullopt;
}

std::string Received::describe() const {
  if (size_ == 0) return "an empty password";
  if (tail_.empty() && readings_.size() == 1 && !readings_[0].rendering) return std::to_string(size_) + " hex digits";
  if (!damaged_.empty() && readings_.empty()) return std::to_string(size_) + " hex digits";
  return std::to_string(size_) + " characters";
}

}  // namespace tercet::auth
