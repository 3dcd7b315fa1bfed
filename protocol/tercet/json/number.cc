#include "tercet/json/number.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "tercet/json/reader.h"
#if defined(__linux__)
#include <charconv>  // with floating point, which the libraries of boards may lack
#endif

namespace tercet::json {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A number as mantissa * 10^exponent, the mantissa without trailing zeros.
struct Decimal {
  std::uint64_t mantissa = 0;
  int exponent = 0;
  bool negative = false;
  bool fits = true;  ///< the mantissa was not over 64 bits
};

/// Far beyond any double, near enough not to overflow an int.
constexpr int kExponentBound = 100'000;

int parse_exponent(const char* at, const char* end) {
  const bool negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  int value = 0;
  for (; at != end && is_digit(*at); ++at)
    if (value < kExponentBound) value = value * 10 + (*at - '0');
  return negative ? -value : value;
}

/// Multiplies by ten and adds; false when it no longer fits.
bool push_digit(std::uint64_t& mantissa, unsigned digit) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  if (mantissa > (kMost - digit) / 10) return false;
  mantissa = mantissa * 10 + digit;
  return true;
}

Decimal take_apart(std::string_view number) {
  const char* at = number.data();
  const char* const end = at + number.size();
  Decimal made;
  if (at != end && *at == '-') made.negative = true, ++at;
  int zeros = 0;  // seen, and not yet known to be inside the mantissa
  bool fraction = false;
  for (; at != end && (is_digit(*at) || *at == '.'); ++at) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    if (fraction) --made.exponent;
    if (*at == '0') {
      if (made.mantissa != 0) ++zeros;
      continue;
    }
    for (; zeros > 0; --zeros) made.fits = made.fits && push_digit(made.mantissa, 0);
    made.fits = made.fits && push_digit(made.mantissa, static_cast<unsigned>(*at - '0'));
  }
  made.exponent += zeros;
  if (at != end) made.exponent += parse_exponent(at + 1, end);
  return made;
}

/// The powers of ten that a double holds exactly.
constexpr std::array<double, 23> kPowers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr std::uint64_t kExactMantissa = 1ULL << 53;

/// One exact operand times or over another is rounded once, hence nearest (Clinger). Most readings end here.
std::optional<double> quick_real(const Decimal& decimal) {
  if (!decimal.fits || decimal.mantissa > kExactMantissa || decimal.exponent > 22 || decimal.exponent < -22)
    return std::nullopt;
  double value = static_cast<double>(decimal.mantissa);
  if (decimal.exponent < 0)
    value /= kPowers[static_cast<std::size_t>(-decimal.exponent)];
  else
    value *= kPowers[static_cast<std::size_t>(decimal.exponent)];
  return decimal.negative ? -value : value;
}

/// Digits d.ddd and a decimal exponent, as both formatters give them first.
struct Scientific {
  std::array<char, 24> digits{};
  int count = 0;
  int exponent = 0;
  bool negative = false;
};

/// Reads "-d.ddde+XX".
Scientific read_scientific(std::string_view text) {
  Scientific made;
  std::size_t at = 0;
  if (!text.empty() && text[0] == '-') made.negative = true, ++at;
  for (; at < text.size() && text[at] != 'e'; ++at)
    if (is_digit(text[at])) made.digits[static_cast<std::size_t>(made.count++)] = text[at];
  if (at < text.size()) made.exponent = parse_exponent(text.data() + at + 1, text.data() + text.size());
  while (made.count > 1 && made.digits[static_cast<std::size_t>(made.count - 1)] == '0') --made.count;
  return made;
}

/// A value that is some m / 10^k with at most 15 digits, which nearly every measured one is: two different names of so
/// few digits never mean the same double, so this is the shortest. Asks nothing of the C library, whose formatter
/// allocates on some boards.
std::optional<Scientific> quick_scientific(double value) {
  constexpr double kMost = 1e15;
  const double size = std::fabs(value);
  for (std::size_t places = 0; places < kPowers.size(); ++places) {
    const double scaled = size * kPowers[places];
    if (!(scaled < kMost)) return std::nullopt;
    auto mantissa = static_cast<std::uint64_t>(scaled + 0.5);
    if (static_cast<double>(mantissa) / kPowers[places] != size) continue;
    Scientific made;
    made.negative = std::signbit(value);
    std::array<char, 20> reversed{};
    std::size_t digits = 0;
    do reversed[digits++] = static_cast<char>('0' + mantissa % 10);
    while ((mantissa /= 10) != 0);
    made.count = static_cast<int>(digits);
    made.exponent = made.count - 1 - static_cast<int>(places);
    for (std::size_t i = 0; i < digits; ++i) made.digits[i] = reversed[digits - 1 - i];
    while (made.count > 1 && made.digits[static_cast<std::size_t>(made.count - 1)] == '0') --made.count;
    return made;
  }
  return std::nullopt;
}

