#include "ports/esp-idf/transport.h"

#include <mbedtls/platform_time.h>
#include <poll.h>
#include <signal.h>

#include <array>
#include <memory>
#include <string>

#include "ports/contract/doctest_reporter.h"
#include "ports/contract/peers/peers.h"
#include "ports/contract/suite.h"
#include "ports/posix/datagram.h"
#include "ports/posix/system.h"

using namespace tercet;
using namespace tercet::contract;

namespace {

/// On a board set_wall() sets the system's clock, by which mbedTLS judges; here it sets this process's.
posix::SystemClock board_clock;
mbedtls_time_t board_time(mbedtls_time_t*) { return static_cast<mbedtls_time_t>(board_clock.wall().ms / 1000); }

struct NoSecrets final : device::SecretStore {
  Result<DeviceSecret> secret_of(const DeviceId&) override { return fail(Error::not_found); }
};

/// The board's transport on this machine; the other parts are Linux's.
class HostBench final : public Bench {
 public:
  HostBench() {
    ::signal(SIGPIPE, SIG_IGN);  // lwIP has none
    mbedtls_platform_set_time(board_time);
    board_clock.set_wall(good_time());
    restart();
  }
  idf::SocketTransport& transport() { return *transport_; }
  device::Port port() override { return {*transport_, board_clock, random_, network_, secrets_, &datagram_}; }
  void wait(Millis at_most) override {
    const auto interest = transport_->interest();
    if (interest.at_once) return;
    const auto events = static_cast<short>((interest.readable ? POLLIN : 0) | (interest.writable ? POLLOUT : 0));
    std::array<pollfd, 2> fds{pollfd{interest.socket, events, 0}, datagram_.interest()};
    const Millis most = interest.soon ? std::min(at_most, Millis{5}) : at_most;
    static_cast<void>(::poll(fds.data(), fds.size(), static_cast<int>(most.count())));
  }
  bool restart() override {
    transport_ = std::make_unique<idf::SocketTransport>(board_clock);
    REQUIRE(transport_->trust().add(peers_.root_pem()));
    return true;
  }
  std::optional<Peer> peer(PeerKind kind) override { return peers_.at(kind); }
  UnixMillis good_time() const override { return peers_.good_time(); }
  std::size_t bulk_bytes() const override { return 8'000'000; }
  std::optional<Triple> provisioned() override { return std::nullopt; }
  bool expose_secret(bool) override { return false; }
  bool break_store(bool) override { return false; }

 private:
  Peers peers_{PeersConfig{}};
  posix::SystemRandom random_;
  posix::SystemNetwork network_{"localhost"};
  NoSecrets secrets_;
  posix::SocketDatagram datagram_;
  std::unique_ptr<idf::SocketTransport> transport_;
};

void keeps(std::span<const Promise> promises) {
  HostBench bench;
  DoctestReporter reporter;
  const Score score = run(promises, bench, reporter);
  CHECK(score.promises == static_cast<int>(promises.size()));
  CHECK(score.failed == 0);
  CHECK(reporter.skipped.empty());
}

}  // namespace

TEST_CASE("trust is certificates, pins, or both, and nothing else") {
  constexpr const char* kPin = "pin-sha256:00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
  Peers peers{PeersConfig{}};
  idf::Trust trust;
  CHECK(trust.is_empty());
  CHECK(trust.add("").error() == Error::bad_argument);
  CHECK(trust.add("no certificate").error() == Error::bad_argument);
  CHECK(trust.add("-----BEGIN CERTIFICATE-----\nMIIB\n").error() == Error::bad_argument);
  CHECK(trust.add("pin-sha256:0011").error() == Error::bad_argument);
  CHECK(trust.is_empty());
  REQUIRE(trust.add(peers.root_pem() + kPin + "\n" + peers.root_pem()));
  CHECK(trust.roots() == 2);
  CHECK(trust.pins() == 1);
  for (int i = 0; i < 3; ++i) CHECK(trust.add(kPin));
  CHECK(trust.add(kPin).error() == Error::bad_argument);
}

namespace {

Result<device::Stage> climb(HostBench& bench, PeerKind kind) {
  const auto peer = bench.peer(kind);
  auto& transport = bench.transport();
  REQUIRE(transport.open({peer->host, peer->port}));
  for (int i = 0; i < 1'000; ++i) {
    const auto stage = transport.advance();
    if (!stage || *stage == device::Stage::ready) return stage;
    bench.wait(Millis{1'000});
  }
  return fail(Error::timed_out);
}

}  // namespace

TEST_CASE("a key that is not the pinned one is not believed, whatever its chain") {
  HostBench bench;
  REQUIRE(bench.transport().trust().add("pin-sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
  CHECK(climb(bench, PeerKind::tls_echo).error() == Error::tls_untrusted);
  CHECK(!bench.transport().detail().empty());
}

TEST_CASE("the date that a chain expires on is known while it is used, resumed or not") {
  HostBench bench;
  CHECK(!bench.transport().chain_expiry());
  for (int i = 0; i < 2; ++i) {
    REQUIRE(climb(bench, PeerKind::tls_echo));
    const auto expiry = bench.transport().chain_expiry();
    REQUIRE(expiry);
    const std::int64_t days = (expiry->ms - bench.good_time().ms) / 86'400'000;
    CHECK((days > 170 && days < 190));
    bench.transport().close();
    CHECK(!bench.transport().chain_expiry());
  }
}

TEST_CASE("a wrong date is named with the certificate that has it") {
  HostBench bench;
  CHECK(climb(bench, PeerKind::tls_expired).error() == Error::tls_expired);
  CHECK(bench.transport().detail().find("valid until 2025-") != std::string_view::npos);
  CHECK(climb(bench, PeerKind::tls_not_yet).error() == Error::tls_expired);
  CHECK(bench.transport().detail().find("valid from 2026-") != std::string_view::npos);
}

TEST_CASE("an ESP32's transport keeps what port.h promises") { keeps(transport_promises()); }
TEST_CASE("an ESP32's TLS believes whom port.h says") { keeps(trust_promises()); }
TEST_CASE("an ESP32's connections carry bytes as port.h promises") { keeps(byte_promises()); }
