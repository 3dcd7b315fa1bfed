// A board with topics of its own application: what comes to /PRODUCT/DEVICE/user/get goes back on .../user/update.
// Which topics a product's devices have, and who may do what on them: docs/topics.md
//   topics triple.json               tercet topic list PRODUCT
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

struct Echo final : device::DeviceEvents {
  device::Device* device = nullptr;
  std::string get, update;
  void on_online() override { std::puts("online"); }
  void on_message(std::string_view topic, Bytes payload) override {
    if (topic != get) return;
    std::printf("%zu bytes\n", payload.size());
    if (!device->publish(update, payload, mqtt::Qos::at_least_once)) std::puts("not sent");
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  const std::string own = "/" + std::string(triple->id.product.str()) + "/" + std::string(triple->id.device.str());
  Echo echo;
  echo.get = own + "/user/get";
  echo.update = own + "/user/update";
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), echo);
  echo.device = &device;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)})) return 2;
  if (!device.subscribe(echo.get, mqtt::Qos::at_least_once)) return 2;
  for (;;) {
    device.run();
    board.wait(device.next_deadline());
  }
}
