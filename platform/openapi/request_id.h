#pragma once
#include <string>

#include "platform/runtime/loop.h"

namespace tercet::openapi {

/// A random UUID (version 4) in upper case, as every answer carries one.
std::string make_request_id(runtime::Random& random);
/// `bytes` random bytes in lower-case hexadecimal: session and login tokens.
std::string make_token(runtime::Random& random, std::size_t bytes);

}  // namespace tercet::openapi
