#include "tercet/edge/device_actor.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"
#include "tercet/edge/test_bench.h"

using namespace tercet;
using namespace tercet::edge;
using namespace tercet::edge::test;

namespace {

struct Board final : device::DeviceEvents {
  Board() {
    board.platform.record_posts = true;
    device::Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example"}, options));
    pass(5'000);
    REQUIRE(device.is_online());
  }
  void pass(int ms) {
    for (int i = 0; i < ms; i += 50) device.run(), board.clock.advance(Millis{50});
  }
  void on_set(device::PropertySet& set) override {
    const auto interval = set.get(kInterval);
    if (!set.ok()) return;
    if (interval) set.confirm(kInterval(*interval));
  }
  fake::Board board;
  device::DeviceBuffers<> buffers;
  device::Device device{board.port(), buffers.storage(), *this};
};

}  // namespace

TEST_CASE("a rule's set takes the platform's way: checked, confirmed, posted") {
  Board board;
  static int called = 0;
  const Handler handlers[] = {{"buzzer",
                               [](void* context, const Cause& cause) -> Result<void> {
                                 *static_cast<int*>(context) += cause.entered ? 1 : 100;
                                 return {};
                               },
                               &called}};
  DeviceActor actor(board.device, board, handlers);
  CHECK(actor.set(kInterval(10)));
  board.pass(500);
  CHECK(board.board.platform.posts.back().find(R"("interval":{"value":10,)") != std::string::npos);
  CHECK(actor.set(kInterval(0)).error() == Error::denied);
  CHECK(actor.set(kDoor(true)).error() == Error::denied);  // this board does not know it
  CHECK(actor.call("buzzer", {"r", true}));
  CHECK(actor.call("buzzer", {"r", false}));
  CHECK(called == 101);
  CHECK(actor.call("lamp", {"r", true}).error() == Error::not_found);
  const device::PropertyValue output[] = {kTemperature(36)};
  CHECK(actor.post_event("alarm", output));
  board.pass(500);
  CHECK(board.board.platform.events_received == 1);
}
