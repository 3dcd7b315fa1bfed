// What every backend shares.
#include "tercet/crypto/digest.h"

namespace tercet::crypto {
namespace {

/// The value of a hexadecimal digit, or kNoDigit; without a branch on the character.
constexpr unsigned kNoDigit = 0x1000;
unsigned digit_value(char c) {
  const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
  const unsigned letter = (static_cast<unsigned char>(c) | 0x20U) - unsigned{'a'};
  const unsigned is_digit = static_cast<unsigned>(digit < 10);
  const unsigned is_letter = static_cast<unsigned>(letter < 6);
  return is_digit * (digit & 0xFU) | is_letter * ((letter + 10) & 0xFU) | ((is_digit | is_letter) ^ 1U) * kNoDigit;
}

}  // namespace

Digest hmac(Algorithm algorithm, std::string_view key, std::string_view message) {
  return Hmac{algorithm, key}.add(message).finish();
}

Digest hash(Algorithm algorithm, Bytes message) { return Hash{algorithm}.add(message).finish(); }

bool equals(Bytes a, Bytes b) {
  if (a.size() != b.size() || a.empty()) return false;
  volatile unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = difference | static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

bool equals_hex(const Digest& digest, std::string_view hex) {
  if (digest.empty() || hex.size() != 2U * digest.size) return false;
  volatile unsigned difference = 0;
  for (std::size_t i = 0; i < digest.size; ++i) {
    const unsigned high = digit_value(hex[2 * i]);
    const unsigned low = digit_value(hex[2 * i + 1]);
    difference = difference | ((high << 4 | low) ^ digest.bytes[i]) | ((high | low) & kNoDigit);
  }
  return difference == 0;
}

}  // namespace tercet::crypto
