#include "platform/runtime/tls.h"

#include <doctest/doctest.h>

#include <optional>

#include "platform/runtime/pki.h"
#include "platform/runtime/test_party.h"

using namespace tercet;
using namespace tercet::runtime;
using Kind = StreamFailure::Kind;

namespace {

constexpr UnixMillis kNow{1'800'000'000'000};
const std::vector<std::string> kNames{"localhost", "*.iot-as-mqtt.cn-shanghai.localhost", "127.0.0.1"};
constexpr const char* kHost = "a1b2c3.iot-as-mqtt.cn-shanghai.localhost";

template <typename T>
T must(Outcome<T> outcome) {
  if (!outcome) FAIL(outcome.problem().detail);
  return std::move(*outcome);
}

/// One CA for all tests: RSA keys are slow to make.
struct Trust {
  TlsIdentity ecdsa_root = must(make_authority(KeyKind::ecdsa_p256, "Test CA ECDSA", kNow));
  TlsIdentity rsa_root = must(make_authority(KeyKind::rsa_2048, "Test CA RSA", kNow));
  TlsIdentity ecdsa = must(make_server_identity(ecdsa_root, KeyKind::ecdsa_p256, kNames, kNow));
  TlsIdentity rsa = must(make_server_identity(rsa_root, KeyKind::rsa_2048, kNames, kNow));
  std::string roots() const { return ecdsa_root.chain_pem + rsa_root.chain_pem; }
};
const Trust& trust() {
  static const Trust the_trust;
  return the_trust;
}

TlsServerContext server_context(TlsProfile profile, PskSource psk = {}, AskForCertificates ask = {}) {
  const TlsIdentity both[] = {trust().ecdsa, trust().rsa};
  const auto identities = profile == TlsProfile::modern ? std::span(both) : std::span(both).subspan(1);
  return must(TlsServerContext::open(profile, identities, std::move(psk), std::move(ask)));
}

TlsClientContext::Options trusting() {
  TlsClientContext::Options options;
  options.roots_pem = trust().roots();
  options.at = kNow;
  return options;
}

/// As the vendor's C SDK: TLS 1.2, RSA key exchange, AES-CBC, the RSA root only.
TlsClientContext::Options old_client() {
  TlsClientContext::Options options = trusting();
  options.roots_pem = trust().rsa_root.chain_pem;
  options.tls12_only = true;
  options.ciphers = "AES128-SHA:AES256-SHA";
  return options;
}

/// As the vendor's C SDK with a pre-shared key.
TlsClientContext::Options psk_client(std::string identity, std::string key) {
  TlsClientContext::Options options;
  options.psk_identity = std::move(identity);
  options.psk_key = std::move(key);
  return options;
}
/// Knows "board" with the key "right"; "nobody" is well-formed.
PskAnswer answer_psk(std::string_view identity) {
  if (identity == "board") return {PskAnswer::Kind::known, "right", "pk/board"};
  if (identity == "nobody") return {PskAnswer::Kind::unknown, {}, "pk/nobody"};
  if (identity == "throw") throw std::runtime_error("a source that breaks");
  return {};
}

/// A TLS server and a plain or TLS client, connected over loopback.
struct Link {
  explicit Link(TlsProfile profile, PskSource psk = {}, AskForCertificates ask = {})
      : context(server_context(profile, std::move(psk), std::move(ask))) {
    auto opened = EpollLoop::open();
    REQUIRE(opened);
    loop = std::move(*opened);
    const auto bound = loop->listen(*make_address("127.0.0.1", 0), [this](std::unique_ptr<Stream> stream) {
      server.emplace(*loop, context.wrap(std::move(stream)));
      server->echo = true;
    });
    REQUIRE(bound);
    address = *bound;
  }
  void connect(const TlsClientContext::Options& options, const std::string& host = kHost) {
    const auto client_context = must(TlsClientContext::open(options));
    client.emplace(*loop, client_context.wrap(raw(), host));
    client->send("hello");
    CHECK(run_until(*loop, [&] { return client->received == "hello" || ended(); }));
  }
  std::unique_ptr<Stream> raw() {
    auto stream = loop->connect(address);
    REQUIRE(stream);
    return std::move(*stream);
  }
  bool ended() const { return server && server->last != Io::State::drained && client->last != Io::State::drained; }
  StreamFailure at_server() const { return server->stream->failure(); }
  StreamFailure at_client() const { return client->stream->failure(); }

  TlsServerContext context;
  std::unique_ptr<EpollLoop> loop;
  Address address;
  std::optional<Party> server, client;
};

}  // namespace

