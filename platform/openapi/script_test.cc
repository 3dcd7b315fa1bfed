#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"

namespace tercet::openapi {
namespace {

TEST_CASE("a script is saved with its versions, shown, and tried out on bytes") {
  TestPlatform platform;
  platform.make_board();
  const std::string key = platform.product_key, code(script::kClimateScript);
  const auto made =
      platform.call("CreateThingScript", {{"ProductKey", key}, {"ScriptContent", code}, {"ScriptType", "JavaScript"}});
  CHECK(made.at("Success").as_bool());
  const auto again = platform.call("UpdateThingScript", {{"ProductKey", key}, {"ScriptContent", code + "//2"}});
  CHECK(again.at("Data").at("Version").to_number<int>() == 2);
  CHECK(platform.call("GetThingScript", {{"ProductKey", key}}).at("Data").at("ScriptContent").as_string() ==
        code + "//2");
  const auto first = platform.call("GetThingScript", {{"ProductKey", key}, {"ScriptVersion", "1"}});
  CHECK(first.at("Data").at("ScriptContent").as_string() == code);
  const auto up = platform.call("TestThingScript", {{"ProductKey", key}, {"Hex", "00 07 09C4 01C2"}});
  CHECK(boost::json::serialize(up.at("Data").at("Output")).find("thing.event.property.post") != std::string::npos);
  const auto down = platform.call("TestThingScript", {{"ProductKey", key}, {"Json", R"({"id":"7","code":200})"}});
  CHECK(down.at("Data").at("OutputHex").as_string() == "80 07 00 c8");
}

TEST_CASE("a script that is wrong is not saved, and the answer says where") {
  TestPlatform platform;
  platform.make_board();
  const std::string key = platform.product_key;
  const auto wrong =
      platform.call("CreateThingScript", {{"ProductKey", key}, {"ScriptContent", "function rawDataToProtocol( {"}});
  CHECK(!wrong.at("Success").as_bool());
  CHECK(wrong.at("Code").as_string() == "tercet.script.Wrong");
  CHECK(wrong.at("ErrorMessage").as_string().find("SyntaxError") != std::string::npos);
  CHECK(platform.call("GetThingScript", {{"ProductKey", key}}).at("Code").as_string() == "tercet.script.NotExisted");
  const auto other = platform.call(
      "CreateThingScript",
      {{"ProductKey", key}, {"ScriptContent", std::string(script::kClimateScript)}, {"ScriptType", "PHP"}});
  CHECK(other.at("Code").as_string() == "tercet.script.NotJavaScript");
  const auto thrown = platform.call(
      "TestThingScript",
      {{"ProductKey", key}, {"Hex", "00"}, {"ScriptContent", "function rawDataToProtocol(b) { return b.x.y; }"}});
  CHECK(thrown.at("AlinkCode").to_number<int>() == 26002);
  CHECK(platform.call("TestThingScript", {{"ProductKey", key}, {"Hex", "0g"}, {"ScriptContent", "1"}})
            .at("Code")
            .as_string() == "InvalidHex");
  CHECK(
      platform
          .call("CreateThingScript", {{"ProductKey", "nobody"}, {"ScriptContent", std::string(script::kClimateScript)}})
          .at("Code")
          .as_string() == "iot.prod.NotExistedProduct");
}

}  // namespace
}  // namespace tercet::openapi
