#pragma once
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/writer.h"

/// The one message that follows the CONNACK of a dynamic registration, without SUBSCRIBE (device-protocol 2.9). What
/// signs the CONNECT is in tercet/auth/registration.h.
namespace tercet::alink {

inline constexpr std::string_view kRegisterTopic = "/ext/register";
inline constexpr std::string_view kUnlistedTopic = "/ext/regnwl";

/// Views into the payload.
struct Registered {
  std::string_view product, device;
  std::string_view secret;            ///< of a pre-registered device; else ""
  std::string_view client_id, token;  ///< of one that was not; else ""
  bool is_unlisted() const { return secret.empty(); }
};
/// Takes either message on either topic: one edition of the documents prints `/ext/register` for both. Errors:
/// malformed, no JSON, a name is missing, neither a secret nor client id and token, or a text with escapes.
Result<Registered> parse_registered(std::string_view topic, Bytes payload);
/// Compact, in the vendor's order; texts without `"` and `\`.
void write_registered(tercet::Writer& out, const Registered& registered);

}  // namespace tercet::alink
