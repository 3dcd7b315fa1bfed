#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "tercet/auth/client_id.h"
#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/base/triple.h"
#include "tercet/crypto/digest.h"

namespace tercet::auth {

/// What takes part in a device's signature (2.2), by name, so that no two can be swapped.
struct SignInput {
  std::string_view client_id;  ///< without the `|…|` block
  std::string_view device;
  std::string_view product;
  std::optional<std::string_view> timestamp;  ///< digits, exactly as they stand in the client id
};

/// HMAC over `clientId…deviceName…productKey…[timestamp…]`, key = the secret as printed. Empty digest: see Digest.
crypto::Digest sign(SignMethod method, std::string_view secret, const SignInput& input);
/// The text that is signed, for showing. Errors: no_space.
Result<std::string_view> sign_content(const SignInput& input, std::span<char> out);

/// Dynamic registration (2.9): HMAC over `deviceName…productKey…random…`, key = the ProductSecret.
crypto::Digest sign_registration(SignMethod method, std::string_view product_secret, std::string_view device,
                                 std::string_view product, std::string_view random);

enum class SecureMode : int { tls = 2, tcp = 3 };

/// The constant that the vendor's C SDKs sign: 2050-01-01. The cloud holds MQTT timestamps against no clock, so a board
/// without one can use it too.
inline constexpr std::string_view kConstantTimestamp = "2524608000000";

struct LoginOptions {
  std::string_view client_id = {};  ///< "" = `${pk}.${dn}`; at most 64 characters, no `|`
  SignMethod method = SignMethod::sha256;
  SecureMode secure_mode = SecureMode::tls;
  std::optional<std::string_view> timestamp = kConstantTimestamp;
  bool auto_subscribe = false;    ///< `_ss=1`
  std::uint32_t ext = 0;          ///< bit 0: RRPC on custom topics is understood
  std::string_view version = {};  ///< `_v`, left out when ""
};

/// The three strings of a CONNECT. Holds a password: keep it no longer than needed.
struct Credentials {
  FixedString<256> client_id;
  FixedString<64> user_name;
  FixedString<64> password;  ///< lower-case hex
};
/// Errors: bad_argument (client id empty, over 64 characters or with `|`; options too long for the buffers), internal
/// (the digest backend refused).
Result<Credentials> make_credentials(const Triple& triple, const LoginOptions& options = {});

}  // namespace tercet::auth
