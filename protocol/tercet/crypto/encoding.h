#pragma once
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::crypto {

enum class HexCase : std::uint8_t { lower, upper };

/// Two digits per byte into `out`. Errors: no_space, `out` holds less than 2 * bytes.size().
Result<std::string_view> encode_hex(Bytes bytes, std::span<char> out, HexCase letters = HexCase::lower);
/// Either case. Errors: malformed (odd length or another character), no_space.
Result<Bytes> decode_hex(std::string_view hex, MutableBytes out);

constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
/// RFC 4648 with padding. Errors: no_space.
Result<std::string_view> encode_base64(Bytes bytes, std::span<char> out);
/// RFC 4648, padding required, stray bits refused. Errors: malformed, no_space.
Result<Bytes> decode_base64(std::string_view text, MutableBytes out);

}  // namespace tercet::crypto
