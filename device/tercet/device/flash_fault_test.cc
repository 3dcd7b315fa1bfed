#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "ports/fake/flash.h"
#include "tercet/device/flash_log.h"

// Places of the flash that cannot be read, for a while or for good: what they cost, and what they must not cost.
using namespace tercet;
using namespace tercet::device;

namespace {

constexpr std::uint32_t kSectorBytes = 1024;
constexpr MessageId kInSector = 7;  // records of append()

Result<FlashPlace> append(FlashLog& log, MessageId id) {
  return log.append({id, UnixMillis{id}, 1, "n", std::string(90, static_cast<char>('a' + id % 26))});
}

std::vector<MessageId> waiting(FlashLog& log) {
  std::vector<MessageId> ids;
  std::array<std::uint8_t, 256> buffer;
  for (auto found = log.find({}); found; found = log.find(found->after))
    if (const auto record = log.read(*found, buffer)) ids.push_back(record->id);
  return ids;
}

std::vector<MessageId> numbers(MessageId from, MessageId to) {
  std::vector<MessageId> ids;
  for (MessageId id = from; id <= to; ++id) ids.push_back(id);
  return ids;
}

/// Appends until nothing fits without giving up the oldest sector. The last id.
MessageId fill(fake::Flash& flash) {
  FlashLog log{flash, DropPolicy::newest};
  REQUIRE(log.mount());
  MessageId last = 0;
  while (append(log, last + 1)) ++last;
  REQUIRE(last == kInSector * flash.geometry().sectors);
  return last;
}

/// From now on the heads at this place cannot be read.
void hide(fake::Flash& flash, FlashPlace place) {
  flash.unreadable_from = place.sector * kSectorBytes + place.offset + 5;
  flash.unreadable_to = flash.unreadable_from + 1;
}
void show(fake::Flash& flash) { flash.unreadable_to = 0; }

FlashPlace place_of(FlashLog& log, MessageId id) {
  auto found = log.find({});
  while (--id > 0 && found) found = log.find(found->after);
  REQUIRE(found);
  return found->place;
}

/// Flash with several places that cannot be read.
struct Holed final : device::Flash {
  explicit Holed(device::Flash& flash) : whole(flash) {}
  Geometry geometry() const override { return whole.geometry(); }
  Result<void> read(std::uint32_t at, MutableBytes into) override {
    for (const std::uint32_t hole : holes)
      if (at <= hole && hole < at + into.size()) return fail(Error::io_failed);
    return whole.read(at, into);
  }
  Result<void> program(std::uint32_t at, Bytes bytes) override { return whole.program(at, bytes); }
  Result<void> erase(std::uint32_t sector) override { return whole.erase(sector); }

  device::Flash& whole;
  std::vector<std::uint32_t> holes;
};

/// Nothing that was acknowledged is found again, and nothing that waits is lost.
void drain(fake::Flash& flash, FlashLog& log, std::vector<MessageId> expected) {
  while (!expected.empty()) {
    REQUIRE(waiting(log) == expected);
    REQUIRE(log.acknowledge(log.find({})->place));
    expected.erase(expected.begin());
    FlashLog again{flash, DropPolicy::oldest};
    REQUIRE(again.mount());
    REQUIRE(waiting(again) == expected);
  }
  CHECK(log.counters().waiting == 0);
  CHECK(log.counters().waiting_bytes == 0);
}

}  // namespace

TEST_CASE("a full flash whose oldest record cannot be read gives up its sector and the one it then takes") {
  for (MessageId hidden = 1; hidden <= kInSector; ++hidden) {
    CAPTURE(hidden);
    fake::Flash flash{6, kSectorBytes};
    const MessageId last = fill(flash);
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    const FlashPlace place = place_of(log, hidden);
    for (MessageId id = 1; id < hidden; ++id) REQUIRE(log.acknowledge(log.find({})->place));
    hide(flash, place);
    const MessageId lost = 2 * kInSector - hidden + 1;  // a sector that cannot be read cannot be used
    CHECK(!log.prepare_ahead());
    CHECK(log.counters().waiting == last - hidden + 1);
    REQUIRE(append(log, last + 1));
    show(flash);
    CHECK(log.counters().dropped == lost);
    CHECK(log.counters().waiting == last + 1 - 2 * kInSector);
    CHECK(waiting(log) == numbers(2 * kInSector + 1, last + 1));
    FlashLog again{flash, DropPolicy::oldest};
    REQUIRE(again.mount());
    CHECK(again.counters().dropped == lost);
    CHECK(waiting(again) == numbers(2 * kInSector + 1, last + 1));
  }
}

