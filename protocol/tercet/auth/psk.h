#pragma once
#include <optional>
#include <string_view>

#include "tercet/auth/client_id.h"
#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/base/triple.h"

namespace tercet::auth {

/// TLS with a pre-shared key instead of a certificate, as the vendor's C SDKs do it (device-protocol 1.3): the identity
/// is `devicename|hmacsha256|${pk}&${dn}|${timestamp}`, the key the digest of `id${pk}&${dn}timestamp${timestamp}`
/// under the DeviceSecret, in upper-case hex characters. A normal CONNECT follows.
struct PskIdentity {
  SignMethod method = SignMethod::sha256;
  std::string_view product, device;  ///< as claimed
  std::string_view timestamp;        ///< digits
};

/// Views into the text. Nothing when it is not such an identity.
std::optional<PskIdentity> parse_psk_identity(std::string_view text);

/// The characters of a key: 64 for hmacsha256, fewer for the older digests. Wiped when it goes out of scope.
class PskKey {
 public:
  PskKey() = default;
  PskKey(const PskKey&) = default;
  PskKey& operator=(const PskKey&) = default;
  ~PskKey() { text_.wipe(); }
  std::string_view str() const { return text_.str(); }
  bool empty() const { return text_.empty(); }

 private:
  friend PskKey make_psk_key(const PskIdentity& identity, std::string_view secret);
  FixedString<64> text_;
};
/// Empty when the digest backend refused: no key equals it.
PskKey make_psk_key(const PskIdentity& identity, std::string_view secret);

/// What a device gives to its TLS library.
struct PskCredentials {
  FixedString<112> identity;
  PskKey key;
};
/// Errors: internal (the digest backend refused).
Result<PskCredentials> make_psk_credentials(const Triple& triple);

/// The one suite that the vendor's SDKs offer with it; by OpenSSL's name, and its number.
inline constexpr const char* kPskCipher = "PSK-AES128-CBC-SHA";
inline constexpr std::uint16_t kPskCipherNumber = 0x008C;

}  // namespace tercet::auth
