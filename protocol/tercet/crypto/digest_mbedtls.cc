// The digest backend of boards with mbedTLS but without PSA. mbedTLS allocates its context once per digest from its own
// heap (mbedtls_platform_set_calloc_free decides which).
#include <mbedtls/md.h>

#include <new>

#include "tercet/crypto/digest.h"

namespace tercet::crypto {
namespace {

const mbedtls_md_info_t* md_info(Algorithm algorithm) {
  return mbedtls_md_info_from_type(algorithm == Algorithm::md5    ? MBEDTLS_MD_MD5
                                   : algorithm == Algorithm::sha1 ? MBEDTLS_MD_SHA1
                                                                  : MBEDTLS_MD_SHA256);
}

template <std::size_t N>
mbedtls_md_context_t& context_in(std::array<std::byte, N>& state) {
  static_assert(sizeof(mbedtls_md_context_t) <= N && alignof(mbedtls_md_context_t) <= 8);
  return *std::launder(reinterpret_cast<mbedtls_md_context_t*>(state.data()));
}

/// 1 for a keyed digest, as mbedtls_md_setup wants it.
template <std::size_t N>
bool set_up(std::array<std::byte, N>& state, Algorithm algorithm, int keyed) {
  auto* context = new (state.data()) mbedtls_md_context_t;
  mbedtls_md_init(context);
  const mbedtls_md_info_t* info = md_info(algorithm);
  return info != nullptr && mbedtls_md_setup(context, info, keyed) == 0;
}

}  // namespace

Hmac::Hmac(Algorithm algorithm, Bytes key) : algorithm_(algorithm) {
  ok_ = set_up(state_, algorithm, 1) && mbedtls_md_hmac_starts(&context_in(state_), key.data(), key.size()) == 0;
}

Hmac::~Hmac() { mbedtls_md_free(&context_in(state_)); }

Hmac& Hmac::add(Bytes piece) {
  if (ok_ && !piece.empty()) ok_ = mbedtls_md_hmac_update(&context_in(state_), piece.data(), piece.size()) == 0;
  return *this;
}

Digest Hmac::finish() {
  Digest digest;
  if (ok_ && mbedtls_md_hmac_finish(&context_in(state_), digest.bytes.data()) == 0)
    digest.size = static_cast<std::uint8_t>(digest_bytes(algorithm_));
  ok_ = false;
  return digest;
}

Hash::Hash(Algorithm algorithm) : algorithm_(algorithm) {
  ok_ = set_up(state_, algorithm, 0) && mbedtls_md_starts(&context_in(state_)) == 0;
}

Hash::~Hash() { mbedtls_md_free(&context_in(state_)); }

Hash& Hash::add(Bytes piece) {
  if (ok_ && !piece.empty()) ok_ = mbedtls_md_update(&context_in(state_), piece.data(), piece.size()) == 0;
  return *this;
}

Digest Hash::finish() {
  Digest digest;
  if (ok_ && mbedtls_md_finish(&context_in(state_), digest.bytes.data()) == 0)
    digest.size = static_cast<std::uint8_t>(digest_bytes(algorithm_));
  ok_ = false;
  return digest;
}

}  // namespace tercet::crypto
