#include "platform/openapi/signature_v3.h"

#include <algorithm>
#include <array>

#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

namespace tercet::openapi {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// What stands before `mark`, taken off the front together with it.
std::string_view take_until(std::string_view& text, char mark) {
  const auto at = text.find(mark);
  const std::string_view taken = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return taken;
}

std::string hex(const crypto::Digest& digest) {
  std::array<char, 2 * crypto::kMaxDigestBytes> text{};
  const auto encoded = crypto::encode_hex(digest.view(), text);
  return encoded ? std::string(*encoded) : std::string();
}

}  // namespace

std::optional<AuthorizationV3> parse_authorization_v3(std::string_view header) {
  AuthorizationV3 parts;
  header = trim(header);
  parts.algorithm = take_until(header, ' ');
  while (!header.empty()) {
    std::string_view field = trim(take_until(header, ','));
    const std::string_view name = take_until(field, '=');
    if (name == "Credential") parts.credential = field;
    if (name == "Signature") parts.signature = field;
    if (name != "SignedHeaders") continue;
    while (!field.empty()) parts.signed_headers.push_back(trim(take_until(field, ';')));
  }
  if (parts.credential.empty() || parts.signature.empty() || parts.signed_headers.empty()) return std::nullopt;
  return parts;
}

std::string canonical_request_v3(std::string_view method, NamedTexts query, const HttpHeaders& headers,
                                 const std::vector<std::string_view>& signed_headers, std::string_view body_hash) {
  std::string text(method);
  text += "\n/\n";
  std::sort(query.begin(), query.end());
  bool first = true;
  for (const auto& [name, value] : query) {
    if (!first) text += '&';
    first = false;
    text.append(name).append("=").append(percent_encode(value));  // the SDKs do not encode the name
  }
  text += '\n';
  std::string names;
  for (const std::string_view name : signed_headers) {
    std::vector<std::string_view> values;
    for (const auto& [have, value] : headers)
      if (have == name) values.push_back(trim(value));
    std::sort(values.begin(), values.end());
    text.append(name).append(":");
    for (std::size_t i = 0; i < values.size(); ++i) text.append(i ? "," : "").append(values[i]);
    text += '\n';
    names.append(names.empty() ? "" : ";").append(name);
  }
  return text.append("\n").append(names).append("\n").append(body_hash);
}

std::string string_to_sign_v3(std::string_view canonical_request) {
  return "ACS3-HMAC-SHA256\n" + sha256_hex(canonical_request);
}

std::string sign_v3(std::string_view secret, std::string_view string_to_sign) {
  return hex(crypto::hmac(crypto::Algorithm::sha256, secret, string_to_sign));
}

bool signature_matches_v3(std::string_view secret, std::string_view string_to_sign, std::string_view signature) {
  return crypto::equals_hex(crypto::hmac(crypto::Algorithm::sha256, secret, string_to_sign), signature);
}

std::string sha256_hex(std::string_view text) { return hex(crypto::sha256(text)); }

}  // namespace tercet::openapi
