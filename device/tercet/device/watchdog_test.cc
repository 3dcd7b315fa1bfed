#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/flash.h"
#include "tercet/device/client.h"

// A board whose task hangs in one of its parts, and what its watchdog makes of
// that. A call that never returns cannot be had in a test: the fake part takes
// as much time as the watchdog has, the watchdog resets the board, and what the
// SDK does in that call after it is cut off from flash and network, as the
// reset would.
using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<float> kTemperature{"temperature"};
constexpr Millis kLimit{30'000};
constexpr Millis kReportEvery{500};

/// The board's hardware watchdog: looked at before each call into a part, as a
/// timer would look at any time.
class Timer final : public Watchdog {
 public:
  explicit Timer(const fake::Clock& clock) : clock_(clock), fed_at_(clock.now()) {}
  void feed() override {
    if (!bites()) fed_at_ = clock_.now(), ++fed;
  }
  void look() {
    if (!bitten_ && clock_.now() - fed_at_ >= kLimit) bitten_ = clock_.now();
  }
  bool bites() {
    look();
    return bitten_.has_value();
  }
  std::uint32_t fed = 0;

 private:
  const fake::Clock& clock_;
  Instant fed_at_;
  std::optional<Instant> bitten_;
};

enum class Part : std::uint8_t { open, advance, read, write, flash_read, flash_program, flash_erase, store, secret };
constexpr int kParts = 9;
constexpr std::uint32_t kHangs = sizeof(void*) == 4 ? 45 : 1'000;  // an emulated board has less memory and time

/// Which call hangs: the `count`-th of `part` from now.
struct Hang {
  std::optional<Part> part;
  std::uint32_t count = 0;
  bool happened = false;
};

struct Board;

class HangingTransport final : public Transport {
 public:
  explicit HangingTransport(Board& board) : board_(board) {}
  Result<void> open(const Target& target) override;
  Result<Stage> advance() override;
  Stage stage() const override;
  Result<std::size_t> read(MutableBytes into) override;
  Result<std::size_t> write(Bytes from) override;
  void close() override;

 private:
  Board& board_;
};

class HangingFlash final : public Flash {
 public:
  explicit HangingFlash(Board& board) : board_(board) {}
  Geometry geometry() const override;
  Result<void> read(std::uint32_t at, MutableBytes into) override;
  Result<void> program(std::uint32_t at, Bytes bytes) override;
  Result<void> erase(std::uint32_t sector) override;

 private:
  Board& board_;
};

class HangingStore final : public KeyValueStore {
 public:
  explicit HangingStore(Board& board) : board_(board) {}
  Result<std::size_t> get(std::string_view key, MutableBytes into) override;
  Result<void> set(std::string_view key, Bytes value) override;
  Result<void> remove(std::string_view key) override;

 private:
  Board& board_;
};

class HangingSecrets final : public SecretStore {
 public:
  explicit HangingSecrets(Board& board) : board_(board) {}
  Result<DeviceSecret> secret_of(const DeviceId& device) override;

 private:
  Board& board_;
};

/// How many calls of this part pass before the one that hangs: up to what a
/// reconnect and an outage make.
std::uint32_t some_count(Part part, std::uint32_t random) {
  const bool is_rare = part == Part::open || part == Part::secret || part == Part::store || part == Part::flash_erase;
  return is_rare ? 0 : part == Part::advance ? random % 2 : random % 7;
}

/// Everything that survives a reset, and the one life between two.
struct Board final : DeviceEvents {
  explicit Board(std::uint32_t seed) : parts(seed) {
    parts.log.record = false;
    parts.platform.record_posts = true;
    cells.cells.assign(cells.cells.size(),
                       0);  // of another use: every sector is to be erased first
    cells.settle();
    boot();
  }

  void boot() {
    device.reset();
    buffers = std::make_unique<DeviceBuffers<>>();
    watchdog = std::make_unique<Timer>(parts.clock);
    parts.transport.close();
    is_dead = false;
    ++boots;
    const Port port{transport, parts.clock, parts.random, parts.network,  secrets,
                    nullptr,   &store,      nullptr,      watchdog.get(), &flash};
    device = std::make_unique<Device>(port, buffers->storage(), *this);
    Options options;
    options.flash_after = Millis{0};
    options.post_interval = Millis{0};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device->start(id, {"iot.example", 1883, false}, options));
  }

  /// False: this call does not return in time, or the board is reset already.
  bool enter(Part part) {
    watchdog->look();
    if (!is_dead && hang.part == part && hang.count-- == 0) {
      hang.part.reset();
      hang.happened = true;
      hung_at = parts.clock.now();
      parts.clock.advance(2 * kLimit);
      is_dead = watchdog->bites();
    }
    return !is_dead;
  }

  /// What the board's task does in 10 ms: a reading now and then, a pass; a
  /// reset if the watchdog bites.
  void live() {
    if (parts.clock.now() >= next_reading) take_reading();
    if (!is_dead) device->run();
    if (!is_dead) {
      in_ram.clear();
      const OutboxCounters counters = device->outbox();
      const std::size_t count = counters.waiting - counters.in_flash + device->in_flight();
      for (std::size_t i = 0; i < std::min(count, taken.size()); ++i) in_ram.insert(taken[taken.size() - 1 - i]);
    }
    if (is_dead || watchdog->bites()) {
      ++resets;
      lost_with_ram.insert(in_ram.begin(), in_ram.end());
      boot();
    }
    parts.clock.advance(Millis{10});
  }

  void take_reading() {
    next_reading = parts.clock.now() + kReportEvery;
    if (!taking) return;
    taken.push_back(parts.clock.wall().ms);
    in_ram.insert(taken.back());
    REQUIRE((device->post_properties({kTemperature(21.5f)}, UnixMillis{taken.back()}) || is_dead));
  }

  template <typename Claim>
  bool live_until(Claim claim, Millis within) {
    const Instant end = parts.clock.now() + within;
    while (!claim() && parts.clock.now() < end) live();
    return claim();
  }
  bool is_drained() const { return device->is_online() && device->in_flight() == 0 && device->outbox().waiting == 0; }

  /// Readings that the platform has not got, and that were not in RAM only when
  /// the watchdog bit.
  std::size_t missing() const {
    std::set<std::int64_t> got;
    constexpr std::string_view kKey = "\"time\":";
    for (const std::string& post : parts.platform.posts)
      for (std::size_t at = post.find(kKey); at != post.npos; at = post.find(kKey, at + 1))
        got.insert(std::strtoll(post.c_str() + at + kKey.size(), nullptr, 10));
    std::size_t count = 0;
    for (const std::int64_t time : taken) count += got.contains(time) || lost_with_ram.contains(time) ? 0 : 1;
    return count;
  }

  fake::Board parts;
  fake::Flash cells{4};
  HangingTransport transport{*this};
  HangingFlash flash{*this};
  HangingStore store{*this};
  HangingSecrets secrets{*this};
  Hang hang;
  Instant hung_at{}, next_reading{};
  bool is_dead = false, taking = true;
  std::uint32_t boots = 0, resets = 0;
  std::vector<std::int64_t> taken;
  std::set<std::int64_t> in_ram, lost_with_ram;
  std::unique_ptr<Timer> watchdog;
  std::unique_ptr<DeviceBuffers<>> buffers;
  std::unique_ptr<Device> device;
};

