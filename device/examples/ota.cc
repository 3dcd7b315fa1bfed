// A board that takes updates: over HTTPS, else over its session; tried, and confirmed when the platform has answered
// it, or left for the one before. Its two images are files of a directory; the shell is the boot loader.
//   mkdir images; echo 'tercet-image 1.0' > images/a.img; while ota triple.json images; [ $? = 75 ]; do :; done
//   echo 'tercet-image 2.0' > 2.0.img; tercet ota upload PRODUCT 2.0 2.0.img; tercet ota start FIRMWARE
#include <algorithm>
#include <cstdio>

#include "ports/posix/board.h"
#include "ports/posix/image_directory.h"
#include "tercet/ota/https_source.h"
#include "tercet/ota/session.h"

using namespace tercet;

struct Events final : device::DeviceEvents {
  posix::Board* board = nullptr;
  ota::Session* session = nullptr;
  void on_message(std::string_view topic, Bytes payload) override {
    session->on_message(topic, payload, board->clock().now());
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 3) return std::puts("see the head of ota.cc"), 2;
  std::string problem;
  const auto triple = posix::read_triple_file(argv[1], problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::ImageDirectory images(argv[2]);  // slots and boot loader
  const auto chosen = images.boot();
  const auto running = images.running_identity();
  if (!chosen || !running) return std::puts("no image in the directory"), 2;
  std::printf("this is %s%s\n", std::string(running->version.str()).c_str(), images.is_on_trial() ? ", on trial" : "");
  posix::Board board(
      {.triple_file = argv[1], .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = argv[2]});
  Events events;
  device::DeviceBuffers<2048, 2048, 512, 4, ota::Session::kFilters> buffers;
  device::Device device(board.port(), buffers.storage(), events);
  std::array<std::uint8_t, 2048> buffer;
  ota::Session session(device);
  ota::HttpsSource https(board.image_transport(), buffer);
  ota::SessionSource blocks(session);
  std::array<ota::Source*, 2> sources{&https, &blocks};
  ota::Updater updater(images, images, *board.store(), sources, session, {.version = running->version.str()});
  std::array<ota::Updater*, 1> updaters{&updater};
  events.board = &board, events.session = &session;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)})) return 2;
  if (!session.start(triple->id, updaters, &blocks, board.clock().now())) return 2;
  for (bool on_trial = images.is_on_trial(); !session.wants_restart();) {
    device.run(), session.run(board.clock().now());
    if (on_trial && !images.is_on_trial()) on_trial = false, std::puts("confirmed");
    board.wait(std::min(device.next_deadline(), session.next_deadline()));
  }
  return 75;
}
