#include "tercet/json/number.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tercet/json/reader.h"

using namespace tercet;
using namespace tercet::json;

namespace {

std::string format(double value) {
  std::array<char, 32> buffer;
  return std::string(format_real(value, buffer));
}
std::string portable_format(double value) {
  std::array<char, 32> buffer;
  return std::string(portable_format_real(value, buffer));
}

}  // namespace

TEST_CASE("whole numbers are exact however they are written, or are none") {
  const std::vector<std::pair<std::string, std::optional<std::int64_t>>> table{
      {"0", 0},
      {"-0", 0},
      {"0.000e9", 0},
      {"21", 21},
      {"-21.000", -21},
      {"2.1e1", 21},
      {"2100e-2", 21},
      {"1e18", 1000000000000000000},
      {"1e19", std::nullopt},
      {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
      {"9223372036854775808", std::nullopt},
      {"-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
      {"-9223372036854775809", std::nullopt},
      {"92233720368547758070e-1", std::numeric_limits<std::int64_t>::max()},
      {"0.0000000000000000000000001", std::nullopt},
      {"0.0000000000000000000000001e25", 1},
      {"10000000000000000000000000e-25", 1},
      {"1.5", std::nullopt},
      {"1e-1", std::nullopt},
      {"1e99999999999999", std::nullopt},
      {"1e-99999999999999", std::nullopt},
      {"0e99999999999999", 0},
      {"18446744073709551616", std::nullopt},
  };
  for (const auto& [given, value] : table) {
    const auto& text = given;
    CAPTURE(text);
    CHECK(parse_integer(text) == value);
  }
}

TEST_CASE("reals are the nearest doubles") {
  const double infinite = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<std::string, double>> table{
      {"21.5", 21.5},
      {"-0.1", -0.1},
      {"1e22", 1e22},
      {"1e23", 1e23},
      {"123456789012345678901234567890", 123456789012345678901234567890.0},
      {"9007199254740993", 9007199254740992.0},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"5e-324", 5e-324},
      {"1e-400", 0},
      {"1e400", infinite},
      {"-1e400", -infinite},
      {"0.3000000000000000444", 0.30000000000000004},
      {"1" + std::string(309, '0') + ".0", infinite},
  };
  for (const auto& [given, value] : table) {
    const auto& text = given;
    CAPTURE(text);
    CHECK(parse_real(text) == value);
    CHECK(portable_parse_real(text) == value);
  }
}

TEST_CASE("reals are written short and look like reals") {
  const std::vector<std::pair<double, std::string>> table{
      {25, "25.0"},
      {0, "0.0"},
      {-0.0, "-0.0"},
      {21.5, "21.5"},
      {-0.1, "-0.1"},
      {100000, "100000.0"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {1.5e300, "1.5e+300"},
      {0.00001, "0.00001"},
      {0.000001, "1e-06"},
      {5e-324, "5e-324"},
      {0.30000000000000004, "0.30000000000000004"},
      {1e23, "1e+23"},
      {123.456, "123.456"},
  };
  for (const auto& [value, text] : table) {
    CHECK(format(value) == text);
    CHECK(portable_format(value) == text);
  }
}

TEST_CASE("any double survives being written and read, the same way with and without charconv") {
  std::mt19937_64 random{20240611};
  for (int i = 0; i < 20'000; ++i) {
    double value = std::bit_cast<double>(random());
    if (i % 2 == 0) value = static_cast<double>(static_cast<std::int64_t>(random() % 2'000'000)) / 100 - 1e4;
    if (!std::isfinite(value)) continue;
    const std::string text = format(value);
    CAPTURE(text);
    REQUIRE(parse(text));
    CHECK(parse_real(text) == value);
    CHECK(portable_parse_real(text) == value);
    CHECK(portable_format(value) == text);
  }
}

TEST_CASE("every short decimal is written as it is spelled, the same way with and without charconv") {
  double power = 1;
  for (int places = 0; places <= 9; ++places, power *= 10)
    for (std::int64_t whole = -1'200; whole <= 1'200; ++whole) {
      const double value = static_cast<double>(whole) / power;
      std::array<char, 32> buffer;
      const std::string text = portable_format(value);
      CHECK(text == std::string(format_real(value, buffer)));
      CHECK(portable_parse_real(text) == value);
    }
  for (const double value : {999'999'999'999'999.0, 1e15, 123456789012345.6, 0.1 + 0.2, 1e-21, 5e-22, 4.35e22, -0.0}) {
    std::array<char, 32> buffer;
    CHECK(portable_format(value) == std::string(format_real(value, buffer)));
  }
}
