#include "platform/broker/outflow.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::broker;

TEST_CASE("packet ids run through their whole range and are never 0") {
  Outflow flow{65530};
  for (int i = 0; i < 20; ++i) {
    const auto sequence = flow.push_sent(1);
    const auto id = Outflow::packet_id(sequence);
    CHECK(id != 0);
    std::uint64_t found = 0;
    REQUIRE(flow.find(id, found));
    CHECK(found == sequence);
  }
  std::uint64_t found = 0;
  CHECK(!flow.find(0, found));
  CHECK(!flow.find(100, found));
}

TEST_CASE("waiting messages are sent in order, gaps and skipped ones leave no trace") {
  Outflow flow{5};
  Publication publication;
  publication.topic = "t";
  const auto message = MessageRef::copy_of(publication, 1, UnixMillis{7});
  CHECK(flow.push_waiting(message, 1, false) == 5);
  flow.push_gap();
  CHECK(flow.push_waiting(message, 2, true) == 7);
  CHECK(flow.waiting() == 3);
  CHECK(flow.send_next() == 5);
  CHECK(flow.at(6).state == Outflow::State::done);
  flow.skip_next();
  CHECK(flow.send_next() == 7);
  CHECK(flow.at(7).state == Outflow::State::sent_qos2);
  CHECK(flow.at(7).retain);
  CHECK(flow.in_flight() == 2);
  flow.finish(7);
  CHECK(flow.first() == 5);
  flow.finish(5);
  CHECK(flow.is_empty());
  CHECK(flow.first() == 8);
}

TEST_CASE("an unacknowledged message stops new ones before packet ids could meet") {
  Outflow flow;
  const auto oldest = flow.push_sent(1);
  while (flow.may_send(100)) flow.finish(flow.push_sent(1));
  CHECK(flow.in_flight() == 1);
  CHECK(flow.unsent() - oldest == 65535);
  flow.finish(oldest);
  CHECK(flow.may_send(100));
}

TEST_CASE("what is sent again keeps to the window, in order, and early acknowledgements count") {
  Outflow flow;
  Publication publication;
  publication.topic = "t";
  const auto message = MessageRef::copy_of(publication, 1, UnixMillis{7});
  for (int i = 0; i < 6; ++i) flow.push_waiting(message, 1, false);
  for (int i = 0; i < 5; ++i) flow.send_next();
  CHECK(flow.bytes() == 6 * message->size());
  flow.finish(1);
  flow.start_again();
  CHECK(flow.unrepeated() == 4);
  CHECK(!flow.may_send(100));
  CHECK(flow.next_again() == 0);
  flow.repeat_next();
  CHECK(flow.next_again() == 2);
  flow.repeat_next();
  CHECK(!flow.may_repeat(2));
  flow.finish(3);  // of the connection before
  flow.finish(0);
  CHECK(flow.may_repeat(2));
  CHECK(flow.next_again() == 4);
  flow.repeat_next();
  CHECK(flow.unrepeated() == 0);
  CHECK(!flow.may_send(2));
  CHECK(flow.may_send(3));
  flow.finish(2);
  flow.finish(4);
  CHECK(flow.first() == 5);
  CHECK(flow.bytes() == message->size());
  flow.skip_next();
  CHECK(flow.bytes() == 0);
  CHECK(flow.is_empty());
}
