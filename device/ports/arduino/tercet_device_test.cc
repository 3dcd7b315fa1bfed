#include "Tercet.h"

#include <doctest/doctest.h>

#include "ports/arduino/TercetClimate.h"
#include "ports/arduino/test_board.h"

using namespace tercet;
using arduino::TestBoard;

namespace {

constexpr const char *kProduct = "a1B2c3D4e5F", *kName = "sensor_01", *kSecret = "0123456789abcdef0123456789abcdef";

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TercetDevice* running = nullptr;
void loop() { running->loop(); }

/// A device on a board, and time for it.
struct Sketch {
  Sketch() {
    running = &cloud;
    cloud.host("platform.example");
    cloud.logTo(Serial);
  }
  void run(Millis time) { board.run(loop, time); }
  bool begin() { return cloud.begin(kProduct, kName, kSecret); }
  TestBoard board;
  TercetDevice cloud;
};

int called_with = 0;

}  // namespace

TEST_CASE("what was not filled in, or not copied whole, is said before anything is tried") {
  Sketch sketch;
  CHECK(!sketch.cloud.begin("your-product-key", "your-device-name", "your-device-secret"));
  CHECK(has(sketch.cloud.problem(), "secrets.h"));
  CHECK(!sketch.cloud.begin(kProduct, kName, ""));
  CHECK(!sketch.cloud.begin("a1B2 c3D4", kName, kSecret));
  CHECK(has(sketch.cloud.problem(), "ProductKey"));
  CHECK(!sketch.cloud.begin(kProduct, "sensor\xC3\x97tamp", kSecret));
  CHECK(has(sketch.cloud.problem(), "DeviceName"));
  sketch.board.good_roots = false;
  CHECK(!sketch.begin());
  CHECK(has(sketch.cloud.problem(), "cut off"));
  CHECK(has(standin::printed, "cut off"));
  sketch.board.good_roots = true;
  sketch.board.readable = false;
  CHECK(!sketch.begin());
  sketch.board.readable = true;
  CHECK(!sketch.cloud.property("temperature", 1.0f));
  CHECK(has(sketch.cloud.problem(), "begin()"));
  CHECK(sketch.begin());
  CHECK(!sketch.begin());
}

