#pragma once
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::crypto {

/// RSA of 4096 bits signs with this many bytes; RSA of 2048 with 256, ECDSA with 72 at most.
inline constexpr std::size_t kMaxSignatureBytes = 512;

/// Whether the owner of `public_key` has signed the message whose SHA-256 is `sha256`: what
/// `openssl dgst -sha256 -sign KEY FILE` writes. The key's kind decides: RSA (2048 to 4096 bits, PKCS#1 v1.5), or ECDSA
/// on P-256 with the signature in DER. public_key: a SubjectPublicKeyInfo in DER, as `openssl pkey -pubout -outform
/// DER` writes it. One backend per build (OpenSSL; PSA or mbedTLS on boards); linked only where it is called. Takes
/// about 10 KB of the backend's own memory, and on a small chip without an accelerator up to a second. Errors: denied,
/// it is not that key's signature; bad_argument, the key is of another kind or not whole, or `sha256` has not 32 bytes;
/// no_space, the backend has no memory: try again later.
Result<void> verify_signature(Bytes public_key, Bytes sha256, Bytes signature);

}  // namespace tercet::crypto
