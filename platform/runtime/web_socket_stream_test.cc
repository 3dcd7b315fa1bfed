#include "platform/runtime/web_socket_stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

using namespace tercet;
using namespace tercet::runtime;

namespace {

/// Both ends of a connection, in the test's hands.
struct Wire {
  std::string to_server, to_client;
  std::size_t room = 1'000'000;  ///< what the network takes now
  std::size_t piece = 1'000'000;
  bool peer_closed = false, shut = false;
};
class WireStream final : public Stream {
 public:
  explicit WireStream(Wire& wire) : wire_(wire) {}
  Io read(MutableBytes into) override {
    const std::size_t n = std::min({into.size(), wire_.to_server.size(), wire_.piece});
    std::memcpy(into.data(), wire_.to_server.data(), n);
    wire_.to_server.erase(0, n);
    if (n == 0) return {wire_.peer_closed ? Io::State::closed : Io::State::drained, 0};
    return {wire_.to_server.empty() ? Io::State::drained : Io::State::more, n};
  }
  Io write(Bytes from) override {
    const std::size_t n = std::min(from.size(), wire_.room);
    wire_.to_client.append(as_text(from.first(n)));
    wire_.room -= n;
    return {n < from.size() ? Io::State::drained : Io::State::more, n};
  }
  void shut_down() override { wire_.shut = true; }
  const Address& peer() const override { return peer_; }

