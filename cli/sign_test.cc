#include "cli/sign.h"

#include <doctest/doctest.h>

using namespace tercet::cli;

TEST_CASE("sign prints the reference vector of the C SDKs") {
  SignOptions options;
  options.product_key = "a1B2c3D4e5F";
  options.device_name = "sensor_01";
  options.device_secret = "0123456789abcdef0123456789abcdef";
  std::string text, problem;
  REQUIRE(render_sign(options, text, problem));
  CHECK(text.find("6dd0716f22a33f301fc27f8b79008e14a7ad96d1c84c3885f814d4c5acfb5f11") != std::string::npos);
  CHECK(text.find("a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com") != std::string::npos);
  CHECK(text.find("username  sensor_01&a1B2c3D4e5F") != std::string::npos);
  CHECK(text.find("timestamp=2524608000000\\,") != std::string::npos);  // ESP-AT's commas are escaped
}

TEST_CASE("sign explains what it cannot sign") {
  std::string text, problem;
  SignOptions options;
  CHECK(!render_sign(options, text, problem));
  CHECK(problem.find("ProductKey") != std::string::npos);
  options.product_key = "a1";
  options.device_name = "d";
  options.device_secret = "s";
  options.method = "sha512";
  problem.clear();
  CHECK(!render_sign(options, text, problem));
  CHECK(problem.find("sha512") != std::string::npos);
}
