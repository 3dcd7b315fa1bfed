#pragma once
#include <cstdint>
#include <string_view>

namespace tercet {

/// Why something could not be done. One byte, so that a Result costs nothing on a board. The text, the MQTT reason
/// code, the Alink code and the HTTP code of each are mapped from it in one file per protocol.
enum class Error : std::uint8_t {
  need_more,               ///< the bytes so far are fine but not whole; come back with more
  malformed,               ///< the peer broke the format; close or answer 460
  too_large,               ///< over a limit that the packet, the configuration or the buffer sets
  no_space,                ///< our own bounded container is full; retry when it has drained
  bad_state,               ///< the call or packet does not belong here now
  bad_argument,            ///< a value handed in is out of its documented range
  not_found,               ///< the named thing does not exist
  already_exists,          ///< the named thing exists already
  denied,                  ///< known, but not allowed
  unauthenticated,         ///< who it is could not be proved
  unsupported,             ///< understood but not offered
  version_conflict,        ///< somebody else was first
  would_block,             ///< not now; the readiness event will tell
  closed,                  ///< the peer has closed, or we have
  timed_out,               ///< the deadline passed
  io_failed,               ///< the operating system refused; detail beside it
  dns_failed,              ///< the host name could not be resolved
  connect_refused,         ///< nobody listens at the address
  tls_untrusted,           ///< the certificate chain does not end in a known root
  tls_expired,             ///< a certificate in the chain has expired, or is not valid yet
  tls_wrong_host,          ///< the certificate is for another name
  tls_failed,              ///< the handshake failed otherwise
  clock_unset,             ///< the clock is below the build floor; TLS must not start
  refused_protocol,        ///< CONNACK: protocol version not supported
  refused_client_id,       ///< CONNACK: client identifier malformed, or keep-alive out of range
  refused_unavailable,     ///< CONNACK: server unavailable
  refused_credentials,     ///< CONNACK: bad user name or password
  refused_not_authorized,  ///< CONNACK: not authorised
  rate_limited,            ///< too many, too fast
  internal,                ///< our own mistake, contained
};

/// The error's name as written above, for logs and tests. Never localised.
std::string_view name(Error error);

}  // namespace tercet
