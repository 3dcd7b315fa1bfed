#include "tercet/device/properties.h"

#include <doctest/doctest.h>

#include <array>

using namespace tercet;
using namespace tercet::device;

namespace {

std::string_view written(const PropertyValue& value) {
  static std::array<std::uint8_t, 256> buffer;
  Writer out{buffer};
  json::Writer json{out};
  write_properties(json, std::span(&value, 1), std::nullopt);
  return out.text();
}

template <typename T>
std::optional<T> parsed(const Property<T>& property, std::string_view text) {
  return property.parse(*json::parse(text));
}

}  // namespace

TEST_CASE("values are written as the thing model wants them") {
  CHECK(written(Property<float>{"p"}(21.3f)) == R"({"p":21.3})");
  CHECK(written(Property<float>{"p"}(25.0f)) == R"({"p":25.0})");
  CHECK(written(Property<float>{"p"}(-0.07f)) == R"({"p":-0.07})");
  CHECK(written(Property<double>{"p"}(0.1)) == R"({"p":0.1})");
  CHECK(written(Property<std::int32_t>{"p"}(-5)) == R"({"p":-5})");
  CHECK(written(Property<bool>{"p"}(true)) == R"({"p":1})");
  CHECK(written(Property<std::string_view>{"p"}("a\"b")) == R"({"p":"a\"b"})");
  CHECK(written(Property<UnixMillis>{"p"}(UnixMillis{1'800'000'000'000})) == R"({"p":"1800000000000"})");
}

TEST_CASE("a float survives the way to text and back for every hundredth of a degree") {
  for (int i = -4'000; i <= 12'500; ++i) {
    const float value = static_cast<float>(i) / 100;
    REQUIRE(static_cast<float>(widen(value)) == value);
    REQUIRE(std::abs(widen(value) - i / 100.0) < 1e-9);
  }
}

TEST_CASE("values are read only when type and range are right") {
  const Property<std::int32_t> whole{"p", Access::read_write, -5, 5};
  CHECK(parsed(whole, "5") == 5);
  CHECK(parsed(whole, "5.0") == 5);
  for (const auto* bad : {"6", "-6", "1.5", "\"1\"", "null", "true", "[]", "99999999999"}) CHECK(!parsed(whole, bad));
  const Property<float> real{"p", Access::read_write, 0, 100};
  CHECK(parsed(real, "99.5") == 99.5f);
  for (const auto* bad : {"-0.1", "100.1", "1e99", "\"5\"", "{}"}) CHECK(!parsed(real, bad));
  const Property<bool> flag{"p"};
  CHECK(parsed(flag, "1") == true);
  CHECK(parsed(flag, "false") == false);
  CHECK(!parsed(flag, "2"));
  CHECK(parsed(Property<std::string_view>{"p"}, "\"on\"") == "on");
  CHECK(parsed(Property<UnixMillis>{"p"}, "\"1800000000000\"")->ms == 1'800'000'000'000);
  CHECK(!parsed(Property<UnixMillis>{"p"}, "\"18x\""));
}

TEST_CASE("a set is right only when every member was asked for and may be written") {
  const Property<std::int32_t> interval{"interval", Access::read_write};
  const Property<std::int32_t> serial{"serial"};
  const auto document = json::parse(R"({"interval":5,"serial":1})");
  PropertySet partly{*document};
  CHECK(partly.get(interval) == 5);
  CHECK(!partly.ok());
  CHECK(partly.code() == 460);
  PropertySet whole{*document};
  CHECK(whole.get(interval) == 5);
  CHECK(!whole.get(serial));
  CHECK(whole.code() == 460);
  PropertySet refused{*json::parse(R"({"interval":5})")};
  CHECK(refused.get(interval) == 5);
  CHECK(refused.ok());
  refused.refuse(100'001);
  CHECK(refused.code() == 100'001);
}

TEST_CASE("the size of a post is known before it is made") {
  constexpr Property<float> temperature{"temperature"}, humidity{"humidity"};
  constexpr std::size_t size = post_bytes(temperature, humidity);
  static_assert(size > 200 && size < 400);
}
