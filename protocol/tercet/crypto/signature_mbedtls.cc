// Signatures for boards with mbedTLS but without PSA. Needs MBEDTLS_PK_PARSE_C, and MBEDTLS_RSA_C or MBEDTLS_ECDSA_C.
#include <mbedtls/pk.h>

#include "tercet/crypto/signature.h"

namespace tercet::crypto {
namespace {

struct Key {
  mbedtls_pk_context context;
  Key() { mbedtls_pk_init(&context); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() { mbedtls_pk_free(&context); }

  bool is_usable() const {
    const std::size_t bits = mbedtls_pk_get_bitlen(&context);
    if (mbedtls_pk_can_do(&context, MBEDTLS_PK_RSA) != 0) return bits >= 2048 && bits <= 4096;
    return mbedtls_pk_can_do(&context, MBEDTLS_PK_ECDSA) != 0 && bits == 256;
  }
};

bool is_out_of_memory(int code) {
  // The high half names the module, the low one what went wrong in the module below it.
  return code == MBEDTLS_ERR_PK_ALLOC_FAILED || (-code & 0x7F) == 0x10;  // the second is mpi's ALLOC_FAILED
}

}  // namespace

Result<void> verify_signature(Bytes public_key, Bytes sha256, Bytes signature) {
  Key key;
  const int parsed = mbedtls_pk_parse_public_key(&key.context, public_key.data(), public_key.size());
  if (parsed != 0) return fail(is_out_of_memory(parsed) ? Error::no_space : Error::bad_argument);
  if (sha256.size() != 32 || !key.is_usable()) return fail(Error::bad_argument);
  const int verified = mbedtls_pk_verify(&key.context, MBEDTLS_MD_SHA256, sha256.data(), sha256.size(),
                                         signature.data(), signature.size());
  if (verified != 0) return fail(is_out_of_memory(verified) ? Error::no_space : Error::denied);
  return {};
}

}  // namespace tercet::crypto
