#include "platform/runtime/ticket_keys.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::runtime;

namespace {

constexpr UnixMillis kStart{1'800'000'000'000};
UnixMillis after(Seconds time) { return {kStart.ms + time.count() * 1000}; }

}  // namespace

TEST_CASE("a key makes tickets for half a day, reads them for a day, and asks for new ones in between") {
  TicketKeys keys;
  const auto first = keys.current(kStart);
  REQUIRE(first);
  const auto same = keys.current(after(TicketKeys::kUse - Seconds{1}));
  REQUIRE(same);
  CHECK(same->name == first->name);
  CHECK(!keys.find(first->name, after(Seconds{5}))->renew);
  const auto second = keys.current(after(TicketKeys::kUse));
  REQUIRE(second);
  CHECK(second->name != first->name);
  CHECK(second->cipher != first->cipher);
  CHECK(second->mac != first->mac);
  const auto old = keys.find(first->name, after(TicketKeys::kLife - Seconds{1}));
  REQUIRE(old);
  CHECK(old->renew);
  CHECK(old->key.cipher == first->cipher);
  CHECK(!keys.find(first->name, after(TicketKeys::kLife)));
}

TEST_CASE("after a long silence no old key is left") {
  TicketKeys keys;
  const auto first = keys.current(kStart);
  CHECK(!keys.find(first->name, after(10 * TicketKeys::kLife)));
  CHECK(keys.current(after(10 * TicketKeys::kLife))->name != first->name);
}

TEST_CASE("a clock set back ends a key rather than making it live longer") {
  TicketKeys keys;
  const auto first = keys.current(kStart);
  CHECK(keys.current({kStart.ms - 1'000})->name != first->name);
  CHECK(!keys.find(first->name, {kStart.ms - 1'000}));
}

TEST_CASE("names that are not ours, or cut, find nothing") {
  TicketKeys keys;
  const auto first = keys.current(kStart);
  for (std::size_t size = 0; size < first->name.size(); ++size)
    CHECK(!keys.find(Bytes(first->name).first(size), kStart));
  auto other = first->name;
  other[7] ^= 1;
  CHECK(!keys.find(other, kStart));
}
