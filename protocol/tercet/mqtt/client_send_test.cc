#include "tercet/mqtt/client.h"

#include "tercet/mqtt/client_board.h"

using namespace tercet;
using namespace tercet::mqtt;
using namespace tercet::mqtt::test;

TEST_CASE("QoS 0 needs a session and room") {
  Board board;
  CHECK(board.publish("x", Qos::at_most_once).error() == Error::bad_state);
  board.online();
  CHECK(board.publish("x", Qos::at_most_once).value_or(9) == 0);
  CHECK(board.written() == Lines{"q0 0 t x"});
  const std::string large(110, 'x');
  CHECK(board.publish(large, Qos::at_most_once));
  CHECK(board.publish(large, Qos::at_most_once).error() == Error::would_block);
  CHECK(board.publish(std::string(200, 'x'), Qos::at_most_once).error() == Error::would_block);
  board.written();
  CHECK(board.publish(std::string(200, 'x'), Qos::at_most_once).error() == Error::too_large);
  CHECK(board.publish(large, Qos::at_most_once));
  CHECK(board.client.publish({.topic = "a/#"}).error() == Error::bad_argument);
}

TEST_CASE("QoS 1 is done at PUBACK, in any order, once") {
  Board board;
  board.online();
  CHECK(*board.publish("a") == 1);
  CHECK(*board.publish("b") == 2);
  board.events();
  CHECK(board.written() == Lines{"q1 1 t a", "q1 2 t b"});
  CHECK(board.says("40 02 00 02") == Lines{"delivered 2 success"});
  CHECK(board.says("40 02 00 02").empty());  // a duplicate
  CHECK(board.client.in_flight() == 1);
  CHECK(board.says("40 02 00 01") == Lines{"delivered 1 success"});
  CHECK(board.client.in_flight() == 0);
}

TEST_CASE("QoS 2 goes through PUBREC, PUBREL and PUBCOMP, duplicates included") {
  Board board;
  board.online();
  CHECK(board.publish("a", Qos::exactly_once));
  board.events();
  CHECK(board.written() == Lines{"q2 1 t a"});
  CHECK(board.says("50 02 00 01").empty());
  CHECK(board.written() == Lines{"pubrel 1"});
  CHECK(board.says("50 02 00 01").empty());
  CHECK(board.written() == Lines{"pubrel 1"});
  CHECK(board.says("70 02 00 01") == Lines{"delivered 1 success"});
  CHECK(board.says("70 02 00 01").empty());
  CHECK(board.says("50 02 00 01").empty());  // of a message long done
  CHECK(board.written() == Lines{"pubrel 1"});
}

TEST_CASE("an acknowledgement of the wrong kind ends the session") {
  Board board;
  board.online();
  CHECK(board.publish("a"));
  CHECK(board.says("70 02 00 01") == Lines{"offline bad_state protocol_error 500"});
  CHECK(board.client.in_flight() == 1);
}

TEST_CASE("a 5.0 server's failure ends a message of either QoS") {
  Board board{five()};
  board.online();
  CHECK(board.publish("a"));
  CHECK(board.publish("b", Qos::exactly_once));
  board.events();
  CHECK(board.says("40 03 00 01 87") == Lines{"delivered 1 not_authorized"});
  CHECK(board.says("50 03 00 02 97") == Lines{"delivered 2 quota_exceeded"});
  board.written();
  CHECK(board.says("50 02 00 02").empty());
  CHECK(board.written() == Lines{"pubrel 2 failed"});
}

TEST_CASE("the outbox is bounded in messages and in bytes, and its room comes back") {
  Board board;
  board.online();
  for (int i = 0; i < 4; ++i) CHECK(board.publish("x"));
  CHECK(board.publish("x").error() == Error::no_space);
  board.says("40 02 00 01");
  CHECK(board.publish("x"));
  Board bytes_first;
  bytes_first.online();
  const std::string payload(40, 'x');  // 47 bytes as a packet; the outbox has 96
  CHECK(bytes_first.publish(payload));
  CHECK(bytes_first.publish(payload));
  CHECK(bytes_first.publish(payload).error() == Error::no_space);
  CHECK(bytes_first.publish(std::string(100, 'x')).error() == Error::too_large);
  bytes_first.says("40 02 00 01");
  CHECK(bytes_first.publish(payload));  // the rest has been moved together
  bytes_first.events();
  bytes_first.written();
}

TEST_CASE("messages wait for the session and for room in the output, in order") {
  Board board;
  CHECK(board.publish("before"));
  board.online("20 02 00 00");  // which throws away what was written
  CHECK(board.client.in_flight() == 1);
  Board full;
  full.online();
  while (full.publish("0123456789", Qos::at_most_once)) {
  }
  CHECK(full.publish("aaaaa"));
  CHECK(full.publish("bbbbb"));
  full.events();
  full.written();
  full.events();
  CHECK(full.written() == Lines{"q1 1 t aaaaa", "q1 2 t bbbbb"});
}