TEST_CASE("without a platform there is nothing to begin; the real cloud's hosts are derived") {
  TestBoard board;
  TercetDevice nowhere, product, instance;
  CHECK(!nowhere.begin(kProduct, kName, kSecret));
  CHECK(has(nowhere.problem(), "no platform"));
  product.region("cn-shanghai");
  running = &product;
  REQUIRE(product.begin(kProduct, kName, kSecret));
  board.run(loop, Seconds{1});
  CHECK(board.fake.transport.host == "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
  product.device()->stop();
  board.run(loop, Seconds{1});
  instance.instance("iot-0abc");
  running = &instance;
  REQUIRE(instance.begin(kProduct, kName, kSecret));
  board.run(loop, Seconds{1});
  CHECK(board.fake.transport.host == "iot-0abc.mqtt.iothub.aliyuncs.com");
}

TEST_CASE("a provisioned board needs no secret in the sketch") {
  TestBoard board;
  TercetDevice cloud;
  running = &cloud;
  CHECK(!cloud.begin());
  CHECK(has(cloud.problem(), "tercet provision"));
  board.id = DeviceId{*ProductKey::parse(kProduct), *DeviceName::parse("from_nvs")};
  board.host = "provisioned.example";
  REQUIRE(cloud.begin());
  board.run(loop, Seconds{2});
  CHECK(cloud.online());
  CHECK(board.fake.platform.user_name == "from_nvs&a1B2c3D4e5F");
  CHECK(board.fake.transport.host == "provisioned.example");
}

TEST_CASE("values of every kind are posted in one message, and an event with its output") {
  Sketch sketch;
  REQUIRE(sketch.begin());
  sketch.run(Seconds{2});
  CHECK(sketch.cloud.post(
      {{"t", 21.5f}, {"n", -7}, {"on", true}, {"text", "caf\xC3\xA9"}, {"d", 0.25}, {"u", 3'000'000'000u}}));
  sketch.run(Seconds{2});
  const auto post = sketch.board.fake.platform.last_post.str();
  for (const auto part :
       {"\"t\":{\"value\":21.5,", "\"n\":{\"value\":-7,", "\"on\":{\"value\":1,", "\"text\":{\"value\":\"caf\xC3\xA9\"",
        "\"d\":{\"value\":0.25,", "\"u\":{\"value\":3000000000,"})
    CHECK_MESSAGE(has(post, part), part);
  CHECK(sketch.cloud.event("door", {{"open", true}}));
  CHECK(sketch.cloud.event("bell"));
  sketch.run(Seconds{2});
  CHECK(sketch.board.fake.platform.events_received == 2);
  CHECK(!sketch.cloud.event("a/b"));
}

TEST_CASE("settings are checked, obeyed, confirmed, kept over a restart and told to the platform") {
  TestBoard board;
  {
    TercetDevice cloud;
    running = &cloud;
    cloud.host("platform.example");
    int interval = 60;
    float threshold = 35;
    bool light = false;
    CHECK(cloud.setting("report_interval_of_the_board", interval, 1, 3600));
    CHECK(cloud.setting("threshold", threshold, -40.0f, 125.0f));
    CHECK(cloud.setting("light", light));
    CHECK(cloud.onSet("steps", 0, 100, [](int steps) { called_with = steps; }));
    REQUIRE(cloud.begin(kProduct, kName, kSecret));
    board.run(loop, Seconds{3});
    CHECK(has(board.fake.platform.last_post.str(), "\"threshold\":{\"value\":35"));
    CHECK(!has(board.fake.platform.last_post.str(), "steps"));

    board.fake.platform.push_set("1", R"({"report_interval_of_the_board":90,"threshold":30.5,"light":1,"steps":12})");
    board.run(loop, Seconds{3});
    CHECK(has(board.fake.platform.last_set_reply.str(), "\"code\":200"));
    CHECK(interval == 90);
    CHECK(threshold == 30.5f);
    CHECK(light);
    CHECK(called_with == 12);
    CHECK(has(board.fake.platform.last_post.str(), "\"report_interval_of_the_board\":{\"value\":90"));

    // One value out of range: nothing changes.
    board.fake.platform.push_set("2", R"({"light":0,"threshold":500})");
    board.run(loop, Seconds{3});
    CHECK(has(board.fake.platform.last_set_reply.str(), "\"code\":460"));
    CHECK(light);
    board.fake.platform.push_set("3", R"({"light":0,"nobody_knows":1})");
    board.run(loop, Seconds{3});
    CHECK(has(board.fake.platform.last_set_reply.str(), "\"code\":460"));
    CHECK(light);
    board.fake.platform.push_set("4", R"({"report_interval_of_the_board":1.5})");
    board.run(loop, Seconds{3});
    CHECK(has(board.fake.platform.last_set_reply.str(), "\"code\":460"));
    CHECK(interval == 90);
    cloud.device()->stop();
    board.run(loop, Seconds{1});
  }
  TercetDevice cloud;
  running = &cloud;
  cloud.host("platform.example");
  int interval = 60;
  float threshold = 35;
  bool light = false;
  cloud.setting("report_interval_of_the_board", interval, 1, 80);  // a newer sketch with a narrower range
  cloud.setting("threshold", threshold, -40.0f, 125.0f);
  cloud.setting("light", light);
  REQUIRE(cloud.begin(kProduct, kName, kSecret));
  CHECK(interval == 60);
  CHECK(threshold == 30.5f);
  CHECK(light);
}

TEST_CASE("there is room for eight settings, and the ninth is refused") {
  TestBoard board;
  TercetDevice cloud;
  bool one = false;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) CHECK(cloud.setting(name, one));
  CHECK(!cloud.onSet("i", [](bool) {}));
  CHECK(has(cloud.problem(), "8 settings"));
}

TEST_CASE("a failed connection is told with its cause and its cure, in the language asked for") {
  Sketch sketch;
  sketch.board.fake.transport.break_at(device::Stage::securing, Error::tls_expired);
  REQUIRE(sketch.begin());
  sketch.run(Seconds{3});
  CHECK(has(standin::printed, "[tercet] tls: tls_expired"));
  CHECK(has(standin::printed, std::string(remedy(device::Rung::tls, Error::tls_expired, device::Language::english))));
  CHECK(has(standin::printed, "next attempt in"));
  CHECK(std::string_view(sketch.cloud.problem()) == "tls_expired");
  sketch.cloud.logTo(Serial, TercetDevice::Language::chinese);
  sketch.board.fake.transport.mend();
  sketch.board.fake.platform.connack = mqtt::ReasonCode::bad_user_name_or_password;
  sketch.run(Seconds{200});
  CHECK(has(standin::printed, "connect: refused_credentials"));
  CHECK(has(standin::printed,
            std::string(remedy(device::Rung::connect, Error::refused_credentials, device::Language::chinese))));
  CHECK(!has(standin::printed, kSecret));
}

TEST_CASE("what the platform thinks of a post is told") {
  Sketch sketch;
  sketch.board.fake.platform.reply_code = 460;
  REQUIRE(sketch.begin());
  sketch.run(Seconds{2});
  sketch.cloud.property("temperature", 21.5f);
  sketch.run(Seconds{2});
  CHECK(has(standin::printed, "the platform answered 460 to a post"));
}

TEST_CASE("a DHT22 is read from its line, and a silent one is an error") {
  // The line as the datasheet draws it: 65.2 %, 35.1 degrees. Each look at the clock takes a microsecond.
  static unsigned long now = 0;
  static bool answers = true;
  static unsigned long begun = 0;
  TestBoard board;
  standin::micros_now = [] { return ++now; };
  standin::line_level = [](std::uint8_t) -> int {
    constexpr std::array<std::uint8_t, 5> kFrame{0x02, 0x8C, 0x01, 0x5F, 0xEE};
    if (!answers) return HIGH;
    if (begun == 0) begun = now;
    unsigned long at = now - begun;
    if (at < 20) return HIGH;  // released
    at -= 20;
    if (at < 80) return LOW;
    if (at < 160) return HIGH;
    at -= 160;
    for (int i = 0; i < 40; ++i) {
      const bool one = (kFrame[static_cast<std::size_t>(i / 8)] >> (7 - i % 8) & 1) != 0;
      const unsigned long high = one ? 70 : 27;
      if (at < 50) return LOW;
      if (at < 50 + high) return HIGH;
      at -= 50 + high;
    }
    return at < 50 ? LOW : HIGH;
  };
  now = 5'000'000;
  TercetDht22 sensor(4);
  const auto reading = sensor.sample({});
  REQUIRE(reading);
  CHECK(reading->humidity == doctest::Approx(65.2));
  CHECK(reading->temperature == doctest::Approx(35.1));
  CHECK(sensor.sample({}).error() == Error::would_block);  // too soon
  now += 2'500'000;
  answers = false;
  CHECK(sensor.sample({}).error() == Error::io_failed);
}