TEST_CASE("a modern client gets TLS 1.3; what it writes before the handshake is done arrives after it") {
  Link link(TlsProfile::modern);
  link.connect(trusting());
  CHECK(link.client->received == "hello");
  CHECK(link.server->stream->is_tls());
  CHECK(link.server->stream->tls_description() == "TLSv1.3 TLS_AES_128_GCM_SHA256");
  CHECK(link.client->stream->tls_description() == "TLSv1.3 TLS_AES_128_GCM_SHA256");
  CHECK(!link.server->stream->has_buffered());
}

TEST_CASE("a TLS 1.2 client gets ECDHE with AEAD, by the ECDSA certificate or, knowing only RSA, by that one") {
  for (const char* suite : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}) {
    CAPTURE(suite);
    Link link(TlsProfile::modern);
    auto options = trusting();
    options.tls12_only = true;
    options.ciphers = suite;
    link.connect(options);
    CHECK(link.client->received == "hello");
    CHECK(link.server->stream->tls_description() == std::string("TLSv1.2 ") + suite);
  }
}

TEST_CASE("a client with the right pre-shared key is let in, without a certificate") {
  Link link(TlsProfile::compatible, answer_psk);
  link.connect(psk_client("board", "right"));
  CHECK(link.client->received == "hello");
  CHECK(link.server->stream->tls_description() == "TLSv1.2 PSK-AES128-CBC-SHA");
}

TEST_CASE("a wrong, unknown or malformed pre-shared key is refused, and the failure says which it was") {
  struct Row {
    const char *identity, *key;
    Kind kind;
    const char* claimed;
  };
  for (const Row& row :
       {Row{"board", "wrong", Kind::tls_psk_wrong_key, "pk/board"},
        Row{"nobody", "right", Kind::tls_psk_unknown, "pk/nobody"}, Row{"x", "right", Kind::tls_psk_malformed, ""},
        Row{"throw", "", Kind::tls_psk_malformed, ""}}) {
    CAPTURE(row.identity);
    Link link(TlsProfile::compatible, answer_psk);
    link.connect(psk_client(row.identity, *row.key ? row.key : "k"));
    CHECK(link.client->received.empty());
    CHECK(link.at_server().kind == row.kind);
    CHECK(link.at_server().claimed == row.claimed);
    CHECK(link.at_server().detail == std::string("identity ") + row.identity);
    CHECK(link.at_client().kind == Kind::tls_alert_other);  // the same for all, so that nobody learns who is known
    CHECK(link.at_client().detail == "bad record mac");
  }
}

TEST_CASE("a server without a source of keys, and the modern profile, take no pre-shared key") {
  for (const bool modern : {false, true}) {
    Link link(modern ? TlsProfile::modern : TlsProfile::compatible, modern ? PskSource(answer_psk) : PskSource());
    link.connect(psk_client("board", "right"));
    CHECK(link.client->received.empty());
    CHECK(link.at_server().kind == Kind::tls_handshake);
  }
}

TEST_CASE("clients with certificates are served as before where pre-shared keys are taken") {
  Link link(TlsProfile::compatible, answer_psk);
  link.connect(trusting());
  CHECK(link.client->received == "hello");
  CHECK(link.server->stream->tls_description() == "TLSv1.3 TLS_AES_128_GCM_SHA256");
}

TEST_CASE("a client that is asked may show a certificate of whatever issuer, and the stream says which") {
  const TlsIdentity stranger = must(make_authority(KeyKind::ecdsa_p256, "Some other CA", kNow));
  const TlsIdentity board = must(make_device_identity(stranger, KeyKind::ecdsa_p256, "pk/board", kNow, 30));
  for (const bool old : {false, true}) {
    CAPTURE(old);
    Link link(TlsProfile::compatible, {}, [] { return true; });
    TlsClientContext::Options options = old ? old_client() : trusting();
    SUBCASE("with one") {
      options.identity = board;
      link.connect(options);
      REQUIRE(link.client->received == "hello");
      const auto shown = link.server->stream->peer_certificate();
      REQUIRE(shown);
      const auto facts = must(read_certificate(board.chain_pem));
      CHECK(shown->subject == "pk/board");
      CHECK(shown->sha256 == facts.sha256);
      CHECK(shown->sha256.size() == 64);
      CHECK(shown->serial == facts.serial);
      CHECK(shown->not_before.ms == kNow.ms - kDayMs);
      CHECK(shown->not_after.ms == kNow.ms + 30 * kDayMs);
      CHECK(!link.client->stream->peer_certificate());
    }
    SUBCASE("without one") {
      link.connect(options);
      REQUIRE(link.client->received == "hello");
      CHECK(!link.server->stream->peer_certificate());
    }
  }
}