TEST_CASE("a resumed session gets everything unacknowledged again with DUP [MQTT-4.4.0-1]") {
  Board board{persistent()};
  board.online();
  CHECK(board.publish("a"));
  CHECK(board.publish("b", Qos::exactly_once));
  CHECK(board.publish("c", Qos::exactly_once));
  board.events();
  board.says("50 02 00 02");
  board.written();
  board.client.transport_down(board.now, Error::closed);
  CHECK(board.publish("d"));
  CHECK(board.events() == Lines{"offline closed success 500"});
  board.wait(Seconds{1});
  CHECK(board.events() == Lines{"open"});
  board.client.transport_up(board.now);
  CHECK(board.written() == Lines{"connect me"});
  CHECK(board.says("20 02 01 00") == Lines{"online resumed"});
  CHECK(board.written() == Lines{"dup q1 1 t a", "pubrel 2", "dup q2 3 t c", "q1 4 t d"});
  CHECK(board.says("70 02 00 02 40 02 00 01") == Lines{"delivered 2 success", "delivered 1 success"});
}

TEST_CASE("without a session messages are new again, and what the server had taken is done") {
  Board board{persistent()};
  board.online();
  CHECK(board.publish("a"));
  CHECK(board.publish("b", Qos::exactly_once));
  board.events();
  board.says("50 02 00 02");
  board.written();
  board.client.transport_down(board.now, Error::closed);
  board.events();
  board.wait(Seconds{1});
  board.events();
  board.client.transport_up(board.now);
  board.written();
  CHECK(board.says("20 02 00 00") == Lines{"online", "delivered 2 success"});
  CHECK(board.written() == Lines{"q1 1 t a"});
}

TEST_CASE("the server's Receive Maximum and limits of 5.0 are kept") {
  Board board{five()};
  CHECK(board.publish("before", Qos::exactly_once));
  CHECK(board.client.publish({.topic = "t", .qos = Qos::at_least_once, .retain = true}));
  board.client.start(board.now);
  board.events();
  board.client.transport_up(board.now);
  board.written();
  // Receive Maximum 1, Maximum QoS 1, no retain, at most 16 bytes a packet.
  CHECK(board.says("20 0f 00 00 0c 21 00 01 24 01 25 00 27 00 00 00 10") ==
        Lines{"online", "delivered 1 qos_not_supported", "delivered 2 retain_not_supported"});
  CHECK(board.publish("x", Qos::exactly_once).error() == Error::unsupported);
  CHECK(board.client.publish({.topic = "t", .retain = true}).error() == Error::unsupported);
  CHECK(board.publish("0123456789").error() == Error::too_large);
  CHECK(board.publish("0123456789", Qos::at_most_once));
  CHECK(board.publish("0123456789abcdef", Qos::at_most_once).error() == Error::too_large);
  CHECK(board.publish("a"));
  CHECK(board.publish("b"));
  board.events();
  CHECK(board.written() == Lines{"q0 0 t 0123456789", "q1 3 t a"});
  board.says("40 02 00 03");
  CHECK(board.written() == Lines{"q1 4 t b"});
}

TEST_CASE("3.1.1 sends again on a silent but living link, three times, then gives it up") {
  Board board;
  board.online();
  CHECK(board.client.subscribe("f", Qos::at_most_once));
  CHECK(board.publish("a"));
  board.events();
  CHECK(board.written() == Lines{"subscribe 2 f", "q1 1 t a"});
  for (int round = 0; round < 3; ++round) {
    CHECK(board.client.next_deadline() == board.now + Seconds{20});
    board.wait(Seconds{20});
    board.says("d0 00");
    CHECK(board.written() == Lines{"subscribe 2 f", "dup q1 1 t a"});
  }
  board.wait(Seconds{20});
  CHECK(board.says("d0 00") == Lines{"offline timed_out unspecified_error 500"});
}

TEST_CASE("an acknowledgement stops the clock of silence, and starts it again for the rest") {
  Board board;
  board.online();
  CHECK(board.publish("a"));
  CHECK(board.publish("b"));
  board.events();
  board.written();
  board.wait(Seconds{15});
  board.says("40 02 00 01");
  CHECK(board.client.next_deadline() == board.now + Seconds{20});
  board.says("40 02 00 02");
  CHECK(board.client.next_deadline() == board.now + Seconds{45});  // the ping; keep-alive counts from the sending
}

TEST_CASE("5.0 must not send again on a living link and gives it up [MQTT-4.4.0-1]") {
  Board board{five()};
  board.online();
  CHECK(board.publish("a"));
  board.events();
  board.written();
  board.wait(Seconds{20});
  CHECK(board.events().empty());
  CHECK(board.written() == Lines{"disconnect unspecified_error"});
  CHECK(board.events() == Lines{"offline timed_out unspecified_error 500"});
}

TEST_CASE("a slow output is not taken for a silent server") {
  Board board;
  board.online();
  CHECK(board.publish("a"));
  board.events();
  board.wait(Seconds{20});
  board.events();
  CHECK(board.written() == Lines{"q1 1 t a"});
}

