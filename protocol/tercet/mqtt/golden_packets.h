#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/mqtt/packet.h"

/// One example of every packet, spelled out byte by byte from the specification: what tests and fuzzers start from.
/// Not part of the library.
namespace tercet::mqtt::golden {

/// "10 0c 'text'" to bytes: hexadecimal pairs and quoted text.
inline std::vector<std::uint8_t> bytes(std::string_view notation) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < notation.size();) {
    if (notation[i] == ' ') {
      ++i;
    } else if (notation[i] == '\'') {
      const auto end = notation.find('\'', i + 1);
      for (++i; i < end; ++i) out.push_back(static_cast<std::uint8_t>(notation[i]));
      ++i;
    } else {
      out.push_back(static_cast<std::uint8_t>(std::stoi(std::string{notation.substr(i, 2)}, nullptr, 16)));
      i += 2;
    }
  }
  return out;
}

struct Packet {
  std::string_view name;
  ProtocolVersion version;
  Sender sender;
  std::string_view notation;
};

inline constexpr auto k3 = ProtocolVersion::v31;
inline constexpr auto k4 = ProtocolVersion::v311;
inline constexpr auto k5 = ProtocolVersion::v5;
inline constexpr auto kC = Sender::client;
inline constexpr auto kS = Sender::server;

inline constexpr Packet kPackets[] = {
    {"connect31", k3, kC, "10 11 00 06 'MQIsdp' 03 02 00 3c 00 03 'abc'"},
    {"connect", k4, kC, "10 0f 00 04 'MQTT' 04 02 00 3c 00 03 'abc'"},
    {"connect_full", k4, kC,
     "10 2b 00 04 'MQTT' 04 ee 04 b0 00 05 'id|x|' 00 04 'will' 00 03 'bye' 00 05 'dn&pk' 00 06 '0a1B2c'"},
    {"connack", k4, kS, "20 02 00 00"},
    {"connack_resumed", k4, kS, "20 02 01 00"},
    {"connack_refused", k4, kS, "20 02 00 04"},
    {"publish_q0", k4, kC, "30 0b 00 04 '/a/b' 'hello'"},
    {"publish_q1", k4, kC, "3b 0d 00 04 '/a/b' 00 0a 'hello'"},
    {"publish_q2", k4, kS, "34 08 00 04 '/a/b' ff ff"},
    {"publish_utf8", k4, kC, "30 0a 00 07 e6 b8 a9 '/' c3 b6 'x' '1'"},
    {"puback", k4, kC, "40 02 12 34"},
    {"pubrec", k4, kC, "50 02 12 34"},
    {"pubrel", k4, kC, "62 02 12 34"},
    {"pubcomp", k4, kC, "70 02 12 34"},
    {"subscribe", k4, kC, "82 10 00 01 00 03 'a/b' 01 00 05 'c/d/#' 02"},
    {"suback", k4, kS, "90 05 00 01 01 02 80"},
    {"unsubscribe", k4, kC, "a2 0b 00 02 00 03 'a/b' 00 02 '+x'"},
    {"unsuback", k4, kS, "b0 02 00 02"},
    {"pingreq", k4, kC, "c0 00"},
    {"pingresp", k4, kS, "d0 00"},
    {"disconnect", k4, kC, "e0 00"},

    {"connect5", k5, kC, "10 0d 00 04 'MQTT' 05 00 01 2c 00 00 00"},
    {"connect5_full", k5, kC,
     "10 76 00 04 'MQTT' 05 f6 00 3c "
     "28 11 00 00 0e 10 21 00 14 27 00 04 00 00 22 00 0a 19 01 17 00 26 00 01 'k' 00 01 'v' 15 00 05 'SCRAM' "
     "16 00 02 'xy' 00 02 'id' "
     "2b 18 00 00 00 05 01 01 02 00 00 00 3c 03 00 04 'json' 08 00 05 're/ly' 09 00 02 'c1' 26 00 01 'a' 00 05 'b=c d' "
     "00 04 'will' 00 03 'bye' 00 02 'un' 00 02 'pw'"},
    {"connack5", k5, kS, "20 03 00 00 00"},
    {"connack5_full", k5, kS,
     "20 59 01 00 56 11 00 00 00 0a 21 00 64 24 01 25 01 27 00 04 00 00 12 00 03 'cid' 22 00 14 1f 00 02 'ok' "
     "26 00 01 'k' 00 01 'v' 28 01 29 00 2a 01 13 04 b0 1a 00 04 'resp' 1c 00 04 'host' 15 00 05 'SCRAM' 16 00 02 'xy' "
     "26 00 01 'k' 00 01 'w' 26 00 00 00 00"},
    {"connack5_refused", k5, kS, "20 0a 00 86 07 1f 00 04 'no&!'"},
    {"publish5_q0", k5, kC, "30 08 00 04 '/a/b' 00 'h'"},
    {"publish5_full", k5, kC,
     "3d 33 00 04 '/a/b' 00 07 26 01 01 02 00 00 0e 10 03 00 04 'text' 08 00 05 're/ly' 09 00 02 00 ff "
     "23 00 03 26 00 01 'n' 00 02 'vv' 'data'"},
    {"publish5_alias", k5, kC, "30 07 00 00 03 23 00 01 'x'"},
    {"publish5_identifiers", k5, kS, "30 0f 00 04 '/a/b' 05 0b 01 0b 80 01 'hey'"},
    {"puback5", k5, kC, "40 02 00 09"},
    {"puback5_reason", k5, kS, "40 03 00 09 10"},
    {"pubrec5_properties", k5, kS, "50 0b 00 09 97 07 1f 00 04 'full'"},
    {"pubrel5_reason", k5, kC, "62 03 00 09 92"},
    {"pubcomp5_properties", k5, kC, "70 0c 00 09 92 08 26 00 01 'a' 00 02 'bc'"},
    {"subscribe5", k5, kC, "82 19 00 05 03 0b 81 01 00 03 'a/b' 2d 00 0a '$share/g/t' 12"},
    {"suback5", k5, kS, "90 0b 00 05 04 1f 00 01 'x' 01 02 8f 9e"},
    {"unsubscribe5", k5, kC, "a2 0f 00 06 07 26 00 01 'a' 00 01 'b' 00 03 'a/b'"},
    {"unsuback5", k5, kS, "b0 06 00 06 00 00 11 87"},
    {"disconnect5", k5, kC, "e0 00"},
    {"disconnect5_full", k5, kC, "e0 07 04 05 11 00 00 00 1e"},
    {"disconnect5_moved", k5, kS, "e0 09 9d 07 1c 00 04 'b.cn'"},
    {"auth5", k5, kC, "f0 0f 18 0d 15 00 05 'SCRAM' 16 00 02 00 01"},
};

}  // namespace tercet::mqtt::golden
