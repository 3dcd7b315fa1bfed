#include "tercet/base/utf8.h"

#include <doctest/doctest.h>

using namespace tercet;

TEST_CASE("a prefix of a text ends with a whole character, whatever its length") {
  const std::string_view text = "a\xC3\xB6\xE6\xB8\xA9\xF0\x9F\x8C\xA1z";  // 1, 2, 3, 4 and 1 bytes
  const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t most = 0; most < 13; ++most) {
    CAPTURE(most);
    CHECK(utf8_prefix(text, most).size() == ends[most]);
  }
}
