#pragma once
#include <string>
#include <string_view>

namespace tercet::openapi {

/// The text with U+FFFD for every byte that belongs to no well-formed UTF-8 character (surrogates and overlong forms
/// are none). Names that strangers claim may hold any bytes; what we write as JSON or XML may not.
std::string valid_utf8(std::string_view text);

}  // namespace tercet::openapi
