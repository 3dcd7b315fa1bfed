// A board that uploads a file over its session, in blocks, and goes on where it was after a lost connection.
// docs/files.md
//   upload triple.json crash.log             tercet file list PRODUCT DEVICE
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "ports/posix/board.h"
#include "tercet/device/upload.h"

using namespace tercet;

struct File final : device::UploadSource {
  explicit File(const char* path) : stream(path, std::ios::binary) {}
  bool read(std::uint64_t offset, MutableBytes into) override {
    stream.clear();
    stream.seekg(static_cast<std::streamoff>(offset));
    stream.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
    return stream.gcount() == static_cast<std::streamsize>(into.size());
  }
  std::ifstream stream;
};
struct Events final : device::DeviceEvents {
  device::Upload* upload = nullptr;
  void on_message(std::string_view topic, Bytes payload) override { upload->on_message(topic, payload); }
};

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "upload triple.json FILE\n"), 2;
  std::string problem;
  const auto triple = posix::read_triple_file(argv[1], problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = argv[1], .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Events events;
  device::DeviceBuffers<1024, 2048, 4096, 4, 1> buffers;
  device::Device device(board.port(), buffers.storage(), events);
  std::array<std::uint8_t, 4096> message;
  device::Upload upload(board.clock(), board.port().random, message);
  events.upload = &upload;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}) || !upload.start(device, triple->id))
    return 2;
  File file(argv[2]);
  const std::filesystem::path path(argv[2]);
  std::error_code none;
  if (!upload.send(
          {.name = path.filename().native(), .bytes = std::filesystem::file_size(path, none), .source = &file}))
    return std::fprintf(stderr, "%s: no file of 1 byte to 16 MB with a name of letters, digits, _ and .\n", argv[2]), 2;
  for (;;) {
    device.run(), upload.run();
    if (upload.state() == device::Upload::State::done || upload.state() == device::Upload::State::failed) break;
    board.wait(std::min(device.next_deadline(), upload.next_deadline()));
  }
  std::printf("%llu bytes uploaded, code %d\n", static_cast<unsigned long long>(upload.sent()), upload.code());
  return upload.state() == device::Upload::State::done ? 0 : 1;
}
