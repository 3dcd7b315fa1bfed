#include "tercet/device/config_offers.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

constexpr std::string_view kText = "abc";
constexpr std::string_view kFields =
    R"("configId":"c1","configSize":3,"sign":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",)"
    R"("signMethod":"Sha256","url":"https://host/config.json","getType":"file")";

struct Board final : DeviceEvents {
  Board() {
    Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example"}, options));
    REQUIRE(config.start(device, id));
    pass(5'000);
    REQUIRE(device.is_online());
  }
  void pass(int ms) {
    for (int i = 0; i < ms; i += 50) device.run(), board.clock.advance(Millis{50});
  }
  void on_message(std::string_view topic, Bytes payload) override {
    const auto file = config.on_message(topic, payload);
    found = file.has_value();
    if (!file) return;
    url = file->url, pushed = file->pushed;
  }
  void push(std::string_view end, std::string_view payload) {
    board.platform.push("/sys/a1B2c3D4e5F/sensor_01/thing/config/" + std::string(end), payload,
                        mqtt::Qos::at_least_once);
    pass(200);
  }
  fake::Board board;
  DeviceBuffers<1024, 2048, 512, 4, 2> buffers;
  Device device{board.port(), buffers.storage(), *this};
  ConfigOffers config;
  std::string url;
  bool pushed = false, found = false;
};

}  // namespace

TEST_CASE("a push names the file, its bytes are verified, and it can be answered") {
  Board board;
  board.push("push",
             R"({"id":"77","version":"1.0","params":{)" + std::string(kFields) + R"(},"method":"thing.config.push"})");
  CHECK(board.url == "https://host/config.json");
  CHECK(board.pushed);
  CHECK(board.config.verify(as_bytes(kText)));
  CHECK(!board.config.verify(as_bytes(std::string_view("abd"))));
  CHECK(!board.config.verify(as_bytes(std::string_view("abcd"))));
  CHECK(board.config.answer(200));
  board.pass(200);
  CHECK(board.config.answer(200));  // once only; the second has nothing to answer
}

TEST_CASE("an unusable push is answered, and the usable one before it is still verified and answered") {
  Board board;
  board.push("push", R"({"id":"7","params":{)" + std::string(kFields) + "}}");
  REQUIRE(board.found);
  const auto& answered = board.board.platform.last_config_reply;
  std::string other(kFields);
  other.replace(other.find("ba78"), 2, "cc").replace(other.find("\"url\""), 5, "\"u\"");
  board.push("push", R"({"id":"8","params":{)" + other + "}}");
  board.push("get_reply", R"({"id":"1","code":200,"data":{)" + other + "}}");
  CHECK(!board.found);
  CHECK(board.config.verify(as_bytes(kText)));
  CHECK(answered.str().find(R"("id":"8","code":460)") != std::string::npos);
  REQUIRE(board.config.answer(200));
  board.pass(200);
  CHECK(answered.str().find(R"("id":"7","code":200)") != std::string::npos);
}

TEST_CASE("the device asks for its file and understands the answer") {
  Board board;
  REQUIRE(board.config.ask());
  board.pass(200);
  board.push("get_reply", R"({"id":"1","version":"1.0","code":200,"data":{)" + std::string(kFields) + "}}");
  CHECK(board.url == "https://host/config.json");
  CHECK(!board.pushed);
  CHECK(board.config.verify(as_bytes(kText)));
}

TEST_CASE("what is no usable configuration is nothing") {
  Board board;
  board.push("push", R"({"id":"1","params":{)" + std::string(kFields) + "}}");
  REQUIRE(board.found);
  const auto changed = [](std::string_view from, std::string_view to) {
    std::string fields(kFields);
    fields.replace(fields.find(from), from.size(), to);
    return fields;
  };
  for (const std::string& fields :
       {changed("Sha256", "Md5"), changed(":3", ":0"), changed(":3", ":65537"), changed("ba78", "ba7"),
        changed("ba78", "zz78"), changed(R"("url":"https://host/config.json")", R"("x":"")"),
        changed("\"file\"", "\"content\"")}) {
    CAPTURE(fields.c_str());
    board.push("push", R"({"id":"1","params":{)" + fields + "}}");
    CHECK(!board.found);
  }
  board.push("push", "{");
  CHECK(!board.found);
  board.push("get_reply", R"({"id":"1","code":6710,"data":{}})");
  CHECK(!board.found);
  board.push("get_reply", R"({"id":"1","code":200})");
  CHECK(!board.found);
}
