// Signatures for boards with the PSA Crypto API. Needs PSA_WANT_KEY_TYPE_ECC_PUBLIC_KEY with PSA_WANT_ECC_SECP_R1_256
// and PSA_WANT_ALG_ECDSA, or PSA_WANT_KEY_TYPE_RSA_PUBLIC_KEY with PSA_WANT_ALG_RSA_PKCS1V15_SIGN. PSA takes bare keys
// and bare ECDSA signatures, so the DER around them is taken off here.
#include <psa/crypto.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "tercet/base/reader.h"
#include "tercet/crypto/signature.h"

namespace tercet::crypto {
namespace {

constexpr std::uint8_t kSequence = 0x30, kInteger = 0x02, kBits = 0x03;
constexpr std::uint8_t kEcP256[] = {0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
                                    0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::uint8_t kRsa[] = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};

/// The inside of the next element, or a failed reader.
Bytes element(Reader& in, std::uint8_t tag) {
  if (in.u8() != tag) return in.refuse(), Bytes{};
  std::size_t size = in.u8();
  if (size == 0x81)
    size = in.u8();
  else if (size == 0x82)
    size = in.u16();
  else if (size > 0x7F)
    in.refuse();
  return in.bytes(size);
}

struct BareKey {
  bool is_rsa;
  Bytes bytes;
};

std::optional<BareKey> bare_key(Bytes public_key) {
  Reader outer{public_key};
  const Bytes info = element(outer, kSequence);
  if (!outer.ok() || !outer.at_end()) return std::nullopt;
  for (const bool is_rsa : {false, true}) {
    const Bytes algorithm = is_rsa ? Bytes{kRsa} : Bytes{kEcP256};
    if (info.size() < algorithm.size() || !std::equal(algorithm.begin(), algorithm.end(), info.begin())) continue;
    Reader in{info.subspan(algorithm.size())};
    const Bytes bits = element(in, kBits);
    if (!in.ok() || !in.at_end() || bits.size() < 2 || bits[0] != 0) return std::nullopt;
    return BareKey{is_rsa, bits.subspan(1)};
  }
  return std::nullopt;
}

/// r and s behind each other, 32 bytes each.
bool bare_signature(Bytes der, std::array<std::uint8_t, 64>& out) {
  Reader outer{der};
  Reader in{element(outer, kSequence)};
  if (!outer.ok() || !outer.at_end()) return false;
  out = {};
  for (const std::size_t end : {std::size_t{32}, std::size_t{64}}) {
    Bytes number = element(in, kInteger);
    if (!number.empty() && number[0] == 0) number = number.subspan(1);
    if (!in.ok() || number.empty() || number.size() > 32) return false;
    std::memcpy(out.data() + end - number.size(), number.data(), number.size());
  }
  return in.at_end();
}

struct Key {
  psa_key_id_t id = PSA_KEY_ID_NULL;
  Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() {
    if (id != PSA_KEY_ID_NULL) psa_destroy_key(id);
  }
};

}  // namespace

Result<void> verify_signature(Bytes public_key, Bytes sha256, Bytes signature) {
  const auto bare = bare_key(public_key);
  if (!bare || sha256.size() != 32 || psa_crypto_init() != PSA_SUCCESS) return fail(Error::bad_argument);
  const psa_algorithm_t algorithm =
      bare->is_rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256) : PSA_ALG_ECDSA(PSA_ALG_SHA_256);
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
  psa_set_key_algorithm(&attributes, algorithm);
  psa_set_key_type(&attributes,
                   bare->is_rsa ? PSA_KEY_TYPE_RSA_PUBLIC_KEY : PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
  Key key;
  const psa_status_t imported = psa_import_key(&attributes, bare->bytes.data(), bare->bytes.size(), &key.id);
  if (imported == PSA_ERROR_INSUFFICIENT_MEMORY) return fail(Error::no_space);
  if (imported != PSA_SUCCESS) return fail(Error::bad_argument);
  psa_key_attributes_t made = PSA_KEY_ATTRIBUTES_INIT;
  const bool is_known = psa_get_key_attributes(key.id, &made) == PSA_SUCCESS;
  const std::size_t bits = psa_get_key_bits(&made);
  psa_reset_key_attributes(&made);
  if (!is_known || (bare->is_rsa && (bits < 2048 || bits > 4096))) return fail(Error::bad_argument);

  std::array<std::uint8_t, 64> points;
  if (!bare->is_rsa) {
    if (!bare_signature(signature, points)) return fail(Error::denied);
    signature = points;
  }
  const psa_status_t verified =
      psa_verify_hash(key.id, algorithm, sha256.data(), sha256.size(), signature.data(), signature.size());
  if (verified == PSA_ERROR_INSUFFICIENT_MEMORY) return fail(Error::no_space);
  if (verified != PSA_SUCCESS) return fail(Error::denied);
  return {};
}

}  // namespace tercet::crypto