/// Plain notation for everyday sizes, "1.5e-07" beyond.
std::string_view lay_out(const Scientific& number, std::span<char, 32> buffer) {
  char* at = buffer.data();
  const auto put = [&at](char c) { *at++ = c; };
  const auto digit = [&number](int i) { return i < number.count ? number.digits[static_cast<std::size_t>(i)] : '0'; };
  if (number.negative) put('-');
  if (number.exponent >= 16 || number.exponent < -5) {
    put(digit(0));
    if (number.count > 1) put('.');
    for (int i = 1; i < number.count; ++i) put(digit(i));
    put('e');
    put(number.exponent < 0 ? '-' : '+');
    const int size = number.exponent < 0 ? -number.exponent : number.exponent;
    if (size >= 100) put(static_cast<char>('0' + size / 100));
    put(static_cast<char>('0' + size / 10 % 10));
    put(static_cast<char>('0' + size % 10));
  } else if (number.exponent < 0) {
    put('0'), put('.');
    for (int i = -1; i > number.exponent; --i) put('0');
    for (int i = 0; i < number.count; ++i) put(digit(i));
  } else {
    for (int i = 0; i <= number.exponent; ++i) put(digit(i));
    put('.');
    if (number.count <= number.exponent + 1) put('0');
    for (int i = number.exponent + 1; i < number.count; ++i) put(digit(i));
  }
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view number) {
  Decimal decimal = take_apart(number);
  if (decimal.mantissa == 0 && decimal.fits) return 0;
  // A mantissa over 64 bits that ends in another digit than zero is a fraction or far too large.
  if (!decimal.fits || decimal.exponent < 0 || decimal.exponent > 18) return std::nullopt;
  for (; decimal.exponent > 0; --decimal.exponent)
    if (!push_digit(decimal.mantissa, 0)) return std::nullopt;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (decimal.mantissa > kMost + (decimal.negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(decimal.negative ? ~decimal.mantissa + 1 : decimal.mantissa);
}

double portable_parse_real(std::string_view number) {
  if (const auto quick = quick_real(take_apart(number))) return *quick;
  std::array<char, kMaxNumberBytes + 1> text{};
  std::memcpy(text.data(), number.data(), number.size() < kMaxNumberBytes ? number.size() : kMaxNumberBytes);
  return std::strtod(text.data(), nullptr);
}

std::string_view portable_format_real(double value, std::span<char, 32> buffer) {
  if (const auto quick = quick_scientific(value)) return lay_out(*quick, buffer);
  // Any double of normal size that has a name of up to 15 digits shows it at 15; the tiny ones are tried from one on.
  std::array<char, 40> text{};
  const bool tiny = std::fabs(value) < std::numeric_limits<double>::min();
  for (int digits = tiny ? 1 : 15; digits <= 17; ++digits) {
    std::snprintf(text.data(), text.size(), "%.*e", digits - 1, value);
    if (std::strtod(text.data(), nullptr) == value) break;
  }
  return lay_out(read_scientific(text.data()), buffer);
}

#if defined(__linux__)

double parse_real(std::string_view number) {
  const Decimal decimal = take_apart(number);
  if (const auto quick = quick_real(decimal)) return *quick;
  double value = 0;
  const auto done = std::from_chars(number.data(), number.data() + number.size(), value);
  if (done.ec != std::errc::result_out_of_range) return value;
  return portable_parse_real(number);  // which tells huge from tiny
}

std::string_view format_real(double value, std::span<char, 32> buffer) {
  std::array<char, 40> text{};
  const auto done = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return lay_out(read_scientific({text.data(), static_cast<std::size_t>(done.ptr - text.data())}), buffer);
}

#else

double parse_real(std::string_view number) { return portable_parse_real(number); }
std::string_view format_real(double value, std::span<char, 32> buffer) { return portable_format_real(value, buffer); }

#endif

}  // namespace tercet::json
