// A board whose thing model has a module of its own, `power`: a property of it is called `power:voltage`, an event
// `power:low`, a service `power:cycle`. docs/thing-model.md
//   modules triple.json              tercet property set PRODUCT DEVICE '{"power:limit":7}'
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

inline constexpr device::Property<float> kVoltage{"power:voltage", device::Access::read, -100, 100};
inline constexpr device::Property<std::int32_t> kLimit{"power:limit", device::Access::read_write, 0, 10};
inline constexpr device::Property<std::int32_t> kTimes{"times", device::Access::read_write, 0, 10};
inline constexpr device::Property<float> kLow{"voltage"};  // outputs have no module before them
inline constexpr device::Property<std::int32_t> kDone{"done"};

struct Supply final : device::DeviceEvents {
  device::Device* device = nullptr;
  void on_online() override {
    if (!device->post_properties({kVoltage(3.3f)}) || !device->post_event("power:low", {kLow(2.9f)}))
      std::puts("not posted");
  }
  void on_set(device::PropertySet& set) override {
    if (const auto limit = set.get(kLimit)) std::printf("limit %d\n", *limit), set.confirm(kLimit(*limit));
  }
  void on_service(device::ServiceCall& call) override {
    if (call.identifier() != "power:cycle") return call.refuse(460);
    const auto times = call.get(kTimes);
    if (call.ok() && times) call.answer({kDone(*times)});
  }
  void on_reply(const device::PostReply& reply) override { std::printf("post %u: %d\n", reply.id, reply.code); }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Supply supply;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), supply);
  supply.device = &device;
  device::Options options;
  options.services = true;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}, options)) return 2;
  for (;;) {
    device.run();
    board.wait(device.next_deadline());
  }
}
