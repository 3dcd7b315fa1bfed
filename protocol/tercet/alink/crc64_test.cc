#include "tercet/alink/crc64.h"

#include <doctest/doctest.h>

#include <string_view>

using namespace tercet;
using namespace tercet::alink;

TEST_CASE("CRC-64/XZ of its check value, whole and in pieces, and of nothing") {
  CHECK(Crc64{}.add(as_bytes(std::string_view("123456789"))).value() == 0x995D'C9BB'DF19'39FAu);
  CHECK(Crc64{}.add(as_bytes(std::string_view("1234"))).add({}).add(as_bytes(std::string_view("56789"))).value() ==
        0x995D'C9BB'DF19'39FAu);
  CHECK(Crc64{}.value() == 0u);
}
