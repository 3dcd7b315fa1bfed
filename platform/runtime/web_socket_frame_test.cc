#include "platform/runtime/web_socket_frame.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace tercet;
using namespace tercet::runtime;
using Event = WebSocketReader::Event;

namespace {

/// A frame as a client sends it, with the mask of RFC 6455 5.7. first: FIN, reserved bits and opcode.
std::string frame(int first, std::string_view payload, int length_bytes = -1) {
  std::string out(1, static_cast<char>(first));
  if (length_bytes < 0) length_bytes = payload.size() <= 125 ? 0 : payload.size() <= 0xFFFF ? 2 : 8;
  out.push_back(static_cast<char>(0x80 | (length_bytes == 0   ? static_cast<int>(payload.size())
                                          : length_bytes == 2 ? 126
                                                              : 127)));
  for (int i = length_bytes; i-- > 0;) out.push_back(static_cast<char>(std::uint64_t{payload.size()} >> (8 * i)));
  const std::string mask = "\x37\xfa\x21\x3d";
  out += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) out.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  return out;
}

struct Read {
  std::string data, controls, fault;
  std::uint16_t code = 0;
};
/// Everything, in pieces of that size.
Read read(std::string wire, std::size_t piece) {
  Read seen;
  WebSocketReader reader;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    std::string part = wire.substr(at, piece);
    std::uint8_t* const begin = reinterpret_cast<std::uint8_t*>(part.data());
    Bytes rest{begin, part.size()};
    std::size_t written = 0;
    while (!rest.empty()) {
      const auto step = reader.take(rest, begin + written);
      written += step.written;
      rest = rest.subspan(step.used);
      if (step.event == Event::none) continue;
      if (step.event == Event::broken || step.event == Event::close) {
        seen.fault = reader.fault();
        seen.code = reader.close_code();
        seen.data += part.substr(0, written);
        return seen;
      }
      seen.controls += (step.event == Event::ping ? "ping:" : "pong:") + std::string(reader.control()) + " ";
    }
    seen.data += part.substr(0, written);
  }
  return seen;
}

}  // namespace

TEST_CASE("the masked frame of RFC 6455 5.7 is read, as a binary one") {
  const std::string wire("\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
  CHECK(frame(0x82, "Hello") == wire);
  CHECK(read(wire, 100).data == "Hello");
}

TEST_CASE("messages come out whole however their frames are cut, with control frames between fragments") {
  const std::string large(70'000, 'L'), medium(300, 'M');
  const std::string wire = frame(0x02, "one ") + frame(0x89, "are you there") + frame(0x00, "") + frame(0x8A, "") +
                           frame(0x80, "two ") + frame(0x82, medium) + frame(0x82, "") + frame(0x82, large);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 126U, 5000U, 100'000U}) {
    CAPTURE(piece);
    const Read seen = read(wire, piece);
    CHECK(seen.data == "one two " + medium + large);
    CHECK(seen.controls == "ping:are you there pong: ");
    CHECK(seen.code == 0);
  }
}

TEST_CASE("a frame that is cut off anywhere gives what has come of it, and nothing is wrong yet") {
  const std::string wire = frame(0x82, std::string(200, 'a'));
  for (std::size_t cut = 0; cut < wire.size(); ++cut) {
    CAPTURE(cut);
    const Read seen = read(wire.substr(0, cut), 64);
    CHECK(seen.code == 0);
    CHECK(seen.data.size() == (cut < 8 ? 0 : cut - 8));
  }
}

TEST_CASE("what RFC 6455 or MQTT forbids is refused with its close code, and nothing is read after it") {
  struct Row {
    std::string wire;
    std::uint16_t code;
    const char* says;
  };
  for (const Row& row : {
           Row{std::string("\x82\x05Hello", 7), 1002, "without a mask"},
           Row{frame(0x81, "Hello"), 1003, "text"},
           Row{frame(0xC2, "x"), 1002, "reserved bits"},
           Row{frame(0x83, "x"), 1002, "opcode"},
           Row{frame(0x8B, "x"), 1002, "opcode"},
           Row{frame(0x09, "x"), 1002, "in fragments"},
           Row{frame(0x89, std::string(126, 'x')), 1002, "over 125"},
           Row{frame(0x80, "x"), 1002, "continuation of no message"},
           Row{frame(0x02, "x") + frame(0x82, "y"), 1002, "new message inside"},
           Row{frame(0x82, "short", 2), 1002, "shortest form"},
           Row{frame(0x82, "short", 8), 1002, "shortest form"},
           Row{std::string("\x82\xff\x80\0\0\0\0\0\0\0abcd", 14), 1002, "shortest form"},
           Row{frame(0x88, "x"), 1002, "close frame"},
           Row{frame(0x88, std::string("\x03\xed", 2)), 1002, "close frame"},
           Row{frame(0x88, std::string("\x0b\xb7", 2)), 1002, "close frame"},
       }) {
    CAPTURE(row.says);
    for (const std::size_t piece : {1U, 100U}) {
      const Read seen = read(row.wire + frame(0x82, "after"), piece);
      CHECK(seen.code == row.code);
      CHECK(seen.fault.find(row.says) != std::string::npos);
      CHECK(seen.data.find("after") == std::string::npos);
    }
  }
}

TEST_CASE("a close says why, or nothing") {
  CHECK(read(frame(0x88, ""), 1).code == 1005);
  CHECK(read(frame(0x88, std::string("\x03\xe8", 2)), 1).code == 1000);
  CHECK(read(frame(0x88, std::string("\x0f\xa0", 2) + "going home"), 1).code == 4000);
}

TEST_CASE("headers of ours use the shortest length and no mask") {
  const auto bytes = [](std::uint64_t size) {
    const WebSocketHeader header = web_socket_header(WebSocketOpcode::binary, size);
    return std::string(as_text(header.view()));
  };
  CHECK(bytes(0) == std::string("\x82\x00", 2));
  CHECK(bytes(125) == "\x82\x7d");
  CHECK(bytes(126) == std::string("\x82\x7e\x00\x7e", 4));
  CHECK(bytes(0xFFFF) == "\x82\x7e\xff\xff");
  CHECK(bytes(0x10000) == std::string("\x82\x7f\0\0\0\0\0\x01\0\0", 10));
}
