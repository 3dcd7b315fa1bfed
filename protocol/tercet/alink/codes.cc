#include "tercet/alink/codes.h"

namespace tercet::alink {

std::string_view message(Code code) {
  switch (code) {
#define TERCET_ROW(name, number, text, ...) \
  case Code::name:                          \
    return text;
    TERCET_ALINK_CODES(TERCET_ROW)
#undef TERCET_ROW
  }
  return "request error";
}

Code code_of(Error error) {
  switch (error) {
    case Error::malformed:
    case Error::need_more:
    case Error::too_large:
    case Error::bad_argument:
      return Code::parameter_error;
    case Error::not_found:
      return Code::device_not_found;
    case Error::denied:
    case Error::refused_not_authorized:
      return Code::request_forbidden;
    case Error::unauthenticated:
    case Error::refused_credentials:
      return Code::request_auth_error;
    case Error::rate_limited:
    case Error::no_space:
    case Error::would_block:
      return Code::too_many_requests;
    case Error::unsupported:
    case Error::bad_state:
    case Error::already_exists:
    case Error::version_conflict:
      return Code::request_error;
    default:
      return Code::system_exception;
  }
}

}  // namespace tercet::alink
