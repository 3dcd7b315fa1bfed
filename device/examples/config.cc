// A board that takes its interval from the product's configuration, {"interval":7}, at its start and when it is
// changed.
//   tercet config set PRODUCT interval.json        config triple.json        tercet config push PRODUCT
#include <algorithm>
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/remote_config.h"

using namespace tercet;

struct Events final : device::DeviceEvents, device::RemoteConfigEvents {
  posix::Board* board = nullptr;
  device::RemoteConfig* config = nullptr;
  std::array<std::uint8_t, 4096> text;
  void on_message(std::string_view topic, Bytes payload) override {
    config->on_message(topic, payload, board->clock().now());
  }
  MutableBytes room() override { return text; }
  Verdict on_config(Bytes file, Instant) override {
    const auto parsed = json::parse(file);
    const auto interval = parsed ? parsed->find("interval") : std::nullopt;
    const std::int64_t seconds = interval ? interval->integer().value_or(0) : 0;
    if (seconds < 1 || seconds > 86'400) return std::puts("not a configuration of this board"), Verdict::refused;
    std::printf("interval %d s\n", static_cast<int>(seconds));
    return Verdict::taken;
  }
  void on_fetch_failed(const device::FetchFailure& failure, std::string_view, Millis) override {
    const auto why = device::explain(failure.fault, device::Language::english);
    std::printf("not fetched: %.*s\n", static_cast<int>(why.size()), why.data());
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
  Events events;
  device::DeviceBuffers<1024, 2048, 512, 4, 2> buffers;
  device::Device device(board.port(), buffers.storage(), events);
  std::array<std::uint8_t, device::RemoteConfig::kBuffer> buffer;
  device::RemoteConfig config(device, board.file_transport(), buffer, events);
  events.board = &board, events.config = &config;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}) || !config.start(triple->id)) return 2;
  for (;;) {
    device.run(), config.run(board.clock().now());
    board.wait(std::min(device.next_deadline(), config.next_deadline()));
  }
}
