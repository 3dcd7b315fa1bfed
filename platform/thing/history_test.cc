#include "platform/thing/history.h"

#include <doctest/doctest.h>

#include "platform/thing/record.h"
#include "platform/thing/retention.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

/// A store with records put straight into it.
struct Filled {
  store::TestLoop loop;
  store::MemoryStore store;
  void put(std::uint64_t device, RecordKind kind, std::int64_t time, std::vector<std::string> fields) {
    std::string record, key;
    begin_record(record, kLive);
    for (const auto& field : fields) append_field(record, field);
    append_key(key, {device, kind, UnixMillis{time}, content_hash(record)});
    store::Mutations mutations;
    mutations.put(store::Family::history, key, record);
    REQUIRE(store.submit(loop, std::move(mutations), [] {}));
  }
  void settle() { loop.advance(Millis{50}); }
  std::size_t count(std::uint64_t device) {
    const auto page = query_property(store, device, "a",
                                     {UnixMillis{0}, UnixMillis{std::int64_t{1} << 60}, true, 1'000'000, 1'000'000});
    REQUIRE(page);
    return page->points.size();
  }
};

std::string times(const std::vector<Point>& points) {
  std::string out;
  for (const auto& point : points) out += (out.empty() ? "" : " ") + std::to_string(point.time.ms);
  return out;
}

}  // namespace

TEST_CASE("pages follow each other without gap or repetition, in both directions") {
  Filled at;
  for (int i = 0; i < 25; ++i) at.put(1, RecordKind::properties, 1000 + i * 10, {"a", std::to_string(i), "b", "1"});
  at.put(2, RecordKind::properties, 1005, {"a", "999"});
  at.settle();
  for (const bool ascending : {true, false}) {
    Range range{UnixMillis{1000}, UnixMillis{1240}, ascending, 10, 1000};
    std::vector<std::string> values;
    for (int page = 0; page < 3; ++page) {
      const auto found = query_property(at.store, 1, "a", range);
      REQUIRE(found);
      for (const auto& point : found->points) values.push_back(point.value);
      CHECK(found->points.size() == (page < 2 ? 10 : 5));
      CHECK(found->more == (page < 2));
      CHECK(found->next.ms == found->points.back().time.ms + (ascending ? 1 : -1));
      (ascending ? range.from : range.to) = found->next;
    }
    REQUIRE(values.size() == 25);
    CHECK(values.front() == (ascending ? "0" : "24"));
    CHECK(values.back() == (ascending ? "24" : "0"));
  }
}

TEST_CASE("both ends belong to the range and may come in either order") {
  Filled at;
  for (const auto time : {10, 20, 30}) at.put(1, RecordKind::properties, time, {"a", "1"});
  at.settle();
  CHECK(times(query_property(at.store, 1, "a", {UnixMillis{10}, UnixMillis{30}})->points) == "10 20 30");
  CHECK(times(query_property(at.store, 1, "a", {UnixMillis{30}, UnixMillis{10}, false})->points) == "30 20 10");
  CHECK(times(query_property(at.store, 1, "a", {UnixMillis{11}, UnixMillis{29}})->points) == "20");
  CHECK(query_property(at.store, 1, "zzz", {UnixMillis{0}, UnixMillis{99}})->points.empty());
}

TEST_CASE("records of one millisecond are not split between pages") {
  Filled at;
  at.put(1, RecordKind::properties, 10, {"a", "1"});
  for (int i = 0; i < 3; ++i) at.put(1, RecordKind::properties, 20, {"a", std::to_string(i)});
  at.put(1, RecordKind::properties, 30, {"a", "5"});
  at.settle();
  const auto first = query_property(at.store, 1, "a", {UnixMillis{0}, UnixMillis{99}, true, 2});
  REQUIRE(first);
  CHECK(times(first->points) == "10");
  CHECK(first->more);
  const auto second = query_property(at.store, 1, "a", {first->next, UnixMillis{99}, true, 2});
  REQUIRE(second);
  CHECK(times(second->points) == "20 20 20");
  CHECK(second->more);
  const auto third = query_property(at.store, 1, "a", {second->next, UnixMillis{99}, true, 2});
  CHECK(times(third->points) == "30");
  CHECK(!third->more);
}

TEST_CASE("several properties stop at the same time, so that one next continues them all") {
  Filled at;
  for (int i = 0; i < 10; ++i) {
    at.put(1, RecordKind::properties, 100 + i, {"a", std::to_string(i)});
    if (i % 3 == 0) at.put(1, RecordKind::properties, 100 + i, {"b", std::to_string(i)});
  }
  at.settle();
  const std::string identifiers[] = {"b", "a", "none"};
  const auto page = query_properties(at.store, 1, identifiers, {UnixMillis{0}, UnixMillis{999}, true, 5});
  REQUIRE(page);
  CHECK(page->more);
  CHECK(page->next.ms == 105);
  CHECK(page->series[0].identifier == "b");
  CHECK(times(page->series[0].points) == "100 103");
  CHECK(times(page->series[1].points) == "100 101 102 103 104");
  CHECK(page->series[2].points.empty());
}

TEST_CASE("a rare property ends a page early rather than scan without bound") {
  Filled at;
  for (int i = 0; i < 50; ++i) at.put(1, RecordKind::properties, i, {"a", "1"});
  at.put(1, RecordKind::properties, 50, {"rare", "1"});
  at.settle();
  Range range{UnixMillis{0}, UnixMillis{99}, true, 5, 20};
  int pages = 0;
  std::size_t found = 0;
  for (bool more = true; more; ++pages) {
    const auto page = query_property(at.store, 1, "rare", range);
    REQUIRE(page);
    found += page->points.size();
    more = page->more;
    range.from = page->next;
  }
  CHECK(pages == 3);
  CHECK(found == 1);
}