TEST_CASE("a full flash that refuses the newest does so too while its oldest record cannot be read") {
  fake::Flash flash{6, kSectorBytes};
  const MessageId last = fill(flash);
  FlashLog log{flash, DropPolicy::newest};
  REQUIRE(log.mount());
  hide(flash, log.find({})->place);
  CHECK(!log.prepare_ahead());
  CHECK(append(log, last + 1).error() == Error::no_space);
  CHECK(log.counters().waiting == last);
  CHECK(log.counters().dropped == 0);
  log.abandon();
  CHECK(log.counters().dropped == kInSector);
  CHECK(waiting(log) == numbers(kInSector + 1, last));
  show(flash);
  CHECK(append(log, last + 1));
  CHECK(waiting(log) == numbers(kInSector + 1, last + 1));
}

TEST_CASE("what could not be read at the start, and can be later, is delivered and acknowledged like the rest") {
  for (const MessageId hidden : {1u, 3u, 8u, 12u, 21u}) {
    CAPTURE(hidden);
    fake::Flash flash{3, kSectorBytes};
    const MessageId last = fill(flash);
    FlashLog first{flash, DropPolicy::oldest};
    REQUIRE(first.mount());
    hide(flash, place_of(first, hidden));
    FlashLog log{flash, DropPolicy::oldest};
    REQUIRE(log.mount());
    CHECK(log.counters().waiting > 0);
    show(flash);
    drain(flash, log, numbers(1, last));
    CHECK(log.counters().acknowledged == last);
    CHECK(log.counters().dropped == 0);
    CHECK(log.counters().torn == 0);
    REQUIRE(append(log, last + 1));
    CHECK(waiting(log) == numbers(last + 1, last + 1));
  }
}

TEST_CASE("records appended behind what could not be read at the start do not hide it") {
  fake::Flash flash{4, kSectorBytes};
  FlashLog first{flash, DropPolicy::oldest};
  REQUIRE(first.mount());
  const FlashPlace place = *append(first, 1);
  REQUIRE(append(first, 2));
  hide(flash, place);
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  CHECK(log.counters().waiting == 1);
  CHECK(log.obstacle({}) == place);
  REQUIRE(append(log, 3));
  show(flash);
  drain(flash, log, numbers(1, 3));
}

TEST_CASE("a lone record that can never be read is counted when it is given up") {
  fake::Flash flash{4, kSectorBytes};
  FlashLog first{flash, DropPolicy::oldest};
  REQUIRE(first.mount());
  hide(flash, *append(first, 1));
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  log.abandon();
  CHECK(log.counters().waiting == 0);
  CHECK(log.counters().dropped == 1);
  CHECK(!log.obstacle({}));
  REQUIRE(append(log, 2));
  FlashLog again{flash, DropPolicy::oldest};
  REQUIRE(again.mount());  // the place is as it was
  again.abandon();
  CHECK(waiting(again) == numbers(2, 2));
}

TEST_CASE("what could not be read at the start and turns out to be acknowledged does not wait for ever") {
  fake::Flash flash{4, kSectorBytes};
  FlashLog first{flash, DropPolicy::oldest};
  REQUIRE(first.mount());
  const FlashPlace place = *append(first, 1);
  REQUIRE(first.acknowledge(place));
  hide(flash, place);
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  CHECK(log.obstacle({}) == place);
  show(flash);
  CHECK(!log.find({}));
  CHECK(log.counters().waiting == 0);
}

TEST_CASE("of two places that cannot be read, giving up the first costs nothing behind the second") {
  fake::Flash flash{6, kSectorBytes};
  const MessageId last = fill(flash);
  Holed holed(flash);
  FlashLog log{holed, DropPolicy::oldest};
  REQUIRE(log.mount());
  const FlashPlace front = place_of(log, 1), back = place_of(log, kInSector * 2 + 1);
  holed.holes = {front.sector * kSectorBytes + front.offset, back.sector * kSectorBytes + back.offset};
  log.abandon();
  CHECK(log.counters().waiting == last - 2 * kInSector + 1);  // the second hides at least one
  CHECK(log.counters().dropped >= kInSector);                 // where the missing ones stood nobody knows
  holed.holes.clear();
  CHECK(waiting(log) == numbers(kInSector + 1, last));
  while (const auto found = log.find({})) REQUIRE(log.acknowledge(found->place));
  CHECK(log.counters().acknowledged == last - kInSector);
  CHECK(log.counters().waiting_bytes == 0);
}

TEST_CASE("a sector whose header cannot be read for a while is waited for, and not passed over") {
  fake::Flash flash{4, kSectorBytes};
  const MessageId last = fill(flash);
  FlashLog log{flash, DropPolicy::oldest};
  REQUIRE(log.mount());
  const FlashPlace second = place_of(log, kInSector + 1);
  flash.unreadable_from = second.sector * kSectorBytes, flash.unreadable_to = flash.unreadable_from + 4;
  for (MessageId id = 1; id <= kInSector; ++id) REQUIRE(log.acknowledge(log.find({})->place));
  CHECK(!log.find({}));
  CHECK(log.obstacle({}));
  CHECK(log.counters().waiting == last - kInSector);
  show(flash);
  CHECK(waiting(log) == numbers(kInSector + 1, last));
}