Result<void> HangingTransport::open(const Target& target) {
  if (!board_.enter(Part::open)) return fail(Error::io_failed);
  return board_.parts.transport.open(target);
}
Result<Stage> HangingTransport::advance() {
  if (!board_.enter(Part::advance)) return fail(Error::io_failed);
  return board_.parts.transport.advance();
}
Stage HangingTransport::stage() const { return board_.parts.transport.stage(); }
Result<std::size_t> HangingTransport::read(MutableBytes into) {
  if (!board_.enter(Part::read)) return fail(Error::io_failed);
  return board_.parts.transport.read(into);
}
Result<std::size_t> HangingTransport::write(Bytes from) {
  if (!board_.enter(Part::write)) return fail(Error::io_failed);
  return board_.parts.transport.write(from);
}
void HangingTransport::close() { board_.parts.transport.close(); }

Flash::Geometry HangingFlash::geometry() const { return board_.cells.geometry(); }
Result<void> HangingFlash::read(std::uint32_t at, MutableBytes into) {
  if (!board_.enter(Part::flash_read)) return fail(Error::io_failed);
  return board_.cells.read(at, into);
}
Result<void> HangingFlash::program(std::uint32_t at, Bytes bytes) {
  if (!board_.enter(Part::flash_program)) return fail(Error::io_failed);
  return board_.cells.program(at, bytes);
}
Result<void> HangingFlash::erase(std::uint32_t sector) {
  if (!board_.enter(Part::flash_erase)) return fail(Error::io_failed);
  return board_.cells.erase(sector);
}

