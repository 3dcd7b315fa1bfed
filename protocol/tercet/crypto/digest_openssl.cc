// The digest backend of servers and Linux devices. Algorithms are fetched once per process; contexts are kept in a
// small pool per thread, because in OpenSSL 3 making one costs more than the digest of a login.
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <new>
#include <utility>

#include "tercet/crypto/digest.h"

namespace tercet::crypto {
namespace {

constexpr std::size_t kAlgorithms = 3;
constexpr std::size_t kPooled = 4;  // more at a time than this on one thread are made and freed

const char* openssl_name(Algorithm algorithm) {
  return algorithm == Algorithm::md5 ? "MD5" : algorithm == Algorithm::sha1 ? "SHA1" : "SHA256";
}

/// Fetched once and never freed: they live as long as the process.
const EVP_MD* fetched_digest(Algorithm algorithm) {
  static const std::array<EVP_MD*, kAlgorithms> digests{EVP_MD_fetch(nullptr, "MD5", nullptr),
                                                        EVP_MD_fetch(nullptr, "SHA1", nullptr),
                                                        EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  return digests[static_cast<std::size_t>(algorithm)];
}

struct MacContext {
  using Type = EVP_MAC_CTX;
  static EVP_MAC_CTX* make(Algorithm algorithm) {
    static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
    if (hmac == nullptr) return nullptr;
    EVP_MAC_CTX* context = EVP_MAC_CTX_new(hmac);
    const OSSL_PARAM which[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(openssl_name(algorithm)), 0),
        OSSL_PARAM_construct_end()};
    if (context != nullptr && EVP_MAC_CTX_set_params(context, which) == 1) return context;
    EVP_MAC_CTX_free(context);
    return nullptr;
  }
  static void free(EVP_MAC_CTX* context) { EVP_MAC_CTX_free(context); }
};

struct HashContext {
  using Type = EVP_MD_CTX;
  static EVP_MD_CTX* make(Algorithm) { return EVP_MD_CTX_new(); }
  static void free(EVP_MD_CTX* context) { EVP_MD_CTX_free(context); }
};

/// One thread's spare contexts of one kind.
template <typename Context>
class Pool {
 public:
  using Type = typename Context::Type;
  static Pool& of_thread() {
    thread_local Pool pool;
    return pool;
  }
  ~Pool() {
    for (auto& row : spare_)
      for (Type* context : row) Context::free(context);
  }
  Type* take(Algorithm algorithm) {
    for (Type*& context : spare_[static_cast<std::size_t>(algorithm)])
      if (context != nullptr) return std::exchange(context, nullptr);
    return Context::make(algorithm);
  }
  void give(Algorithm algorithm, Type* context) {
    if (context == nullptr) return;
    for (Type*& place : spare_[static_cast<std::size_t>(algorithm)])
      if (place == nullptr) {
        place = context;
        return;
      }
    Context::free(context);
  }

 private:
  std::array<std::array<Type*, kPooled>, kAlgorithms> spare_{};
};

template <typename Context, std::size_t N>
typename Context::Type*& context_in(std::array<std::byte, N>& state) {
  static_assert(sizeof(void*) <= N);
  return *std::launder(reinterpret_cast<typename Context::Type**>(state.data()));
}
template <typename Context, std::size_t N>
void put_context(std::array<std::byte, N>& state, typename Context::Type* context) {
  new (state.data()) typename Context::Type*(context);
}

}  // namespace

Hmac::Hmac(Algorithm algorithm, Bytes key) : algorithm_(algorithm) {
  static const std::uint8_t no_key = 0;  // OpenSSL takes a null key for "the one of last time"
  EVP_MAC_CTX* context = Pool<MacContext>::of_thread().take(algorithm);
  put_context<MacContext>(state_, context);
  ok_ = context != nullptr && EVP_MAC_init(context, key.empty() ? &no_key : key.data(), key.size(), nullptr) == 1;
}

Hmac::~Hmac() { Pool<MacContext>::of_thread().give(algorithm_, context_in<MacContext>(state_)); }

Hmac& Hmac::add(Bytes piece) {
  if (ok_ && !piece.empty()) ok_ = EVP_MAC_update(context_in<MacContext>(state_), piece.data(), piece.size()) == 1;
  return *this;
}

Digest Hmac::finish() {
  Digest digest;
  std::size_t size = 0;
  if (ok_ && EVP_MAC_final(context_in<MacContext>(state_), digest.bytes.data(), &size, digest.bytes.size()) == 1)
    digest.size = static_cast<std::uint8_t>(size);
  ok_ = false;
  return digest;
}

Hash::Hash(Algorithm algorithm) : algorithm_(algorithm) {
  EVP_MD_CTX* context = Pool<HashContext>::of_thread().take(algorithm);
  put_context<HashContext>(state_, context);
  const EVP_MD* digest = fetched_digest(algorithm);
  ok_ = context != nullptr && digest != nullptr && EVP_DigestInit_ex2(context, digest, nullptr) == 1;
}

Hash::~Hash() { Pool<HashContext>::of_thread().give(algorithm_, context_in<HashContext>(state_)); }

Hash& Hash::add(Bytes piece) {
  if (ok_ && !piece.empty()) ok_ = EVP_DigestUpdate(context_in<HashContext>(state_), piece.data(), piece.size()) == 1;
  return *this;
}

Digest Hash::finish() {
  Digest digest;
  unsigned size = 0;
  if (ok_ && EVP_DigestFinal_ex(context_in<HashContext>(state_), digest.bytes.data(), &size) == 1)
    digest.size = static_cast<std::uint8_t>(size);
  ok_ = false;
  return digest;
}

}  // namespace tercet::crypto
