// Signatures for servers and Linux devices.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstring>
#include <memory>

#include "tercet/crypto/signature.h"

namespace tercet::crypto {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

bool is_usable(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
    return EVP_PKEY_get_bits(key) >= 2048 && EVP_PKEY_get_bits(key) <= 4096;
  char group[32] = {};
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         std::strcmp(group, "prime256v1") == 0;
}

}  // namespace

Result<void> verify_signature(Bytes public_key, Bytes sha256, Bytes signature) {
  const unsigned char* at = public_key.data();
  const std::unique_ptr<EVP_PKEY, Free> key(d2i_PUBKEY(nullptr, &at, static_cast<long>(public_key.size())));
  if (!key || at != public_key.data() + public_key.size() || sha256.size() != 32 || !is_usable(key.get()))
    return fail(Error::bad_argument);
  const std::unique_ptr<EVP_PKEY_CTX, Free> context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (!context || EVP_PKEY_verify_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) != 1)
    return fail(Error::no_space);
  if (signature.empty() || EVP_PKEY_verify(context.get(), signature.data(), signature.size(), sha256.data(), 32) != 1)
    return fail(Error::denied);
  return {};
}

}  // namespace tercet::crypto
