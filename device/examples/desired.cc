// A board that asks, whenever it comes online, which report interval is desired, takes it, posts it, and says so.
//   tercet desired set PRODUCT DEVICE '{"report_interval":30}'       also while the board is off
//   desired triple.json
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

inline constexpr device::Property<std::int32_t> kInterval{"report_interval", device::Access::read_write, 1, 86400};

struct Board final : device::DeviceEvents {
  device::Device* device = nullptr;
  std::int32_t interval = 60;
  void take(std::int32_t wanted) {
    std::printf("report interval %d s\n", interval = wanted);
    if (!device->post_property(kInterval(interval))) std::puts("the outbox is full");
  }
  void on_online() override {
    if (!device->get_desired({kInterval.identifier})) std::puts("not asked");
  }
  void on_desired(device::DesiredValues& desired) override {
    const auto wish = desired.get(kInterval);
    if (!wish) return;
    take(wish->value);
    if (!device->clear_desired(kInterval.identifier, wish->version)) std::puts("not cleared: found again next time");
  }
  void on_set(device::PropertySet& set) override {  // what is desired while we are online comes as a set
    const auto wanted = set.get(kInterval);
    if (set.ok() && wanted) take(*wanted);
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board port(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Board board;
  device::DeviceBuffers<> buffers;
  device::Device device(port.port(), buffers.storage(), board);
  board.device = &device;
  device::Options options;
  options.desired = true;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}, options)) return 2;
  for (;;) {
    device.run();
    port.wait(device.next_deadline());
  }
}
