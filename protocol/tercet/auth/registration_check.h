#pragma once
#include <string_view>

#include "tercet/auth/verify.h"

/// The server's side of dynamic registration (device-protocol 2.8, 2.9).
namespace tercet::auth {

/// What a CONNECT wants, by the authType, securemode and random of its client id.
enum class LoginKind : std::uint8_t {
  secret,                 ///< a session, proved by the DeviceSecret
  registration,           ///< the DeviceSecret of a device that is registered, proved by the ProductSecret
  unlisted_registration,  ///< a client id and a token, the device need not be known
  token,                  ///< a session, proved by such a token
  other,                  ///< ID² and what else is not offered
};
/// One edition of the documents prints `authType=regnwl` for a login with a token: that is one when securemode is -2
/// and there is no random.
LoginKind kind_of(const ClientId& client_id);

/// Whether the password is the signature of a registration under this ProductSecret. One HMAC, compared in constant
/// time. An empty secret is refused.
bool check_registration(const Login& login, std::string_view product_secret);

/// What a registration over HTTPS brings (2.10).
struct RegistrationForm {
  std::string_view product, device, random;
  std::string_view sign;         ///< hex of any case
  std::string_view sign_method;  ///< as sent
};
enum class FormVerdict : std::uint8_t { good, incomplete, unknown_method, wrong_sign };
/// The vendor's Node SDK signs with SHA-1 whatever method it names: taken as well.
FormVerdict check_form(const RegistrationForm& form, std::string_view product_secret);

}  // namespace tercet::auth
