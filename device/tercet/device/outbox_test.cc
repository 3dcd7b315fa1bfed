#include "tercet/device/outbox.h"

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <random>
#include <string>

using namespace tercet;
using namespace tercet::device;

namespace {
Outgoing message(MessageId id, std::string_view payload) {
  return {id, UnixMillis{1000 + id}, true, "thing/event/property/post", payload};
}
}  // namespace

TEST_CASE("messages come out in the order they went in, with their own time") {
  std::array<std::uint8_t, 256> storage;
  Outbox outbox{storage, DropPolicy::oldest};
  REQUIRE(outbox.push(message(1, "first")));
  REQUIRE(outbox.push(message(2, "second")));
  CHECK(outbox.front()->payload == "first");
  CHECK(outbox.front()->at == UnixMillis{1001});
  CHECK(outbox.front()->topic == "thing/event/property/post");
  outbox.pop();
  CHECK(outbox.front()->payload == "second");
  outbox.pop();
  outbox.pop();
  CHECK(outbox.empty());
  CHECK(!outbox.front());
}

TEST_CASE("a full outbox gives up its oldest message, or refuses the newest, and counts it") {
  std::array<std::uint8_t, 256> storage;
  const std::string payload(60, 'x');
  Outbox keeps_new{storage, DropPolicy::oldest};
  for (MessageId id = 1; id <= 5; ++id) REQUIRE(keeps_new.push(message(id, payload)));
  CHECK(keeps_new.counters().waiting == 2);
  CHECK(keeps_new.counters().dropped == 3);
  CHECK(keeps_new.front()->id == 4);
  Outbox keeps_old{storage, DropPolicy::newest};
  REQUIRE(keeps_old.push(message(1, payload)));
  REQUIRE(keeps_old.push(message(2, payload)));
  CHECK(keeps_old.push(message(3, payload)).error() == Error::no_space);
  CHECK(keeps_old.front()->id == 1);
  CHECK(keeps_old.counters().dropped == 1);
}

TEST_CASE("a message that could never fit is refused and nothing is given up for it") {
  std::array<std::uint8_t, 128> storage;
  Outbox outbox{storage, DropPolicy::oldest};
  REQUIRE(outbox.push(message(1, "kept")));
  CHECK(outbox.push(message(2, std::string(200, 'x'))).error() == Error::too_large);
  CHECK(outbox.front()->id == 1);
}

TEST_CASE("the ring behaves as a queue through a hundred thousand pushes and pops of any size") {
  std::array<std::uint8_t, 1003> storage;
  for (const DropPolicy policy : {DropPolicy::oldest, DropPolicy::newest}) {
    Outbox outbox{MutableBytes{storage}.subspan(1), policy};
    std::deque<std::pair<MessageId, std::string>> model;
    std::mt19937 random{7};
    for (MessageId id = 1; id <= 50'000; ++id) {
      const std::string payload(random() % 300, static_cast<char>('a' + id % 26));
      const auto dropped = outbox.counters().dropped;
      const auto pushed = outbox.push(message(id, payload));
      if (policy == DropPolicy::oldest)
        for (auto n = outbox.counters().dropped - dropped; n > 0; --n) model.pop_front();
      if (pushed) model.emplace_back(id, payload);
      for (auto n = random() % 3; n > 0 && !model.empty(); --n) {
        REQUIRE(outbox.front()->id == model.front().first);
        REQUIRE(outbox.front()->payload == model.front().second);
        outbox.pop();
        model.pop_front();
      }
      REQUIRE(outbox.counters().waiting == model.size());
    }
    CHECK(outbox.counters().most_bytes <= storage.size());
  }
}
