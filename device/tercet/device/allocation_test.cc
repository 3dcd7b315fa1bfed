#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>

#include "ports/fake/board.h"
#include "ports/fake/flash.h"
#include "tercet/device/client.h"
#include "tercet/device/fetch.h"

// Counts every allocation of this program; the tests look at the difference.
namespace {
std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* made = std::malloc(size)) return made;
  std::abort();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace tercet;
using namespace tercet::device;

namespace {
inline constexpr Property<float> kTemperature{"temperature"};

struct Events final : DeviceEvents {
  std::uint32_t replies = 0;
  void on_reply(const PostReply&) override { ++replies; }
};
}  // namespace

TEST_CASE("a thousand reconnects, posts and sets allocate nothing after start") {
  Events events;
  fake::Board board;
  board.log.record = false;
  DeviceBuffers<> buffers;
  Device device{board.port(), buffers.storage(), events};
  const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
  Options options;
  options.time.floor = UnixMillis{1'700'000'000'000};
  REQUIRE(device.start(id, {"iot.example"}, options));
  const auto pass = [&] {
    device.run();
    board.clock.advance(Millis{50});
  };
  // The first round lets OpenSSL fetch its algorithm and the fake store make its entry.
  std::size_t before = 0;
  for (int round = 0; round <= 1'000; ++round) {
    if (round == 1) before = allocations;
    for (int i = 0; i < 3'000 && device.ladder().standing() != Rung::reply; ++i) pass();
    if (device.ladder().standing() != Rung::reply) FAIL("not online");
    static_cast<void>(device.post_properties({kTemperature(21.5f)}));
    board.platform.push_set("1", R"({"x":1})");
    for (int i = 0; i < 3; ++i) pass();
    board.platform.hang_up();
    for (int i = 0; i < 2; ++i) pass();
  }
  const std::size_t made = allocations - before;
  CHECK(made == 0);
  CHECK(board.platform.connects >= 1'000);
  CHECK(events.replies >= 1'000);
}

TEST_CASE("a hundred outages with flash allocate nothing after start") {
  Events events;
  fake::Board board;
  board.log.record = false;
  fake::Flash flash;
  DeviceBuffers<> buffers;
  Port port = board.port();
  port.flash = &flash;
  Device device{port, buffers.storage(), events};
  const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
  Options options;
  options.time.floor = UnixMillis{1'700'000'000'000};
  options.flash_after = Millis{0};
  REQUIRE(device.start(id, {"iot.example"}, options));
  std::size_t before = 0;
  for (int round = 0; round <= 100; ++round) {
    if (round == 1) before = allocations;
    board.network.link = false;
    board.platform.hang_up();
    for (int i = 0; i < 20; ++i) {
      static_cast<void>(device.post_properties({kTemperature(21.5f)}));
      device.run();
      board.clock.advance(Millis{50});
    }
    board.network.link = true;
    for (int i = 0; i < 20'000 && (!device.is_online() || device.outbox().waiting > 0); ++i) {
      device.run();
      board.clock.advance(Millis{50});
    }
  }
  const std::size_t made = allocations - before;
  CHECK(made == 0);
  CHECK(board.platform.batches_received > 100);
}

namespace {

/// A server with one file, which it sends in pieces.
class OneFile final : public Transport, public FetchSink {
 public:
  std::size_t came = 0;
  Result<void> open(const Target&) override { return stage_ = Stage::resolving, Result<void>{}; }
  Result<Stage> advance() override { return stage_ = Stage::ready; }
  Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override {
    if (given_ == kAnswer.size()) return fail(Error::closed);
    const Bytes piece = as_bytes(kAnswer).subspan(given_).first(std::min<std::size_t>(7, kAnswer.size() - given_));
    std::copy(piece.begin(), piece.end(), into.begin());
    given_ += piece.size();
    return piece.size();
  }
  Result<std::size_t> write(Bytes from) override { return from.size(); }
  void close() override { stage_ = Stage::closed; }
  Result<void> on_body(std::uint64_t, Bytes bytes) override { return came += bytes.size(), Result<void>{}; }

 private:
  static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz";
  Stage stage_ = Stage::closed;
  std::size_t given_ = 0;
};

}  // namespace

TEST_CASE("fetching a file allocates nothing") {
  OneFile server;
  std::array<std::uint8_t, Fetch::kLeastBuffer> buffer;
  const std::size_t before = allocations;
  Fetch fetch(server, buffer, server);
  Instant now{Millis{1'000}};
  static_cast<void>(fetch.start({.url = "https://files.example/a?b"}, now));
  for (int i = 0; i < 100 && fetch.is_busy(); ++i) fetch.run(now = now + Millis{1});
  const std::size_t after = allocations;
  CHECK(after == before);
  CHECK(fetch.state() == Fetch::State::done);
  CHECK(server.came == 26);
  MESSAGE("Fetch ", sizeof(Fetch), " bytes beside its buffer");
}

TEST_CASE("a device and its buffers fit a small board") {
  MESSAGE("Device ", sizeof(Device), " bytes, default buffers ", sizeof(DeviceBuffers<>), " bytes");
  constexpr std::size_t kBudget = sizeof(void*) == 4 ? 8 * 1024 : 9 * 1024;  // boards have small pointers
  CHECK(sizeof(Device) + sizeof(DeviceBuffers<>) <= kBudget);
}
