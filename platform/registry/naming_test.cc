#include "platform/registry/naming.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "platform/runtime/random.h"

using namespace tercet;
using namespace tercet::registry;

TEST_CASE("product names have four to thirty characters, Chinese ones counting two") {
  for (const char* good : {"abcd", "温湿", "climate board_2 (v1.0)@x-y", "温湿度监控器温湿度监控器温湿度"})
    CHECK(is_product_name(good));
  for (const char* bad : {"", "abc", "温", " abcd", "abcd ", "ab/cd", "ab\ncd", "温湿度监控器温湿度监控器温湿度器",
                          "1234567890123456789012345678901", "ab\xff\xff", "abc\xe6\xb8", "abc\xc0\x80"})
    CHECK_MESSAGE(!is_product_name(bad), bad);
}

TEST_CASE("device names have four to thirty-two of the cloud's characters") {
  for (const char* good : {"abcd", "sensor_01", "A.b:c@d-e", "12345678901234567890123456789012"})
    CHECK(is_device_name(good));
  for (const char* bad : {"", "abc", "a bcd", "温湿度", "ab/cd", "ab&cd", "123456789012345678901234567890123"})
    CHECK_MESSAGE(!is_device_name(bad), bad);
}

TEST_CASE("nicknames, descriptions, keys and secrets keep to their bounds") {
  CHECK(is_nickname("温湿"));
  CHECK(is_nickname(std::string(64, 'x')));
  CHECK(!is_nickname("abc"));
  CHECK(!is_nickname(std::string(65, 'x')));
  CHECK(!is_nickname("abcd\x01"));
  CHECK(is_description(""));
  CHECK(is_description(std::string(100, 'x')));
  CHECK(!is_description(std::string(101, 'x')));
  CHECK(is_product_key("a1B2c3D4e5F"));
  CHECK(!is_product_key("a1_"));
  CHECK(!is_product_key(""));
  CHECK(is_secret("s3cr&t"));
  CHECK(!is_secret("with blank"));
  CHECK(!is_secret(""));
  CHECK(!is_secret(std::string(65, 'x')));
}

TEST_CASE("made names look like the cloud's and do not repeat") {
  runtime::SeededRandom random(1);
  Names names(random);
  std::set<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = names.product_key();
    CHECK(key.size() == 11);
    CHECK(key.starts_with("a1"));
    CHECK(is_product_key(key));
    keys.insert(key);
  }
  CHECK(keys.size() == 1000);
  CHECK(names.product_secret().size() == 16);
  CHECK(is_device_name(names.device_name()));
  CHECK(names.iot_id().size() == 26);
  CHECK(names.access_key_id().starts_with("LTAI"));
  CHECK(names.access_key_secret().size() == 30);
  const std::string secret = names.device_secret();
  CHECK(secret.size() == 32);
  CHECK(std::all_of(secret.begin(), secret.end(),
                    [](char c) { return std::string("0123456789abcdef").find(c) != std::string::npos; }));
}
