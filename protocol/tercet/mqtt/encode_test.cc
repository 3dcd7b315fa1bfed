#include "tercet/mqtt/encode.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tercet/mqtt/any_packet.h"
#include "tercet/mqtt/golden_packets.h"

using namespace tercet;
using namespace tercet::mqtt;
using golden::k4;
using golden::k5;

TEST_CASE("the fast path writes what encode writes, at every length of the length field") {
  for (const std::size_t bytes : {0, 1, 100, 127, 128, 200, 16'383, 16'384, 20'000, 2'097'152}) {
    for (const ProtocolVersion version : {k4, k5}) {
      const std::vector<std::uint8_t> payload(bytes, 'x');
      Publish packet{.topic = "/pk/dn/user/update", .payload = payload, .packet_id = 77, .qos = Qos::at_least_once};
      std::vector<std::uint8_t> want(bytes + 64), got(bytes + 64);
      const auto size = encode(packet, version, want);
      REQUIRE(size);
      const auto place = layout(packet, version);
      CHECK(place.size == *size);
      CHECK(encoded_size(packet, version) == *size);
      CHECK(write_publish(got.data(), packet, version, place) == got.data() + *size);
      CHECK(want == got);
      CHECK(got[place.packet_id_offset] == 0);
      CHECK(got[place.packet_id_offset + 1] == 77);
      const auto frame = next_frame(got, 3'000'000);
      REQUIRE(frame);
      CHECK(frame->size == *size);
      CHECK(decode_publish(version, *frame, Sender::client)->payload.size() == bytes);
    }
  }
}

TEST_CASE("the short acknowledgement is what encode writes") {
  for (const auto type : {PacketType::puback, PacketType::pubrec, PacketType::pubrel, PacketType::pubcomp}) {
    std::vector<std::uint8_t> out(4);
    CHECK(encode(Ack{.type = type, .packet_id = 0x1234}, k5, out).value_or(0) == 4);
    const auto want = short_ack(type, 0x1234);
    CHECK(std::equal(out.begin(), out.end(), want.begin()));
  }
}

TEST_CASE("the constant pings are what encode writes") {
  std::vector<std::uint8_t> out(2);
  CHECK(encode(Pingreq{}, k4, out));
  CHECK(std::equal(out.begin(), out.end(), kPingreq.begin()));
  CHECK(encode(Pingresp{}, k4, out));
  CHECK(std::equal(out.begin(), out.end(), kPingresp.begin()));
}

TEST_CASE("reasons of 5.0 become the nearest code of 3.x") {
  std::vector<std::uint8_t> out(8);
  CHECK(encode(Connack{.session_present = true, .reason = ReasonCode::banned}, k4, out).value_or(0) == 4);
  CHECK(out[2] == 0);  // a refusal has no session [MQTT-3.2.2-4]
  CHECK(out[3] == 5);
  const std::uint8_t codes[] = {0x01, 0x8F, 0x9E};
  CHECK(encode(Suback{.packet_id = 1, .codes = codes}, k4, out).value_or(0) == 7);
  CHECK(out[4] == 0x01);
  CHECK(out[5] == 0x80);
  CHECK(out[6] == 0x80);
  CHECK(encode(Ack{.packet_id = 1, .reason = ReasonCode::not_authorized}, k4, out).value_or(0) == 4);
  CHECK(encode(Unsuback{.packet_id = 1, .codes = codes}, k4, out).value_or(0) == 4);
  CHECK(encode(Disconnect{.reason = ReasonCode::session_taken_over}, k4, out).value_or(0) == 2);
}

TEST_CASE("properties are written in 5.0 only") {
  std::uint8_t space[32];
  PropertyWriter properties{space};
  properties.reason_string("why");
  std::vector<std::uint8_t> out(32);
  const Ack ack{.packet_id = 1, .properties = properties.view()};
  CHECK(encode(ack, k4, out).value_or(0) == 4);
  CHECK(encode(ack, k5, out).value_or(0) == 12);
}

TEST_CASE("what cannot be a packet is not written") {
  std::vector<std::uint8_t> out(70'000);
  const std::string long_text(65'536, 'x');
  CHECK(encode(Publish{.topic = "t", .qos = Qos::at_least_once}, k4, out).error() == Error::bad_argument);
  CHECK(encode(Publish{.topic = "t", .packet_id = 1}, k4, out).error() == Error::bad_argument);
  CHECK(encode(Publish{.topic = "t", .dup = true}, k4, out).error() == Error::bad_argument);
  CHECK(encode(Publish{.topic = long_text}, k4, out).error() == Error::too_large);
  CHECK(encode(Connect{.client_id = long_text}, out).error() == Error::too_large);
  CHECK(encode(Connect{.keep_alive = Seconds{65'536}}, out).error() == Error::bad_argument);
  CHECK(encode(Connect{.password = Bytes{}}, out).error() == Error::bad_argument);
  CHECK(encode(Connect{.version = k5, .password = Bytes{}}, out));
  CHECK(encode(Ack{.packet_id = 0}, k4, out).error() == Error::bad_argument);
  CHECK(encode(Ack{.type = PacketType::connect, .packet_id = 1}, k4, out).error() == Error::bad_argument);
  CHECK(encode(Suback{.packet_id = 1}, k4, out).error() == Error::bad_argument);
  CHECK(encode(Unsuback{.packet_id = 1}, k5, out).error() == Error::bad_argument);
  CHECK(encode(Auth{}, k4, out).error() == Error::bad_argument);
  CHECK(encode_subscribe(1, {}, {}, k4, out).error() == Error::bad_argument);
  CHECK(encode_unsubscribe(1, {}, {}, k4, out).error() == Error::bad_argument);
  const Subscription one{.filter = "a", .qos = Qos::at_least_once};
  CHECK(encode_subscribe(0, {&one, 1}, {}, k4, out).error() == Error::bad_argument);
  CHECK(encode_subscribe(1, {&one, 1}, {}, k4, MutableBytes{out}.first(7)).error() == Error::no_space);
}

TEST_CASE("lists are written from spans as from decoded packets") {
  const Subscription lines[] = {{.filter = "a/b", .qos = Qos::at_least_once},
                                {.filter = "c/d/#", .qos = Qos::exactly_once}};
  std::vector<std::uint8_t> out(18);
  CHECK(encode_subscribe(1, lines, {}, k4, out).value_or(0) == 18);
  CHECK(out == golden::bytes("82 10 00 01 00 03 'a/b' 01 00 05 'c/d/#' 02"));
  const std::string_view filters[] = {"a/b", "+x"};
  out.resize(13);
  CHECK(encode_unsubscribe(2, filters, {}, k4, out).value_or(0) == 13);
  CHECK(out == golden::bytes("a2 0b 00 02 00 03 'a/b' 00 02 '+x'"));
}
