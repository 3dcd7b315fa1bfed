#include "platform/openapi/signature_v1.h"

#include <algorithm>
#include <array>

#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

namespace tercet::openapi {

std::string string_to_sign_v1(std::string_view method, NamedTexts parameters) {
  std::sort(parameters.begin(), parameters.end());
  std::string canonical;
  for (const auto& [name, value] : parameters) {
    if (name == "Signature") continue;
    if (!canonical.empty()) canonical += '&';
    canonical.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  std::string text(method);
  return text.append("&%2F&").append(percent_encode(canonical));
}

std::string sign_v1(std::string_view secret, std::string_view string_to_sign) {
  const crypto::Digest digest = crypto::hmac(crypto::Algorithm::sha1, std::string(secret).append("&"), string_to_sign);
  std::array<char, 64> text{};
  const auto encoded = crypto::encode_base64(digest.view(), text);
  return encoded ? std::string(*encoded) : std::string();
}

bool signature_matches_v1(std::string_view secret, std::string_view string_to_sign, std::string_view signature) {
  return crypto::equals(as_bytes(sign_v1(secret, string_to_sign)), as_bytes(signature));
}

}  // namespace tercet::openapi
