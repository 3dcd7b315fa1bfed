#include <algorithm>

#include "ports/contract/doctest_reporter.h"
#include "ports/contract/fake_bench.h"
#include "ports/contract/suite.h"

using namespace tercet;
using namespace tercet::contract;

TEST_CASE("the fake port keeps what port.h promises") {
  FakeBench bench;
  DoctestReporter reporter;
  const Score score = run_all(bench, reporter);
  CHECK(score.promises == 55);
  CHECK(score.failed == 0);
  // What needs an echo or real certificates; anything more would be a promise nobody tries.
  CHECK(reporter.skipped.size() == 11);
}

namespace {

/// A fake board with one part replaced by a bad one.
template <typename Break>
class BrokenBench final : public FakeBench {
 public:
  explicit BrokenBench(Break replace) : replace_(replace) {}
  device::Port port() override { return replace_(FakeBench::port()); }

 private:
  Break replace_;
};

device::Port with(device::Port port, device::Clock& clock) {
  return {port.transport, clock,      port.random, port.network,  port.secrets,
          port.datagram,  port.store, port.log,    port.watchdog, port.flash};
}
device::Port with(device::Port port, device::Random& random) {
  return {port.transport, port.clock, random,   port.network,  port.secrets,
          port.datagram,  port.store, port.log, port.watchdog, port.flash};
}
device::Port with(device::Port port, device::Transport& transport) {
  return {transport,     port.clock, port.random, port.network,  port.secrets,
          port.datagram, port.store, port.log,    port.watchdog, port.flash};
}

/// Whether this promise is found broken when `replace` breaks it.
template <typename Break>
bool is_noticed(const char* sentence, Break replace) {
  BrokenBench<Break> bench{replace};
  RecordingReporter reporter;
  run_all(bench, reporter);
  return std::find(reporter.failed.begin(), reporter.failed.end(), sentence) != reporter.failed.end();
}

}  // namespace

TEST_CASE("the suite notices a clock that follows the wall") {
  struct : device::Clock {
    mutable std::int64_t ms = 1'765'000'000'000;
    Instant now() const override { return {Millis{++ms}}; }
    UnixMillis wall() const override { return {ms}; }
    void set_wall(UnixMillis to) override { ms = to.ms; }
  } clock;
  CHECK(is_noticed("clock: the wall can be set, beyond 2038 too, and now() does not notice",
                   [&](device::Port port) { return with(port, clock); }));
}

TEST_CASE("the suite notices a wall clock of 32 bits") {
  struct : device::Clock {
    mutable std::int64_t ms = 0;
    std::int64_t offset = 0;
    Instant now() const override { return {Millis{++ms}}; }
    UnixMillis wall() const override { return {ms + offset}; }
    void set_wall(UnixMillis to) override {
      offset = static_cast<std::int32_t>(to.ms / 1000) * std::int64_t{1000} - ms;
    }
  } clock;
  CHECK(is_noticed("clock: the wall can be set, beyond 2038 too, and now() does not notice",
                   [&](device::Port port) { return with(port, clock); }));
}

TEST_CASE("the suite notices numbers that are not random, and bytes left as they were") {
  struct : device::Random {
    void fill(MutableBytes into) override { std::fill(into.begin(), into.end(), std::uint8_t{4}); }
  } constant;
  CHECK(is_noticed("random: it is not always the same", [&](device::Port port) { return with(port, constant); }));
  struct : device::Random {
    fake::Random source{7};
    void fill(MutableBytes into) override { source.fill(into.first(into.size() / 4 * 4 > 200 ? 200 : into.size())); }
  } lazy;
  CHECK(is_noticed("random: every byte that was asked for is filled",
                   [&](device::Port port) { return with(port, lazy); }));
}

TEST_CASE("the suite notices a store that takes any key, keeps old ends, or answers before it has written") {
  struct : device::KeyValueStore {
    fake::Values values;
    Result<std::size_t> get(std::string_view key, MutableBytes into) override {
      const auto* found = values.find(key);
      if (found == nullptr) return fail(Error::not_found);
      const std::size_t size = std::min(found->second.size(), into.size());
      std::copy_n(found->second.begin(), size, into.begin());
      return size;
    }
    Result<void> set(std::string_view key, Bytes value) override {
      std::string& old = values[key];
      old.replace(0, value.size(), as_text(value));
      return {};
    }
    Result<void> remove(std::string_view key) override {
      values.erase(key);
      return {};
    }
  } store;
  const auto replace = [&](device::Port port) {
    port.store = &store;
    return port;
  };
  CHECK(is_noticed("store: what was set comes back", replace));
  CHECK(is_noticed("store: a value longer than the buffer is no_space", replace));
  CHECK(is_noticed("store: keys are 1 to 15 letters, digits and _", replace));
  CHECK(is_noticed("store: a write is whole or not at all", replace));
}

TEST_CASE("the suite notices flash that erases too little or knows no end") {
  struct : device::Flash {
    std::vector<std::uint8_t> cells = std::vector<std::uint8_t>(4 * 4096 + 8192);
    Geometry geometry() const override { return {4, 4096, 4}; }
    Result<void> read(std::uint32_t at, MutableBytes into) override {
      if (at > cells.size() - into.size()) return fail(Error::bad_argument);
      std::copy_n(cells.begin() + at, into.size(), into.begin());
      return {};
    }
    Result<void> program(std::uint32_t at, Bytes bytes) override {
      std::copy(bytes.begin(), bytes.end(), cells.begin() + at);
      return {};
    }
    Result<void> erase(std::uint32_t sector) override {
      std::fill_n(cells.begin() + sector * 4096, 4095, std::uint8_t{0xFF});
      return {};
    }
  } flash;
  const auto replace = [&](device::Port port) {
    port.flash = &flash;
    return port;
  };
  CHECK(is_noticed("flash: erased bytes are 0xFF, all of them", replace));
  CHECK(is_noticed("flash: what is not in the region, or between units, is bad_argument", replace));
}

TEST_CASE("the suite notices a transport that trusts everybody, loses its stage, or cannot begin anew") {
  struct : device::Transport {
    device::Stage at = device::Stage::closed;
    bool used = false;
    Result<void> open(const device::Target&) override {
      at = used ? device::Stage::closed : device::Stage::connecting;
      used = true;
      return {};
    }
    Result<device::Stage> advance() override { return at = device::Stage::ready; }
    device::Stage stage() const override { return at; }
    Result<std::size_t> read(MutableBytes) override { return fail(Error::would_block); }
    Result<std::size_t> write(Bytes from) override { return from.size(); }
    void close() override { at = device::Stage::closed; }
  } transport;
  const auto replace = [&](device::Port port) { return with(port, transport); };
  CHECK(is_noticed("transport: closed, it answers so and nothing else happens", replace));
  CHECK(is_noticed("transport: a host and a port are asked for", replace));
  CHECK(is_noticed("trust: a certificate from an unknown root is tls_untrusted", replace));
  CHECK(is_noticed("transport: close() in any stage leaves nothing behind", replace));
}
