#pragma once
#include <string>
#include <string_view>

#include "platform/openapi/percent.h"

namespace tercet::openapi {

/// Signature version 1.0 (HMAC-SHA1), pure functions. `parameters` are all of query and form, decoded; `Signature`
/// itself is left out here. Names that come twice are signed twice, in order of value.
std::string string_to_sign_v1(std::string_view method, NamedTexts parameters);
/// The signature in base64; `secret` is the access key's secret without the "&" that the scheme appends.
std::string sign_v1(std::string_view secret, std::string_view string_to_sign);
/// Compares in constant time.
bool signature_matches_v1(std::string_view secret, std::string_view string_to_sign, std::string_view signature);

}  // namespace tercet::openapi
