// A stove with the types of its thing model (stove_model.h, made of stove.tsl.json by `tercet model`): a wrong property
// or a wrong type does not compile, a value out of range is not posted.
//   typed triple.json                tercet call PRODUCT DEVICE heat '{"minutes":5}'
#include <cstdio>

#include "examples/stove_model.h"
#include "ports/posix/board.h"

using namespace tercet;

struct Stove final : stove::Handler {
  device::Device* device = nullptr;
  stove::Mode mode = stove::Mode::off;
  void on_online() override {
    if (!post(*device, stove::Report{.temperature = 21.5f, .mode = mode, .power = stove::Power{.watts = 0}}))
      std::puts("not posted");
  }
  std::int32_t change(const stove::Wanted& wanted, stove::Report& now) override {
    if (wanted.target || wanted.recipe || wanted.plates) return 400;  // this one knows its mode and its lock
    if (wanted.child_lock) now.child_lock = *wanted.child_lock;
    if (wanted.mode) now.mode = mode = *wanted.mode;
    std::printf("mode %d\n", static_cast<int>(mode));
    return 200;
  }
  std::int32_t serve_heat(const stove::HeatInput& input, stove::HeatOutput& output) override {
    if (!input.minutes) return 460;
    output.watt_hours = 25.0f * static_cast<float>(*input.minutes);
    return post(*device, stove::BurntEvent{.temperature = 240.f, .reason = "forgotten"}) ? 200 : 429;
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
  Stove stove;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), stove);
  stove.device = &device;
  device::Options options;
  options.services = true;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}, options)) return 2;
  for (;;) {
    device.run();
    board.wait(device.next_deadline());
  }
}
