// A board that holds the ProductSecret: registers once, keeps what it is told in a directory, then posts with it.
//   tercet product registration PRODUCT on
//   PRODUCT_SECRET=... register PRODUCT DEVICE HOST PORT CA.PEM STATE-DIRECTORY [unlisted]
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "ports/posix/board.h"
#include "tercet/device/registration.h"

using namespace tercet;

inline constexpr device::Property<float> kTemperature{"temperature"};

struct Events final : device::DeviceEvents {
  bool answered = false;
  void on_reply(const device::PostReply& reply) override { answered = reply.code == 200; }
  void on_offline(device::Rung rung, Error error, Millis) override {
    const auto why = device::explain(rung, error, device::Language::english);
    std::printf("not yet: %.*s\n", static_cast<int>(why.size()), why.data());
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const product_secret = std::getenv("PRODUCT_SECRET");
  if (argc < 7 || product_secret == nullptr) return std::puts("see the head of register.cc"), 2;
  const auto product = ProductKey::parse(argv[1]);
  const auto name = DeviceName::parse(argv[2]);
  if (!product || !name) return std::puts("no ProductKey or no DeviceName"), 2;
  const DeviceId id{*product, *name};
  const device::Endpoint endpoint{argv[3], static_cast<std::uint16_t>(std::atoi(argv[4]))};
  posix::Board board({.triple_file = {}, .host = argv[3], .trust = {.files = {argv[5]}}, .state_directory = argv[6]});
  Events events;
  device::DeviceBuffers<> buffers;
  device::RegisteredIdentity identity{*board.store()};
  if (!identity.has(id)) {
    device::Registration registration{board.port(), buffers.storage(), &events};
    if (!registration.start(id, endpoint, product_secret, {.unlisted = argc > 7})) return 2;
    while (!registration.is_done()) registration.run(), board.wait(registration.next_deadline());
    std::puts("registered");
  }
  device::Device device{board.port(), buffers.storage(), events};
  device::Options options;
  options.login = &identity;
  if (!device.start(id, endpoint, options) || !device.post_property(kTemperature(21.5F))) return 2;
  for (device.run(); !events.answered; device.run()) board.wait(device.next_deadline());
  std::puts("posted");
}
