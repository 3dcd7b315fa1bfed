// A board that reports temperature and humidity every ten seconds and lets the platform change its report interval.
//   climate_min triple.json          (productKey, deviceName, deviceSecret, host, port, ca; chmod 600)
#include <cstdio>

#include "climate/diurnal.h"
#include "climate/monitor.h"
#include "ports/posix/board.h"

using namespace tercet;

struct Climate final : device::DeviceEvents {
  climate::Monitor* monitor = nullptr;
  void on_set(device::PropertySet& set) override { monitor->on_set(set); }
  void on_reply(const device::PostReply& reply) override { std::printf("post %u: %d\n", reply.id, reply.code); }
  void on_rung(device::Rung rung, const device::RungRecord& record, std::string_view) override {
    const std::string_view rung_name = name(rung), outcome = record.error ? name(*record.error) : "ok";
    std::printf("%-8.*s %.*s\n", static_cast<int>(rung_name.size()), rung_name.data(), static_cast<int>(outcome.size()),
                outcome.data());
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string problem;
  const auto triple = posix::read_triple_file(argc > 1 ? argv[1] : "triple.json", problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;

  posix::Board board({.triple_file = argc > 1 ? argv[1] : "triple.json",
                      .host = triple->host,
                      .trust = {.files = {triple->ca}},
                      .state_directory = {}});
  Climate climate;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), climate);
  climate::DiurnalModel sensor{1};
  climate::Monitor monitor(device, sensor, board.store(), {.report_interval_s = 10});
  climate.monitor = &monitor;

  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)})) return 2;
  for (;;) {
    monitor.run(board.clock().now(), board.clock().wall());
    device.run();
    board.wait(std::min(device.next_deadline(), monitor.next_deadline()));
  }
}
