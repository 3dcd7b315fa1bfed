// A board whose log can be read at the platform, by whoever wants to, from where it stands; it tells how its network is
// too.
//   tercet log upload PRODUCT DEVICE on        logs triple.json
//   tercet log device PRODUCT DEVICE           tercet network PRODUCT DEVICE
#include <algorithm>
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/logs.h"
#include "tercet/device/network_report.h"

using namespace tercet;

struct Events final : device::DeviceEvents {
  device::Logs* logs = nullptr;
  device::NetworkReport* network = nullptr;
  void on_online() override {
    logs->add({.module = "main", .content = "online"});
    const device::NetworkError errors[] = {{10, 2, 1}};
    if (!network->post({.rssi = -61, .snr = 24, .per = 1, .errors = errors})) std::puts("not reported");
  }
  void on_message(std::string_view topic, Bytes payload) override {
    if (logs->on_message(topic, payload)) return;
    if (const auto reply = network->on_message(topic, payload)) std::printf("network: %d\n", reply->code);
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
  std::array<std::uint8_t, 4096> ring;
  std::array<std::uint8_t, 1024> message, report;
  device::Logs logs(board.clock(), ring, message);
  device::NetworkReport network(report);
  Events events;
  events.logs = &logs, events.network = &network;
  device::Port port = board.port();
  port.log = &logs;  // what the SDK itself has to say
  device::DeviceBuffers<1024, 2048, 1024, 4, 3> buffers;
  device::Device device(port, buffers.storage(), events);
  logs.add({.level = device::LogEntry::Level::warning, .module = "main", .content = "started", .code = 7});
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)})) return 2;
  if (!logs.start(device, triple->id) || !network.start(device, triple->id)) return 2;
  for (std::uint32_t sent = 0;;) {
    device.run(), logs.run();
    if (logs.counters().sent != sent) std::printf("%u entries uploaded\n", sent = logs.counters().sent);
    board.wait(std::min(device.next_deadline(), logs.next_deadline()));
  }
}
