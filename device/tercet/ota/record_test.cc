#include "tercet/ota/record.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::ota;

namespace {

Record example() {
  Record record;
  record.phase = Record::Phase::trying, record.trials = 2, record.due = Fault::interrupted;
  record.size = 432'945, record.written = 65'536;
  record.digest = crypto::sha256("image"), record.condemned = crypto::md5("bad");
  REQUIRE(record.version.assign("2.0.0"));
  return record;
}

}  // namespace

TEST_CASE("a record comes back as it was kept") {
  fake::Store store;
  const Record record = example();
  REQUIRE(save_record(store, "ota", record));
  const auto loaded = load_record(store, "ota");
  REQUIRE(loaded);
  CHECK(loaded->phase == record.phase);
  CHECK(loaded->trials == 2);
  CHECK(loaded->due == Fault::interrupted);
  CHECK(loaded->size == record.size);
  CHECK(loaded->written == record.written);
  CHECK(loaded->version == "2.0.0");
  CHECK(crypto::equals(loaded->digest.view(), record.digest.view()));
  CHECK(crypto::equals(loaded->condemned.view(), record.condemned.view()));
}

TEST_CASE("a record that is missing, or has any bit changed, is an empty one") {
  fake::Store store;
  CHECK(load_record(store, "ota")->phase == Record::Phase::none);
  REQUIRE(save_record(store, "ota", example()));
  std::string& bytes = store.values["ota"];
  REQUIRE(bytes.size() == kRecordBytes);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    CHECK(load_record(store, "ota")->phase == Record::Phase::none);
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
  }
  bytes.pop_back();
  CHECK(load_record(store, "ota")->phase == Record::Phase::none);
}

TEST_CASE("a record is of an offer with the same size, digest and version, and of no other") {
  const Record record = example();
  Offer offer;
  offer.size = record.size, offer.digest = record.digest, offer.version = record.version.str();
  CHECK(record.is_of(offer));
  Offer other = offer;
  other.size++;
  CHECK(!record.is_of(other));
  other = offer, other.version = "2.0.1";
  CHECK(!record.is_of(other));
  other = offer, other.digest.bytes[31] ^= 1;
  CHECK(!record.is_of(other));
  CHECK(!Record{}.is_of(offer));
}
