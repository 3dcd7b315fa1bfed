// A board that asks the platform what time it is (/ext/ntp), as each board does after its login, and posts a value with
// that time. Its clock is set from there: TLS looks at it, and what is posted later is stamped with it.
//   ntp triple.json                  tercet history PRODUCT DEVICE temperature
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

inline constexpr device::Property<float> kTemperature{"temperature"};

struct Events final : device::DeviceEvents {
  bool answered = false;
  void on_time(const device::TimeStep& step) override {
    std::printf("clock set from %s: %+lld ms\n", device::name(step.origin).data(),
                static_cast<long long>(step.to.ms - step.from.ms));
  }
  void on_reply(const device::PostReply& reply) override { answered = reply.code == 200; }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Events events;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), events);
  device::Options options;
  options.platform_time = true;  // which it is unless told otherwise
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}, options)) return 2;
  bool posted = false;
  for (device.run(); !events.answered; device.run()) {
    if (!posted && device.time().origin() == device::TimeOrigin::platform) {
      std::printf("it is %lld\n", static_cast<long long>(board.clock().wall().ms));
      posted = device.post_property(kTemperature(21.5f)).has_value();
      continue;
    }
    board.wait(device.next_deadline());
  }
}
