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
