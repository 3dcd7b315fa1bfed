#include "ports/posix/image_mark.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::posix;
using namespace std::string_literals;

TEST_CASE("an image says its version and project in a line of its own, wherever that is") {
  for (const std::string& image :
       {"tercet-image 2.0 climate"s, "#!/bin/sh\n# tercet-image 2.0 climate\nexit 0\n"s,
        "\x7F\x45LF\0\0tercet-image \0usage: tercet-image VERSION PROJECT\0tercet-image 2.0 climate\0\xFF"s,
        "tercet-image 2.0 climate\r\ntercet-image 3.0\n"s}) {
    CAPTURE(image);
    const auto found = find_image_mark(image);
    REQUIRE(found);
    CHECK(found->version.str() == "2.0");
    CHECK(found->project.str() == "climate");
  }
  const auto alone = find_image_mark("tercet-image v1\n");
  REQUIRE(alone);
  CHECK(alone->project.str().empty());
}

TEST_CASE("what only looks like a mark is none") {
  for (const std::string& image :
       {""s, "tercet-image"s, "tercet-image \n"s, "tercet-image VERSION\n"s, "tercet-image 1.0 \n"s,
        "tercet-image 1.0 a b\n"s, "tercet-image 1.0\x01\n"s, "tercet-image " + std::string(65, '1') + "\n"}) {
    CAPTURE(image);
    CHECK(find_image_mark(image).error() == Error::malformed);
  }
}
