#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "platform/runtime/pki.h"
#include "platform/runtime/tls.h"

using namespace tercet;
using namespace tercet::runtime;

namespace {

/// A stream in memory whose way out can be shut, as a socket whose buffer is full.
struct Valve final : Stream {
  explicit Valve(BIO* far) : far_end(far) {}
  Io read(MutableBytes into) override {
    const int got = BIO_read(far_end, into.data(), static_cast<int>(into.size()));
    return got > 0 ? Io{Io::State::more, static_cast<std::size_t>(got)} : Io{};
  }
  Io write(Bytes from) override {
    ++writes;
    if (shut) return {};
    BIO_write(back, from.data(), static_cast<int>(from.size()));
    return {Io::State::more, from.size()};
  }
  void shut_down() override {}
  const Address& peer() const override { return address; }

  BIO* far_end;  ///< what the client has sent
  BIO* back = nullptr;
  Address address;
  bool shut = false;
  int writes = 0;
};

/// Our server end over a valve; OpenSSL itself is the client, so that it can ask for new keys.
struct Pair {
  Pair() {
    const auto root = make_authority(KeyKind::ecdsa_p256, "Test CA", UnixMillis{1'800'000'000'000});
    REQUIRE(root);
    const std::string names[] = {"localhost"};
    const auto identity = make_server_identity(*root, KeyKind::ecdsa_p256, names, UnixMillis{1'800'000'000'000});
    REQUIRE(identity);
    const TlsIdentity identities[] = {*identity};
    auto opened = TlsServerContext::open(TlsProfile::modern, identities);
    REQUIRE(opened);
    client_context = SSL_CTX_new(TLS_client_method());
    client = SSL_new(client_context);
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(client, in, out);  // takes both
    SSL_set_connect_state(client);
    auto inner = std::make_unique<Valve>(out);
    valve = inner.get();
    valve->back = in;
    server = opened->wrap(std::move(inner));
    for (int round = 0; round < 4; ++round) {
      SSL_do_handshake(client);
      read_server();
    }
    REQUIRE(SSL_is_init_finished(client) == 1);
    REQUIRE(!server->tls_description().empty());
  }
  ~Pair() {
    server.reset();
    SSL_free(client);
    SSL_CTX_free(client_context);
  }
  std::string read_server() {
    std::uint8_t buffer[256];
    const Io io = server->read(buffer);
    return {reinterpret_cast<const char*>(buffer), io.bytes};
  }
  std::string read_client() {
    std::string text;
    char buffer[256];
    for (int got = 0; (got = SSL_read(client, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(got));
    return text;
  }
  void ask_for_new_keys() {
    REQUIRE(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED) == 1);
    REQUIRE(SSL_write(client, "x", 1) == 1);
  }
  SSL_CTX* client_context;
  SSL* client;
  Valve* valve;
  std::unique_ptr<Stream> server;
};

}  // namespace

TEST_CASE("a KeyUpdate is answered, and bytes pass under the new keys in both directions") {
  Pair pair;
  pair.ask_for_new_keys();
  CHECK(pair.read_server() == "x");
  CHECK(!pair.server->wants_write());
  CHECK(pair.server->write(as_bytes(std::string("answer"))).bytes == 6);
  CHECK(pair.read_client() == "answer");
}

TEST_CASE("while the answer to a KeyUpdate finds the socket full nothing is taken; with room, both go in order") {
  Pair pair;
  pair.valve->shut = true;
  pair.ask_for_new_keys();
  CHECK(pair.read_server() == "x");
  const std::string answer(3'000, 'a');  // OpenSSL answers with the next write, before it encrypts that
  CHECK(pair.server->write(as_bytes(answer)).bytes == 0);
  CHECK(pair.server->wants_write());
  CHECK(pair.server->write({}).state == Io::State::drained);
  CHECK(pair.server->wants_write());  // still no room

  pair.valve->shut = false;
  CHECK(pair.server->write({}).state != Io::State::failed);
  CHECK(!pair.server->wants_write());  // else the loop would announce room for ever
  CHECK(pair.server->write(as_bytes(answer)).bytes == answer.size());
  CHECK(pair.read_client() == answer);
  SSL_write(pair.client, "y", 1);
  CHECK(pair.read_server() == "y");
}

TEST_CASE("a record that waits for the socket goes whole before the answer to a KeyUpdate that comes meanwhile") {
  Pair pair;
  pair.valve->shut = true;
  const std::string first(2'000, '1'), second(2'000, '2');
  CHECK(pair.server->write(as_bytes(first)).bytes == first.size());  // encrypted, and waiting
  pair.ask_for_new_keys();
  CHECK(pair.read_server() == "x");
  CHECK(pair.server->write(as_bytes(second)).bytes == 0);
  pair.valve->shut = false;
  CHECK(pair.server->write(as_bytes(second)).bytes == second.size());
  CHECK(!pair.server->wants_write());
  CHECK(pair.read_client() == first + second);
}
