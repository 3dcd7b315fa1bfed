// The digest backend of boards with the PSA Crypto API (mbedTLS 3, ESP-IDF 5): uses the chip's accelerator where the
// PSA driver does. Needs PSA_WANT_ALG_HMAC and the three PSA_WANT_ALG_ digests in the configuration.
#include <psa/crypto.h>

#include <new>

#include "tercet/crypto/digest.h"

namespace tercet::crypto {
namespace {

struct Mac {
  psa_mac_operation_t operation = PSA_MAC_OPERATION_INIT;
  psa_key_id_t key = PSA_KEY_ID_NULL;
};

psa_algorithm_t psa_hash(Algorithm algorithm) {
  return algorithm == Algorithm::md5 ? PSA_ALG_MD5 : algorithm == Algorithm::sha1 ? PSA_ALG_SHA_1 : PSA_ALG_SHA_256;
}

template <typename Context, std::size_t N>
Context& context_in(std::array<std::byte, N>& state) {
  static_assert(sizeof(Context) <= N && alignof(Context) <= 8);
  return *std::launder(reinterpret_cast<Context*>(state.data()));
}

/// PSA takes no key of no bytes; HMAC fills a short key up with zeros, so one zero byte is the same key.
constexpr std::uint8_t kNoKey[1] = {0};

bool import_key(Algorithm algorithm, Bytes bytes, psa_key_id_t& key) {
  if (bytes.empty()) bytes = kNoKey;
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
  psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(psa_hash(algorithm)));
  psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
  return psa_crypto_init() == PSA_SUCCESS &&  // may be called any number of times
         psa_import_key(&attributes, bytes.data(), bytes.size(), &key) == PSA_SUCCESS;
}

}  // namespace

Hmac::Hmac(Algorithm algorithm, Bytes key) : algorithm_(algorithm) {
  Mac* mac = new (state_.data()) Mac;
  ok_ = import_key(algorithm, key, mac->key) &&
        psa_mac_sign_setup(&mac->operation, mac->key, PSA_ALG_HMAC(psa_hash(algorithm))) == PSA_SUCCESS;
}

Hmac::~Hmac() {
  Mac& mac = context_in<Mac>(state_);
  psa_mac_abort(&mac.operation);
  if (mac.key != PSA_KEY_ID_NULL) psa_destroy_key(mac.key);
}

Hmac& Hmac::add(Bytes piece) {
  if (ok_ && !piece.empty())
    ok_ = psa_mac_update(&context_in<Mac>(state_).operation, piece.data(), piece.size()) == PSA_SUCCESS;
  return *this;
}

Digest Hmac::finish() {
  Digest digest;
  std::size_t size = 0;
  if (ok_ && psa_mac_sign_finish(&context_in<Mac>(state_).operation, digest.bytes.data(), digest.bytes.size(), &size) ==
                 PSA_SUCCESS)
    digest.size = static_cast<std::uint8_t>(size);
  ok_ = false;
  return digest;
}

Hash::Hash(Algorithm algorithm) : algorithm_(algorithm) {
  auto* operation = new (state_.data()) psa_hash_operation_t(PSA_HASH_OPERATION_INIT);
  ok_ = psa_crypto_init() == PSA_SUCCESS && psa_hash_setup(operation, psa_hash(algorithm)) == PSA_SUCCESS;
}

Hash::~Hash() { psa_hash_abort(&context_in<psa_hash_operation_t>(state_)); }

Hash& Hash::add(Bytes piece) {
  if (ok_ && !piece.empty())
    ok_ = psa_hash_update(&context_in<psa_hash_operation_t>(state_), piece.data(), piece.size()) == PSA_SUCCESS;
  return *this;
}

Digest Hash::finish() {
  Digest digest;
  std::size_t size = 0;
  if (ok_ && psa_hash_finish(&context_in<psa_hash_operation_t>(state_), digest.bytes.data(), digest.bytes.size(),
                             &size) == PSA_SUCCESS)
    digest.size = static_cast<std::uint8_t>(size);
  ok_ = false;
  return digest;
}

}  // namespace tercet::crypto
