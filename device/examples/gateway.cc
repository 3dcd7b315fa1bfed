// A gateway that speaks for two devices of its own: it logs them in, posts a level for each every ten seconds, and sets
// what is wanted of them.
//   tercet device add PRODUCT tank_1     (and tank_2): prints a triple each
//   gateway triple.json PRODUCT tank_1 SECRET tank_2 SECRET
#include <algorithm>
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/gateway.h"

using namespace tercet;

inline constexpr device::Property<std::int32_t> kLevel{"level"}, kTarget{"target", device::Access::read_write, 0, 100};

struct Board final : device::DeviceEvents, device::GatewayEvents {
  device::Gateway* gateway = nullptr;
  void on_message(std::string_view topic, Bytes payload) override {
    if (!gateway->on_message(topic, payload)) std::puts("a message for the gateway itself");
  }
  void on_sub_state(device::SubDevice& sub) override {
    const bool is_online = sub.state() == device::SubState::online;
    std::printf("%.16s %s %d\n", sub.id().device.str().data(), is_online ? "online" : "not online", sub.code());
  }
  void on_sub_set(device::SubDevice&, device::PropertySet& set) override {
    if (const auto wanted = set.get(kTarget); set.ok() && wanted) set.confirm(kTarget(*wanted));
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string problem;
  const auto triple = posix::read_triple_file(argc > 1 ? argv[1] : "triple.json", problem);
  if (!triple || argc < 5)
    return std::fprintf(stderr, "%s\n", triple ? "name a product and its devices" : problem.c_str()), 2;
  posix::Board port(
      {.triple_file = argv[1], .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Board board;
  device::DeviceBuffers<2048, 512, 1024> buffers;
  device::Device device(port.port(), buffers.storage(), board);
  std::array<device::SubDevice, 2> tanks;
  std::array<std::uint8_t, 1024> scratch;
  device::Gateway gateway(device, port.port(), board, tanks, scratch);
  board.gateway = &gateway;
  device::Options options;
  options.auto_subscribe = true;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}, options)) return 2;
  gateway.start(triple->id);
  for (int i = 3; i + 1 < argc; i += 2)
    if (!gateway.add({*ProductKey::parse(argv[2]), *DeviceName::parse(argv[i])}, argv[i + 1])) return 2;
  Instant due{};
  for (;;) {
    device.run();
    gateway.run();
    if (port.clock().now() >= due) {
      due = port.clock().now() + Seconds{10};
      for (device::SubDevice& tank : tanks)
        if (tank.state() == device::SubState::online && !gateway.post_properties(tank, {kLevel(50)}))
          std::puts("no room");
    }
    port.wait(std::min({due, device.next_deadline(), gateway.next_deadline()}));
  }
}
