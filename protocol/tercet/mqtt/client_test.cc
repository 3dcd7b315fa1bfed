#include "tercet/mqtt/client.h"

#include "tercet/mqtt/client_board.h"

using namespace tercet;
using namespace tercet::mqtt;
using namespace tercet::mqtt::test;

TEST_CASE("a client connects, and says so once") {
  Board board;
  CHECK(board.events().empty());
  CHECK(board.client.next_deadline() == Instant::never());
  board.client.start(board.now);
  board.client.start(board.now);
  CHECK(board.client.next_deadline() == board.now);
  CHECK(board.events() == Lines{"open"});
  CHECK(board.events().empty());
  board.client.transport_up(board.now);
  CHECK(board.written() == Lines{"connect me clean"});
  CHECK(board.says("20 02 00 00") == Lines{"online"});
  CHECK(board.client.is_online());
  board.client.transport_up(board.now);  // too late
  CHECK(board.written().empty());
}

TEST_CASE("CONNECT carries will, credentials and the limits of 5.0") {
  ClientConfig config = five();
  config.session_expiry = kNeverExpires;
  config.will = Will{.topic = "w"};
  Board board{config};
  board.client.credentials({.client_id = "new", .user_name = "u", .password = as_bytes("p")});
  board.client.start(board.now);
  board.events();
  board.client.transport_up(board.now);
  const auto connect = decode_connect(*next_frame(board.client.outgoing(), 1000));
  REQUIRE(connect);
  CHECK(connect->client_id == "new");
  CHECK(connect->user_name == "u");
  CHECK(as_text(*connect->password) == "p");
  CHECK(connect->keep_alive == Seconds{60});
  CHECK(connect->will->topic == "w");
  CHECK(connect->properties.session_expiry() == kNeverExpires);
  CHECK(connect->properties.receive_maximum() == 2);
  CHECK(connect->properties.maximum_packet_size() == 128U);
}

TEST_CASE("each refusal is named, and tried again later") {
  const struct {
    std::string_view connack;
    std::string_view offline;
  } table[] = {
      {"20 02 00 01", "offline refused_protocol unsupported_protocol_version 500"},
      {"20 02 00 02", "offline refused_client_id client_identifier_not_valid 500"},
      {"20 02 00 03", "offline refused_unavailable server_unavailable 500"},
      {"20 02 00 04", "offline refused_credentials bad_user_name_or_password 500"},
      {"20 02 00 05", "offline refused_not_authorized not_authorized 500"},
  };
  for (const auto& each : table) {
    Board board;
    board.client.start(board.now);
    board.events();
    board.client.transport_up(board.now);
    CHECK(board.says(each.connack) == Lines{text(each.offline)});
    CHECK(board.client.receive(bytes("20 02 00 00"), board.now) == 4);  // late bytes are swallowed
    CHECK(board.events().empty());
    board.wait(Millis{499});
    CHECK(board.events().empty());
    board.wait(Millis{1});
    CHECK(board.events() == Lines{"open"});
  }
}

TEST_CASE("anything but CONNACK before CONNACK, or a second one after it, ends the attempt") {
  Board board;
  board.client.start(board.now);
  board.events();
  board.client.transport_up(board.now);
  CHECK(board.says("d0 00") == Lines{"offline bad_state protocol_error 500"});
  Board again;
  again.online();
  CHECK(again.says("20 02 00 00") == Lines{"offline bad_state protocol_error 500"});
  for (const auto notation : {"10 0f 00 04 'MQTT' 04 02 00 3c 00 03 'abc'", "82 08 00 01 00 03 'a/b' 01", "c0 00",
                              "a2 07 00 01 00 03 'a/b'"}) {
    Board third;
    third.online();
    CHECK(third.says(notation) == Lines{"offline bad_state protocol_error 500"});
  }
}

TEST_CASE("malformed packets end the session; a 5.0 server is told why") {
  Board board;
  board.online();
  CHECK(board.says("36 00") == Lines{"offline malformed malformed_packet 500"});
  Board told{five()};
  told.online();
  CHECK(told.says("36 00").empty());
  CHECK(told.client.next_deadline() == told.now + Seconds{2});
  CHECK(told.written() == Lines{"disconnect malformed_packet"});
  CHECK(told.events() == Lines{"offline malformed malformed_packet 500"});
}

TEST_CASE("no CONNACK in time is a failed attempt") {
  Board board;
  board.client.start(board.now);
  board.events();
  board.client.transport_up(board.now);
  CHECK(board.client.next_deadline() == board.now + Seconds{10});
  board.wait(Seconds{10});
  CHECK(board.events() == Lines{"offline timed_out success 500"});
}

TEST_CASE("a transport that cannot be opened is reported with its error") {
  Board board;
  board.client.start(board.now);
  board.events();
  board.client.transport_down(board.now, Error::dns_failed);
  board.client.transport_down(board.now, Error::dns_failed);  // late, ignored
  CHECK(board.events() == Lines{"offline dns_failed success 500"});
  CHECK(board.client.attempts() == 1);
}

TEST_CASE("an output buffer too small for CONNECT is reported, not sent in part") {
  ClientBuffers<16, 8, 0, 0, 0> buffers;
  Client client{{}, {.client_id = "a long name"}, buffers.storage(), [](void*) -> std::uint32_t { return 0; }, nullptr};
  client.start({});
  CHECK(std::holds_alternative<OpenTransport>(*client.next_event({})));
  client.transport_up({});
  CHECK(client.outgoing().empty());
  CHECK(std::get<Offline>(*client.next_event({})).error == Error::no_space);
}

