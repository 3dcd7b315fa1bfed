#include "tercet/device/flash_log.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ports/fake/flash.h"
#include "tercet/device/crc32.h"

using namespace tercet;
using namespace tercet::device;

namespace {

/// Every id has its own text, so that a record that was mixed up shows.
std::string text_of(MessageId id, std::size_t most = 200) {
  std::string text;
  for (std::size_t i = 0, size = (id * 37) % most; i < size; ++i) text += static_cast<char>('a' + (id + i * 7) % 26);
  return text;
}

Result<FlashPlace> append(FlashLog& log, MessageId id, const std::string& body) {
  const std::string name = "n" + std::to_string(id);
  return log.append({id, UnixMillis{1'800'000'000'000 + id}, static_cast<std::uint8_t>(id & 3), name, body});
}
Result<FlashPlace> append(FlashLog& log, MessageId id) { return append(log, id, text_of(id)); }

/// Ids of all that waits, in order; each record is what was appended.
std::vector<MessageId> waiting(FlashLog& log) {
  std::vector<MessageId> ids;
  std::array<std::uint8_t, 4096> buffer;
  std::uint32_t sequence = 0;
  for (auto found = log.find({}); found; found = log.find(found->after)) {
    const auto record = log.read(*found, buffer);
    if (!record) continue;
    CHECK(found->sequence > sequence);
    sequence = found->sequence;
    CHECK(record->at.ms == 1'800'000'000'000 + record->id);
    CHECK(record->kind == (record->id & 3));
    CHECK(record->name == "n" + std::to_string(record->id));
    ids.push_back(record->id);
  }
  CHECK(ids.size() == log.counters().waiting);
  return ids;
}

std::vector<MessageId> numbers(MessageId from, MessageId to) {
  std::vector<MessageId> ids;
  for (MessageId id = from; id <= to; ++id) ids.push_back(id);
  return ids;
}

/// After a restart.
std::vector<MessageId> waiting_after_restart(fake::Flash& flash) {
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  return waiting(log);
}

}  // namespace

TEST_CASE("the checksum is the CRC-32 of the standards, in pieces too") {
  CHECK(Crc32{}.value() == 0);
  CHECK(Crc32{}.add(as_bytes("123456789")).value() == 0xCBF43926);
  CHECK(Crc32{}.add(as_bytes("1234")).add({}).add(as_bytes("56789")).value() == 0xCBF43926);
}

TEST_CASE("records come out in order with their own id, time and texts, now and after a restart") {
  for (const std::uint32_t unit : {1u, 2u, 4u, 8u, 16u}) {
    CAPTURE(unit);
    fake::Flash flash{4, 4096, unit};
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    CHECK(!log.find({}));
    for (MessageId id = 1; id <= 50; ++id) REQUIRE(append(log, id, std::string(id, 'x')));
    CHECK(waiting(log) == numbers(1, 50));
    CHECK(waiting_after_restart(flash) == numbers(1, 50));
    FlashLog again{flash, DropPolicy::oldest};
    REQUIRE(again.mount());
    CHECK(again.highest_id() == 50);
    CHECK(again.counters().waiting_bytes == log.counters().waiting_bytes);
    REQUIRE(append(again, 51));
    CHECK(waiting_after_restart(flash) == numbers(1, 51));
  }
}

TEST_CASE("what is acknowledged is never found again, in whatever order that happens") {
  fake::Flash flash;
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  std::vector<FlashPlace> places;
  for (MessageId id = 1; id <= 6; ++id) places.push_back(*append(log, id));
  REQUIRE(log.acknowledge(places[2]));
  REQUIRE(log.acknowledge(places[0]));
  CHECK(waiting(log) == std::vector<MessageId>{2, 4, 5, 6});
  CHECK(waiting_after_restart(flash) == std::vector<MessageId>{2, 4, 5, 6});
  REQUIRE(log.acknowledge(places[0]));  // twice does nothing
  log.give_up(places[1]);
  CHECK(log.counters().waiting == 3);
  CHECK(log.counters().acknowledged == 2);
  CHECK(log.counters().dropped == 1);
  for (const std::size_t i : {3u, 4u, 5u}) REQUIRE(log.acknowledge(places[i]));
  CHECK(log.counters().waiting_bytes == 0);
  CHECK(waiting_after_restart(flash).empty());
}

TEST_CASE("a record that is cut off at any byte is not found, and what was there before and comes after is") {
  for (const auto tear : {fake::Flash::Tear::from_front, fake::Flash::Tear::from_back, fake::Flash::Tear::scattered}) {
    for (std::uint32_t operation = 0; operation < 4; ++operation) {
      for (std::uint32_t byte = 0; byte < 64; ++byte) {
        CAPTURE(operation);
        CAPTURE(byte);
        fake::Flash flash{3, 1024};
        flash.tear = tear;
        FlashLog log{flash, DropPolicy::oldest};
        REQUIRE(log.mount());
        REQUIRE(append(log, 1));
        REQUIRE(append(log, 2));
        flash.cut_at(operation, byte);
        const bool confirmed = append(log, 3, std::string(130, 'y')).has_value();  // head and three pieces
        CHECK(!confirmed);
        flash.power_on();
        FlashLog again{flash, DropPolicy::oldest};
        REQUIRE(again.mount());
        const auto found = waiting(again);
        CHECK((found == numbers(1, 2) || found == numbers(1, 3)));
        REQUIRE(append(again, 4));
        auto expected = found;
        expected.push_back(4);
        CHECK(waiting(again) == expected);
        CHECK(waiting_after_restart(flash) == expected);
      }
    }
  }
}

