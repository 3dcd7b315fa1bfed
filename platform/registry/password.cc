#include "platform/registry/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "tercet/crypto/encoding.h"

namespace tercet::registry {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr unsigned kMostLogN = 18;
using HashBytes = std::array<std::uint8_t, kHashBytes>;

std::optional<HashBytes> scrypt(std::string_view password, Bytes salt, unsigned log_n) {
  constexpr std::uint64_t kBlock = 8, kParallel = 1;
  const std::uint64_t n = std::uint64_t{1} << log_n;
  HashBytes made;
  if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), n, kBlock, kParallel,
                     (n + 64) * 128 * kBlock, made.data(), made.size()) != 1)
    return std::nullopt;
  return made;
}

std::string base64(Bytes bytes) {
  std::string text(crypto::base64_size(bytes.size()), '\0');
  static_cast<void>(crypto::encode_base64(bytes, text));
  return text;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const auto dollar = line.find('$');
    fields.push_back(line.substr(0, dollar));
    if (dollar == std::string_view::npos) return fields;
    line.remove_prefix(dollar + 1);
  }
}

}  // namespace

std::string hash_password(std::string_view password, PasswordCost cost) {
  std::array<std::uint8_t, kSaltBytes> salt;
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1) return {};
  const auto hash = scrypt(password, salt, cost.log_n);
  if (!hash) return {};
  return "$scrypt$" + std::to_string(cost.log_n) + "$8$1$" + base64(salt) + "$" + base64(*hash);
}

bool check_password(std::string_view password, std::string_view hash) {
  const auto fields = fields_of(hash);
  if (fields.size() != 7 || !fields[0].empty() || fields[1] != "scrypt" || fields[3] != "8" || fields[4] != "1")
    return false;
  unsigned log_n = 0;
  const auto read = std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), log_n);
  if (read.ec != std::errc{} || read.ptr != fields[2].data() + fields[2].size() || log_n < 1 || log_n > kMostLogN)
    return false;
  std::array<std::uint8_t, 64> salt;
  HashBytes stored;
  const auto salt_bytes = crypto::decode_base64(fields[5], salt);
  const auto hash_bytes = crypto::decode_base64(fields[6], stored);
  if (!salt_bytes || !hash_bytes || hash_bytes->size() != kHashBytes) return false;
  const auto made = scrypt(password, *salt_bytes, log_n);
  return made && CRYPTO_memcmp(made->data(), stored.data(), kHashBytes) == 0;
}

}  // namespace tercet::registry
