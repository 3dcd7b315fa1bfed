#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/flash.h"
#include "tercet/device/flash_log.h"

// The supply fails at random places, over and over, on flash that is never cleaned in between. The environment's
// TERCET_POWER_CUTS says how often.
using namespace tercet;
using namespace tercet::device;

namespace {

std::uint32_t how_many() {
  if (const char* wanted = std::getenv("TERCET_POWER_CUTS"))
    return static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10));
#ifdef __linux__
  return 10'000;
#else
  return 1'000;  // emulators are slow
#endif
}

std::string text_of(MessageId id) {
  return std::string(id * 7919 % 150, static_cast<char>('a' + id % 26)) + std::to_string(id);
}

/// What a flash owes its owner.
struct Promises {
  std::vector<MessageId> waiting;       ///< confirmed by append(), in order
  std::vector<MessageId> acknowledged;  ///< confirmed by acknowledge(): of the last while
  std::uint32_t dropped = 0;
  MessageId unsure_append = 0, unsure_acknowledgement = 0;  ///< what the cut fell into
};

struct Life {
  fake::Random random;
  DropPolicy policy;
  fake::Flash flash;
  Promises promises;
  MessageId last_id = 0;

  Life(std::uint32_t seed, std::uint32_t sectors, std::uint32_t sector_bytes, std::uint32_t unit)
      : random(seed),
        policy(seed % 2 == 0 ? DropPolicy::oldest : DropPolicy::newest),
        flash(sectors, sector_bytes, unit) {}

  std::uint32_t below(std::uint32_t bound) { return random.next() % bound; }

  void append(FlashLog& log) {
    const MessageId id = ++last_id;
    const std::uint32_t dropped = log.counters().dropped;
    const std::string text = text_of(id);
    const auto place = log.append({id, UnixMillis{id}, 1, "t", text});
    if (flash.is_off()) {
      promises.unsure_append = place ? 0 : id;
      return;
    }
    lose(log.counters().dropped - dropped);
    if (place)
      promises.waiting.push_back(id);
    else
      CHECK((place.error() == Error::no_space && policy == DropPolicy::newest));
  }
  void acknowledge(FlashLog& log) {
    std::array<std::uint8_t, 256> buffer;
    const auto found = log.find({});
    CHECK(found.has_value() == !promises.waiting.empty());
    if (!found) return;
    const auto record = log.read(*found, buffer);
    REQUIRE(record);
    REQUIRE(record->id == promises.waiting.front());
    const bool confirmed = log.acknowledge(found->place).has_value();
    if (confirmed)
      promises.acknowledged.push_back(record->id);
    else
      promises.unsure_acknowledgement = record->id;
    if (confirmed) promises.waiting.erase(promises.waiting.begin());
  }
  void lose(std::uint32_t count) {
    REQUIRE(count <= promises.waiting.size());
    promises.waiting.erase(promises.waiting.begin(), promises.waiting.begin() + count);
    promises.dropped += count;
  }

  /// Works until the supply fails.
  void run(FlashLog& log) {
    flash.tear = static_cast<fake::Flash::Tear>(below(3));
    flash.cut_at(below(40), random.next() >> 8);
    const std::uint32_t mood = below(10);  // of ten steps so many acknowledge
    for (int step = 0; step < 1'000 && !flash.is_off(); ++step) {
      if (below(10) < mood)
        acknowledge(log);
      else
        append(log);
      if (below(4) == 0 && !flash.is_off()) log.prepare_ahead();
    }
    flash.power_on();
  }

  /// Compares what is found after the restart with what was promised.
  void examine(FlashLog& log) {
    std::array<std::uint8_t, 256> buffer;
    std::vector<MessageId> found_ids;
    for (auto found = log.find({}); found; found = log.find(found->after)) {
      const auto record = log.read(*found, buffer);
      REQUIRE(record);
      CHECK(record->body == text_of(record->id));
      CHECK((found_ids.empty() || record->id > found_ids.back()));
      found_ids.push_back(record->id);
    }
    for (const MessageId id : found_ids)
      CHECK(std::find(promises.acknowledged.begin(), promises.acknowledged.end(), id) == promises.acknowledged.end());
    // The append that was cut off may have been whole, the acknowledgement too.
    if (promises.unsure_append != 0 && !found_ids.empty() && found_ids.back() == promises.unsure_append)
      promises.waiting.push_back(promises.unsure_append);
    auto& expected = promises.waiting;
    if (!expected.empty() && expected.front() == promises.unsure_acknowledgement &&
        (found_ids.empty() || found_ids.front() != expected.front()) && log.counters().dropped == promises.dropped)
      expected.erase(expected.begin());
    // Only the oldest may be missing, and each is counted.
    REQUIRE(found_ids.size() <= expected.size());
    lose(static_cast<std::uint32_t>(expected.size() - found_ids.size()));
    CHECK(found_ids == expected);
    CHECK(log.counters().dropped == promises.dropped);
    CHECK(log.counters().waiting == found_ids.size());
    if (policy == DropPolicy::newest) CHECK(promises.dropped == 0);
    promises.unsure_append = promises.unsure_acknowledgement = 0;
    if (promises.acknowledged.size() > 200)
      promises.acknowledged.erase(promises.acknowledged.begin(), promises.acknowledged.end() - 100);
  }
};

}  // namespace

TEST_CASE("power cuts at any byte lose nothing confirmed, deliver nothing broken, and repeat nothing acknowledged") {
  constexpr std::uint32_t kCutsPerLife = 100;
  const std::uint32_t cuts = how_many();
  for (std::uint32_t seed = 0; seed * kCutsPerLife < cuts; ++seed) {
    CAPTURE(seed);
    Life life(seed, 2 + seed % 5, seed % 3 == 0 ? 1024 : 512, 1u << seed % 5);
    for (std::uint32_t cut = 0; cut < kCutsPerLife; ++cut) {
      CAPTURE(cut);
      FlashLog log{life.flash, life.policy};
      REQUIRE(log.mount());
      life.examine(log);
      life.run(log);
    }
    CHECK(life.flash.violations == 0);
  }
}
