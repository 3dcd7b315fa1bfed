#include "tercet/mqtt/outbox.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tercet/mqtt/decode.h"

using namespace tercet;
using namespace tercet::mqtt;

namespace {

struct Fixture {
  std::array<std::uint8_t, 64> bytes{};
  std::array<Outbox::Window::Entry, 4> entries{};
  Outbox outbox{bytes, entries};

  Result<void> add(std::uint16_t id, std::string_view payload, Qos qos = Qos::at_least_once) {
    return outbox.add({.topic = "t", .payload = as_bytes(payload), .packet_id = id, .qos = qos}, ProtocolVersion::v311);
  }
  std::string payload(std::size_t i) {
    const auto frame = next_frame(outbox.packet(outbox.window()[i]), 100);
    return std::string{as_text(decode_publish(ProtocolVersion::v311, *frame, Sender::client)->payload)};
  }
};

}  // namespace

TEST_CASE("bytes given back anywhere are found again, and nothing kept is harmed") {
  Fixture f;
  CHECK(f.add(1, "aaaaaaaaaaaa"));  // 19 bytes each
  CHECK(f.add(2, "bbbbbbbbbbbb"));
  CHECK(f.add(3, "cccccccccccc"));
  CHECK(f.add(4, "dddddddddddd").error() == Error::no_space);
  CHECK(f.outbox.acknowledge(2, PacketType::puback, ReasonCode::success));
  CHECK(f.add(4, "dddddddddddd"));
  CHECK(f.payload(0) == "aaaaaaaaaaaa");
  CHECK(f.payload(1) == "cccccccccccc");
  CHECK(f.payload(2) == "dddddddddddd");
}

TEST_CASE("PUBREC gives the payload's bytes back before PUBCOMP") {
  Fixture f;
  CHECK(f.add(1, std::string(50, 'x'), Qos::exactly_once));
  CHECK(f.add(2, std::string(50, 'y')).error() == Error::no_space);
  CHECK(f.outbox.acknowledge(1, PacketType::pubrec, ReasonCode::success));
  CHECK(f.add(2, std::string(50, 'y')));
  CHECK(f.outbox.size() == 2);
  CHECK(f.payload(1) == std::string(50, 'y'));
}

TEST_CASE("a message that can never fit is told apart from one that must wait") {
  Fixture f;
  CHECK(f.add(1, std::string(80, 'x')).error() == Error::too_large);
  CHECK(f.add(1, "x"));
  CHECK(f.add(2, std::string(80, 'x')).error() == Error::no_space);
}

TEST_CASE("DUP is set only on what was transmitted before and only when the session goes on") {
  Fixture f;
  CHECK(f.add(1, "a"));
  CHECK(f.add(2, "b"));
  f.outbox.window()[0].message.transmitted = true;
  f.outbox.reconnect(true);
  CHECK((f.outbox.packet(f.outbox.window()[0])[0] & 0x08) != 0);
  CHECK((f.outbox.packet(f.outbox.window()[1])[0] & 0x08) == 0);
  CHECK(!f.outbox.window()[0].message.transmitted);
  f.outbox.reconnect(true);
  CHECK((f.outbox.packet(f.outbox.window()[0])[0] & 0x08) != 0);
  f.outbox.reconnect(false);
  CHECK((f.outbox.packet(f.outbox.window()[0])[0] & 0x08) == 0);
}
