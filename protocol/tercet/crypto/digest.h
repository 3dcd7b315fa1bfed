#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tercet/base/bytes.h"

namespace tercet::crypto {

/// The three digests of the protocol. One backend per build does the work (OpenSSL; PSA or mbedTLS on boards).
enum class Algorithm : std::uint8_t { md5, sha1, sha256 };
inline constexpr std::size_t kMaxDigestBytes = 32;
constexpr std::size_t digest_bytes(Algorithm algorithm) {
  return algorithm == Algorithm::md5 ? 16 : algorithm == Algorithm::sha1 ? 20 : 32;
}

/// What a digest came to. Empty (size 0) when the backend would not do it (an OpenSSL without MD5, a PSA without
/// memory): an empty digest equals nothing, so a check against it is always a refusal.
struct Digest {
  std::array<std::uint8_t, kMaxDigestBytes> bytes{};
  std::uint8_t size = 0;

  bool empty() const { return size == 0; }
  Bytes view() const { return {bytes.data(), size}; }
};

/// A keyed digest, fed piece by piece; finish() ends it and is called once. The key is copied into the backend by the
/// constructor. Any number may be alive at a time, each used by one thread; different threads need no lock. After a
/// thread's first use nothing is allocated (OpenSSL keeps its contexts in a per-thread pool of ours).
class Hmac {
 public:
  Hmac(Algorithm algorithm, Bytes key);
  Hmac(Algorithm algorithm, std::string_view key) : Hmac(algorithm, as_bytes(key)) {}
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac();

  Hmac& add(Bytes piece);
  Hmac& add(std::string_view piece) { return add(as_bytes(piece)); }
  Digest finish();

 private:
  alignas(8) std::array<std::byte, 512> state_;  // the backend's context; each backend asserts that it fits
  Algorithm algorithm_;
  bool ok_ = false;
};

/// A digest without a key: firmware images, message digests. Same rules as Hmac.
class Hash {
 public:
  explicit Hash(Algorithm algorithm);
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  ~Hash();

  Hash& add(Bytes piece);
  Hash& add(std::string_view piece) { return add(as_bytes(piece)); }
  Digest finish();

 private:
  alignas(8) std::array<std::byte, 512> state_;
  Algorithm algorithm_;
  bool ok_ = false;
};

/// Whole messages in one call.
Digest hmac(Algorithm algorithm, std::string_view key, std::string_view message);
Digest hash(Algorithm algorithm, Bytes message);
inline Digest md5(std::string_view message) { return hash(Algorithm::md5, as_bytes(message)); }
inline Digest sha256(std::string_view message) { return hash(Algorithm::sha256, as_bytes(message)); }

/// Whether both are the same bytes, in a time that depends on the lengths only. Two empty views are not equal: nothing
/// is never a proof.
bool equals(Bytes a, Bytes b);
/// Whether `hex` spells the digest, in upper, lower or mixed case; time depends on the lengths only.
bool equals_hex(const Digest& digest, std::string_view hex);

}  // namespace tercet::crypto
