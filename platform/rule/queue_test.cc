#include "platform/rule/queue.h"

#include <doctest/doctest.h>

namespace tercet::rule {
namespace {

Queued sample() {
  Queued record;
  record.rule = 7;
  record.time = 1'700'000'000'000;
  record.message_id = "123456789";
  record.topic = "/a1/board/user/x";
  record.product = "a1";
  record.device_name = "board";
  record.qos = 1;
  record.is_binary = true;
  record.alarm = AlarmState::recovered;
  record.result = std::string_view("\x00\xFF", 2);
  record.payload = "{}";
  return record;
}

TEST_CASE("a queued message reads back as it was written, and no beginning of it does") {
  std::string bytes;
  append_queued(bytes, sample());
  Queued read;
  REQUIRE(read_queued(bytes, read));
  CHECK(read.rule == 7);
  CHECK(read.time == 1'700'000'000'000);
  CHECK(read.message_id == "123456789");
  CHECK(read.topic == "/a1/board/user/x");
  CHECK(read.device_name == "board");
  CHECK(read.qos == 1);
  CHECK(read.is_binary);
  CHECK(read.alarm == AlarmState::recovered);
  CHECK(read.result == std::string_view("\x00\xFF", 2));
  CHECK(read.payload == "{}");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(!read_queued(std::string_view(bytes).substr(0, size), read));
  CHECK(!read_queued(bytes + "x", read));
  bytes[0] = 2;
  CHECK(!read_queued(bytes, read));
}

TEST_CASE("the stored form of a queued message does not change") {
  Queued record;
  record.rule = 1;
  record.time = 2;
  record.message_id = "3";
  std::string bytes;
  append_queued(bytes, record);
  CHECK(bytes == std::string("\x01\x00\x00"
                             "\x00\x00\x00\x00\x00\x00\x00\x01"
                             "\x00\x00\x00\x00\x00\x00\x00\x02"
                             "\x00\x00\x00\x01"
                             "3"
                             "\x00\x00\x00\x00"
                             "\x00\x00\x00\x00"
                             "\x00\x00\x00\x00"
                             "\x00\x00\x00\x00"
                             "\x00\x00\x00\x00",
                             44));
}

TEST_CASE("keys sort by destination, shard and sequence, and stand within their ranges") {
  const std::string a = queue_key(ForwardKind::queue, {1, 2, 255}), b = queue_key(ForwardKind::queue, {1, 2, 256}),
                    c = queue_key(ForwardKind::queue, {1, 3, 0}), d = queue_key(ForwardKind::queue, {2, 0, 0});
  CHECK(a < b);
  CHECK(b < c);
  CHECK(c < d);
  const KeyRange lane = queue_range(ForwardKind::queue, 1, 2);
  CHECK(lane.from <= a);
  CHECK(b < lane.to);
  CHECK(lane.to <= c);
  const KeyRange all = queue_range(ForwardKind::queue, 1);
  CHECK(all.from <= a);
  CHECK(queue_key(ForwardKind::queue, {1, 0xFFFF, ~std::uint64_t{0}}) < all.to);
  CHECK(all.to <= d);
  const auto read = read_queue_key(b);
  REQUIRE(read);
  CHECK(read->destination == 1);
  CHECK(read->shard == 2);
  CHECK(read->sequence == 256);
  CHECK(!read_queue_key("q123"));
  const auto memory = read_memory_key(memory_key(5, 6, 7));
  REQUIRE(memory);
  CHECK(memory->rule == 5);
  CHECK(memory->revision == 6);
  CHECK(memory->device == 7);
  CHECK(memory_range(5).from < memory_key(5, 6, 7));
  CHECK(memory_key(5, ~0U, ~std::uint64_t{0}) < memory_range(5).to);
}

TEST_CASE("a dead letter keeps its message, and when and why it died") {
  std::string record, bytes;
  append_queued(record, sample());
  append_dead_letter(bytes, record, 99, "no such table");
  DeadLetter letter;
  REQUIRE(read_dead_letter(bytes, letter));
  CHECK(letter.since == 99);
  CHECK(letter.cause == "no such table");
  CHECK(letter.record.topic == "/a1/board/user/x");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(!read_dead_letter(std::string_view(bytes).substr(0, size), letter));
}

}  // namespace
}  // namespace tercet::rule
