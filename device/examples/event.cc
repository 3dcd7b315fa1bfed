// A board that reports each kind of event of its thing model once: `started` (info), `warm` (alert) and `burnt`
// (error).
//   event triple.json                tercet events PRODUCT DEVICE
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

inline constexpr device::Property<float> kTemperature{"temperature"};
inline constexpr device::Property<std::string_view> kReason{"reason"};

struct Stove final : device::DeviceEvents {
  int answered = 0;
  void on_reply(const device::PostReply& reply) override {
    const int size = static_cast<int>(reply.data.size());
    std::printf("event %u: %d %.*s\n", reply.id, reply.code, size, reply.data.data());
    ++answered;
  }
};

int main(int argc, char** argv) {
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Stove stove;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), stove);
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)})) return 2;
  // They wait in the outbox until the board is online, and keep the time at which they happened.
  const auto info = device.post_event("started", {});
  const auto alert = device.post_event("warm", {kTemperature(61.5f)});
  const auto error = device.post_event("burnt", {kTemperature(240.f), kReason("forgotten")});
  if (!info || !alert || !error) return 2;
  for (device.run(); stove.answered < 3; device.run()) board.wait(device.next_deadline());
}
