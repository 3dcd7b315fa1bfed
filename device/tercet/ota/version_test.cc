#include "tercet/ota/version.h"

#include <doctest/doctest.h>

using namespace tercet::ota;

TEST_CASE("numbers in versions are compared as numbers, the rest by letters") {
  // Each is newer than the one before it.
  constexpr std::string_view kRising[] = {"",       "0.9",      "1.0-rc1", "1.0-rc2", "1.0",      "1.0.1",
                                          "1.2",    "1.9",      "1.10",    "1.10.1",  "2.0-beta", "2.0",
                                          "10.0.0", "20240101", "app-1.0", "app-1.1", "b"};
  for (std::size_t i = 0; i < std::size(kRising); ++i)
    for (std::size_t j = 0; j < std::size(kRising); ++j) {
      CAPTURE(kRising[i]);
      CAPTURE(kRising[j]);
      CHECK(compare_versions(kRising[i], kRising[j]) == (i <=> j));
    }
}

TEST_CASE("a letter v in front, and zeros, make no difference") {
  CHECK(compare_versions("v1.2", "1.2") == std::strong_ordering::equal);
  CHECK(compare_versions("V1.02", "1.2") == std::strong_ordering::equal);
  CHECK(compare_versions("1.000000000000000000000000002", "1.2") == std::strong_ordering::equal);
  CHECK(compare_versions("1.99999999999999999999999999", "1.100000000000000000000000000") ==
        std::strong_ordering::less);
  CHECK(compare_versions("0", "00") == std::strong_ordering::equal);
  CHECK(compare_versions("1.", "1.0") == std::strong_ordering::less);
}
