#include "tercet/mqtt/client.h"

#include "tercet/mqtt/client_board.h"

using namespace tercet;
using namespace tercet::mqtt;
using namespace tercet::mqtt::test;

TEST_CASE("a message is acknowledged when the owner comes back for the next event") {
  Board board;
  board.online();
  const auto in = bytes("32 08 00 01 't' 00 05 'abc' 30 04 00 01 'u' 'x'");
  board.client.receive(in, board.now);
  const auto event = board.client.next_event(board.now);
  REQUIRE(event);
  CHECK(std::visit(Describe{}, *event) == "received q1 5 t abc");
  CHECK(board.written().empty());
  CHECK(board.events() == Lines{"received q0 0 u x"});
  CHECK(board.written() == Lines{"puback 5"});
}

TEST_CASE("an incoming QoS 2 message is delivered once") {
  Board board;
  board.online();
  CHECK(board.says("34 06 00 01 't' 00 05 'a'") == Lines{"received q2 5 t a"});
  CHECK(board.written() == Lines{"pubrec 5"});
  CHECK(board.says("3c 06 00 01 't' 00 05 'a'").empty());
  CHECK(board.written() == Lines{"pubrec 5"});
  CHECK(board.says("62 02 00 05").empty());
  CHECK(board.written() == Lines{"pubcomp 5"});
  CHECK(board.says("62 02 00 05").empty());
  CHECK(board.written() == Lines{"pubcomp 5"});
  board.says("34 06 00 01 't' 00 06 'a' 34 06 00 01 't' 00 07 'a'");
  CHECK(board.says("34 06 00 01 't' 00 08 'a'") == Lines{"offline no_space receive_maximum_exceeded 500"});
}

TEST_CASE("the receiving side of QoS 2 survives a resumed session and no other") {
  for (const bool resumed : {true, false}) {
    Board board{persistent()};
    board.online();
    board.says("34 06 00 01 't' 00 05 'a'");
    board.client.transport_down(board.now, Error::closed);
    board.events();
    board.wait(Seconds{1});
    board.online(resumed ? "20 02 01 00" : "20 02 00 00");
    CHECK(board.says("3c 06 00 01 't' 00 05 'a'").size() == (resumed ? 0 : 1));
  }
}

TEST_CASE("a client without a QoS 2 window neither asks for QoS 2 nor takes it") {
  ClientBuffers<64, 64, 64, 1, 1> buffers;
  Client client{{}, {.client_id = "x"}, buffers.storage(), [](void*) -> std::uint32_t { return 0; }, nullptr};
  CHECK(client.subscribe("a", Qos::exactly_once).error() == Error::bad_argument);
  CHECK(client.subscribe("a", Qos::at_least_once));
}

TEST_CASE("packets may come in pieces of any size") {
  const auto in = bytes("32 08 00 01 't' 00 05 'abc' 30 04 00 01 'u' 'x' d0 00 30 04 00 01 'v' 'y'");
  for (std::size_t piece = 1; piece <= in.size(); ++piece) {
    Board board;
    board.online();
    Lines lines;
    for (std::size_t at = 0; at < in.size(); at += piece) {
      const Bytes part = Bytes{in}.subspan(at, std::min(piece, in.size() - at));
      REQUIRE(board.client.receive(part, board.now) == part.size());
      for (const auto& line : board.events()) lines.push_back(line);
    }
    CHECK(lines == Lines{"received q1 5 t abc", "received q0 0 u x", "received q0 0 v y"});
  }
}

TEST_CASE("a full input takes no more bytes until events have been taken") {
  Board board;
  board.online();
  const std::string packet = "30 1e 00 01 't' 'abcdefghijklmnopqrstuvwxyz0' ";
  const auto five_packets = bytes(packet + packet + packet + packet + packet);
  CHECK(board.client.receive(five_packets, board.now) == 128);
  CHECK(board.client.receive(Bytes{five_packets}.subspan(128), board.now) == 0);
  CHECK(board.client.input_space().empty());
  CHECK(board.events().size() == 4);
  CHECK(board.client.receive(Bytes{five_packets}.subspan(128), board.now) == five_packets.size() - 128);
  CHECK(board.events().size() == 1);
}

TEST_CASE("a message too large for the input is skipped and acknowledged") {
  for (const int qos : {0, 1, 2}) {
    Board board;
    board.online();
    auto in = bytes(qos == 0   ? "30 e8 07 00 01 't'"
                    : qos == 1 ? "32 e8 07 00 01 't' 00 05"
                               : "34 e8 07 00 01 't' 00 05");
    in.resize(3 + 1000, 'x');
    const auto after = bytes("30 04 00 01 'u' 'y'");
    in.insert(in.end(), after.begin(), after.end());
    Lines lines;
    for (std::size_t at = 0; at < in.size();) {
      at += board.client.receive(Bytes{in}.subspan(at), board.now);
      for (const auto& line : board.events()) lines.push_back(line);
    }
    CHECK(lines == Lines{"skipped 1003", "received q0 0 u y"});
    CHECK(board.written() == (qos == 0 ? Lines{} : Lines{qos == 1 ? "puback 5" : "pubrec 5"}));
  }
}

TEST_CASE("an oversized packet of another kind, or with an endless topic, ends the session") {
  Board board;
  board.online();
  CHECK(board.says("90 e8 07") == Lines{"offline too_large packet_too_large 500"});
  Board endless;
  endless.online();
  auto in = bytes("32 e8 07 01 00 't'");
  CHECK(endless.says("32 e8 07 01 00 't'").empty());
  in.assign(128 - in.size(), 'x');
  endless.client.receive(in, endless.now);
  CHECK(endless.events() == Lines{"offline too_large packet_too_large 500"});
}

TEST_CASE("no answer is lost when the output is full: packets wait for room") {
  Board board;
  board.online();
  while (board.publish("0", Qos::at_most_once)) {
  }
  const auto in = bytes("32 06 00 01 't' 00 05 'a' 32 06 00 01 't' 00 06 'b'");
  board.client.receive(in, board.now);
  const auto first = board.events();
  CHECK(first.size() <= 1);
  board.written();
  CHECK(first.size() + board.events().size() == 2);
  CHECK(board.written().size() <= 2);
  CHECK(board.events().empty());
}

TEST_CASE("a topic alias that was never offered ends a 5.0 session") {
  Board board{five()};
  board.online();
  CHECK(board.says("30 08 00 01 't' 03 23 00 01 'x'").empty());
  CHECK(board.written() == Lines{"disconnect topic_alias_invalid"});
  CHECK(board.events() == Lines{"offline malformed topic_alias_invalid 500"});
}
