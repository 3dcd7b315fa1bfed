#include "ports/posix/transport.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "ports/fake/board.h"
#include "ports/posix/datagram.h"
#include "ports/posix/system.h"

using namespace tercet;
using namespace tercet::posix;
using device::Stage;

namespace {

constexpr std::int64_t kIssuedAt = 1'750'000'000, kYear = 31'536'000;

struct Key {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  ~Key() { EVP_PKEY_free(key); }
};

/// A certificate for `name` ("" = a CA), valid for a year from kIssuedAt.
struct Certificate {
  Certificate(const Key& own, const std::string& name, const Certificate* issuer, const Key& signer) {
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), issuer != nullptr ? 2 : 1);
    ASN1_TIME_set(X509_getm_notBefore(x509), kIssuedAt);
    ASN1_TIME_set(X509_getm_notAfter(x509), kIssuedAt + kYear);
    X509_set_pubkey(x509, own.key);
    X509_NAME* subject = X509_get_subject_name(x509);
    static int roots = 0;
    const std::string common = name.empty() ? "test root " + std::to_string(++roots) : name;
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(x509, issuer != nullptr ? X509_get_subject_name(issuer->x509) : subject);
    extend(NID_basic_constraints, name.empty() ? "critical,CA:TRUE" : "CA:FALSE");
    const bool is_ip = !name.empty() && name.find_first_not_of("0123456789.") == std::string::npos;
    if (!name.empty()) extend(NID_subject_alt_name, ((is_ip ? "IP:" : "DNS:") + name).c_str());
    X509_sign(x509, signer.key, EVP_sha256());
  }
  ~Certificate() { X509_free(x509); }
  void extend(int nid, const char* value) {
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(x509, made, -1);
    X509_EXTENSION_free(made);
  }
  std::string pem() const {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, x509);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out, &text);
    std::string made(text, static_cast<std::size_t>(size));
    BIO_free(out);
    return made;
  }
  X509* x509 = X509_new();
};

struct Authority {
  Key root_key, server_key;
  Certificate root{root_key, "", nullptr, root_key};
  std::unique_ptr<Certificate> server;
  explicit Authority(const std::string& name)
      : server(std::make_unique<Certificate>(server_key, name, &root, root_key)) {}
};

/// Accepts connections one after the other on a loopback port, on a thread of its own.
class Server {
 public:
  enum class Kind { tls_echo, plain_echo, hang_up, mute };
  Server(Kind kind, Authority* authority) : kind_(kind), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_set_psk_server_callback(context_, [](SSL*, const char* identity, unsigned char* key, unsigned) {
      constexpr std::string_view kKey = "key of board";
      if (std::string_view(identity) != "board") return 0U;
      std::copy(kKey.begin(), kKey.end(), key);
      return static_cast<unsigned>(kKey.size());
    });
    if (authority == nullptr) SSL_CTX_set_cipher_list(context_, "PSK-AES128-CBC-SHA");
    if (authority != nullptr) {
      SSL_CTX_use_certificate(context_, authority->server->x509);
      SSL_CTX_use_PrivateKey(context_, authority->server_key.key);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    if (kind != Kind::mute) thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    if (peer_ >= 0) ::shutdown(peer_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }
  std::uint16_t port = 0;

 private:
  void serve() {
    // Only here: the transport must not need it.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (;;) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0 || stopping_) return;
      peer_ = peer;
      if (kind_ == Kind::tls_echo) echo_tls(peer);
      if (kind_ == Kind::plain_echo) echo_plain(peer);
      peer_ = -1;
      ::close(peer);
    }
  }
  void echo_tls(int peer) {
    SSL* session = SSL_new(context_);
    SSL_set_fd(session, peer);
    char buffer[4096];
    if (SSL_accept(session) == 1)
      for (int got = 0; (got = SSL_read(session, buffer, sizeof buffer)) > 0;) SSL_write(session, buffer, got);
    SSL_free(session);
  }
  static void echo_plain(int peer) {
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(peer, buffer, sizeof buffer, 0)) > 0;)
      ::send(peer, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL);
  }
  Kind kind_;
  SSL_CTX* context_;
  int listener_ = -1;
  std::atomic<int> peer_{-1};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