TEST_CASE("a client that is not asked shows no certificate") {
  Link link(TlsProfile::modern, {}, [] { return false; });
  TlsClientContext::Options options = trusting();
  options.identity = trust().ecdsa;
  link.connect(options);
  REQUIRE(link.client->received == "hello");
  CHECK(!link.server->stream->peer_certificate());
}

TEST_CASE("an old client with RSA key exchange and AES-CBC, without SNI, is served by the compatible profile") {
  for (const char* suite : {"AES128-SHA", "AES256-SHA", "AES128-SHA256", "AES128-GCM-SHA256"}) {
    CAPTURE(suite);
    Link link(TlsProfile::compatible);
    auto options = old_client();
    options.ciphers = suite;
    link.connect(options, "");
    CHECK(link.client->received == "hello");
    CHECK(link.server->stream->tls_description() == std::string("TLSv1.2 ") + suite);
  }
}

TEST_CASE("the compatible profile serves modern clients too, with the RSA certificate") {
  Link link(TlsProfile::compatible);
  auto options = trusting();
  options.roots_pem = trust().rsa_root.chain_pem;
  link.connect(options);
  CHECK(link.client->received == "hello");
}

TEST_CASE("the modern profile refuses an old client and says what the client offered") {
  Link link(TlsProfile::modern);
  link.connect(old_client(), "");
  CHECK(link.client->received.empty());
  CHECK(link.at_server().kind == Kind::tls_handshake);
  CHECK(link.at_server().detail.find("no shared cipher") != std::string::npos);
  CHECK(link.at_server().detail.find("AES128-SHA") != std::string::npos);
  CHECK(link.at_client().kind == Kind::tls_alert_other);
}

TEST_CASE("neither profile speaks 3DES, RC4 or anonymous suites") {
  for (const char* weak : {"DES-CBC3-SHA", "RC4-SHA", "ADH-AES128-SHA"}) {
    CAPTURE(weak);
    auto options = old_client();
    options.ciphers = weak;
    if (!TlsClientContext::open(options)) continue;  // this OpenSSL cannot even offer it
    Link link(TlsProfile::compatible);
    link.connect(options);
    CHECK(link.client->received.empty());
  }
}

TEST_CASE("a client that does not trust our CA is classified at both ends") {
  Link link(TlsProfile::modern);
  auto options = trusting();
  options.roots_pem = must(make_authority(KeyKind::ecdsa_p256, "Somebody else", kNow)).chain_pem;
  link.connect(options);
  CHECK(link.at_server().kind == Kind::tls_alert_unknown_ca);
  CHECK(link.at_client().kind == Kind::server_untrusted);
}

TEST_CASE("a client whose clock is past our certificate's end says so in its alert") {
  Link link(TlsProfile::modern);
  auto options = trusting();
  options.at = UnixMillis{kNow.ms + (kServerDays + 1) * kDayMs};
  link.connect(options);
  CHECK(link.at_server().kind == Kind::tls_alert_certificate_expired);
  CHECK(link.at_client().kind == Kind::server_expired);
}

