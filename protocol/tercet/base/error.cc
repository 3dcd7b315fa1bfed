#include "tercet/base/error.h"

#include "tercet/base/words.h"

namespace tercet {
namespace {

#ifdef TERCET_NO_NAMES
/// Their numbers: enough for whoever has error.h at hand.
constexpr std::string_view kNames = "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29";
static_assert(nth_word(kNames, static_cast<std::size_t>(Error::internal)) == "29");
#else
/// In the order of the enumerators.
constexpr std::string_view kNames =
    "need_more malformed too_large no_space bad_state bad_argument not_found already_exists denied "
    "unauthenticated unsupported version_conflict would_block closed timed_out io_failed dns_failed "
    "connect_refused tls_untrusted tls_expired tls_wrong_host tls_failed clock_unset "
    "refused_protocol refused_client_id refused_unavailable refused_credentials "
    "refused_not_authorized rate_limited internal";
static_assert(nth_word(kNames, static_cast<std::size_t>(Error::refused_protocol)) == "refused_protocol");
static_assert(nth_word(kNames, static_cast<std::size_t>(Error::internal)) == "internal");
#endif

}  // namespace

std::string_view name(Error error) {
  const std::string_view found = nth_word(kNames, static_cast<std::size_t>(error));
  return found.empty() ? "unknown" : found;
}

}  // namespace tercet
