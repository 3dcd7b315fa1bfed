#include "tercet/crypto/encoding.h"

#include <array>

namespace tercet::crypto {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_base64_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr auto kBase64Values = make_base64_values();

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::string_view> encode_hex(Bytes bytes, std::span<char> out, HexCase letters) {
  if (out.size() / 2 < bytes.size()) return fail(Error::no_space);
  const std::string_view digits = letters == HexCase::lower ? "0123456789abcdef" : "0123456789ABCDEF";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  return std::string_view(out.data(), 2 * bytes.size());
}

Result<Bytes> decode_hex(std::string_view hex, MutableBytes out) {
  if (hex.size() % 2 != 0) return fail(Error::malformed);
  if (out.size() < hex.size() / 2) return fail(Error::no_space);
  for (std::size_t i = 0; i < hex.size() / 2; ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return fail(Error::malformed);
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return Bytes(out.data(), hex.size() / 2);
}

Result<std::string_view> encode_base64(Bytes bytes, std::span<char> out) {
  if (out.size() < base64_size(bytes.size())) return fail(Error::no_space);
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t here = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16;
    if (here > 1) group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
    if (here > 2) group |= bytes[i + 2];
    out[at++] = kBase64[group >> 18];
    out[at++] = kBase64[group >> 12 & 63];
    out[at++] = here > 1 ? kBase64[group >> 6 & 63] : '=';
    out[at++] = here > 2 ? kBase64[group & 63] : '=';
  }
  return std::string_view(out.data(), at);
}

Result<Bytes> decode_base64(std::string_view text, MutableBytes out) {
  if (text.size() % 4 != 0) return fail(Error::malformed);
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::size_t size = text.size() / 4 * 3 - padding;
  if (out.size() < size) return fail(Error::no_space);
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t pad = i + 4 == text.size() ? padding : 0;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int value = k >= 4 - pad ? 0 : kBase64Values[static_cast<unsigned char>(text[i + k])];
      if (value < 0) return fail(Error::malformed);
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    if (pad > 0 && (group & (pad == 1 ? 0xFFU : 0xFFFFU)) != 0) return fail(Error::malformed);
    out[at++] = static_cast<std::uint8_t>(group >> 16);
    if (pad < 2) out[at++] = static_cast<std::uint8_t>(group >> 8);
    if (pad < 1) out[at++] = static_cast<std::uint8_t>(group);
  }
  return Bytes(out.data(), at);
}

}  // namespace tercet::crypto
