// What a consumer may send to the AMQP port: the first byte says whether it logs in with these bytes as its user name,
// or sends them as they are, before or after a login that is right.
#include "platform/runtime/sim.h"
#include "platform/store/memory_store.h"
#include "platform/subscription/amqp_server.h"

// Proton 0.37 forgets the name of the mechanism when a client sends sasl-init twice: a few bytes, then the client is
// sent away. Nothing of ours is hidden by this.
extern "C" const char* __lsan_default_suppressions() { return "leak:libqpid-proton"; }

namespace {

using namespace tercet;
constexpr std::uint64_t kGroup = (std::uint64_t{1} << 40) + 1;

struct Events final : runtime::StreamEvents {
  void on_readable() override {
    std::uint8_t buffer[4096];
    while (true) {
      const runtime::Io io = stream->read(buffer);
      if (io.state == runtime::Io::State::more) continue;
      if (io.state != runtime::Io::State::drained) loop->detach(*stream);
      return;
    }
  }
  void on_writable() override {}
  runtime::Loop* loop = nullptr;
  runtime::Stream* stream = nullptr;
};

// The header of SASL, and its init with PLAIN and "\0c|...|\0p".
std::string hello() {
  const std::string user = "c|authMode=aksign,signMethod=hmacsha1,timestamp=1,authId=k,consumerGroupId=G|";
  const std::string response = std::string(1, '\0') + user + std::string(1, '\0') + "p";
  std::string body = std::string("\x02\x00\x00\x00\x02\x01\x00\x00", 8).substr(4);  // doff 2, SASL, channel 0
  body += std::string("\x00\x53\x41", 3);                                           // sasl-init
  std::string fields = std::string("\xa3\x05PLAIN", 7) + "\xa0" + static_cast<char>(response.size()) + response;
  body += std::string("\xc0", 1) + static_cast<char>(fields.size() + 1) + "\x02" + fields;
  std::string frame;
  const auto size = static_cast<std::uint32_t>(body.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(size >> shift & 0xFF);
  return std::string("AMQP\x03\x01\x00\x00", 8) + frame + body + std::string("AMQP\x00\x01\x00\x00", 8);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) {
    std::string problem;
    const auto login = subscription::read_consumer_login(bytes, problem);
    if (!login && problem.empty()) __builtin_trap();
    if (login && !subscription::is_signed(*login, subscription::consumer_password(*login, "s"), "s")) __builtin_trap();
    return 0;
  }
  runtime::SimWorld world(1);
  runtime::SimHost& host = world.add_host("10.0.0.1");
  runtime::SimLoop& loop = host.add_loop();
  runtime::SimLoop& client = world.add_host("10.0.0.2").add_loop();
  store::MemoryStore store;
  subscription::AmqpServer::Wiring wiring{loop, store, 1, {}, {}, {}};
  wiring.authenticate = [](subscription::ConsumerLogin, std::string, auto then) { then({kGroup, {}}); };
  wiring.drained = [](std::uint64_t, std::uint16_t, std::uint64_t, std::uint64_t) {};
  subscription::AmqpServer server(std::move(wiring));
  server.use({kGroup}, {});
  const auto bound = loop.listen(
      host.address(5671), [&server](std::unique_ptr<runtime::Stream> stream) { server.accept(std::move(stream)); });
  if (!bound) __builtin_trap();
  auto stream = client.connect(host.address(5671));
  if (!stream) __builtin_trap();
  Events events;
  events.loop = &client;
  events.stream = stream->get();
  client.attach(**stream, events);
  world.run_for(Millis{10});
  if (data[0] % 3 == 1) {
    const std::string first = hello();
    static_cast<void>((*stream)->write(as_bytes(first)));
    world.run_for(Millis{10});
  }
  static_cast<void>((*stream)->write(as_bytes(bytes)));
  world.run_for(Millis{10});
  client.detach(**stream);
  return 0;
}
