// A scale that the platform can ask: the service `weigh` (input `times`, output `grams`), synchronous or not, and any
// bytes by RRPC, which it echoes. Its thing model has the service; try:
//   service triple.json              tercet call PRODUCT DEVICE weigh '{"times":2}'
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

inline constexpr device::Property<std::int32_t> kTimes{"times", device::Access::read_write, 1, 9};
inline constexpr device::Property<float> kGrams{"grams"};

struct Scale final : device::DeviceEvents {
  void on_online() override { std::puts("online"); }
  void on_service(device::ServiceCall& call) override {
    if (call.identifier() != "weigh") return call.refuse(460);
    const auto times = call.get(kTimes);
    if (!call.ok() || !times) return call.refuse(460);
    std::printf("weighing %d times\n", *times);
    call.answer({kGrams(12.5f)});
  }
  void on_rrpc(device::RrpcCall& call) override { call.answer(call.payload()); }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Scale scale;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), scale);
  device::Options options;
  options.services = true;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}, options)) return 2;
  for (;;) {
    device.run();
    board.wait(device.next_deadline());
  }
}