struct Bench {
  explicit Bench(Trust trust, Resolver::System look_up = &::getaddrinfo) : transport(std::move(trust), clock, look_up) {
    clock.wall_at = {(kIssuedAt + kYear / 2) * 1000};
  }
  /// Steps until ready or broken, waiting for the sockets in between.
  Result<Stage> climb(const std::string& host, std::uint16_t port, bool tls = true,
                      std::optional<device::PreSharedKey> psk = {}) {
    target = host;
    REQUIRE(transport.open({target, port, tls, psk}));
    for (int i = 0; i < 30; ++i) {
      const auto stage = transport.advance();
      if (!stage || *stage == Stage::ready) return stage;
      wait();
    }
    return fail(Error::internal);
  }
  void wait() {
    pollfd interest = transport.interest();
    ::poll(&interest, 1, 5'000);
  }
  std::string exchange(std::string_view text) {
    std::string heard;
    REQUIRE(transport.write(as_bytes(text)));
    std::array<std::uint8_t, 256> buffer;
    for (int i = 0; i < 1'000 && heard.size() < text.size(); ++i) {
      const auto got = transport.read(buffer);
      if (got)
        heard.append(as_text(Bytes{buffer}.first(*got)));
      else if (got.error() == Error::would_block)
        wait();
      else
        break;
    }
    return heard;
  }
  fake::Clock clock;
  SocketTransport transport;
  std::string target;
};

}  // namespace

TEST_CASE("TLS to a name or an address that the certificate carries is established and carries bytes") {
  for (const std::string name : {"localhost", "127.0.0.1"}) {
    Authority authority(name);
    Server server(Server::Kind::tls_echo, &authority);
    Bench bench({.pem = authority.root.pem()});
    REQUIRE(bench.climb(name, server.port));
    CHECK(bench.transport.detail().starts_with("TLSv1."));
    CHECK(bench.exchange("hello") == "hello");
    bench.transport.close();
    std::array<std::uint8_t, 4> buffer;
    CHECK(bench.transport.read(buffer).error() == Error::closed);
  }
}

TEST_CASE("each way a certificate can be wrong has its own error") {
  Authority authority("localhost"), stranger("localhost"), other_name("example.com");
  Server server(Server::Kind::tls_echo, &authority), other(Server::Kind::tls_echo, &other_name);
  {
    Bench bench({.pem = stranger.root.pem()});
    CHECK(bench.climb("localhost", server.port).error() == Error::tls_untrusted);
    CHECK(bench.transport.stage() == Stage::securing);
  }
  {
    Bench bench({.pem = authority.root.pem()});
    bench.clock.wall_at = {(kIssuedAt + 2 * kYear) * 1000};
    CHECK(bench.climb("localhost", server.port).error() == Error::tls_expired);
    CHECK(bench.transport.detail().find("valid until") != std::string_view::npos);
    bench.clock.wall_at = {(kIssuedAt - 1000) * 1000};
    CHECK(bench.climb("localhost", server.port).error() == Error::tls_expired);
    bench.clock.wall_at = {(kIssuedAt + 1000) * 1000};
    CHECK(bench.climb("localhost", server.port));
  }
  {
    Bench bench({.pem = other_name.root.pem()});
    CHECK(bench.climb("localhost", other.port).error() == Error::tls_wrong_host);
  }
}

TEST_CASE("of several roots one is enough") {
  Authority authority("localhost"), stranger("localhost");
  Server server(Server::Kind::tls_echo, &authority);
  Bench bench({.pem = stranger.root.pem() + authority.root.pem()});
  CHECK(bench.climb("localhost", server.port));
}

