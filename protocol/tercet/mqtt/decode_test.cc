#include "tercet/mqtt/decode.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tercet/mqtt/any_packet.h"
#include "tercet/mqtt/golden_packets.h"
#include "tercet/mqtt/reason.h"

using namespace tercet;
using namespace tercet::mqtt;
using golden::bytes;
using golden::k3;
using golden::k4;
using golden::k5;

namespace {

constexpr std::size_t kNoLimit = 300'000'000;

const golden::Packet& packet_named(std::string_view name) {
  for (const auto& each : golden::kPackets)
    if (each.name == name) return each;
  FAIL("no golden packet ", name);
  return golden::kPackets[0];
}

/// The bytes in memory of exactly their size, so that a sanitizer sees one read too many.
struct Exact {
  explicit Exact(Bytes from) : size(from.size()), data(new std::uint8_t[from.size()]) {
    std::copy(from.begin(), from.end(), data.get());
  }
  operator Bytes() const { return {data.get(), size}; }
  std::size_t size;
  std::unique_ptr<std::uint8_t[]> data;
};

/// Decodes a whole packet and looks at every view in it by encoding it again. What was understood must survive its own
/// encoding unchanged.
Result<void> understand(ProtocolVersion version, Sender sender, Bytes in) {
  const auto frame = next_frame(in, kNoLimit);
  if (!frame) return fail(frame.error());
  const auto packet = decode_any(version, *frame, sender);
  if (!packet) return fail(packet.error());
  const auto* connect = std::get_if<Connect>(&*packet);
  const ProtocolVersion spoken = connect != nullptr ? connect->version : version;
  std::vector<std::uint8_t> first(in.size() + 64), second(in.size() + 64);
  const auto size = encode(*packet, spoken, first);
  REQUIRE(size);
  const auto again = next_frame(Bytes{first}.first(*size), kNoLimit);
  REQUIRE(again);
  REQUIRE(again->size == *size);
  const auto repeated = decode_any(spoken, *again, sender);
  REQUIRE(repeated);
  REQUIRE(encode(*repeated, spoken, second).value_or(0) == *size);
  REQUIRE(std::equal(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(*size), second.begin()));
  return {};
}

Error refusal_of(ProtocolVersion version, std::string_view notation, Sender sender = Sender::client) {
  const auto in = bytes(notation);
  const auto understood = understand(version, sender, Exact{in});
  return understood ? Error::internal : understood.error();
}

struct Refused {
  std::string_view why;
  ProtocolVersion version;
  std::string_view notation;
  Sender sender = Sender::client;
};

}  // namespace

TEST_CASE("every golden packet is understood and encoded to the same bytes") {
  for (const auto& each : golden::kPackets) {
    CAPTURE(each.name);
    const auto in = bytes(each.notation);
    const auto frame = next_frame(in, kNoLimit);
    REQUIRE(frame);
    CHECK(frame->size == in.size());
    const auto packet = decode_any(each.version, *frame, each.sender);
    REQUIRE(packet);
    std::vector<std::uint8_t> out(in.size());
    REQUIRE(encode(*packet, each.version, out).value_or(0) == in.size());
    CHECK(out == in);
    out.pop_back();
    CHECK(encode(*packet, each.version, out).error() == Error::no_space);
  }
}

TEST_CASE("every truncation of every golden packet asks for more or is refused") {
  for (const auto& each : golden::kPackets) {
    CAPTURE(each.name);
    const auto in = bytes(each.notation);
    const auto frame = next_frame(in, kNoLimit);
    for (std::size_t n = 0; n < in.size(); ++n) {
      const Exact part{Bytes{in}.first(n)};
      CHECK(next_frame(part, kNoLimit).error() == Error::need_more);
    }
    for (std::size_t n = 0; n < frame->body.size(); ++n) {  // the same with a fixed header that says so
      const Exact part{frame->body.first(n)};
      const auto cut = decode_any(each.version, Frame{frame->header, part, n + 2}, each.sender);
      // Only payloads, lists and the endings of 5.0 may be shorter.
      if (frame->header.type() == PacketType::connect || each.name == "connack5_full") CHECK(!cut);
    }
  }
}

