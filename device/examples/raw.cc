// A board that speaks eight bytes: 0, a number, temperature in hundredths (2), humidity in tenths (2), and two spare.
// The platform's script makes values of them, and seven bytes of a new interval. docs/pass-through.md
//   tercet product create climate --raw; tercet script set PRODUCT climate.js; raw triple.json
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/raw.h"

using namespace tercet;

struct Board final : device::DeviceEvents {
  device::Raw* raw = nullptr;
  void on_online() override {
    const std::uint8_t post[8] = {0, 1, 0x09, 0xC4, 0x01, 0xC2, 0, 0};  // 25.00 degrees, 45.0 percent
    if (!raw->post(post)) std::puts("not sent");
  }
  void on_message(std::string_view topic, Bytes bytes) override {
    switch (raw->kind_of(topic)) {
      case device::Raw::Kind::reply:
        if (bytes.size() == 4) std::printf("post %d: %d\n", bytes[1], bytes[2] << 8 | bytes[3]);
        break;
      case device::Raw::Kind::command: {  // 1, id (4), interval (2): answered with 2, the id, 200
        if (bytes.size() != 7) break;
        std::printf("interval %d s\n", bytes[5] << 8 | bytes[6]);
        const std::uint8_t answer[7] = {2, bytes[1], bytes[2], bytes[3], bytes[4], 0, 200};
        if (!raw->answer(answer)) std::puts("not answered");
        break;
      }
      case device::Raw::Kind::none:
        break;
    }
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
  device::Raw raw(device, triple->id);
  board.raw = &raw;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}) || !raw.listen()) return 2;
  for (;;) {
    device.run();
    port.wait(device.next_deadline());
  }
}
