// MQTT over WebSocket through real connections of the simulated network.
#include "platform/broker/test_world.h"
#include "platform/runtime/web_socket_frame.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;

namespace {

const std::string kRequest =
    "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A masked frame of up to 125 bytes; the mask is zero.
std::string frame(int first, std::string_view payload) {
  return std::string(1, static_cast<char>(first)) + static_cast<char>(0x80 | payload.size()) + std::string(4, '\0') +
         std::string(payload);
}

/// Speaks bytes, and keeps what it hears.
struct RawClient final : runtime::StreamEvents {
  RawClient(TestWorld& in, std::uint16_t port) : world(in) {
    stream = std::move(*world.client_loop.connect(world.server_host.address(port)));
    world.client_loop.attach(*stream, *this);
    world.client_loop.want_write(*stream);
  }
  ~RawClient() { world.client_loop.detach(*stream); }
  void on_readable() override {
    std::uint8_t buffer[4096];
    for (;;) {
      const auto io = stream->read(buffer);
      heard.append(as_text({buffer, io.bytes}));
      if (io.state == runtime::Io::State::more) continue;
      closed = io.state != runtime::Io::State::drained;
      if (closed) world.client_loop.detach(*stream);
      return;
    }
  }
  void on_writable() override {
    pending.erase(0, stream->write(as_bytes(pending)).bytes);
    if (!pending.empty()) world.client_loop.want_write(*stream);
  }
  void send(std::string_view bytes) {
    pending += bytes;
    world.client_loop.want_write(*stream);
  }
  bool hears(std::string_view words) {
    return world.world.run_until([&] { return heard.find(words) != std::string::npos; }, Millis{30'000});
  }
  TestWorld& world;
  std::unique_ptr<runtime::Stream> stream;
  std::string heard, pending;
  bool closed = false;
};

template <typename P>
std::string bytes_of(const P& packet) {
  std::vector<std::uint8_t> buffer(1000);
  const auto size = mqtt::encode(packet, buffer);
  REQUIRE(size);
  return std::string(as_text({buffer.data(), *size}));
}
std::string connect_of(std::string_view user) {
  mqtt::Connect connect;
  connect.keep_alive = Seconds{60};
  connect.client_id = "client";
  connect.user_name = user;
  connect.password = as_bytes(std::string_view("secret"));
  return bytes_of(connect);
}
const std::string kConnack("\x82\x04\x20\x02\x00\x00", 6);

}  // namespace

TEST_CASE("devices log in over WebSocket, and their streams move to their home shards") {
  TestWorld world{{.shards = 4, .fast_limits = true}};
  world.client_host.link.split_reads = 0.5;
  for (int i = 0; i < 8; ++i) {
    CAPTURE(i);
    RawClient client(world, kCloud);
    client.send(kRequest + frame(0x82, connect_of("dn" + std::to_string(i) + "&pk")));
    REQUIRE(client.hears(kConnack));
    CHECK(client.heard.starts_with("HTTP/1.1 101"));
    const std::size_t home = world.home_of(device_key("pk", "dn" + std::to_string(i)));
    CHECK(world.ingress[home]->events.back() == "online pk/dn" + std::to_string(i));
    client.heard.clear();
    client.send(frame(0x89, "hi") + frame(0x82, std::string("\xc0\x00", 2)));  // ping, PINGREQ
    CHECK(client.hears(std::string("\x82\x02\xd0\x00", 4)));
    CHECK(client.heard.find("\x8a\x02hi") != std::string::npos);
  }
}

TEST_CASE("a packet in several frames, and several packets in one, are the same to the broker") {
  TestWorld world;
  RawClient client(world, kCloud);
  const std::string connect = connect_of("dn&pk");
  client.send(kRequest + frame(0x02, connect.substr(0, 5)) + frame(0x89, "") + frame(0x00, connect.substr(5, 1)) +
              frame(0x80, connect.substr(6)));
  REQUIRE(client.hears(kConnack));
  client.send(frame(0x82, std::string("\xc0\x00\xc0\x00", 4)));
  CHECK(client.hears(std::string("\xd0\x00\xd0\x00", 4)));
}

TEST_CASE("a WebSocket that is closed is a connection that is closed, and one without CONNECT is not kept") {
  TestWorld world;
  RawClient client(world, kCloud), silent(world, kCloud);
  silent.send(kRequest);
  client.send(kRequest + frame(0x82, connect_of("dn&pk")));
  REQUIRE(client.hears(kConnack));
  client.send(frame(0x88, std::string("\x03\xe8", 2)));
  CHECK(client.hears("\x88\x02\x03\xe8"));
  CHECK(world.world.run_until([&] { return client.closed; }, Millis{5'000}));
  CHECK(world.devices().events.back() == "offline pk/dn");
  CHECK(world.world.run_until([&] { return silent.closed; }, Millis{15'000}));
  CHECK(world.journal.count(auth::Cause::no_connect) == 1);
  CHECK(world.counters().connections == 0);
}

TEST_CASE("the journal names what a client got wrong about WebSocket") {
  TestWorld world;
  RawClient page(world, kCloud), texter(world, kCloud);
  page.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(page.hears("HTTP/1.1 426"));
  CHECK(world.journal.count(auth::Cause::web_socket_refused) == 1);
  texter.send(kRequest + frame(0x81, "CONNECT"));
  CHECK(texter.hears("\x88\x02\x03\xeb"));
  CHECK(world.world.run_until([&] { return texter.closed; }, Millis{5'000}));
  REQUIRE(world.journal.last(auth::Cause::web_socket_broken) != nullptr);
  CHECK(world.journal.last(auth::Cause::web_socket_broken)->evidence.find("text") != std::string::npos);
}

TEST_CASE("where WebSockets are switched off, a request is no MQTT") {
  TestWorld::Options options;
  options.config.web_sockets = false;
  TestWorld world{options};
  RawClient client(world, kCloud);
  client.send(kRequest);
  CHECK(world.world.run_until([&] { return client.closed; }, Millis{5'000}));
  CHECK(world.journal.count(auth::Cause::not_mqtt) == 1);
}