TEST_CASE("an acknowledgement that is cut off holds or does not, and harms no other record") {
  for (std::uint32_t byte = 0; byte < 4; ++byte) {
    fake::Flash flash;
    flash.tear = fake::Flash::Tear::scattered;
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    const auto first = *append(log, 1);
    REQUIRE(append(log, 2));
    flash.cut_at(0, byte);
    CHECK(log.acknowledge(first).error() == Error::io_failed);
    flash.power_on();
    const auto found = waiting_after_restart(flash);
    CHECK((found == numbers(1, 2) || found == numbers(2, 2)));
  }
}

TEST_CASE("the ring goes round all sectors alike, and erases each ahead of its use") {
  fake::Flash flash{8, 1024};
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  for (MessageId id = 1; id <= 5'000; ++id) {
    const auto erased = log.counters().erasures;
    const auto place = append(log, id);
    REQUIRE(place);
    CHECK(log.counters().erasures == erased);  // never while somebody waits for an append
    REQUIRE(log.acknowledge(*place));
    log.prepare_ahead();
    CHECK(!log.prepare_ahead());
    CHECK(flash.wear_spread() <= 1);
  }
  CHECK(flash.erasures[0] > 50);
  CHECK(log.counters().dropped == 0);
  CHECK(log.counters().failures == 0);
}

TEST_CASE("restarts do not wear the flash") {
  fake::Flash flash{4, 1024};
  MessageId id = 0;
  for (int restart = 0; restart < 200; ++restart) {
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    if (restart % 10 == 0) REQUIRE(log.acknowledge(*append(log, ++id)));
    log.prepare_ahead();
  }
  CHECK(flash.wear_spread() <= 1);
  CHECK(flash.erasures[0] <= 2);
}

TEST_CASE("a full flash gives up its oldest sector, counts what was in it, and knows the count after a restart") {
  fake::Flash flash{4, 1024};
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  for (MessageId id = 1; id <= 100; ++id) REQUIRE(append(log, id, std::string(80, 'z')));
  const auto counters = log.counters();
  CHECK(counters.dropped > 0);
  CHECK(counters.dropped + counters.waiting == 100);
  CHECK(waiting(log) == numbers(counters.dropped + 1, 100));
  CHECK(!log.prepare_ahead());  // it would cost records
  FlashLog again{flash, DropPolicy::oldest};
  REQUIRE(again.mount());
  CHECK(again.counters().dropped == counters.dropped);
  CHECK(waiting(again) == numbers(counters.dropped + 1, 100));
}

TEST_CASE("a full flash refuses the newest when told so, and takes records again once a sector is free") {
  fake::Flash flash{4, 1024};
  FlashLog log{flash, DropPolicy::newest};
  REQUIRE(log.mount());
  MessageId last = 0;
  while (append(log, last + 1, std::string(80, 'z'))) ++last;
  CHECK(append(log, last + 1, std::string(80, 'z')).error() == Error::no_space);
  CHECK(waiting(log) == numbers(1, last));
  CHECK(log.counters().dropped == 0);
  for (MessageId id = 1; id <= last / 2; ++id) REQUIRE(log.acknowledge(log.find({})->place));
  CHECK(append(log, last + 1));
  CHECK(waiting(log).back() == last + 1);
}

TEST_CASE("places of records that were dropped meanwhile harm nobody") {
  fake::Flash flash{2, 512};
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  const auto first = *append(log, 1, "first");
  for (MessageId id = 2; id <= 40; ++id) REQUIRE(append(log, id, "another"));
  const auto before = waiting(log);
  REQUIRE(log.acknowledge(first));
  log.give_up(first);
  CHECK(waiting(log) == before);
}

TEST_CASE("where a sector does not take a record the next one does") {
  for (const bool lies : {false, true}) {
    fake::Flash flash{4, 1024};
    flash.lies = lies;
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    REQUIRE(append(log, 1, "one"));
    flash.bad_to_program[0] = true;
    REQUIRE(append(log, 2, "two"));
    CHECK(log.counters().failures > 0);
    CHECK(waiting(log) == numbers(1, 2));
    CHECK(waiting_after_restart(flash) == numbers(1, 2));
  }
}

