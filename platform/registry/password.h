#pragma once
#include <string>
#include <string_view>

namespace tercet::registry {

/// How much a password check is to cost: scrypt with N = 2^log_n, r = 8, p = 1 (2^(log_n + 10) bytes of memory).
struct PasswordCost {
  unsigned log_n = 14;  ///< 16 MB, about 50 ms
};

/// `$scrypt$<log n>$8$1$<salt, base64>$<hash, base64>` with a fresh salt; "" when the random source or OpenSSL failed.
std::string hash_password(std::string_view password, PasswordCost cost = {});
/// Constant time in the comparison. False for any hash it cannot read or that wants more than 2^18.
bool check_password(std::string_view password, std::string_view hash);

}  // namespace tercet::registry
