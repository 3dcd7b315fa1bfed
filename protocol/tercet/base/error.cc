#include "tercet/base/error.h"

namespace tercet {

std::string_view name(Error error) {
  switch (error) {
    case Error::need_more:
      return "need_more";
    case Error::malformed:
      return "malformed";
    case Error::too_large:
      return "too_large";
    case Error::no_space:
      return "no_space";
    case Error::bad_state:
      return "bad_state";
    case Error::bad_argument:
      return "bad_argument";
    case Error::not_found:
      return "not_found";
    case Error::already_exists:
      return "already_exists";
    case Error::denied:
      return "denied";
    case Error::unauthenticated:
      return "unauthenticated";
    case Error::unsupported:
      return "unsupported";
    case Error::version_conflict:
      return "version_conflict";
    case Error::would_block:
      return "would_block";
    case Error::closed:
      return "closed";
    case Error::timed_out:
      return "timed_out";
    case Error::io_failed:
      return "io_failed";
    case Error::dns_failed:
      return "dns_failed";
    case Error::connect_refused:
      return "connect_refused";
    case Error::tls_untrusted:
      return "tls_untrusted";
    case Error::tls_expired:
      return "tls_expired";
    case Error::tls_wrong_host:
      return "tls_wrong_host";
    case Error::tls_failed:
      return "tls_failed";
    case Error::clock_unset:
      return "clock_unset";
    case Error::refused_protocol:
      return "refused_protocol";
    case Error::refused_client_id:
      return "refused_client_id";
    case Error::refused_unavailable:
      return "refused_unavailable";
    case Error::refused_credentials:
      return "refused_credentials";
    case Error::refused_not_authorized:
      return "refused_not_authorized";
    case Error::rate_limited:
      return "rate_limited";
    case Error::internal:
      return "internal";
  }
  return "unknown";
}

}  // namespace tercet
