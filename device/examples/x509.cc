// A board with an X.509 certificate and no secret: posts one temperature.
//   tercet product create climate --x509; tercet cert issue PRODUCT DEVICE
//   x509 PRODUCT DEVICE HOST PORT CA.PEM DEVICE.PEM DEVICE.KEY
#include <cstdio>
#include <cstdlib>

#include "ports/posix/board.h"
#include "tercet/device/client.h"

using namespace tercet;

inline constexpr device::Property<float> kTemperature{"temperature"};

/// The names of an ordinary login, and no password: the certificate of the connection is the proof.
struct ByCertificate final : device::LoginSource {
  Result<auth::Credentials> credentials(const DeviceId& id, const auth::LoginOptions& wishes) override {
    auto made = auth::make_credentials({id, *DeviceSecret::parse("none")}, wishes);
    if (made) made->password.wipe();
    return made;
  }
};

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
  if (argc < 8) return std::puts("see the head of x509.cc"), 2;
  const auto product = ProductKey::parse(argv[1]);
  const auto name = DeviceName::parse(argv[2]);
  if (!product || !name) return std::puts("no ProductKey or no DeviceName"), 2;
  posix::Board board({.triple_file = {},
                      .host = argv[3],
                      .trust = {.files = {argv[5]}, .certificate = argv[6], .key = argv[7]},
                      .state_directory = {}});
  Events events;
  ByCertificate login;
  device::DeviceBuffers<> buffers;
  device::Device device{board.port(), buffers.storage(), events};
  device::Options options;
  options.login = &login;
  const device::Endpoint endpoint{argv[3], static_cast<std::uint16_t>(std::atoi(argv[4]))};
  if (!device.start({*product, *name}, endpoint, options) || !device.post_property(kTemperature(21.5F))) return 2;
  for (device.run(); !events.answered; device.run()) board.wait(device.next_deadline());
  std::puts("posted");
}