Result<std::size_t> HangingStore::get(std::string_view key, MutableBytes into) {
  if (!board_.enter(Part::store)) return fail(Error::io_failed);
  return board_.parts.store.get(key, into);
}
Result<void> HangingStore::set(std::string_view key, Bytes value) {
  if (!board_.enter(Part::store)) return fail(Error::io_failed);
  return board_.parts.store.set(key, value);
}
Result<void> HangingStore::remove(std::string_view key) { return board_.parts.store.remove(key); }

Result<DeviceSecret> HangingSecrets::secret_of(const DeviceId& device) {
  if (!board_.enter(Part::secret)) return fail(Error::io_failed);
  return board_.parts.secrets.secret_of(device);
}

}  // namespace

TEST_CASE(
    "a thousand hangs: the watchdog resets the board, which comes back "
    "with its outbox and loses nothing but RAM") {
  std::size_t happened = 0, lost = 0, taken = 0;
  std::array<std::size_t, kParts> of_part{};
  for (std::uint32_t seed = 1; seed <= kHangs; ++seed) {
    CAPTURE(seed);
    Board board(seed);
    const auto part = static_cast<Part>(seed % kParts);
    if (part == Part::store) board.hang.part = part;  // the time is saved once, at the first login
    if (!board.live_until([&] { return board.device->is_online(); }, Millis{200'000})) FAIL("not online");
    board.live_until([] { return false; }, Millis{2'000});
    board.parts.network.link = false;  // what is posted now goes to flash
    board.parts.platform.hang_up();
    if (part != Part::store) board.hang = {part, some_count(part, seed / kParts), false};
    board.live_until([&] { return board.hang.happened; }, Millis{15'000 + seed % 5 * 1'000});
    board.parts.network.link = true;
    board.live_until([&] { return board.resets > 0; }, Millis{60'000});
    board.hang.part.reset();
    board.taking = false;
    if (!board.live_until([&] { return board.is_drained(); }, Millis{300'000})) FAIL("not online and drained");
    CHECK(board.resets == (board.hang.happened ? 1 : 0));
    CHECK(board.missing() == 0);
    CHECK(board.device->outbox().dropped == 0);
    happened += board.hang.happened ? 1 : 0;
    of_part[seed % kParts] += board.hang.happened ? 1 : 0;
    lost += board.lost_with_ram.size(), taken += board.taken.size();
  }
  MESSAGE(happened, " hangs, ", taken, " readings, ", lost, " at most in RAM only when the watchdog bit");
  CHECK(happened == kHangs);
  for (int i = 0; i < kParts; ++i) CHECK_MESSAGE(of_part[static_cast<std::size_t>(i)] > 0, "part ", i);
  CHECK(lost * 20 < taken);
}

TEST_CASE("no network fault lets the watchdog bite") {
  for (std::uint32_t seed = 1; seed <= kHangs / 10; ++seed) {
    CAPTURE(seed);
    Board board(seed);
    fake::Transport& transport = board.parts.transport;
    for (int round = 0; round < 8; ++round) {
      switch ((seed + static_cast<std::uint32_t>(round) * 3) % 8) {
        case 0:
          board.parts.network.link = false;
          break;
        case 1:
          transport.break_at(Stage::resolving, Error::dns_failed);
          break;
        case 2:
          transport.hang_at(Stage::resolving);
          break;
        case 3:
          transport.hang_at(Stage::connecting);
          break;
        case 4:
          transport.half_open = true;
          break;
        case 5:
          board.parts.platform.answers_connect = false;
          break;
        case 6:
          board.parts.platform.connack = mqtt::ReasonCode::not_authorized;
          break;
        default:
          board.parts.platform.acknowledges = false;
      }
      if (round % 2 == 0) board.parts.platform.hang_up();
      board.live_until([] { return false; }, Millis{20'000});
      transport.mend();
      board.parts.network.link = board.parts.platform.answers_connect = board.parts.platform.acknowledges = true;
      board.parts.platform.connack = mqtt::ReasonCode::success;
    }
    board.taking = false;
    if (!board.live_until([&] { return board.is_drained(); }, Millis{600'000})) FAIL("not online and drained");
    CHECK(board.resets == 0);
    CHECK(board.missing() <= board.device->outbox().dropped);
  }
}

TEST_CASE("the watchdog is fed once by each pass that ends, and by nothing else") {
  Board board(1);
  for (int i = 0; i < 1'000; ++i) {
    const std::uint32_t before = board.watchdog->fed;
    static_cast<void>(board.device->post_properties({kTemperature(21.5f)}));
    static_cast<void>(board.device->next_deadline());
    REQUIRE(board.watchdog->fed == before);
    board.device->run();
    REQUIRE(board.watchdog->fed == before + 1);
    board.parts.clock.advance(Millis{10});
  }
}
