#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>

#include "tercet/base/fixed_string.h"
#include "tercet/base/reader.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/base/triple.h"
#include "tercet/base/writer.h"

using namespace tercet;

TEST_CASE("a result holds a value or the reason there is none") {
  const auto half = [](int n) -> Result<int> {
    if (n % 2 != 0) return fail(Error::bad_argument);
    return n / 2;
  };
  CHECK(*half(4) == 2);
  CHECK(half(3).error() == Error::bad_argument);
  CHECK(half(3).value_or(7) == 7);
  Result<std::unique_ptr<int>> owner = std::make_unique<int>(5);
  Result<std::unique_ptr<int>> taken = std::move(owner);
  CHECK(**taken == 5);
  taken = Result<std::unique_ptr<int>>(fail(Error::closed));
  CHECK(taken.error() == Error::closed);
  Result<std::string> text = std::string(100, 'x');
  Result<std::string> copy = text;
  CHECK(*copy == *text);
}

TEST_CASE("the reader remembers the first field that is not whole") {
  const std::array<std::uint8_t, 5> bytes{0x12, 0x34, 0x00, 0x02, 'a'};
  Reader in{bytes};
  CHECK(in.u16() == 0x1234);
  CHECK(in.binary().empty());
  CHECK(!in.ok());
  CHECK(in.u8() == 0);
  CHECK(in.rest().empty());
}

TEST_CASE("the writer fails for good at the first field that does not fit") {
  std::array<std::uint8_t, 6> buffer{};
  Writer out{buffer};
  out.u32(0x01020304);
  out.utf8("x");
  CHECK(!out.ok());
  out.u8(1);
  CHECK(out.written().empty());
  Writer number{buffer};
  number.decimal(std::int64_t{-12345});
  CHECK(number.text() == "-12345");
}

TEST_CASE("the end of time stays the end of time") {
  CHECK(Instant::never() + Millis{1} == Instant::never());
  CHECK(Instant{Millis{5}} + Millis{2} == Instant{Millis{7}});
}

TEST_CASE("names of a device accept what the cloud accepts") {
  CHECK(ProductKey::parse("a1B2c3D4e5F"));
  CHECK(!ProductKey::parse(""));
  CHECK(!ProductKey::parse("a1/b"));
  CHECK(!ProductKey::parse("a1234567890123456789x"));
  CHECK(DeviceName::parse("sensor_01-a@b.c:d"));
  CHECK(!DeviceName::parse("a b"));
  CHECK(!DeviceName::parse(std::string(33, 'a')));
  CHECK(DeviceSecret::parse("secret"));
  CHECK(!DeviceSecret::parse(std::string(65, 'a')));
}

TEST_CASE("every error has a name of its own") {
  for (int a = 0; a <= static_cast<int>(Error::internal); ++a) {
    CHECK(name(static_cast<Error>(a)) != "unknown");
    for (int b = 0; b < a; ++b) CHECK(name(static_cast<Error>(a)) != name(static_cast<Error>(b)));
  }
}
