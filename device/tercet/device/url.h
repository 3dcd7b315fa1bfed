#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/result.h"

namespace tercet::device {

/// The parts of an address to fetch a file from. Views into the text it was parsed from.
struct Url {
  std::string_view host;  ///< a name or an address, IPv6 without its brackets: what Transport::open() takes
  std::string_view path;  ///< path and query as they go into the request; may be empty or begin with `?`
  std::uint16_t port = 443;
  bool tls = true;
  bool is_ipv6 = false;  ///< the host was in brackets, and is again in the `Host` field
};

/// `http://` or `https://`, a host, perhaps a port, path and query; a fragment is dropped. Nothing is decoded: the path
/// goes to the server as it came.
/// Errors: unsupported, another scheme, or a name and password before the host; malformed, no host, a host of letters
/// that names do not have, a port that is none, blanks, control characters or bytes beyond ASCII.
Result<Url> parse_url(std::string_view text);

}  // namespace tercet::device
