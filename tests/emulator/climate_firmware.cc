// The climate application on a board whose every part is one register: what is left when the linker has thrown away all
// that is not called is the SDK itself. Measured by scripts/size, never run.
#include "climate_application.h"
#include "minimal_application.h"

using namespace tercet;
using namespace tercet::device;

namespace {

volatile std::uint32_t in_register, out_register;

Result<std::size_t> count_or_block() {
  const std::size_t count = in_register;
  if (count == 0) return fail(Error::would_block);
  return count;
}

struct Wire final : Transport {
  Result<void> open(const Target& target) override {
    out_register = target.port;
    return {};
  }
  Result<Stage> advance() override { return static_cast<Stage>(in_register); }
  Stage stage() const override { return static_cast<Stage>(in_register); }
  Result<std::size_t> read(MutableBytes into) override {
    if (!into.empty()) into[0] = static_cast<std::uint8_t>(in_register);
    return count_or_block();
  }
  Result<std::size_t> write(Bytes from) override {
    if (!from.empty()) out_register = from[0];
    return count_or_block();
  }
  void close() override { out_register = 0; }
};

struct BoardClock final : Clock {
  Instant now() const override { return Instant{Millis{in_register}}; }
  UnixMillis wall() const override { return {std::int64_t{in_register} * 1000}; }
  void set_wall(UnixMillis to) override { out_register = static_cast<std::uint32_t>(to.ms / 1000); }
};

struct Noise final : Random {
  void fill(MutableBytes into) override {
    for (std::uint8_t& byte : into) byte = static_cast<std::uint8_t>(in_register);
  }
};

struct Radio final : Network {
  bool has_link() const override { return in_register != 0; }
  bool has_address() const override { return in_register != 0; }
};

struct Udp final : Datagram {
  Result<void> send(std::string_view host, std::uint16_t port, Bytes bytes) override {
    out_register = static_cast<std::uint32_t>(host.size() + port + bytes.size());
    return {};
  }
  Result<std::size_t> receive(MutableBytes into) override {
    into[0] = static_cast<std::uint8_t>(in_register);
    return count_or_block();
  }
  void close() override { out_register = 0; }
};

struct Nvs final : KeyValueStore {
  Result<std::size_t> get(std::string_view, MutableBytes into) override {
    into[0] = static_cast<std::uint8_t>(in_register);
    return count_or_block();
  }
  Result<void> set(std::string_view, Bytes value) override {
    out_register = value[0];
    return {};
  }
  Result<void> remove(std::string_view) override { return {}; }
};

struct Vault final : SecretStore {
  Result<DeviceSecret> secret_of(const DeviceId&) override {
    return DeviceSecret::parse({const_cast<const char*>(reinterpret_cast<volatile char*>(&in_register)), 1});
  }
};

struct Serial final : Log {
  void line(LogLevel, std::string_view text) override {
    for (const char c : text) out_register = static_cast<std::uint8_t>(c);
  }
};

struct Dog final : Watchdog {
  void feed() override { out_register = 1; }
};

struct Thermometer final : climate::Sensor {
  Result<climate::Reading> sample(UnixMillis) override {
    return climate::Reading{static_cast<float>(in_register), static_cast<float>(in_register)};
  }
  std::string_view description() const override { return {}; }
};

}  // namespace

// Their symbols carry the sizes for scripts/size, also where nothing can be run.
extern const char size_of_device[sizeof(Device)], size_of_buffers[sizeof(DeviceBuffers<>)],
    size_of_monitor[sizeof(climate::Monitor)];
const char size_of_device[sizeof(Device)]{}, size_of_buffers[sizeof(DeviceBuffers<>)]{},
    size_of_monitor[sizeof(climate::Monitor)]{};

// Inside main(), so that a linker without start-up code sees them used.
int main() {
  static Wire wire;
  static BoardClock board_clock;
  static Noise noise;
  static Radio radio;
  static Vault vault;
#ifdef TERCET_MINIMAL_APPLICATION
  static emulator::MinimalApplication application{{wire, board_clock, noise, radio, vault}};
#else
  static Udp udp;
  static Nvs nvs;
  static Serial serial;
  static Dog dog;
  static Thermometer thermometer;
  static emulator::Application application{{wire, board_clock, noise, radio, vault, &udp, &nvs, &serial, &dog},
                                           thermometer};
#endif
  if (!application.start()) return 1;
#ifdef TERCET_WITH_RULES
  application.rules().start(edge::Boot::ordinary, board_clock.now());
  edge::Problem problem;
  static char text[64];
  for (char& c : text) c = static_cast<char>(in_register);
  static_cast<void>(application.rules().offer({text, sizeof text}, 0, board_clock.now(), problem));
  std::uint8_t words[256];
  Writer out{words};
  edge::write_problem(out, problem, static_cast<Language>(in_register & 1));
  serial.line(LogLevel::warning, out.text());
#endif
  for (;;) application.run();
}
