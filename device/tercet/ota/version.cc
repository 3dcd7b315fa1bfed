#include "tercet/ota/version.h"

#include <algorithm>

namespace tercet::ota {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The digits at the front, without zeros before them; taken off.
std::string_view take_number(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

void drop_letter_v(std::string_view& text) {
  if (text.size() > 1 && (text[0] == 'v' || text[0] == 'V') && is_digit(text[1])) text.remove_prefix(1);
}

std::strong_ordering order(int sign) {
  return sign < 0 ? std::strong_ordering::less : sign > 0 ? std::strong_ordering::greater : std::strong_ordering::equal;
}

}  // namespace

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
  drop_letter_v(a), drop_letter_v(b);
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view x = take_number(a), y = take_number(b);
      if (x.size() != y.size()) return x.size() <=> y.size();
      if (const int sign = x.compare(y); sign != 0) return order(sign);
      continue;
    }
    // A dash ends a release: 1.2-rc1 comes before 1.2.1.
    if (a[0] != b[0] && (a[0] == '-' || b[0] == '-'))
      return a[0] == '-' ? std::strong_ordering::less : std::strong_ordering::greater;
    if (a[0] != b[0]) return order(a[0] < b[0] ? -1 : 1);
    a.remove_prefix(1), b.remove_prefix(1);
  }
  if (a.empty() && b.empty()) return std::strong_ordering::equal;
  if (a.empty()) return b[0] == '-' ? std::strong_ordering::greater : std::strong_ordering::less;
  return a[0] == '-' ? std::strong_ordering::less : std::strong_ordering::greater;
}

}  // namespace tercet::ota