TEST_CASE("a sector that cannot be erased is passed over in each round") {
  for (const bool lies : {false, true}) {
    fake::Flash flash{5, 1024};
    flash.lies = lies;
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    for (MessageId id = 1; id <= 400; ++id) {
      if (id == 30) flash.bad_to_erase[2] = true;
      const auto place = append(log, id, std::string(80, 'z'));
      REQUIRE(place);
      if (id < 390) REQUIRE(log.acknowledge(*place));
      if (id % 3 == 0) log.prepare_ahead();
      if (id % 50 == 0) CHECK(waiting_after_restart(flash) == waiting(log));
    }
    CHECK(waiting(log) == numbers(390, 400));
    CHECK(waiting_after_restart(flash) == numbers(390, 400));
    CHECK(log.counters().failures > 3);
  }
}

TEST_CASE("a flash that has worn out altogether says so and still gives what it holds") {
  fake::Flash flash{3, 1024};
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  REQUIRE(append(log, 1, "one"));
  flash.bad_to_program = std::vector<bool>(3, true);
  flash.bad_to_erase = std::vector<bool>(3, true);
  CHECK(append(log, 2, "two").error() == Error::io_failed);
  CHECK(waiting(log) == numbers(1, 1));
  CHECK(log.acknowledge(log.find({})->place).error() == Error::io_failed);
  CHECK(!log.find({}));  // not again in this run
  CHECK(waiting_after_restart(flash) == numbers(1, 1));
  flash.unreadable = true;
  FlashLog blind{flash, DropPolicy::oldest};
  CHECK(blind.mount().error() == Error::io_failed);
}

TEST_CASE("a record that has decayed is not delivered, and counted once") {
  fake::Flash flash;
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  for (MessageId id = 1; id <= 3; ++id) REQUIRE(append(log, id, "a reading"));
  const auto second = log.find(log.find({})->after)->place;
  flash.cells[second.offset + 4u + 12u + 20u] ^= 0x10;
  std::array<std::uint8_t, 64> buffer;
  const auto found = log.find(second);
  CHECK(log.read(*found, buffer).error() == Error::malformed);
  CHECK(waiting(log) == std::vector<MessageId>{1, 3});
  FlashLog again{flash, DropPolicy::oldest};
  REQUIRE(again.mount());
  CHECK(again.counters().torn == 0);
  CHECK(waiting(again) == std::vector<MessageId>{1, 3});
}

TEST_CASE("sectors of another version, or of somebody else, are given up and used in turn") {
  fake::Flash flash{3, 1024};
  {
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    for (MessageId id = 1; id <= 12; ++id) REQUIRE(append(log, id, std::string(80, 'z')));
  }
  flash.cells[3] = 0x02;  // the version in the first sector's magic
  std::fill_n(flash.cells.begin() + 2048, 1024, std::uint8_t{0x5A});
  flash.settle();
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  CHECK(log.counters().foreign == 1);
  const auto found = waiting(log);
  CHECK(std::find(found.begin(), found.end(), 1) == found.end());
  for (MessageId id = 100; id <= 140; ++id) REQUIRE(append(log, id, std::string(80, 'z')));
  CHECK(waiting(log).back() == 140);
  CHECK(waiting_after_restart(flash) == waiting(log));
}

TEST_CASE("records that can never fit and flash of another shape are refused") {
  fake::Flash flash{2, 512};
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  const std::string longest(log.most_text() - 2, 'x');
  CHECK(append(log, 1, longest + "x").error() == Error::too_large);
  CHECK(append(log, 1, longest));
  std::array<std::uint8_t, 8> small;
  CHECK(log.read(*log.find({}), small).error() == Error::no_space);
  CHECK(waiting(log) == numbers(1, 1));
  CHECK(log.append({1, {}, 0, std::string(256, 'n'), "b"}).error() == Error::too_large);
  for (const auto& [sectors, bytes, unit] :
       {std::array{1u, 4096u, 4u}, std::array{4u, 256u, 4u}, std::array{2u, 65536u, 4u}, std::array{4u, 4096u, 32u}}) {
    fake::Flash odd{sectors, bytes, unit};
    FlashLog refused{odd, DropPolicy::oldest};
    CHECK(refused.mount().error() == Error::bad_argument);
  }
}

TEST_CASE("the fake flash notices what real flash would not forgive") {
  fake::Flash flash{2, 512, 4};
  flash.forgives = true;
  const std::array<std::uint8_t, 4> low{0, 0, 0, 0}, high{1, 0, 0, 0};
  REQUIRE(flash.program(0, low));
  CHECK(flash.violations == 0);
  REQUIRE(flash.program(0, high));
  CHECK(flash.violations == 2);  // twice, and a zero that should be a one
  CHECK(flash.cells[0] == 0);
  CHECK(flash.program(2, low).error() == Error::bad_argument);
  CHECK(flash.erase(2).error() == Error::bad_argument);
  CHECK(flash.read(1020, MutableBytes{flash.cells}.first(8)).error() == Error::bad_argument);
  CHECK(flash.violations == 4);
  flash.cut_at(0, 2);
  CHECK(flash.program(8, low).error() == Error::io_failed);
  CHECK((flash.cells[8] == 0 && flash.cells[9] == 0 && flash.cells[11] == 0xFF));
  CHECK(flash.read(0, MutableBytes{flash.cells}.first(1)).error() == Error::io_failed);
}
