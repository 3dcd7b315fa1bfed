#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tercet/base/time.h"

namespace tercet::openapi {

/// The forms in which the API writes times (one field family each).
std::string utc_seconds(UnixMillis at);     ///< "2018-08-06T02:47:50Z": request timestamps
std::string utc_millis(UnixMillis at);      ///< "2018-08-06T02:47:50.000Z": `Utc*`; "" for 0, never
std::string beijing_time(UnixMillis at);    ///< "2018-08-06 10:47:50": `Gmt*` of device details; "" for 0, never
std::string gmt_comma_time(UnixMillis at);  ///< "Thu, 17-Nov-2016 02:08:12 GMT": GmtCreate of QueryDevice; "" for 0

/// "YYYY-MM-DDThh:mm:ssZ", exactly; nothing otherwise.
std::optional<UnixMillis> parse_utc_seconds(std::string_view text);

}  // namespace tercet::openapi
