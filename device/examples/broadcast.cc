// A board that hears what is said to all: to every board of its product, and to those that follow the topic `news`. It
// also tells what its properties are when it is asked.
//   broadcast triple.json            tercet broadcast PRODUCT 'close the valves'     tercet broadcast PRODUCT 'snow'
//   --topic news
//                                    tercet property get PRODUCT DEVICE level
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

inline constexpr device::Property<std::int32_t> kLevel{"level"};

struct Tank final : device::DeviceEvents {
  void on_online() override { std::puts("online"); }
  void on_message(std::string_view topic, Bytes payload) override {
    const bool to_all = topic.find("/broadcast/request/") != std::string_view::npos;
    const auto text = as_text(payload);
    std::printf("%s: %.*s\n", to_all ? "to all" : "news", static_cast<int>(text.size()), text.data());
  }
  void on_get(device::PropertyGet& get) override { get.answer({kLevel(7)}); }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  const std::string news = "/broadcast/" + std::string(triple->id.product.str()) + "/news";
  Tank tank;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), tank);
  device::Options options;
  options.services = true;  // property get is among them; a broadcast to all needs nothing
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}, options)) return 2;
  if (!device.subscribe(news, mqtt::Qos::at_least_once)) return 2;
  for (;;) {
    device.run();
    board.wait(device.next_deadline());
  }
}
