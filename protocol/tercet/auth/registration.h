#pragma once
#include <string_view>

#include "tercet/auth/sign.h"
#include "tercet/base/result.h"
#include "tercet/base/triple.h"

/// Dynamic registration: a board that knows its names and the ProductSecret asks for what is its own alone
/// (device-protocol 2.8, 2.9). What a board needs is here; what a server checks is in registration_check.h.
namespace tercet::auth {

struct RegistrationOptions {
  bool unlisted = false;  ///< `regnwl`: the device need not be known yet; the answer is a client id and a token
  SignMethod method = SignMethod::sha256;
  std::string_view instance_id = {};  ///< of the cloud's enterprise instances; "" elsewhere
};

/// The CONNECT of a registration, as the vendor's C SDK 4 sends it: `${dn}.${pk}|random=R,authType=…|`. TLS only.
/// random: 1 to 32 letters and digits, another one each time. Errors: bad_argument (random or instance_id), internal
/// (the digest backend refused).
Result<Credentials> make_registration(const DeviceId& id, std::string_view product_secret, std::string_view random,
                                      const RegistrationOptions& options = {});

struct TokenOptions {
  bool auto_subscribe = false;
  std::uint32_t ext = 0;
  std::string_view version = {};
};
/// The CONNECT of a device that has a token from an unlisted registration. client_id, token: as they came.
/// Errors: bad_argument, one of them is empty, too long or has `|` in it.
Result<Credentials> make_token_login(const DeviceId& id, std::string_view client_id, std::string_view token,
                                     const TokenOptions& options = {});

}  // namespace tercet::auth
