#include "tercet/device/typed.h"

#include <doctest/doctest.h>

#include "examples/stove_model.h"
#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

static_assert(fits<float, double>() && fits<float, int>() && !fits<float, bool>() && !fits<float, const char*>());
static_assert(fits<std::int32_t, short>() && !fits<std::int32_t, std::int64_t>() && !fits<std::int32_t, float>());
static_assert(!fits<bool, int>() && !fits<stove::Mode, int>() && !fits<std::string_view, int>());
static_assert(!fits<std::int32_t, char>() && !fits<std::int32_t, std::uint32_t>());
static_assert(fits<std::string_view, const char (&)[4]>() && !fits<std::string_view, std::nullptr_t>());
static_assert(!fits<std::span<const int>, std::array<int, 2>>() && fits<std::span<const int>, std::array<int, 2>&>());
static_assert(fault(stove::Report{.temperature = 400.f}).empty());
static_assert(fault(stove::Report{.temperature = 400.5f}) == "temperature");
static_assert(fault(stove::Report{.power = stove::Power{.watts = -1}}) == "power");
static_assert(kFields<stove::Report> == 8 && kFields<stove::WarmEvent> == 0);

namespace {

template <typename T>
std::string_view json_of(const T& value, MutableBytes buffer) {
  Writer out{buffer};
  json::Writer json{out};
  write_typed(json, value);
  REQUIRE(out.ok());
  return out.text();
}

/// A stove that does what it is told, up to 200 degrees.
struct Stove final : stove::Handler {
  Stove() {
    options.services = true;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("stove_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    for (int i = 0; i < 20'000 && device.ladder().standing() < Rung::suback; ++i) step();
    REQUIRE(device.is_online());
  }
  void step() {
    device.run();
    board.clock.advance(Millis{10});
  }
  std::int32_t change(const stove::Wanted& wanted, stove::Report& now) override {
    ++changes;
    if (wanted.target && *wanted.target > 200) return 100'001;
    if (wanted.target) now.target = *wanted.target;
    if (wanted.mode) now.mode = *wanted.mode;
    if (wanted.child_lock) now.child_lock = *wanted.child_lock;
    if (wanted.plates) plates = wanted.plates->copy_to(levels);
    if (wanted.recipe && *wanted.recipe == "hot") now.target = 1'000;
    return 200;
  }
  std::int32_t serve_heat(const stove::HeatInput& input, stove::HeatOutput& output) override {
    if (!input.minutes) return 460;
    if (*input.minutes == 13) return 100'002;
    output.watt_hours = *input.minutes == 14 ? -1.0f : 25.0f;
    return 200;
  }
  std::string_view ask(std::string_view topic, std::string_view payload) {
    board.platform.last_answer.clear();
    board.platform.push(topic, payload, mqtt::Qos::at_most_once);
    for (int i = 0; i < 5; ++i) device.run();
    return board.platform.last_answer.str();
  }
  std::string_view want(std::string_view params) {
    std::array<std::uint8_t, 256> bytes;
    Writer out{bytes};
    out.text(R"({"method":"thing.service.property.set","id":"7","params":)"), out.text(params);
    out.text(R"(,"version":"1.0"})");
    board.platform.last_set_reply.clear();
    ask("/sys/a1B2c3D4e5F/stove_01/thing/service/property/set", out.text());
    return board.platform.last_set_reply.str();
  }
  std::string_view heat(std::string_view params) {
    std::array<std::uint8_t, 256> bytes;
    Writer out{bytes};
    out.text(R"({"method":"thing.service.heat","id":"8","params":)"), out.text(params), out.text("}");
    return ask("/sys/a1B2c3D4e5F/stove_01/thing/service/heat", out.text());
  }

  fake::Board board{1};
  DeviceBuffers<> buffers;
  Options options;
  Device device{board.port(), buffers.storage(), *this};
  std::array<std::int32_t, 4> levels{};
  std::size_t plates = 0;
  int changes = 0;
};

}  // namespace

TEST_CASE("a report is written as the protocol has each type, what is not set left out") {
  std::array<std::uint8_t, 512> buffer;
  const std::array<std::int32_t, 2> plates{3, 0};
  const stove::Report report{.temperature = 21.3f,
                             .mode = stove::Mode::keep_warm,
                             .child_lock = true,
                             .recipe = "soup",
                             .ready_at = UnixMillis{1'700'000'000'000},
                             .power = stove::Power{.watts = 1200, .phase = stove::PowerPhase::l2},
                             .plates = plates};
  CHECK(json_of(report, buffer) ==
        R"({"temperature":21.3,"mode":1,"child_lock":1,"recipe":"soup","ready_at":"1700000000000",)"
        R"("power":{"watts":1200.0,"phase":2},"plates":[3,0]})");
  CHECK(json_of(stove::WarmEvent{}, buffer) == "{}");
}

TEST_CASE("a report is posted with its times, an event with its output") {
  Stove stove;
  CHECK(post(stove.device, stove::Report{.target = 90, .power = stove::Power{.watts = 5}}));
  for (int i = 0; i < 100 && stove.board.platform.posts_received < 1; ++i) stove.step();
  std::string_view seen = stove.board.platform.last_post.str();
  CHECK(seen.find(R"("params":{"target":{"value":90,"time":)") != std::string_view::npos);
  CHECK(seen.find(R"("power":{"value":{"watts":5.0},"time":)") != std::string_view::npos);
  CHECK(post(stove.device, stove::BurntEvent{.temperature = 240.f, .reason = "forgotten"}));
  for (int i = 0; i < 100 && stove.board.platform.events_received < 1; ++i) stove.step();
  seen = stove.board.platform.last_event.str();
  CHECK(seen.find(R"("value":{"temperature":240.0,"reason":"forgotten"})") != std::string_view::npos);
}

TEST_CASE("nothing is posted when a value is out of range or too long, and fault() names it") {
  Stove stove;
  const stove::Report hot{.temperature = 400.5f};
  const auto refused = post(stove.device, hot);
  REQUIRE(!refused);
  CHECK(refused.error() == Error::bad_argument);
  CHECK(fault(hot) == "temperature");
  CHECK(!post(stove.device, stove::Report{}));
  CHECK(fault(stove::Report{.recipe = "0123456789abcdefg"}) == "recipe");
  CHECK(fault(stove::Report{.recipe = "汤汤汤汤汤汤汤汤汤汤汤汤汤汤汤汤"}).empty());  // 16 characters, 48 bytes
  CHECK(fault(stove::Report{.mode = static_cast<stove::Mode>(3)}) == "mode");
  CHECK(fault(stove::Report{.temperature = std::numeric_limits<float>::quiet_NaN()}) == "temperature");
  const std::array<std::int32_t, 5> many{};
  CHECK(fault(stove::Report{.plates = many}) == "plates");
  CHECK(!post(stove.device, stove::BurntEvent{.temperature = 500.f}));
}

TEST_CASE("what is wanted comes typed, is answered, and what holds is posted") {
  Stove stove;
  CHECK(stove.want(R"({"target":80,"mode":2,"child_lock":0,"plates":[1,2,3]})") ==
        R"({"id":"7","code":200,"data":{}})");
  CHECK(stove.changes == 1);
  CHECK(stove.plates == 3);
  CHECK(stove.levels[2] == 3);
  for (int i = 0; i < 100 && stove.board.platform.posts_received < 1; ++i) stove.step();
  CHECK(stove.board.platform.last_post.str().find(R"("target":{"value":80,)") != std::string_view::npos);
}

TEST_CASE("a set with anything wrong in it changes nothing and is answered 460") {
  Stove stove;
  for (const std::string_view params :
       {R"({"target":39})", R"({"target":"80"})", R"({"mode":3})", R"({"child_lock":2})", R"({"temperature":20})",
        R"({"target":80,"unknown":1})", R"({"recipe":"0123456789abcdefg"})", R"({"plates":[1,2,3,4,5]})",
        R"({"plates":[1,"2"]})", R"({"plates":{}})", R"({"target":80,"target":80})", R"([1])", R"({"target":1.5})"}) {
    CAPTURE(params);
    CHECK(stove.want(params).find(R"("code":460)") != std::string_view::npos);
  }
  CHECK(stove.changes == 0);
  CHECK(stove.want(R"({"target":250})").find("100001") != std::string_view::npos);  // the device's own code
  CHECK(stove.want(R"({"recipe":"hot"})").find(R"("code":400)") !=
        std::string_view::npos);  // its answer is out of range
}

TEST_CASE("a service comes typed and is answered with its outputs") {
  Stove stove;
  CHECK(stove.heat(R"({"minutes":5})") == R"({"id":"8","code":200,"data":{"watt_hours":25.0}})");
  CHECK(stove.heat(R"({"minutes":0})") == R"({"id":"8","code":460,"data":{}})");
  CHECK(stove.heat(R"({"minutes":5,"x":1})") == R"({"id":"8","code":460,"data":{}})");
  CHECK(stove.heat("{}") == R"({"id":"8","code":460,"data":{}})");
  CHECK(stove.heat(R"({"minutes":13})") == R"({"id":"8","code":100002,"data":{}})");
  CHECK(stove.heat(R"({"minutes":14})") == R"({"id":"8","code":400,"data":{}})");
  CHECK(stove.ask("/sys/a1B2c3D4e5F/stove_01/thing/service/cool", R"({"id":"9","params":{}})") ==
        R"({"id":"9","code":460,"data":{}})");
}

TEST_CASE("desired values are read typed, wrong ones left out") {
  const auto data = json::parse(R"({"target":{"value":80,"version":3},"mode":{"value":9,"version":1}})");
  REQUIRE(data);
  stove::Wanted wanted;
  read(DesiredValues{*data}, wanted);
  REQUIRE(wanted.target);
  CHECK(*wanted.target == 80);
  CHECK(!wanted.mode);
}
