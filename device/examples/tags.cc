// A board that says of itself where it stands, and asks what others have said of it.
//   tercet tag set PRODUCT DEVICE owner Lin        tags triple.json        tercet tag find room=kitchen
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/tags.h"

using namespace tercet;

struct Events final : device::DeviceEvents, device::TagEvents {
  device::Tags* tags = nullptr;
  device::MessageId removed = 0, asked = 0;
  bool is_done = false;
  void on_online() override {
    if (!tags->update({{"room", "kitchen"}, {"floor", "2"}, {"shelf", "4"}})) std::puts("not told");
  }
  void on_message(std::string_view topic, Bytes payload) override { tags->on_message(topic, payload); }
  void on_tag(const device::Tag& tag) override {
    std::printf("%.*s = %.*s\n", static_cast<int>(tag.key.size()), tag.key.data(), static_cast<int>(tag.value.size()),
                tag.value.data());
  }
  /// One question after the other: told, then one taken back, then all asked for.
  void on_tags_answered(device::MessageId id, std::int32_t code) override {
    if (code != 200) std::printf("refused: %d\n", code);
    if (removed == 0) {
      removed = tags->remove({"shelf"}).value_or(0);
    } else if (id == removed) {
      asked = tags->get().value_or(0);
    }
    is_done = code != 200 || (asked != 0 && id == asked);
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
  std::array<std::uint8_t, 512> scratch;
  device::Tags tags(events, scratch);
  events.tags = &tags;
  device::DeviceBuffers<> buffers;
  device::Device device(board.port(), buffers.storage(), events);
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}) || !tags.start(device, triple->id))
    return 2;
  for (device.run(); !events.is_done; device.run()) board.wait(device.next_deadline());
}
