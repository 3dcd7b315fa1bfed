#include "platform/thing/record.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::thing;

namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string sample_record() {
  std::string out;
  begin_record(out, kLive);
  append_field(out, "t"), append_field(out, "21.5");
  append_field(out, "hum"), append_field(out, "60");
  return out;
}

}  // namespace

TEST_CASE("the bytes of version 1 do not change") {
  CHECK(hex(sample_record()) ==
        "0100"
        "0174"
        "0432312e35"
        "0368756d"
        "023630");
  CHECK(content_hash(sample_record()) == content_hash(std::string(sample_record())));
  std::string key;
  append_key(key, {0x0102030405060708, RecordKind::properties, UnixMillis{1'524'448'722'000}, 0xA1B2C3D4});
  CHECK(hex(key) ==
        "0102030405060708"
        "70"
        "00000162f0397c50"
        "a1b2c3d4");
  std::string values;
  begin_values(values);
  append_value(values, "t", UnixMillis{1'524'448'722'000}, "21.5");
  CHECK(hex(values) ==
        "01"
        "0174"
        "00000162f0397c50"
        "0432312e35");
  std::string values_key, presence_key, presence;
  append_values_key(values_key, 7, 0x0102);
  CHECK(hex(values_key) ==
        "0000000000000007"
        "76"
        "0102");
  append_presence_key(presence_key, 7);
  CHECK(hex(presence_key) ==
        "0000000000000007"
        "73");
  write_presence(presence, {true, UnixMillis{5}, "1.2.3.4:5", "c"});
  CHECK(hex(presence) ==
        "01"
        "01"
        "0000000000000005"
        "09312e322e332e343a35"
        "0163");
}

TEST_CASE("the content hash is part of the format") {
  CHECK(content_hash("") == 0u);
  CHECK(content_hash("a") == 119'788'242u);
  CHECK(content_hash(sample_record()) == 695'633'062u);
}

TEST_CASE("keys sort by device, kind and time") {
  const auto key = [](std::uint64_t device, RecordKind kind, std::int64_t time, std::uint32_t hash) {
    std::string out;
    append_key(out, {device, kind, UnixMillis{time}, hash});
    return out;
  };
  CHECK(key(1, RecordKind::properties, 5, 9) < key(1, RecordKind::properties, 6, 0));
  CHECK(key(1, RecordKind::properties, 255, 0) < key(1, RecordKind::properties, 256, 0));
  CHECK(key(1, RecordKind::event, 900, 0) < key(1, RecordKind::properties, 1, 0));
  CHECK(key(1, RecordKind::service, 900, 0) < key(2, RecordKind::event, 1, 0));
}

TEST_CASE("what is written is read back") {
  std::string key;
  append_key(key, {42, RecordKind::event, UnixMillis{77}, 5});
  const auto decoded = decode_history_key(key);
  REQUIRE(decoded);
  CHECK(decoded->device == 42);
  CHECK(decoded->kind == RecordKind::event);
  CHECK(decoded->time.ms == 77);
  CHECK(decoded->hash == 5);

  std::string long_value(300, 'x');
  std::string record;
  begin_record(record, kPast);
  append_field(record, ""), append_field(record, long_value);
  auto reader = RecordReader::open(record);
  REQUIRE(reader);
  CHECK(reader->flags() == kPast);
  CHECK(reader->next() == "");
  CHECK(reader->next() == std::string_view(long_value));
  CHECK(reader->at_end());

  std::string presence;
  write_presence(presence, {false, UnixMillis{9}, "", "id"});
  const auto read = read_presence(presence);
  REQUIRE(read);
  CHECK(!read->online);
  CHECK(read->since.ms == 9);
  CHECK(read->client_id == "id");

  std::string state;
  append_values_key(state, 3, 4);
  CHECK(decode_state_key(state)->chunk == 4);
  state.clear();
  append_presence_key(state, 3);
  CHECK(!decode_state_key(state)->chunk);
}

TEST_CASE("a cut or newer record is refused, never misread") {
  const auto record = sample_record();
  for (std::size_t n = 0; n < record.size(); ++n) {
    auto reader = RecordReader::open(std::string_view(record).substr(0, n));
    if (!reader) continue;
    int whole = 0;
    bool cut = false;
    while (!reader->at_end() && !cut) reader->next() ? static_cast<void>(++whole) : static_cast<void>(cut = true);
    CHECK((cut || whole < 4));
  }
  std::string newer = record;
  newer[0] = 2;
  CHECK(!RecordReader::open(newer));
  CHECK(!ValuesReader::open(newer));
  CHECK(!read_presence(newer));

  std::string presence;
  write_presence(presence, {true, UnixMillis{5}, "1.2.3.4:5", "c"});
  for (std::size_t n = 0; n < presence.size(); ++n) CHECK(!read_presence(std::string_view(presence).substr(0, n)));
  CHECK(!read_presence(presence + "x"));

  std::string values;
  begin_values(values);
  append_value(values, "t", UnixMillis{1}, "21.5");
  for (std::size_t n = 2; n < values.size(); ++n) {
    auto reader = ValuesReader::open(std::string_view(values).substr(0, n));
    REQUIRE(reader);
    CHECK(!reader->next());
  }
  std::string key;
  append_key(key, {1, RecordKind::event, UnixMillis{1}, 1});
  for (std::size_t n = 0; n < key.size(); ++n) CHECK(!decode_history_key(std::string_view(key).substr(0, n)));
  key[8] = 'z';
  CHECK(!decode_history_key(key));
}

TEST_CASE("a length that overflows is damage") {
  std::string record;
  begin_record(record, kLive);
  record.append("\xFF\xFF\xFF\xFF\xFF\xFF");
  auto reader = RecordReader::open(record);
  REQUIRE(reader);
  CHECK(!reader->next());
}
