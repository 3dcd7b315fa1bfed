#include "tercet/mqtt/inflight.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace tercet;
using namespace tercet::mqtt;

TEST_CASE("each acknowledgement moves each sending state as section 4.3 says, or is refused") {
  using S = Sending;
  using P = PacketType;
  const struct {
    S from;
    P ack;
    std::optional<S> to;
  } table[] = {
      {S::wait_puback, P::puback, S::done},
      {S::wait_puback, P::pubrec, {}},
      {S::wait_puback, P::pubcomp, {}},
      {S::wait_pubrec, P::pubrec, S::wait_pubcomp},
      {S::wait_pubrec, P::puback, {}},
      {S::wait_pubrec, P::pubcomp, {}},
      {S::wait_pubcomp, P::pubcomp, S::done},
      {S::wait_pubcomp, P::pubrec, S::wait_pubcomp},
      {S::wait_pubcomp, P::puback, {}},
      {S::done, P::puback, {}},
      {S::done, P::pubrec, {}},
      {S::done, P::pubcomp, {}},
      {S::wait_puback, P::pubrel, {}},
      {S::wait_pubrec, P::pubrel, {}},
  };
  for (const auto& each : table) {
    const auto after = next(each.from, each.ack);
    CHECK(after.has_value() == each.to.has_value());
    if (each.to) CHECK(*after == *each.to);
    if (!each.to) CHECK(after.error() == Error::bad_state);
  }
  CHECK(*next(S::wait_pubrec, P::pubrec, ReasonCode::quota_exceeded) == S::done);
  CHECK(first_state(Qos::at_most_once) == S::done);
  CHECK(first_state(Qos::at_least_once) == S::wait_puback);
  CHECK(first_state(Qos::exactly_once) == S::wait_pubrec);
}

TEST_CASE("a receiver delivers QoS 2 once however often it comes [MQTT-4.3.3-10]") {
  std::array<std::uint16_t, 2> storage{};
  ReceiveWindow window{storage};
  const auto first = window.publish(Qos::exactly_once, 7);
  CHECK(first->deliver);
  CHECK(first->ack == PacketType::pubrec);
  const auto again = window.publish(Qos::exactly_once, 7);
  CHECK(!again->deliver);
  CHECK(again->reply);
  CHECK(window.size() == 1);
  CHECK(window.publish(Qos::exactly_once, 8));
  CHECK(window.publish(Qos::exactly_once, 9).error() == Error::no_space);
  CHECK(window.publish(Qos::exactly_once, 8));
  CHECK(window.release(7).reason == ReasonCode::success);
  CHECK(window.release(7).reason == ReasonCode::packet_identifier_not_found);
  CHECK(window.release(7).ack == PacketType::pubcomp);
  CHECK(window.publish(Qos::exactly_once, 9)->deliver);
  CHECK(window.contains(8));
  window.clear();
  CHECK(!window.contains(8));
}

TEST_CASE("QoS 0 and 1 are delivered every time and need no room") {
  ReceiveWindow window{{}};
  CHECK(!window.publish(Qos::at_most_once, 0)->reply);
  CHECK(window.publish(Qos::at_most_once, 0)->deliver);
  CHECK(window.publish(Qos::at_least_once, 1)->deliver);
  CHECK(window.publish(Qos::at_least_once, 1)->deliver);
  CHECK(window.publish(Qos::at_least_once, 1)->ack == PacketType::puback);
  CHECK(window.publish(Qos::exactly_once, 1).error() == Error::no_space);
}

TEST_CASE("packet ids come in turn, never 0 and never one in use") {
  PacketIds ids;
  const auto free = [](std::uint16_t) { return false; };
  CHECK(ids.take(free) == 1);
  CHECK(ids.take([](std::uint16_t id) { return id == 2; }) == 3);
  for (int i = 4; i < 65'536; ++i) CHECK(ids.take(free) == i);
  CHECK(ids.take(free) == 1);
  CHECK(ids.take([](std::uint16_t) { return true; }) == 0);
}

TEST_CASE("a send window keeps order through acknowledgements in any order") {
  using Window = SendWindow<std::string>;
  std::array<Window::Entry, 4> storage;
  Window window{storage};
  const auto ids = [&] {
    std::string text;
    for (std::size_t i = 0; i < window.size(); ++i)
      text += std::to_string(window[i].packet_id) + window[i].message + " ";
    return text;
  };
  for (std::uint16_t id = 1; id <= 4; ++id) CHECK(window.add(id, Qos::at_least_once, "m"));
  CHECK(window.full());
  CHECK(window.add(5, Qos::at_least_once, "m").error() == Error::no_space);
  CHECK(window.acknowledge(3, PacketType::puback)->message == "m");
  CHECK(ids() == "1m 2m 4m ");
  CHECK(window.acknowledge(3, PacketType::puback).error() == Error::not_found);
  CHECK(window.add(5, Qos::exactly_once, "n"));
  CHECK(ids() == "1m 2m 4m 5n ");
  CHECK(window.acknowledge(1, PacketType::puback));
  CHECK(window.acknowledge(5, PacketType::puback).error() == Error::bad_state);
  CHECK(window.acknowledge(5, PacketType::pubrec)->state == Sending::wait_pubcomp);
  CHECK(window.acknowledge(2, PacketType::puback));
  CHECK(ids() == "4m 5n ");
  CHECK(window.add(4, Qos::at_least_once, "x").error() == Error::already_exists);
  CHECK(window.add(0, Qos::at_least_once, "x").error() == Error::bad_argument);
  CHECK(window.add(9, Qos::at_most_once, "x").error() == Error::bad_argument);
  CHECK(window.acknowledge(5, PacketType::pubcomp)->state == Sending::done);
  window.clear();
  CHECK(window.empty());
}