TEST_CASE("every change of a single byte of every golden packet is refused or understood") {
  std::size_t understood = 0, refused = 0;
  for (const auto& each : golden::kPackets) {
    CAPTURE(each.name);
    const auto in = bytes(each.notation);
    for (std::size_t at = 0; at < in.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        if (in[at] == value) continue;
        Exact changed{in};
        changed.data[at] = static_cast<std::uint8_t>(value);
        ++(understand(each.version, each.sender, changed) ? understood : refused);
      }
    }
  }
  CHECK(understood > 10'000);
  CHECK(refused > 100'000);
}

TEST_CASE("the fields of a CONNECT are where they belong") {
  const auto in = bytes(packet_named("connect_full").notation);
  const auto connect = decode_connect(*next_frame(in, kNoLimit));
  REQUIRE(connect);
  CHECK(connect->version == k4);
  CHECK(connect->clean_start);
  CHECK(connect->keep_alive == Seconds{1200});
  CHECK(connect->client_id == "id|x|");
  CHECK(*connect->user_name == "dn&pk");
  CHECK(as_text(*connect->password) == "0a1B2c");
  REQUIRE(connect->will);
  CHECK(connect->will->topic == "will");
  CHECK(as_text(connect->will->payload) == "bye");
  CHECK(connect->will->qos == Qos::at_least_once);
  CHECK(connect->will->retain);

  const auto five = bytes(packet_named("connect5_full").notation);
  const auto connect5 = decode_connect(*next_frame(five, kNoLimit));
  REQUIRE(connect5);
  CHECK(connect5->properties.session_expiry() == Seconds{3600});
  CHECK(connect5->properties.receive_maximum() == 20);
  CHECK(connect5->properties.topic_alias_maximum() == 10);
  CHECK(connect5->properties.authentication_method() == "SCRAM");
  CHECK(connect5->will->properties.will_delay() == Seconds{5});
  CHECK(connect5->will->properties.response_topic() == "re/ly");
  CHECK(connect5->will->qos == Qos::exactly_once);
}

TEST_CASE("the fields of a PUBLISH are where they belong") {
  const auto in = bytes(packet_named("publish5_full").notation);
  const auto publish = decode_publish(k5, *next_frame(in, kNoLimit), Sender::client);
  REQUIRE(publish);
  CHECK(publish->topic == "/a/b");
  CHECK(publish->packet_id == 7);
  CHECK(publish->qos == Qos::exactly_once);
  CHECK(publish->dup);
  CHECK(publish->retain);
  CHECK(as_text(publish->payload) == "data");
  CHECK(publish->properties.topic_alias() == 3);
  CHECK(publish->properties.message_expiry() == Seconds{3600});
  CHECK(publish->properties.correlation_data()->size() == 2);
}

TEST_CASE("a subscription list is read lazily and may be read again") {
  const auto in = bytes(packet_named("subscribe5").notation);
  const auto subscribe = decode_subscribe(k5, *next_frame(in, kNoLimit));
  REQUIRE(subscribe);
  CHECK(subscribe->properties.subscription_identifier() == 129);
  for (int round = 0; round < 2; ++round) {
    Subscriptions list = subscribe->subscriptions;
    CHECK(list.count() == 2);
    const auto first = list.next();
    REQUIRE(first);
    CHECK(first->filter == "a/b");
    CHECK(first->qos == Qos::at_least_once);
    CHECK(first->no_local);
    CHECK(first->retain_as_published);
    CHECK(first->retain_handling == RetainHandling::do_not_send);
    CHECK(list.next()->filter == "$share/g/t");
    CHECK(!list.next());
    CHECK(list.count() == 0);
  }
}

TEST_CASE("unknown protocol names and levels are told apart from broken packets") {
  CHECK(refusal_of(k4, "10 0f 00 04 'MQTT' 06 02 00 3c 00 03 'abc'") == Error::unsupported);
  CHECK(refusal_of(k4, "10 0f 00 04 'MQTT' 03 02 00 3c 00 03 'abc'") == Error::unsupported);
  CHECK(refusal_of(k4, "10 11 00 06 'MQIsdp' 04 02 00 3c 00 03 'abc'") == Error::unsupported);
  CHECK(refusal_of(k4, "10 0f 00 04 'MQTX' 04 02 00 3c 00 03 'abc'") == Error::unsupported);
  CHECK(refusal_of(k4, "10 0f 00 04 'MQTT' 84 02 00 3c 00 03 'abc'") == Error::unsupported);
  CHECK(refusal_of(k4, "10 0f 00 40 'MQTT' 04 02 00 3c 00 03 'abc'") == Error::malformed);
}

TEST_CASE("a fixed header is judged before its body arrives") {
  const auto judge = [](std::string_view notation, std::size_t limit = 1000) {
    const auto in = bytes(notation);
    const auto fixed = decode_fixed_header(in, limit);
    return fixed ? Error::internal : fixed.error();
  };
  CHECK(judge("") == Error::need_more);
  CHECK(judge("30") == Error::need_more);
  CHECK(judge("30 80 80") == Error::need_more);
  CHECK(judge("30 ff ff ff ff") == Error::malformed);  // the length has a fifth byte
  CHECK(judge("30 e7 07") == Error::too_large);        // 999 and three more
  CHECK(judge("30 e5 07") == Error::internal);         // exactly 1000
  CHECK(judge("00 00") == Error::malformed);
  CHECK(judge("36 05") == Error::malformed);  // QoS 3 [MQTT-3.3.1-4]
  CHECK(judge("38 05") == Error::malformed);  // DUP with QoS 0 [MQTT-3.3.1-2]
  CHECK(judge("60 02") == Error::malformed);  // [MQTT-3.6.1-1]
  CHECK(judge("80 09") == Error::malformed);  // [MQTT-3.8.1-1]
  CHECK(judge("a0 09") == Error::malformed);  // [MQTT-3.10.1-1]
  CHECK(judge("11 0c") == Error::malformed);
  CHECK(judge("c0 01") == Error::malformed);
  CHECK(judge("d0 01") == Error::malformed);
  CHECK(judge("40 01") == Error::malformed);
  const std::vector<std::uint8_t> two = bytes("c0 00 d0 00");
  CHECK(next_frame(two, 1000)->size == 2);
}

TEST_CASE("what the specification forbids is refused") {
  const Refused table[] = {
      {"NUL in the client id [MQTT-1.5.3-2]", k4, "10 0f 00 04 'MQTT' 04 02 00 3c 00 03 'a' 00 'c'"},
      {"a surrogate in the client id [MQTT-1.5.3-1]", k4, "10 0f 00 04 'MQTT' 04 02 00 3c 00 03 ed a0 80"},
      {"an overlong form in the client id", k4, "10 0e 00 04 'MQTT' 04 02 00 3c 00 02 c0 80"},
      {"reserved connect flag [MQTT-3.1.2-3]", k4, "10 0f 00 04 'MQTT' 04 03 00 3c 00 03 'abc'"},
      {"will QoS without will [MQTT-3.1.2-13]", k4, "10 0f 00 04 'MQTT' 04 0a 00 3c 00 03 'abc'"},
      {"will retain without will [MQTT-3.1.2-15]", k4, "10 0f 00 04 'MQTT' 04 22 00 3c 00 03 'abc'"},
      {"will QoS 3 [MQTT-3.1.2-14]", k4, "10 15 00 04 'MQTT' 04 1e 00 3c 00 03 'abc' 00 01 'w' 00 01 'x'"},
      {"a wildcard in the will topic", k4, "10 15 00 04 'MQTT' 04 06 00 3c 00 03 'abc' 00 01 '#' 00 01 'x'"},
      {"password without user name in 3.1.1 [MQTT-3.1.2-22]", k4,
       "10 12 00 04 'MQTT' 04 42 00 3c 00 03 'abc' 00 01 'p'"},
      {"a user name promised and missing in 3.1.1", k4, "10 0f 00 04 'MQTT' 04 82 00 3c 00 03 'abc'"},
      {"bytes after the last field", k4, "10 10 00 04 'MQTT' 04 02 00 3c 00 03 'abcd'"},
      {"packet id 0 in PUBLISH [MQTT-2.3.1-1]", k4, "32 07 00 03 'a/b' 00 00"},
      {"packet id 0 in PUBACK", k4, "40 02 00 00"},
      {"packet id 0 in SUBSCRIBE", k4, "82 08 00 00 00 03 'a/b' 01"},
      {"packet id 0 in UNSUBSCRIBE", k4, "a2 07 00 00 00 03 'a/b'"},
      {"a wildcard in a topic name [MQTT-3.3.2-2]", k4, "30 05 00 03 'a/+'"},
      {"an empty topic name [MQTT-4.7.3-1]", k4, "30 03 00 00 'x'"},
      {"an empty topic name without alias in 5.0", k5, "30 04 00 00 00 'x'"},
      {"a NUL in a topic name [MQTT-4.7.3-2]", k4, "30 05 00 03 'a' 00 'b'"},
      {"broken UTF-8 in a topic name", k4, "30 05 00 03 'a' c3 'b'"},
      {"DUP in SUBSCRIBE of 3.1.1", k4, "8a 08 00 01 00 03 'a/b' 01"},
      {"DUP in PUBREL of 3.1.1", k4, "6a 02 00 01"},
      {"DUP in UNSUBSCRIBE of 5.0", k5, "aa 08 00 01 00 00 03 'a/b'"},
      {"SUBSCRIBE of QoS 3 [MQTT-3-8.3-4]", k4, "82 08 00 01 00 03 'a/b' 03"},
      {"reserved subscription bits in 3.1.1", k4, "82 08 00 01 00 03 'a/b' 05"},
      {"reserved subscription bits in 5.0", k5, "82 09 00 01 00 00 03 'a/b' 41"},
      {"retain handling 3", k5, "82 09 00 01 00 00 03 'a/b' 31"},
      {"no local with a shared subscription [MQTT-3.8.3-4]", k5, "82 10 00 01 00 00 0a '$share/g/t' 05"},
      {"broken UTF-8 in a filter", k4, "82 08 00 01 00 03 'a/' ff 01"},
      {"an empty SUBSCRIBE [MQTT-3.8.3-3]", k5, "82 05 00 01 02 0b 01"},
      {"an empty UNSUBSCRIBE [MQTT-3.10.3-2]", k5, "a2 04 00 01 01 00"},
      {"unknown SUBACK code [MQTT-3.9.3-2]", k4, "90 03 00 01 03", Sender::server},
      {"a SUBACK code of another packet", k5, "90 04 00 01 00 10", Sender::server},
      {"an UNSUBACK of 3.1.1 with codes", k4, "b0 03 00 01 00", Sender::server},
      {"an UNSUBACK of 5.0 without codes", k5, "b0 03 00 01 00", Sender::server},
      {"unknown CONNACK flags [MQTT-3.2.2-1]", k4, "20 02 02 00", Sender::server},
      {"session present with a refusal [MQTT-3.2.2-4]", k4, "20 02 01 05", Sender::server},
      {"unknown CONNACK code", k4, "20 02 00 06", Sender::server},
      {"a CONNACK of 3.1.1 with three bytes", k4, "20 03 00 00 00", Sender::server},
      {"a CONNACK code of another packet", k5, "20 03 00 8d 00", Sender::server},
      {"a PUBACK of 3.1.1 with a reason", k4, "40 03 00 01 00"},
      {"a PUBACK reason of another packet", k5, "40 03 00 01 92"},
      {"a DISCONNECT from a 3.1.1 server", k4, "e0 00", Sender::server},
      {"a DISCONNECT of 3.1.1 with a body", k4, "e0 01 00"},
      {"a session expiry from a server [MQTT-3.14.2-2]", k5, "e0 07 00 05 11 00 00 00 1e", Sender::server},
      {"a server reference from a client", k5, "e0 09 9d 07 1c 00 04 'b.cn'"},
      {"a subscription identifier from a client [MQTT-3.3.4-6]", k5, "30 09 00 03 'a/b' 02 0b 01 'x'"},
      {"a topic alias of zero [MQTT-3.3.2-8]", k5, "30 09 00 03 'a/b' 03 23 00 00"},
      {"a wildcard in a response topic [MQTT-3.3.2-14]", k5, "30 0a 00 03 'a/b' 04 08 00 01 '#'"},
      {"a property length that is too long a form", k5, "30 08 00 03 'a/b' 80 00 'x'"},
      {"a fixed header that is too long a form in 5.0", k5, "30 87 00 00 03 'a/b' 00 'x'"},
      {"AUTH in 3.1.1", k4, "f0 00"},
      {"authentication data without a method", k5, "10 12 00 04 'MQTT' 05 02 00 3c 05 16 00 02 'xy' 00 00"},
  };
  for (const Refused& each : table) {
    CAPTURE(each.why);
    CHECK(refusal_of(each.version, each.notation, each.sender) == Error::malformed);
  }
}

TEST_CASE("what 3.1 clients did is still understood") {
  const std::string_view table[] = {
      "8a 08 00 01 00 03 'a/b' 01",                              // DUP in SUBSCRIBE
      "82 08 00 01 00 03 'a/b' fd",                              // unused option bits
      "6a 02 00 01",                                             // DUP in PUBREL
      "10 11 00 06 'MQIsdp' 03 c2 00 3c 00 03 'abc'",            // flags set, fields missing
      "10 14 00 06 'MQIsdp' 03 c2 00 3c 00 03 'abc' 00 01 'u'",  // likewise
      "30 86 80 80 00 00 03 'a/b' 'x'",                          // a padded Remaining Length
  };
  for (const auto notation : table) {
    CAPTURE(notation);
    CHECK(refusal_of(k3, notation) == Error::internal);
  }
}

TEST_CASE("a malformed filter is the server's to refuse, not the codec's") {
  const auto in = bytes("82 0b 00 01 00 03 'a#b' 01 00 00 00");
  const auto subscribe = decode_subscribe(k4, *next_frame(in, kNoLimit));
  REQUIRE(subscribe);
  Subscriptions list = subscribe->subscriptions;
  CHECK(!is_valid_filter(list.next()->filter));
  CHECK(!is_valid_filter(list.next()->filter));
}