TEST_CASE("a pinned key is believed whatever the chain says, and no other") {
  Authority authority("example.com"), stranger("localhost");
  Server server(Server::Kind::tls_echo, &authority);
  const auto pin_of = [](const Authority& of) {
    std::array<std::uint8_t, 32> digest{};
    std::uint8_t* encoded = nullptr;
    const int size = i2d_PUBKEY(of.server_key.key, &encoded);
    EVP_Digest(encoded, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(encoded);
    return digest;
  };
  Bench right({.pins = {pin_of(authority)}});
  CHECK(right.climb("localhost", server.port));
  right.transport.close();  // the server serves one at a time
  Bench wrong({.pins = {pin_of(stranger)}});
  CHECK(wrong.climb("localhost", server.port).error() == Error::tls_untrusted);
}

TEST_CASE("roots that cannot be read are named, and never replaced by trust in everybody") {
  Authority authority("localhost");
  Server server(Server::Kind::tls_echo, &authority);
  Bench no_file({.files = {"/nowhere/ca.pem"}});
  CHECK(no_file.climb("localhost", server.port).error() == Error::bad_argument);
  CHECK(no_file.transport.detail().find("/nowhere/ca.pem") != std::string_view::npos);
  Bench junk({.pem = "-----BEGIN CERTIFICATE-----\nMIIB\n"});
  CHECK(junk.climb("localhost", server.port).error() == Error::bad_argument);
  Bench nobody(Trust{});
  CHECK(nobody.climb("localhost", server.port).error() == Error::bad_argument);
}

TEST_CASE("a port without a listener refuses, one that hangs up closes, one that speaks plainly is not TLS") {
  Authority authority("localhost");
  Bench bench({.pem = authority.root.pem()});
  std::uint16_t free_port = 0;
  {
    Server gone(Server::Kind::mute, nullptr);
    free_port = gone.port;
  }
  CHECK(bench.climb("127.0.0.1", free_port).error() == Error::connect_refused);
  CHECK(bench.transport.stage() == Stage::connecting);
  Server rude(Server::Kind::hang_up, nullptr);
  CHECK(bench.climb("localhost", rude.port).error() == Error::closed);
  Server plain(Server::Kind::plain_echo, nullptr);
  CHECK(bench.climb("localhost", plain.port).error() == Error::tls_failed);
}

TEST_CASE("a name that does not exist fails at the look-up") {
  Bench bench(Trust{});
  CHECK(bench.climb("no-such-host.invalid", 8883).error() == Error::dns_failed);
  CHECK(bench.transport.stage() == Stage::resolving);
}

namespace {

std::atomic<bool> names_fail{false};
std::atomic<int> looked_up{0};
int sometimes(const char* host, const char* service, const addrinfo* hints, addrinfo** list) {
  const bool literal = (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (!literal) ++looked_up;
  return !literal && names_fail ? EAI_AGAIN : ::getaddrinfo(host, service, hints, list);
}
int never(const char* host, const char* service, const addrinfo* hints, addrinfo** list) {
  while (names_fail && (hints->ai_flags & AI_NUMERICHOST) == 0) std::this_thread::yield();
  return ::getaddrinfo(host, service, hints, list);
}

}  // namespace

TEST_CASE(
    "when a name cannot be looked up, the addresses of the last connection to it are tried, and of no other name") {
  names_fail = false;
  Server server(Server::Kind::plain_echo, nullptr);
  Bench bench(Trust{}, sometimes);
  REQUIRE(bench.climb("localhost", server.port, false));
  bench.transport.close();
  names_fail = true;
  const int before = looked_up;
  REQUIRE(bench.climb("localhost", server.port, false));
  CHECK(looked_up == before + 1);  // asked all the same: the server may have moved
  CHECK(bench.exchange("still there") == "still there");
  CHECK(bench.climb("localhost.localdomain", server.port, false).error() == Error::dns_failed);
  Bench fresh(Trust{}, sometimes);
  CHECK(fresh.climb("localhost", server.port, false).error() == Error::dns_failed);
}

TEST_CASE("a name server that is silent is given five seconds when there are addresses from before") {
  names_fail = false;
  Server server(Server::Kind::plain_echo, nullptr);
  Bench bench(Trust{}, never);
  REQUIRE(bench.climb("localhost", server.port, false));
  bench.transport.close();
  names_fail = true;
  REQUIRE(bench.transport.open({bench.target, server.port, false}));
  CHECK(*bench.transport.advance() == Stage::resolving);
  CHECK(bench.transport.next_deadline() == bench.clock.now() + Seconds{5});
  bench.clock.at = bench.clock.at + Millis{4'999};
  CHECK(*bench.transport.advance() == Stage::resolving);
  bench.clock.at = bench.clock.at + Millis{1};
  CHECK(*bench.transport.advance() >= Stage::connecting);
  for (int i = 0; i < 30 && bench.transport.stage() != Stage::ready; ++i) {
    bench.wait();
    CHECK(bench.transport.advance());
  }
  CHECK(bench.exchange("x") == "x");
  names_fail = false;  // lets the thread that looks up end
}

TEST_CASE(
    "the next connection goes on with the TLS session of the last, until a certificate has expired or it was refused") {
  Authority authority("localhost");
  Server server(Server::Kind::tls_echo, &authority);
  Bench bench({.pem = authority.root.pem()});
  const auto connect = [&] {
    REQUIRE(bench.climb("localhost", server.port));
    const bool resumed = bench.transport.detail().ends_with(" resumed");
    CHECK(bench.exchange("x") == "x");  // with TLS 1.3 the session comes behind the handshake
    bench.transport.close();
    return resumed;
  };
  CHECK(!connect());
  CHECK(connect());
  CHECK(connect());
  bench.clock.wall_at = {(kIssuedAt + kYear + 1) * 1000};
  CHECK(bench.climb("localhost", server.port).error() == Error::tls_expired);
  bench.clock.wall_at = {(kIssuedAt + 1000) * 1000};
  CHECK(!connect());
}

TEST_CASE("the expiry of the server's chain is told while connected, also of a session gone on with") {
  Authority authority("localhost");
  Server server(Server::Kind::tls_echo, &authority);
  Bench bench({.pem = authority.root.pem()});
  CHECK(!bench.transport.chain_expiry());
  for (int i = 0; i < 2; ++i) {
    REQUIRE(bench.climb("localhost", server.port));
    REQUIRE(bench.transport.chain_expiry());
    CHECK(bench.transport.chain_expiry()->ms == (kIssuedAt + kYear) * 1000);
    CHECK(bench.exchange("x") == "x");
    bench.transport.close();
  }
}

TEST_CASE("with a pre-shared key no certificate is needed; a wrong one is not believed") {
  Server server(Server::Kind::tls_echo, nullptr);  // the key is "key of board" for the identity "board"
  Bench bench(Trust{});
  REQUIRE(bench.climb("localhost", server.port, true, device::PreSharedKey{"board", "key of board"}));
  CHECK(bench.transport.detail() == "TLSv1.2 PSK-AES128-CBC-SHA");
  CHECK(!bench.transport.chain_expiry());
  CHECK(bench.exchange("hello") == "hello");
  bench.transport.close();
  CHECK(bench.climb("localhost", server.port, true, device::PreSharedKey{"board", "wrong"}).error() == Error::denied);
  Authority authority("localhost");
  Server with_certificate(Server::Kind::tls_echo, &authority);
  CHECK(bench.climb("localhost", with_certificate.port, true, device::PreSharedKey{"stranger", "x"}).error() !=
        Error::would_block);
}

TEST_CASE("plain TCP carries bytes and sees the peer's goodbye") {
  auto server = std::make_unique<Server>(Server::Kind::plain_echo, nullptr);
  Bench bench(Trust{});
  REQUIRE(bench.climb("127.0.0.1", server->port, false));
  CHECK(bench.exchange("over plain TCP") == "over plain TCP");
  Server rude(Server::Kind::hang_up, nullptr);
  REQUIRE(bench.climb("127.0.0.1", rude.port, false));
  CHECK(bench.exchange("x").empty());
}

TEST_CASE("a datagram goes to the host and its answer comes back") {
  const int server = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  ::getsockname(server, reinterpret_cast<sockaddr*>(&address), &size);
  SocketDatagram datagram;
  CHECK(datagram.interest().fd == -1);
  REQUIRE(datagram.send("127.0.0.1", ntohs(address.sin_port), as_bytes("time?")));
  std::array<std::uint8_t, 64> buffer;
  CHECK(datagram.receive(buffer).error() == Error::would_block);
  sockaddr_in from{};
  size = sizeof from;
  CHECK(::recvfrom(server, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size) == 5);
  ::sendto(server, "now", 3, 0, reinterpret_cast<sockaddr*>(&from), size);
  pollfd interest = datagram.interest();
  ::poll(&interest, 1, 5'000);
  const auto got = datagram.receive(buffer);
  REQUIRE(got);
  CHECK(as_text(Bytes{buffer}.first(*got)) == "now");
  ::close(server);
}

TEST_CASE("the system's clock moves on and can be corrected for this process alone") {
  SystemClock clock, untouched;
  const UnixMillis before = untouched.wall();
  clock.set_wall({before.ms + 86'400'000});
  CHECK(clock.wall().ms >= before.ms + 86'400'000);
  CHECK(untouched.wall().ms < before.ms + 60'000);
  CHECK(clock.now() <= clock.now());
}
