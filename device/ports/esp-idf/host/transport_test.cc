#include "ports/esp-idf/transport.h"

#include <mbedtls/platform_time.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>

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
    transport_ = std::make_unique<idf::SocketTransport>();
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

Result<device::Stage> climb(HostBench& bench, idf::SocketTransport& transport, PeerKind kind) {
  const auto peer = bench.peer(kind);
  REQUIRE(transport.open({peer->host, peer->port}));
  for (int i = 0; i < 1'000; ++i) {
    const auto stage = transport.advance();
    if (!stage || *stage == device::Stage::ready) return stage;
    bench.wait(Millis{&transport == &bench.transport() ? 1'000 : 10});
  }
  return fail(Error::timed_out);
}
Result<device::Stage> climb(HostBench& bench, PeerKind kind) { return climb(bench, bench.transport(), kind); }

}  // namespace

namespace {

/// Takes one connection after the other with the key "key of board" for the identity "board", and echoes.
class KeyServer {
 public:
  KeyServer() : context_(SSL_CTX_new(TLS_server_method())), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    SSL_CTX_set_cipher_list(context_, "PSK-AES128-CBC-SHA");
    SSL_CTX_set_psk_server_callback(context_, [](SSL*, const char* identity, unsigned char* key, unsigned) {
      constexpr std::string_view kKey = "key of board";
      if (std::string_view(identity) != "board") return 0U;
      std::copy(kKey.begin(), kKey.end(), key);
      return static_cast<unsigned>(kKey.size());
    });
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~KeyServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }
  std::uint16_t port = 0;

 private:
  void serve() {
    for (int peer = 0; (peer = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(peer)) {
      SSL* session = SSL_new(context_);
      SSL_set_fd(session, peer);
      char buffer[64];
      if (SSL_accept(session) == 1)
        for (int got = 0; (got = SSL_read(session, buffer, sizeof buffer)) > 0;) SSL_write(session, buffer, got);
      SSL_free(session);
      // What the client has sent after its mistake is read, or the alert would be lost with the connection.
      ::shutdown(peer, SHUT_WR);
      while (::recv(peer, buffer, sizeof buffer, 0) > 0) {
      }
    }
  }
  SSL_CTX* context_;
  int listener_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a pre-shared key needs no roots; a wrong key or identity is denied") {
  KeyServer server;
  const auto climb_with = [&](idf::SocketTransport& transport, HostBench& bench, device::PreSharedKey key) {
    REQUIRE(transport.open({"127.0.0.1", server.port, true, key}));
    for (int i = 0; i < 1'000; ++i) {
      const auto stage = transport.advance();
      if (!stage || *stage == device::Stage::ready) return stage;
      bench.wait(Millis{1'000});
    }
    return Result<device::Stage>(fail(Error::timed_out));
  };
  HostBench bench;
  auto& transport = bench.transport();
  for (int i = 0; i < 2; ++i) {
    REQUIRE(climb_with(transport, bench, {"board", "key of board"}));
    CHECK(transport.detail() == "TLSv1.2 TLS-PSK-WITH-AES-128-CBC-SHA");
    CHECK(!transport.chain_expiry());
    CHECK(transport.write(as_bytes("hello")));
    bench.wait(Millis{2'000});
    std::array<std::uint8_t, 16> heard{};
    auto got = transport.read(heard);
    for (int tries = 0; !got && got.error() == Error::would_block && tries < 50; ++tries) {
      bench.wait(Millis{200});
      got = transport.read(heard);
    }
    REQUIRE(got);
    CHECK(as_text(Bytes{heard}.first(*got)) == "hello");
    transport.close();
  }
  CHECK(climb_with(transport, bench, {"board", "another key"}).error() == Error::denied);
  CHECK(climb_with(transport, bench, {"stranger", "key of board"}).error() == Error::denied);
  transport.close();
}

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

TEST_CASE("a second connection believes whom the first does, and leaves the first's verdict alone") {
  HostBench bench;
  idf::SocketTransport second;
  CHECK(climb(bench, second, PeerKind::tls_echo).error() == Error::bad_argument);  // nobody to believe
  second.close();
  second.trust().share(bench.transport().trust());
  REQUIRE(climb(bench, PeerKind::tls_echo));
  bench.transport().close();  // the peer serves one at a time
  const auto verdict = bench.transport().trust().chain_expiry();
  REQUIRE(climb(bench, second, PeerKind::tls_echo));
  CHECK(second.chain_expiry() == verdict);
  second.close();
  CHECK(climb(bench, second, PeerKind::tls_expired).error() == Error::tls_expired);
  CHECK(second.trust().chain_expiry() != verdict);
  CHECK(climb(bench, second, PeerKind::tls_self_signed).error() == Error::tls_untrusted);
  CHECK(bench.transport().trust().chain_expiry() == verdict);
  // Pins are shared too, and later ones count.
  REQUIRE(bench.transport().trust().add("pin-sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
  CHECK(climb(bench, second, PeerKind::tls_echo).error() == Error::tls_untrusted);
  second.close();
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
