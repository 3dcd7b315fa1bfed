// A lamp that is what its shadow desires, also when the wish was made while it was off.
//   tercet shadow update PRODUCT DEVICE '{"method":"update","state":{"desired":{"color":2}},"version":1}'
//   shadow triple.json
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/shadow.h"

using namespace tercet;

inline constexpr device::Property<std::int32_t> kColor{"color", device::Access::read_write, 0, 7};

struct Lamp final : device::DeviceEvents, device::ShadowEvents {
  device::ShadowClient* shadow = nullptr;
  std::int32_t color = 0;
  void on_online() override {
    if (!shadow->get()) std::puts("not asked");
  }
  void on_message(std::string_view topic, Bytes payload) override { shadow->on_message(topic, payload); }
  void on_control(const device::ShadowState& state) override { take(state); }
  void on_shadow(const device::ShadowState& state) override { take(state); }
  void on_refused(std::int32_t code, std::string_view text) override {
    std::printf("refused: %d %.*s\n", code, static_cast<int>(text.size()), text.data());
  }
  void take(const device::ShadowState& state) {
    const auto wanted = state.desired(kColor);
    if (!wanted || *wanted == color) return;
    std::printf("color %d\n", color = *wanted);
    if (!shadow->report({kColor(color)}) || !shadow->clear_desired()) std::puts("not reported");
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
  Lamp lamp;
  device::DeviceBuffers<> buffers;
  std::array<std::uint8_t, 512> scratch;
  device::Device device(port.port(), buffers.storage(), lamp);
  device::ShadowClient shadow(device, lamp, scratch);
  lamp.shadow = &shadow;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}) || !shadow.start(triple->id)) return 2;
  for (;;) {
    device.run();
    port.wait(device.next_deadline());
  }
}
