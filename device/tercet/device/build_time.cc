#include <string_view>

#include "tercet/device/clock.h"

namespace tercet::device {
namespace {

constexpr int month_of(std::string_view date) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  return static_cast<int>(kMonths.find(date.substr(0, 3))) / 3 + 1;
}

constexpr int digit(char c) { return c == ' ' ? 0 : c - '0'; }

/// "Nov 22 2026" as days since 1970, by counting years from a March start so that leap days fall at the end.
constexpr std::int64_t days_of(std::string_view date) {
  const int month = month_of(date);
  const int day = digit(date[4]) * 10 + digit(date[5]);
  const int year =
      digit(date[7]) * 1000 + digit(date[8]) * 100 + digit(date[9]) * 10 + digit(date[10]) - (month <= 2 ? 1 : 0);
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return std::int64_t{365} * year + year / 4 - year / 100 + year / 400 + day_of_year - 719'468;
}
static_assert(days_of("Jan  1 1970") == 0);
static_assert(days_of("Mar  1 2024") == 19'783);

constexpr std::int64_t kDayMs = 86'400'000;
constexpr UnixMillis kBuilt{(days_of(__DATE__) - 1) * kDayMs};

}  // namespace

UnixMillis build_time() { return kBuilt; }

}  // namespace tercet::device
