#include "tercet/device/service.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"
#include "tercet/alink/envelope.h"
#include "tercet/device/client.h"

using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<std::int32_t> kTimes{"times", Access::read_write, 1, 9};
inline constexpr Property<float> kGrams{"grams"};
inline constexpr Property<std::string_view> kUnit{"unit"};

/// A scale: one service, and an RRPC that is echoed.
struct Scale final : DeviceEvents {
  explicit Scale(bool services = true) {
    options.services = services;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    for (int i = 0; i < 20'000 && device.ladder().standing() < Rung::suback; ++i) {
      device.run();
      board.clock.advance(Millis{10});
    }
    REQUIRE(device.is_online());
  }
  void on_service(ServiceCall& call) override {
    ++calls;
    if (call.identifier() != "weigh") return call.refuse(460);
    const auto times = call.get(kTimes);
    if (!call.ok() || !times) return call.refuse(460);
    if (*times == 9) return call.refuse(100'001);
    call.answer({kGrams(12.5f), kUnit(*times == 8 ? std::string_view(kLong) : "g")});
  }
  void on_get(PropertyGet& get) override {
    ++calls;
    get.answer({kGrams(12.5f), kUnit("g")});
  }
  void on_rrpc(RrpcCall& call) override {
    ++calls;
    REQUIRE(asked_on.assign(call.topic()));
    if (as_text(call.payload()) != "silence") call.answer(call.payload());
  }
  void on_message(std::string_view, Bytes) override { ++messages; }

  struct Answer {
    std::string_view topic, payload;
  };
  /// What the board says to that.
  Answer ask(std::string_view topic, std::string_view payload, mqtt::Qos qos = mqtt::Qos::at_most_once) {
    board.platform.last_answer.clear();
    board.platform.last_answer_topic.clear();
    board.platform.push(topic, payload, qos);
    for (int i = 0; i < 5; ++i) device.run();
    return {board.platform.last_answer_topic.str(), board.platform.last_answer.str()};
  }

  static constexpr char kLongText[600] = {};
  static constexpr std::string_view kLong{kLongText, sizeof kLongText};
  fake::Board board{1};
  DeviceBuffers<> buffers;
  Options options;
  Device device{board.port(), buffers.storage(), *this};
  FixedString<128> asked_on;
  int calls = 0, messages = 0;
};

}  // namespace

TEST_CASE("a service is called on its topic and answered on its reply topic") {
  Scale scale;
  const auto answer = scale.ask("/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh",
                                R"({"method":"thing.service.weigh","id":"7","params":{"times":2},"version":"1.0"})",
                                mqtt::Qos::at_least_once);
  CHECK(answer.topic == "/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh_reply");
  CHECK(answer.payload == R"({"id":"7","code":200,"data":{"grams":12.5,"unit":"g"}})");
}

TEST_CASE("a synchronous service comes over both forms of RRPC and is answered on each one's topic") {
  Scale scale;
  const std::string_view request =
      R"({"method":"thing.service.weigh","id":"105","params":{"times":2},"version":"1.0"})";
  auto answer = scale.ask("/sys/a1B2c3D4e5F/sensor_01/rrpc/request/105", request);
  CHECK(answer.topic == "/sys/a1B2c3D4e5F/sensor_01/rrpc/response/105");
  CHECK(answer.payload == R"({"id":"105","code":200,"data":{"grams":12.5,"unit":"g"}})");
  answer = scale.ask("/ext/rrpc/105/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh", request);
  CHECK(answer.topic == "/ext/rrpc/105/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh");
  CHECK(answer.payload == R"({"id":"105","code":200,"data":{"grams":12.5,"unit":"g"}})");
}

TEST_CASE("wrong, missing and unknown inputs and unknown services answer 460, a refusal its own code") {
  struct Row {
    std::string_view params;
    std::string_view code;
  };
  Scale scale;
  for (const Row& row : {Row{R"({"times":"2"})", "460"}, Row{R"({"times":0})", "460"}, Row{"{}", "460"},
                         Row{R"({"times":2,"extra":1})", "460"}, Row{R"({"times":9})", "100001"},
                         Row{R"({"times":8})", "400"}}) {  // 8: outputs that do not fit
    CAPTURE(row.params);
    std::array<std::uint8_t, 256> bytes;
    Writer out{bytes};
    alink::write_request(out, "7", "thing.service.weigh", row.params);
    const auto answer = scale.ask("/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh", out.text());
    std::array<std::uint8_t, 64> expected;
    Writer wanted{expected};
    wanted.text(R"({"id":"7","code":)"), wanted.text(row.code), wanted.text(R"(,"data":{}})");
    CHECK(answer.payload == wanted.text());
  }
  CHECK(scale.ask("/sys/a1B2c3D4e5F/sensor_01/thing/service/fly", R"({"id":"1","params":{}})").payload ==
        R"({"id":"1","code":460,"data":{}})");
  CHECK(
      scale.ask("/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh", R"({"id":"1","sys":{"ack":0},"params":{"times":2}})")
          .payload.empty());
  CHECK(scale.ask("/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh", "no JSON").payload.empty());
  CHECK(scale.device.is_online());
}

TEST_CASE("an RRPC is any bytes, answered on its own topic, or not at all") {
  Scale scale;
  auto answer = scale.ask("/sys/a1B2c3D4e5F/sensor_01/rrpc/request/18446744073709551615", "\x01?");
  CHECK(answer.topic == "/sys/a1B2c3D4e5F/sensor_01/rrpc/response/18446744073709551615");
  CHECK(answer.payload == "\x01?");
  CHECK(scale.asked_on.str().empty());
  answer = scale.ask("/ext/rrpc/5/a1B2c3D4e5F/sensor_01/user/get", "hi");
  CHECK(answer.topic == "/ext/rrpc/5/a1B2c3D4e5F/sensor_01/user/get");
  CHECK(answer.payload == "hi");
  CHECK(scale.asked_on.str() == "/a1B2c3D4e5F/sensor_01/user/get");
  CHECK(scale.ask("/sys/a1B2c3D4e5F/sensor_01/rrpc/request/6", "silence").topic.empty());
}

TEST_CASE("property sets go on as before beside services, and without the option calls are ordinary messages") {
  Scale with;
  with.board.platform.push_set("3", R"({"interval":1})");
  for (int i = 0; i < 5; ++i) with.device.run();
  CHECK(with.board.platform.last_set_reply.str().starts_with(R"({"id":"3","code":460)"));
  CHECK(with.calls == 0);
  Scale without(false);
  CHECK(without.ask("/sys/a1B2c3D4e5F/sensor_01/thing/service/weigh", R"({"id":"1","params":{"times":2}})")
            .topic.empty());
  CHECK(without.messages == 1);
  CHECK(without.calls == 0);
}

TEST_CASE("a property get is answered with what was asked for, and nothing else") {
  Scale scale;
  const std::string_view topic = "/sys/a1B2c3D4e5F/sensor_01/thing/service/property/get";
  const auto answer = scale.ask(
      topic, R"({"method":"thing.service.property.get","id":"9","params":["grams","no_such"],"version":"1.0"})");
  CHECK(answer.topic == "/sys/a1B2c3D4e5F/sensor_01/thing/service/property/get_reply");
  CHECK(answer.payload == R"({"id":"9","code":200,"data":{"grams":12.5}})");
  CHECK(scale.ask(topic, R"({"id":"10","params":{}})").payload == R"({"id":"10","code":200,"data":{}})");
}