TEST_CASE("subscriptions are asked, answered each by itself, and asked again without a session") {
  Board board;
  CHECK(board.client.subscribe("early/+", Qos::at_least_once));
  board.client.start(board.now);
  board.events();
  board.client.transport_up(board.now);
  board.written();
  CHECK(board.says("20 02 00 00") == Lines{"online"});
  CHECK(board.written() == Lines{"subscribe 1 early/+"});
  CHECK(board.client.subscribe("no", Qos::at_most_once));
  board.events();
  CHECK(board.written() == Lines{"subscribe 2 no"});
  CHECK(board.says("90 03 00 02 80 90 03 00 01 00") ==
        Lines{"subscribed no unspecified_error", "subscribed early/+ success"});
  CHECK(board.says("90 03 00 01 00").empty());  // a duplicate

  board.client.transport_down(board.now, Error::closed);
  board.events();
  board.wait(Seconds{1});
  board.events();
  board.client.transport_up(board.now);
  board.written();
  board.says("20 02 00 00");
  CHECK(board.written() == Lines{"subscribe 3 early/+", "subscribe 4 no"});
}

TEST_CASE("a client knows nothing of the one that had its memory before") {
  ClientBuffers<128, 128, 128, 2, 1> buffers;
  const auto random = [](void*) { return std::uint32_t{4}; };
  {
    std::string topic = "gone/with/its/owner";
    Client client{{}, {}, buffers.storage(), random, nullptr};
    CHECK(client.subscribe(topic, Qos::at_most_once));
    topic.assign(topic.size(), '#');
  }
  Client client{{}, {}, buffers.storage(), random, nullptr};
  CHECK(client.subscribe("a", Qos::at_most_once));  // the only slot is free
}

TEST_CASE("a resumed session needs only the subscriptions that were not answered") {
  Board board{persistent()};
  board.online();
  CHECK(board.client.subscribe("a", Qos::at_least_once));
  CHECK(board.client.subscribe("b", Qos::at_least_once));
  board.events();
  board.says("90 03 00 01 01");
  CHECK(board.client.unsubscribe("a"));
  board.events();
  board.client.transport_down(board.now, Error::closed);
  board.events();
  board.wait(Seconds{1});
  board.events();
  board.client.transport_up(board.now);
  board.written();
  CHECK(board.says("20 02 01 00") == Lines{"online resumed"});
  CHECK(board.written() == Lines{"unsubscribe 3 a", "subscribe 2 b"});
}

TEST_CASE("a subscription is left, changed or refused locally") {
  Board board;
  board.online();
  CHECK(board.client.subscribe("a#", Qos::at_least_once).error() == Error::bad_argument);
  CHECK(board.client.subscribe("", Qos::at_least_once).error() == Error::bad_argument);
  CHECK(board.client.subscribe(std::string(120, 'x'), Qos::at_least_once).error() == Error::too_large);
  CHECK(board.client.unsubscribe("a").error() == Error::not_found);
  CHECK(board.client.unsubscribe("").error() == Error::not_found);
  for (const auto filter : {"a", "b", "c", "a"}) CHECK(board.client.subscribe(filter, Qos::at_least_once));
  CHECK(board.client.subscribe("d", Qos::at_least_once).error() == Error::no_space);
  board.events();
  board.written();
  board.says("90 03 00 01 01 90 03 00 02 01 90 03 00 03 01");
  CHECK(board.client.unsubscribe("b"));
  board.events();
  CHECK(board.written() == Lines{"unsubscribe 4 b"});
  CHECK(board.says("b0 02 00 04") == Lines{"unsubscribed b"});
  CHECK(board.says("b0 02 00 04").empty());
  CHECK(board.client.subscribe("d", Qos::at_least_once));
}

TEST_CASE("changing one's mind while the server answers leaves the last wish") {
  Board board;
  board.online();
  CHECK(board.client.subscribe("a", Qos::at_least_once));
  board.events();
  CHECK(board.client.unsubscribe("a"));
  CHECK(board.says("90 03 00 01 01").empty());
  CHECK(board.written() == Lines{"subscribe 1 a", "unsubscribe 2 a"});
  CHECK(board.client.subscribe("a", Qos::at_least_once));
  CHECK(board.says("b0 02 00 02").empty());
  CHECK(board.written() == Lines{"subscribe 3 a"});
  CHECK(board.says("90 03 00 03 01") == Lines{"subscribed a granted_qos_1"});
}

TEST_CASE("subscriptions and messages outlive stop and start") {
  Board board;
  board.online();
  CHECK(board.client.subscribe("a", Qos::at_least_once));
  CHECK(board.publish("x"));
  board.events();
  board.client.stop(board.now);
  board.written();
  board.events();
  board.client.start(board.now);
  board.events();
  board.client.transport_up(board.now);
  board.written();
  board.says("20 02 00 00");
  CHECK(board.written() == Lines{"subscribe 2 a", "q1 1 t x"});
}
