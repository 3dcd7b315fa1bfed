#include "platform/openapi/utc_time.h"

#include <chrono>
#include <ctime>

namespace tercet::openapi {
namespace {

std::string format(std::int64_t seconds, const char* form) {
  const std::time_t at = seconds;
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, form, &parts)};
}

std::int64_t floor_seconds(UnixMillis at) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds{at.ms}).count();
}

/// All of `text` as a decimal number; -1 when it is not one.
int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

std::string utc_seconds(UnixMillis at) { return format(floor_seconds(at), "%Y-%m-%dT%H:%M:%SZ"); }

std::string utc_millis(UnixMillis at) {
  if (at.ms == 0) return {};
  const std::int64_t seconds = floor_seconds(at);
  const auto millis = static_cast<int>(at.ms - seconds * 1000);
  std::string text = format(seconds, "%Y-%m-%dT%H:%M:%S.");
  text += static_cast<char>('0' + millis / 100);
  text += static_cast<char>('0' + millis / 10 % 10);
  text += static_cast<char>('0' + millis % 10);
  return text += 'Z';
}

std::string beijing_time(UnixMillis at) {
  return at.ms == 0 ? std::string() : format(floor_seconds(at) + 8 * 3600, "%Y-%m-%d %H:%M:%S");
}

std::string gmt_comma_time(UnixMillis at) {
  return at.ms == 0 ? std::string() : format(floor_seconds(at), "%a, %d-%b-%Y %H:%M:%S GMT");
}

std::optional<UnixMillis> parse_utc_seconds(std::string_view text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      text[19] != 'Z')
    return std::nullopt;
  const int year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)), day = digits(text.substr(8, 2));
  const int hour = digits(text.substr(11, 2)), minute = digits(text.substr(14, 2)), second = digits(text.substr(17, 2));
  if (year < 1970 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return UnixMillis{(days * 86400 + hour * 3600 + minute * 60 + second) * 1000};
}

}  // namespace tercet::openapi