TEST_CASE("a client whose clock is before our certificate's begin is told from other failures") {
  Link link(TlsProfile::modern);
  auto options = trusting();
  options.at = UnixMillis{1'000};
  link.connect(options);
  CHECK(link.at_client().kind == Kind::server_expired);
  CHECK(link.at_server().kind == Kind::tls_alert_other);
  CHECK(link.at_server().detail == "bad certificate");
}

TEST_CASE("a certificate for another name is refused by the client; addresses and wildcards count as names") {
  Link wrong(TlsProfile::modern);
  wrong.connect(trusting(), "broker.example");
  CHECK(wrong.at_client().kind == Kind::server_wrong_host);
  Link address(TlsProfile::modern);
  address.connect(trusting(), "127.0.0.1");
  CHECK(address.client->received == "hello");
  Link other_address(TlsProfile::modern);
  other_address.connect(trusting(), "127.0.0.2");
  CHECK(other_address.at_client().kind == Kind::server_wrong_host);
}

TEST_CASE("an MQTT CONNECT without TLS is seen for what it is") {
  Link link(TlsProfile::modern);
  link.client.emplace(*link.loop, link.raw());
  link.client->send(
      std::string("\x10\x16\x00\x04MQTT\x04\x02\x00\x3c\x00\x0a"
                  "board-7 ok",
                  24));
  CHECK(run_until(*link.loop, [&] { return link.server && link.server->last == Io::State::failed; }));
  CHECK(link.at_server().kind == Kind::tls_not_tls);
  CHECK(link.at_server().detail.find("MQTT") != std::string::npos);
}

TEST_CASE("a client that goes away amid the handshake is closed with a note, one that said nothing without") {
  Link link(TlsProfile::modern);
  link.client.emplace(*link.loop, link.raw());
  link.client->send(std::string("\x16\x03\x01\x00\x50", 5));
  link.client->stream->shut_down();
  CHECK(run_until(*link.loop, [&] { return link.server && link.server->last != Io::State::drained; }));
  CHECK(link.at_server().kind == Kind::tls_handshake);

  Link silent(TlsProfile::modern);
  silent.client.emplace(*silent.loop, silent.raw());
  silent.client->stream->shut_down();
  CHECK(run_until(*silent.loop, [&] { return silent.server && silent.server->last == Io::State::closed; }));
  CHECK(silent.at_server().kind == Kind::none);
}

TEST_CASE("bytes sniffed before TLS began are handed to it") {
  const auto context = server_context(TlsProfile::compatible);
  auto loop = EpollLoop::open();
  REQUIRE(loop);
  struct Sniffer final : StreamEvents {
    void on_readable() override {
      if (party) return party->on_readable();
      std::uint8_t first[7];
      const Io io = stream->read(first);
      if (io.bytes == 0) return;
      CHECK(first[0] == 0x16);
      loop->detach(*stream);
      party.emplace(*loop, context->wrap(std::move(stream), Bytes(first, io.bytes)));
      party->echo = true;
      party->on_readable();
    }
    void on_writable() override {}
    EpollLoop* loop = nullptr;
    const TlsServerContext* context = nullptr;
    std::unique_ptr<Stream> stream;
    std::optional<Party> party;
  } sniffer;
  sniffer.loop = loop->get();
  sniffer.context = &context;
  const auto address = (*loop)->listen(*make_address("127.0.0.1", 0), [&](std::unique_ptr<Stream> stream) {
    sniffer.stream = std::move(stream);
    (*loop)->attach(*sniffer.stream, sniffer);
  });
  auto stream = (*loop)->connect(*address);
  REQUIRE(stream);
  Party client(**loop, must(TlsClientContext::open(old_client())).wrap(std::move(*stream), ""));
  client.send("hello");
  CHECK(run_until(**loop, [&] { return client.received == "hello"; }));
}

TEST_CASE("megabytes pass whole in both directions though the socket takes them in parts") {
  Link link(TlsProfile::modern);
  link.connect(trusting());
  REQUIRE(link.client->received == "hello");
  std::string much(6 << 20, ' ');
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 2654435761U >> 13);
  link.client->received.clear();
  link.client->send(much);
  CHECK(!link.client->pending.empty());
  CHECK(run_until(*link.loop, [&] { return link.client->received.size() >= much.size(); }));
  CHECK((link.client->received == much));
}

TEST_CASE("an orderly end is closed on the other side, without a failure") {
  Link link(TlsProfile::modern);
  link.connect(trusting());
  link.client->stream->shut_down();
  CHECK(run_until(*link.loop, [&] { return link.server->last == Io::State::closed; }));
  CHECK(link.at_server().kind == Kind::none);
}

TEST_CASE("a stream with bytes inside is announced after it moved to another loop") {
  Link link(TlsProfile::modern);
  link.connect(trusting());
  REQUIRE(link.client->received == "hello");
  link.loop->detach(*link.server->stream);
  link.client->send("0123456789");
  for (int i = 0; i < 3; ++i) link.loop->run_once(Millis{5});
  std::uint8_t two[2];
  const Io io = link.server->stream->read(two);
  CHECK(io.bytes == 2);
  CHECK(io.state == Io::State::more);
  CHECK(link.server->stream->has_buffered());
  auto other = EpollLoop::open();
  REQUIRE(other);
  Party moved(**other, std::move(link.server->stream));
  CHECK(run_until(**other, [&] { return moved.received == "23456789"; }));
}

TEST_CASE("a broken certificate, or a key of another one, is a problem when the listener is made") {
  const TlsIdentity garbage[] = {
      {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", trust().ecdsa.key_pem}};
  CHECK(!TlsServerContext::open(TlsProfile::modern, garbage));
  const TlsIdentity mixed[] = {{trust().ecdsa.chain_pem, trust().rsa.key_pem}};
  const auto refused = TlsServerContext::open(TlsProfile::modern, mixed);
  REQUIRE(!refused);
  CHECK(refused.problem().code == Error::malformed);
}
