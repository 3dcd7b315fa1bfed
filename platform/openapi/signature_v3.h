#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/openapi/http_message.h"
#include "platform/openapi/percent.h"

namespace tercet::openapi {

/// The parts of `Authorization: ACS3-HMAC-SHA256 Credential=..,SignedHeaders=a;b,Signature=..`. Views into the header.
struct AuthorizationV3 {
  std::string_view algorithm;
  std::string_view credential;  ///< access key id
  std::vector<std::string_view> signed_headers;
  std::string_view signature;
};
/// Nothing when a part is missing. Blanks after the commas are accepted.
std::optional<AuthorizationV3> parse_authorization_v3(std::string_view header);

/// Signature version 3 (ACS3-HMAC-SHA256), pure functions. `query` is decoded; `headers` are as received, names in
/// lower case; `signed_headers` is the client's own list, in its order. The path signed is always "/".
std::string canonical_request_v3(std::string_view method, NamedTexts query, const HttpHeaders& headers,
                                 const std::vector<std::string_view>& signed_headers, std::string_view body_hash);
std::string string_to_sign_v3(std::string_view canonical_request);
/// Lower-case hexadecimal.
std::string sign_v3(std::string_view secret, std::string_view string_to_sign);
/// Compares in constant time.
bool signature_matches_v3(std::string_view secret, std::string_view string_to_sign, std::string_view signature);
/// Lower-case hexadecimal SHA-256.
std::string sha256_hex(std::string_view text);

}  // namespace tercet::openapi
