#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/base/writer.h"

namespace tercet::alink {

/// The platform's clock service (8.1). All times are milliseconds UTC, except that a device may send whatever its
/// clock shows.
struct NtpRequest {
  std::string_view device_send_time;  ///< digits as sent
  bool as_text = true;                ///< the answer uses strings if the request did, numbers if it did
};
/// Errors: malformed: not JSON, or no deviceSendTime of digits.
Result<NtpRequest> parse_ntp_request(std::string_view payload);
void write_ntp_response(tercet::Writer& out, const NtpRequest& request, UnixMillis received, UnixMillis sent);

void write_ntp_request(tercet::Writer& out, UnixMillis device_send_time);
struct NtpResponse {
  UnixMillis device_send_time;
  UnixMillis server_receive_time;
  UnixMillis server_send_time;
};
/// Errors: malformed.
Result<NtpResponse> parse_ntp_response(std::string_view payload);
/// The time at the moment the response came in, half the round trip added; `received` is the device's own clock.
UnixMillis ntp_now(const NtpResponse& response, UnixMillis received);

}  // namespace tercet::alink
