#include "platform/broker/retained.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::broker;

TEST_CASE("retained messages are found by every kind of filter, `$`-topics not by wildcards") {
  RetainedMessages retained{3};
  const auto put = [&retained](std::string_view topic, std::int64_t at, std::string_view payload = "x") {
    Publication publication;
    publication.topic = topic;
    publication.payload = as_bytes(payload);
    return retained.put(publication, 1, {at, 0});
  };
  using Change = RetainedMessages::Change;
  CHECK(put("sport", 1) == Change::set);
  CHECK(put("sport/tennis", 1) == Change::set);
  CHECK(put("$x/sport", 1) == Change::set);
  CHECK(put("one too many", 1) == Change::full);
  CHECK(put("sport", 0) == Change::none);  // older than what is there
  const auto found = [&retained](std::string_view filter) {
    int count = 0;
    retained.match(filter, UnixMillis{}, [&count](const Message&) { ++count; });
    return count;
  };
  CHECK(found("#") == 2);
  CHECK(found("sport/#") == 2);
  CHECK(found("sport/+") == 1);
  CHECK(found("+/tennis") == 1);
  CHECK(found("sport") == 1);
  CHECK(found("$x/#") == 1);
  CHECK(found("spor") == 0);
  CHECK(put("sport", 2, "") == Change::erased);
  CHECK(put("sport", 3, "") == Change::none);
}
