#include <algorithm>
#include <array>

#include "ports/contract/suite.h"
#include "ports/contract/watched.h"

// The small parts: clock, random numbers, network, secrets, log, watchdog.
namespace tercet::contract {
namespace {

void clock_goes_on(Bench& bench, Check& check) {
  device::Clock& clock = bench.port().clock;
  const Instant begin = clock.now();
  Instant last = begin;
  for (int i = 0; i < 2'000; ++i) {
    const Instant now = clock.now();
    check.always(now >= last, "now() never goes back");
    last = now;
  }
  for (int i = 0; i < 200 && clock.now() - begin < Millis{20}; ++i) bench.wait(Millis{5});
  const Millis passed = clock.now() - begin;
  check.that(passed >= Millis{20} && passed < Millis{60'000}, "now() goes on while time goes by");
}

void wall_can_be_set(Bench& bench, Check& check) {
  device::Clock& clock = bench.port().clock;
  const UnixMillis before = clock.wall();
  const Instant begin = clock.now();
  // 2027; the first second that 32 bits cannot count; 2040; and back again.
  for (const std::int64_t to : {std::int64_t{1'800'000'000'123}, std::int64_t{2'147'483'648'000},
                                std::int64_t{2'208'988'800'000}, std::int64_t{1'750'000'000'000}}) {
    const Instant set_at = clock.now();
    clock.set_wall({to});
    const std::int64_t shown = clock.wall().ms - to;
    check.that(shown >= -20 && shown < 5'000, "wall() shows what was set");
    const Millis step = clock.now() - set_at;
    check.that(step >= Millis{0} && step < Millis{5'000}, "setting the wall clock does not move now()");
  }
  const UnixMillis wall = clock.wall();
  const Instant from = clock.now();
  for (int i = 0; i < 200 && clock.now() - from < Millis{20}; ++i) bench.wait(Millis{5});
  const std::int64_t drift = (clock.wall().ms - wall.ms) - (clock.now() - from).count();
  check.that(drift > -50 && drift < 50, "wall() goes as fast as now()");
  clock.set_wall({before.ms + (clock.now() - begin).count()});
}

void random_differs(Bench& bench, Check& check) {
  device::Random& random = bench.port().random;
  std::array<std::uint8_t, 32> a{}, b{};
  random.fill(a), random.fill(b);
  check.that(a != b, "two draws differ");
  check.that(std::any_of(a.begin(), a.end(), [&](std::uint8_t byte) { return byte != a[0]; }), "its bytes differ");
  std::uint32_t ones = 0, zeros = 0;
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t value = random.next();
    ones |= value, zeros |= ~value;
  }
  check.that(ones == 0xFFFF'FFFFu && zeros == 0xFFFF'FFFFu, "every bit is seen set and clear");
}

void random_fills_all(Bench& bench, Check& check) {
  device::Random& random = bench.port().random;
  random.fill({});
  std::array<std::uint8_t, 257> bytes, touched{};
  for (int i = 0; i < 8; ++i) {
    bytes.fill(0xA5);
    random.fill(MutableBytes{bytes}.subspan(0, 256));
    for (std::size_t at = 0; at < bytes.size(); ++at) touched[at] |= static_cast<std::uint8_t>(bytes[at] != 0xA5);
  }
  check.that(std::count(touched.begin(), touched.begin() + 256, 1) == 256, "every byte is filled");
  check.that(touched[256] == 0, "and none beyond");
}

void network_is_up(Bench& bench, Check& check) {
  const device::Network& network = bench.port().network;
  check.that(network.has_link() && network.has_address(), "a board on a bench is connected, and says so");
}

void secret_is_there(Bench& bench, Check& check) {
  const auto triple = bench.provisioned();
  if (!triple) return check.skip("this board has not been provisioned");
  device::SecretStore& secrets = bench.port().secrets;
  for (int i = 0; i < 2; ++i) {
    const auto secret = secrets.secret_of(triple->id);
    check.that(secret && secret->str() == triple->secret.str(), "the provisioned secret, at each login");
  }
  if (!bench.restart()) return;
  const auto secret = bench.port().secrets.secret_of(triple->id);
  check.that(secret && secret->str() == triple->secret.str(), "also after a restart");
}

void secret_is_of_its_device(Bench& bench, Check& check) {
  const auto triple = bench.provisioned();
  if (!triple) return check.skip("this board has not been provisioned");
  const auto product = ProductKey::parse("somebodyElse");
  const auto device = DeviceName::parse("another-device");
  if (!check.that(product && device, "names")) return;
  check.that(is(bench.port().secrets.secret_of({*product, triple->id.device}), Error::not_found),
             "another product's device is not_found");
  check.that(is(bench.port().secrets.secret_of({triple->id.product, *device}), Error::not_found),
             "another device is not_found");
}

void secret_is_secret(Bench& bench, Check& check) {
  const auto triple = bench.provisioned();
  if (!triple || !bench.expose_secret(true)) return check.skip("this bench cannot show a secret to others");
  check.that(is(bench.port().secrets.secret_of(triple->id), Error::denied), "a secret that others can read is denied");
  bench.expose_secret(false);
  check.that(bench.port().secrets.secret_of(triple->id).has_value(), "and given again when it is hidden");
}

void log_takes_any_line(Bench& bench, Check& check) {
  device::Log* log = bench.port().log;
  if (log == nullptr) return check.skip("this port has none");
  std::array<char, 600> line;
  line.fill('.');
  log->line(device::LogLevel::info, "");
  log->line(device::LogLevel::info, "100 % \xE6\xB8\xA9\xE5\xBA\xA6 %s %n");
  log->line(device::LogLevel::info, std::string_view(line.data(), line.size()));
}

void watchdog_is_fed(Bench& bench, Check& check) {
  device::Watchdog* watchdog = bench.port().watchdog;
  if (watchdog == nullptr) return check.skip("this port has none");
  for (int i = 0; i < 100; ++i) watchdog->feed();
}

constexpr Promise kPromises[] = {
    {"clock: now() never goes back and goes on", clock_goes_on},
    {"clock: the wall can be set, beyond 2038 too, and now() does not notice", wall_can_be_set},
    {"random: it is not always the same", random_differs},
    {"random: every byte that was asked for is filled", random_fills_all},
    {"network: a connected board says so", network_is_up},
    {"secrets: the provisioned one is given at each login", secret_is_there},
    {"secrets: it is given for its own device only", secret_is_of_its_device},
    {"secrets: one that others can read is denied", secret_is_secret},
    {"log: any line is taken", log_takes_any_line},
    {"watchdog: it can be fed", watchdog_is_fed},
};

}  // namespace

std::span<const Promise> board_promises() { return kPromises; }

}  // namespace tercet::contract
