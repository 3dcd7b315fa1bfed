#include "platform/rule/clock_format.h"

#include <array>
#include <chrono>

namespace tercet::rule {
namespace {

void append_padded(std::string& out, long long number, std::size_t width) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  if (number < 0) out += '-';
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void append_zone(std::string& out, std::int64_t ahead, bool with_colon) {
  const std::int64_t minutes = (ahead < 0 ? -ahead : ahead) / 60'000;
  out += ahead < 0 ? '-' : '+';
  append_padded(out, minutes / 60, 2);
  if (with_colon) out += ':';
  append_padded(out, minutes % 60, 2);
}

}  // namespace

void append_clock(std::string& out, std::int64_t ms, std::int64_t ahead, std::string_view pattern) {
  using namespace std::chrono;
  static constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                            "May",       "June",     "July",     "August",
                                                            "September", "October",  "November", "December"};
  static constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                         "Thursday", "Friday", "Saturday"};
  const sys_time<milliseconds> at{milliseconds{ms + ahead}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  const auto hour = time.hours().count();
  const unsigned month = static_cast<unsigned>(date.month());
  for (std::size_t i = 0; i < pattern.size();) {
    const char letter = pattern[i];
    if (letter == '\'') {
      const std::size_t close = std::min(pattern.find('\'', i + 1), pattern.size());
      out += close == i + 1 ? std::string_view("'") : pattern.substr(i + 1, close - i - 1);
      i = close + 1;
      continue;
    }
    std::size_t count = 1;
    while (i + count < pattern.size() && pattern[i + count] == letter) ++count;
    i += count;
    const std::size_t width = count;
    switch (letter) {
      case 'y':
        if (width == 2)
          append_padded(out, static_cast<int>(date.year()) % 100, 2);
        else
          append_padded(out, static_cast<int>(date.year()), width);
        break;
      case 'M':
        if (width >= 3)
          out += width == 3 ? kMonths[month - 1].substr(0, 3) : kMonths[month - 1];
        else
          append_padded(out, month, width);
        break;
      case 'd':
        append_padded(out, static_cast<unsigned>(date.day()), width);
        break;
      case 'H':
        append_padded(out, hour, width);
        break;
      case 'h':
        append_padded(out, hour % 12 == 0 ? 12 : hour % 12, width);
        break;
      case 'm':
        append_padded(out, time.minutes().count(), width);
        break;
      case 's':
        append_padded(out, time.seconds().count(), width);
        break;
      case 'S':
        append_padded(out, time.subseconds().count(), width);
        break;
      case 'a':
        out += hour < 12 ? "AM" : "PM";
        break;
      case 'E': {
        const std::string_view name = kDays[weekday{day}.c_encoding()];
        out += width <= 3 ? name.substr(0, 3) : name;
        break;
      }
      case 'z':
        out += ahead == 0 ? "UTC" : "GMT";
        if (ahead != 0) append_zone(out, ahead, true);
        break;
      case 'Z':
        append_zone(out, ahead, false);
        break;
      case 'X':
        if (ahead == 0)
          out += 'Z';
        else
          append_zone(out, ahead, width >= 3);
        break;
      default:
        out.append(count, letter);
    }
  }
}

}  // namespace tercet::rule
