#include "tercet/auth/client_id.h"

namespace tercet::auth {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t count_characters(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// A small number with an optional minus sign.
std::optional<int> parse_small(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 9) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

AuthType parse_auth_type(std::string_view text) {
  if (equals_ignoring_case(text, "register")) return AuthType::register_device;
  if (equals_ignoring_case(text, "regnwl")) return AuthType::register_unlisted;
  if (equals_ignoring_case(text, "connwl")) return AuthType::connect_unlisted;
  if (equals_ignoring_case(text, "id2")) return AuthType::id2;
  return AuthType::other;
}

void take_sign_method(ClientId& made, std::string_view value) {
  const auto method = parse_sign_method(value);
  made.sign_method_text = value;
  made.sign_method = method.value_or(SignMethod::md5);
  made.defects.unknown_sign_method = !method.has_value();
}

void take_pair(ClientId& made, const ExtensionPairs::Pair& pair) {
  const auto key_is = [&pair](std::string_view key) { return equals_ignoring_case(pair.key, key); };
  if (key_is("securemode")) {
    made.secure_mode = parse_small(pair.value);
    made.defects.bad_secure_mode = !made.secure_mode.has_value();
  } else if (key_is("signmethod")) {
    take_sign_method(made, pair.value);
  } else if (key_is("timestamp")) {
    made.timestamp = pair.value;
  } else if (key_is("_ss")) {
    made.auto_subscribe = pair.value == "1";
  } else if (key_is("ext")) {
    const int bits = parse_small(pair.value).value_or(0);
    made.ext = bits < 0 ? 0 : static_cast<std::uint32_t>(bits);
  } else if (key_is("authType")) {
    made.auth_type = parse_auth_type(pair.value);
  } else if (key_is("random")) {
    made.random = pair.value;
  } else if (key_is("instanceId")) {
    made.instance_id = pair.value;
  } else if (key_is("_v")) {
    made.sdk_version = pair.value;
  } else if (key_is("lan")) {
    made.language = pair.value;
  } else if (key_is("clientId")) {
    made.inner_client_id = pair.value;
  } else if (key_is("deviceName") || key_is("productKey") || key_is("authId")) {
    made.repeats_identity = true;
  }
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

std::optional<SignMethod> parse_sign_method(std::string_view text) {
  if (text.size() > 4 && equals_ignoring_case(text.substr(0, 4), "hmac")) text.remove_prefix(4);
  if (equals_ignoring_case(text, "md5")) return SignMethod::md5;
  if (equals_ignoring_case(text, "sha1")) return SignMethod::sha1;
  if (equals_ignoring_case(text, "sha256")) return SignMethod::sha256;
  return std::nullopt;
}

std::string_view name(SignMethod method) {
  return method == SignMethod::md5 ? "hmacmd5" : method == SignMethod::sha1 ? "hmacsha1" : "hmacsha256";
}

std::optional<ExtensionPairs::Pair> ExtensionPairs::next() {
  while (!rest_.empty()) {
    const std::size_t comma = rest_.find(',');
    const std::string_view written = rest_.substr(0, comma);
    rest_.remove_prefix(comma == std::string_view::npos ? rest_.size() : comma + 1);
    const std::string_view pair = trim(written);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return Pair{pair, {}, written};
    return Pair{trim(pair.substr(0, equals)), trim(pair.substr(equals + 1)), written};
  }
  return std::nullopt;
}

ClientId parse_client_id(std::string_view text) {
  ClientId made;
  made.whole = text;
  const std::size_t opening = text.find('|');
  made.id = text.substr(0, opening);
  made.defects.empty_id = made.id.empty();
  made.defects.id_too_long = count_characters(made.id) > kMaxClientIdCharacters;
  if (opening == std::string_view::npos) return made;

  made.has_extension = true;
  const std::size_t closing = text.find('|', opening + 1);
  made.defects.no_closing_bar = closing == std::string_view::npos;
  made.defects.text_after_closing_bar = closing != std::string_view::npos && closing + 1 != text.size();
  made.extension = text.substr(opening + 1, made.defects.no_closing_bar ? closing : closing - opening - 1);
  ExtensionPairs pairs{made.extension};
  while (const auto pair = pairs.next()) take_pair(made, *pair);
  return made;
}

}  // namespace tercet::auth