TEST_CASE("a millisecond with more records than can be looked at does not hold a page up") {
  Filled at;
  for (int i = 0; i < 100; ++i) at.put(1, RecordKind::properties, 2000, {"a", std::to_string(i)});
  at.put(1, RecordKind::properties, 1000, {"a", "first"});
  at.put(1, RecordKind::properties, 3000, {"a", "last"});
  at.settle();
  for (const bool ascending : {true, false}) {
    Range range{UnixMillis{0}, UnixMillis{9000}, ascending, 5, 10};
    std::vector<std::size_t> sizes;
    for (bool more = true; more && sizes.size() < 10;) {
      const auto found = query_property(at.store, 1, "a", range);
      REQUIRE(found);
      sizes.push_back(found->points.size());
      more = found->more;
      (ascending ? range.from : range.to) = found->next;
    }
    CHECK(sizes == std::vector<std::size_t>{1, 20, 1});
  }
}

TEST_CASE("events are found by identifier and by type") {
  Filled at;
  at.put(1, RecordKind::event, 1, {"alarm", "{\"level\":1}"});
  at.put(1, RecordKind::event, 2, {"booted", "{}"});
  at.put(1, RecordKind::event, 3, {"forgotten", "{}"});
  at.settle();
  const auto model = Model::compile(kBoardTsl).model;
  const Range all{UnixMillis{0}, UnixMillis{9}};
  CHECK(query_events(at.store, 1, "", "", *model, all)->events.size() == 3);
  CHECK(query_events(at.store, 1, "booted", "", *model, all)->events.size() == 1);
  const auto alerts = query_events(at.store, 1, "", "alert", *model, all);
  REQUIRE(alerts);
  REQUIRE(alerts->events.size() == 1);
  CHECK(alerts->events[0].identifier == "alarm");
  CHECK(alerts->events[0].output == "{\"level\":1}");
}

TEST_CASE("a damaged record is an error, not a wrong answer") {
  Filled at;
  std::string key;
  append_key(key, {1, RecordKind::properties, UnixMillis{5}, 1});
  store::Mutations mutations;
  mutations.put(store::Family::history, key,
                std::string_view("\x01\x00\x05"
                                 "ab",
                                 5));
  REQUIRE(at.store.submit(at.loop, std::move(mutations), [] {}));
  at.settle();
  const auto page = query_property(at.store, 1, "a", {UnixMillis{0}, UnixMillis{9}});
  REQUIRE(!page);
  CHECK(page.error() == Error::io_failed);
}

TEST_CASE("values are shown as text: the inside of strings, anything else as it stands") {
  CHECK(value_text("21.50") == "21.50");
  CHECK(value_text("\"on\"") == "on");
  CHECK(value_text(R"("a\"\u0041")") == "a\"A");
  CHECK(value_text(R"({"x":1})") == R"({"x":1})");
}

TEST_CASE("retention erases what is too old, device by device, and rests") {
  Filled at;
  const std::int64_t now = at.loop.wall().ms, day = 86'400'000;
  for (std::uint64_t device : {1, 2, 900}) {
    at.put(device, RecordKind::properties, now - 31 * day, {"a", "1"});
    at.put(device, RecordKind::event, now - 31 * day, {"e", "{}"});
    at.put(device, RecordKind::properties, now - 29 * day, {"a", "2"});
  }
  at.settle();
  Retention retention(at.loop, at.store, {});
  int steps = 0;
  while (!retention.step()) REQUIRE(++steps < 100);
  at.settle();
  for (std::uint64_t device : {1, 2, 900}) CHECK(at.count(device) == 1);
  const auto model = Model::empty();
  CHECK(query_events(at.store, 900, "", "", *model, {UnixMillis{0}, UnixMillis{now}})->events.empty());
}

TEST_CASE("retention works by itself, round after round") {
  Filled at;
  const std::int64_t now = at.loop.wall().ms, day = 86'400'000;
  for (std::uint64_t device = 1; device <= 50; ++device) {
    at.put(device, RecordKind::properties, now - 29 * day, {"a", "1"});
    at.put(device, RecordKind::properties, now, {"a", "2"});
  }
  at.settle();
  Retention retention(at.loop, at.store, {});
  retention.start();
  at.loop.advance(Seconds{1});
  CHECK(at.count(50) == 2);
  for (int hour = 0; hour < 30; ++hour) at.loop.advance(std::chrono::hours{1});
  for (std::uint64_t device = 1; device <= 50; ++device) CHECK(at.count(device) == 1);
}

TEST_CASE("retention keeps the newest records of a device when it has too many, in bounded steps") {
  Filled at;
  const std::int64_t now = at.loop.wall().ms;
  for (int i = 0; i < 100; ++i) at.put(7, RecordKind::properties, now - i, {"a", std::to_string(i)});
  for (int i = 0; i < 10; ++i) at.put(8, RecordKind::properties, now - i, {"a", std::to_string(i)});
  at.settle();
  Retention::Settings settings;
  settings.records = 30;
  settings.records_per_step = 7;
  Retention retention(at.loop, at.store, settings);
  int steps = 0;
  while (!retention.step()) REQUIRE(++steps < 200);
  CHECK(steps > 8);
  at.settle();
  CHECK(at.count(7) == 30);
  CHECK(at.count(8) == 10);
  CHECK(query_property(at.store, 7, "a", {UnixMillis{0}, UnixMillis{now}, true, 1})->points[0].value == "29");
}