TEST_CASE("the back-off grows with short sessions and is forgotten after a long one") {
  Board board;
  board.random = 0xFFFFFFFF;
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {  // a kick loop: accepted, then thrown out
    board.online();
    board.wait(Seconds{59});
    board.client.transport_down(board.now, Error::closed);
    CHECK(board.events() == Lines{"offline closed success " + std::to_string(seconds * 1000)});
    CHECK(board.client.next_deadline() == board.now + Seconds{seconds});
    board.wait(Seconds{seconds});
  }
  board.online();
  board.wait(Seconds{60});
  board.client.transport_down(board.now, Error::closed);
  CHECK(board.events() == Lines{"offline closed success 1000"});
}

TEST_CASE("an idle client pings, and a dead link is noticed within 75 seconds") {
  Board board;
  board.online();
  board.wait(Millis{59'999});
  board.events();
  CHECK(board.written().empty());
  CHECK(board.client.next_deadline() == board.now + Millis{1});
  board.wait(Millis{1});
  board.events();
  CHECK(board.written() == Lines{"pingreq"});
  board.wait(Seconds{5});
  CHECK(board.says("d0 00").empty());
  board.wait(Seconds{55});
  board.events();
  CHECK(board.written() == Lines{"pingreq"});
  CHECK(board.client.next_deadline() == board.now + Seconds{15});
  board.wait(Seconds{15});
  CHECK(board.events() == Lines{"offline timed_out success 500"});
}

TEST_CASE("a link that only takes bytes is noticed although the client is never idle") {
  Board board;
  board.online();
  Lines events;
  for (int second = 1; second <= 75 && events.empty(); ++second) {
    board.wait(Seconds{1});
    REQUIRE(board.publish("x", Qos::at_most_once));
    events = board.events();
    board.written();
  }
  CHECK(events == Lines{"offline timed_out success 500"});
}

TEST_CASE("any bytes answer a ping, and a stalled output counts as one") {
  Board board;
  board.online();
  board.wait(Seconds{60});
  board.events();
  board.wait(Seconds{14});
  board.says("30");  // the beginning of a packet
  board.wait(Seconds{1});
  CHECK(board.events().empty());
  Board stalled;
  stalled.online();
  while (stalled.publish("0123456789", Qos::at_most_once)) {
  }
  stalled.wait(Seconds{60});
  stalled.events();
  stalled.wait(Seconds{15});
  CHECK(stalled.events() == Lines{"offline timed_out success 500"});
}

TEST_CASE("keep-alive zero means no pings; a 5.0 server may set it") {
  ClientConfig config;
  config.keep_alive = Seconds{0};
  Board board{config};
  board.online();
  CHECK(board.client.next_deadline() == Instant::never());
  Board ordered{five()};
  ordered.online("20 06 00 00 03 13 00 1e");
  CHECK(ordered.client.next_deadline() == ordered.now + Seconds{30});
}

TEST_CASE("the server's DISCONNECT is reported with its reason") {
  Board board{five()};
  board.online();
  CHECK(board.says("e0 01 8e") == Lines{"offline closed session_taken_over 500"});
}

TEST_CASE("AUTH that was never asked for is a protocol error") {
  Board board{five()};
  board.online();
  board.says("f0 00");
  CHECK(board.written() == Lines{"disconnect protocol_error"});
}

TEST_CASE("stop says DISCONNECT, waits until it is written, and stays stopped") {
  Board board;
  board.online();
  board.client.stop(board.now);
  board.client.stop(board.now);
  CHECK(board.events().empty());
  CHECK(!board.client.is_online());
  CHECK(board.client.input_space().empty());
  CHECK(board.written() == Lines{"disconnect success"});
  CHECK(board.events() == Lines{"offline closed success 0"});
  CHECK(board.client.is_stopped());
  CHECK(board.client.next_deadline() == Instant::never());
  board.client.start(board.now);
  CHECK(board.events() == Lines{"open"});
}

TEST_CASE("stop does not wait for ever, nor for what is not open") {
  Board stuck;
  stuck.online();
  stuck.client.stop(stuck.now);
  stuck.wait(Seconds{2});
  CHECK(stuck.events() == Lines{"offline closed success 0"});

  Board waiting;
  waiting.client.stop(waiting.now);
  CHECK(waiting.events().empty());
  waiting.client.start(waiting.now);
  waiting.client.stop(waiting.now);
  CHECK(waiting.events().empty());
  CHECK(waiting.client.is_stopped());

  Board opening;
  opening.client.start(opening.now);
  opening.events();
  opening.client.stop(opening.now);
  CHECK(opening.events() == Lines{"offline closed success 0"});
  opening.client.transport_up(opening.now);  // late
  CHECK(opening.written().empty());

  Board gone;
  gone.online();
  gone.client.stop(gone.now);
  gone.client.transport_down(gone.now, Error::io_failed);
  CHECK(gone.events() == Lines{"offline closed success 0"});
}

TEST_CASE("start while closing means a new session afterwards") {
  Board board;
  board.online();
  board.client.stop(board.now);
  board.client.start(board.now);
  board.written();
  CHECK(board.events() == Lines{"offline closed success 500"});
  board.wait(Seconds{1});
  CHECK(board.events() == Lines{"open"});
}