 private:
  Wire& wire_;
  Address peer_;
};

const std::string kRequest =
    "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A masked frame; the mask is zero, which hides nothing and keeps tests readable.
std::string frame(int first, std::string_view payload) {
  return std::string(1, static_cast<char>(first)) + static_cast<char>(0x80 | payload.size()) + std::string(4, '\0') +
         std::string(payload);
}
std::string binary(std::string_view payload) { return frame(0x82, payload); }

struct Socket {
  explicit Socket(bool open = true) {
    stream = WebSocketStream::greet(std::make_unique<WireStream>(wire), as_bytes(open ? kRequest : "G"), true);
    if (!open) return;
    CHECK(read() == "");
    CHECK(wire.to_client.starts_with("HTTP/1.1 101"));
    wire.to_client.clear();
  }
  std::string read() {
    std::uint8_t buffer[4096];
    std::string all;
    for (int i = 0; i < 100; ++i) {
      last = stream->read(buffer);
      all.append(as_text({buffer, last.bytes}));
      if (last.state != Io::State::more) break;
    }
    return all;
  }
  /// Writes all, giving room in bits.
  void write(std::string_view text, std::size_t room_each) {
    for (int i = 0; i < 100'000 && (!text.empty() || stream->wants_write()); ++i) {
      wire.room = room_each;
      text.remove_prefix(stream->write(as_bytes(text)).bytes);
    }
    CHECK(text.empty());
  }
  /// What the frames the client has got carry; `controls` counts those that are none of data.
  std::string client_reads() {
    std::string data;
    std::string_view in = wire.to_client;
    while (!in.empty()) {
      const auto byte = [&in](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
      std::size_t size = byte(1), at = 2;
      if (size == 126) size = static_cast<std::size_t>(byte(2) << 8 | byte(3)), at = 4;
      REQUIRE(in.size() >= at + size);
      if (byte(0) == 0x82)
        data += in.substr(at, size);
      else
        controls += static_cast<char>('0' + (byte(0) & 0x0F)) + std::string(in.substr(at, size)) + " ";
      in.remove_prefix(at + size);
    }
    wire.to_client.clear();
    return data;
  }
  Wire wire;
  std::unique_ptr<Stream> stream;
  Io last;
  std::string controls;
};

}  // namespace

TEST_CASE("a request in single bytes is answered once it is whole, and frames behind it are not lost") {
  Socket socket(false);
  socket.wire.piece = 1;
  socket.wire.to_server = kRequest.substr(1) + binary("CONNECT") + binary(" and more");
  CHECK(socket.read() == "CONNECT and more");
  CHECK(socket.wire.to_client.starts_with("HTTP/1.1 101"));
  CHECK(!socket.stream->has_buffered());
}

TEST_CASE("what came behind a request that somebody else read is announced and given first") {
  Wire wire;
  const auto offer = parse_web_socket_offer(kRequest);
  const auto stream =
      WebSocketStream::open(std::make_unique<WireStream>(wire), answer_web_socket(*offer, true), binary("first"));
  CHECK(wire.to_client.starts_with("HTTP/1.1 101"));
  CHECK(stream->has_buffered());
  wire.to_server = binary("second");
  std::uint8_t buffer[64];
  CHECK(as_text({buffer, stream->read(buffer).bytes}) == "first");
  CHECK(!stream->has_buffered());
  CHECK(as_text({buffer, stream->read(buffer).bytes}) == "second");
}

TEST_CASE("what is written arrives whole and in order however little the network takes at a time") {
  std::string text;
  for (int i = 0; text.size() < 40'000; ++i) text += std::to_string(i) + " ";
  for (const std::size_t room : {1U, 3U, 1000U, 16'001U, 1'000'000U}) {
    CAPTURE(room);
    Socket socket;
    socket.write(text, room);
    CHECK(socket.client_reads() == text);
  }
}

TEST_CASE("a ping is answered between two frames of data, never inside one") {
  Socket socket;
  socket.wire.room = 100;
  const std::string text(300, 'd');
  CHECK(socket.stream->write(as_bytes(text)).bytes == 96);
  socket.wire.to_server = frame(0x89, "1") + frame(0x89, "2");
  CHECK(socket.read() == "");
  CHECK(!socket.stream->wants_write());  // the data goes first, and whoever writes it is waiting already
  socket.wire.room = 1000;
  CHECK(socket.stream->write(as_bytes(text).subspan(96)).bytes == 204);
  CHECK(socket.client_reads() == text);
  CHECK(socket.controls == ":2 ");  // the newest only [RFC 6455 5.5.3]
}

TEST_CASE("a peer that only pings and never reads costs one pong") {
  Socket socket;
  socket.wire.room = 0;
  for (int i = 0; i < 1000; ++i) {
    socket.wire.to_server = frame(0x89, std::string(125, 'p'));
    CHECK(socket.read() == "");
  }
  CHECK(socket.stream->wants_write());
  socket.wire.room = 100'000;
  static_cast<void>(socket.stream->write({}));
  CHECK(socket.wire.to_client.size() <= 2 * 127);
}

TEST_CASE("a close is answered with its code, and the stream ends behind what came before it") {
  Socket socket;
  socket.wire.to_server = binary("last words") + frame(0x88, std::string("\x03\xe9", 2));
  CHECK(socket.read() == "last words");
  CHECK(socket.last.state == Io::State::closed);
  static_cast<void>(socket.client_reads());
  CHECK(socket.controls == std::string("8\x03\xe9 "));
  CHECK(socket.stream->write(as_bytes("x")).state == Io::State::failed);
}

TEST_CASE("a close that came together with data is announced") {
  Socket socket;
  socket.wire.to_server = binary("data") + frame(0x88, "");
  std::uint8_t buffer[64];
  CHECK(socket.stream->read(buffer).bytes == 4);
  CHECK(socket.stream->has_buffered());
  CHECK(socket.stream->read(buffer).state == Io::State::closed);
  CHECK(!socket.stream->has_buffered());
}

TEST_CASE("a peer that breaks the protocol is told so, and the stream has failed") {
  Socket socket;
  socket.wire.to_server = frame(0x81, "text");
  CHECK(socket.read() == "");
  CHECK(socket.last.state == Io::State::failed);
  CHECK(socket.stream->failure().kind == StreamFailure::Kind::web_socket_broken);
  CHECK(socket.stream->failure().detail.find("text") != std::string::npos);
  static_cast<void>(socket.client_reads());
  CHECK(socket.controls == std::string("8\x03\xeb "));
}

TEST_CASE("a request that is not granted is answered, and fails with the reason") {
  Socket socket(false);
  socket.wire.to_server = "ET / HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(socket.read() == "");
  CHECK(socket.last.state == Io::State::failed);
  CHECK(socket.wire.to_client.starts_with("HTTP/1.1 426"));
  CHECK(socket.wire.shut);
  CHECK(socket.stream->failure().kind == StreamFailure::Kind::web_socket_refused);
}

TEST_CASE("a request without an end is read up to its bound only") {
  Socket socket(false);
  socket.wire.to_server = "ET / HTTP/1.1\r\nX: " + std::string(100'000, 'x');
  CHECK(socket.read() == "");
  CHECK(socket.last.state == Io::State::failed);
  CHECK(socket.wire.to_server.size() > 90'000);
}

TEST_CASE("an orderly end of ours is a close frame") {
  Socket socket;
  socket.stream->shut_down();
  static_cast<void>(socket.client_reads());
  CHECK(socket.controls == std::string("8\x03\xe8 "));
  CHECK(socket.wire.shut);
}
