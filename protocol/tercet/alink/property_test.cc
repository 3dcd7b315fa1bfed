#include "tercet/alink/property.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tercet/alink/batch.h"
#include "tercet/alink/ntp.h"

using namespace tercet;
using namespace tercet::alink;

namespace {

json::Value value_of(std::string_view text) {
  const auto value = json::parse(text);
  REQUIRE(value);
  return *value;
}

/// "Power=1@5 WF=2": every sample, with its time if it has one.
std::string listed(const std::optional<json::Value>& group) {
  std::string text;
  if (!group) return text;
  Samples samples{*group};
  while (const auto sample = samples.next()) {
    if (!text.empty()) text += ' ';
    text.append(sample->identifier.raw()).append("=").append(sample->posted.value.raw());
    if (sample->posted.time) text.append("@").append(std::to_string(sample->posted.time->ms));
  }
  return text;
}

}  // namespace

TEST_CASE("both forms of a posted value are understood") {
  Properties properties{value_of(
      R"({"Power":{"value":"on","time":1524448722000},"WF":23.6,"S":{"a":1,"value":2},"V":{"value":[1]},"E":{},)"
      R"("mod:x":{"time":5},"T":{"value":1,"time":"1524448722000"},"B":{"value":1,"time":"soon"},"N":{"value":1,"time":null}})")};
  const auto power = properties.next();
  CHECK(power->identifier == "Power");
  CHECK(*power->posted.value.text() == "on");
  CHECK(power->posted.time == UnixMillis{1524448722000});
  const auto wf = properties.next();
  CHECK(wf->posted.value.real() == 23.6);
  CHECK(!wf->posted.time);
  CHECK(properties.next()->posted.value.raw() == R"({"a":1,"value":2})");
  CHECK(properties.next()->posted.value.raw() == "[1]");
  CHECK(properties.next()->posted.value.raw() == "{}");
  const auto only_time = properties.next();
  CHECK(split_identifier(only_time->identifier.raw()).module == "mod");
  CHECK(split_identifier(only_time->identifier.raw()).name == "x");
  CHECK(only_time->posted.value.raw() == R"({"time":5})");
  CHECK(properties.next()->posted.time == UnixMillis{1524448722000});
  const auto bad = properties.next();
  CHECK(bad->posted.bad_time);
  CHECK(!bad->posted.time);
  const auto null = properties.next();
  CHECK(!null->posted.bad_time);
  CHECK(!null->posted.time);
  CHECK(!properties.next());
  CHECK(!Properties{value_of("[1]")}.next());
}

TEST_CASE("both forms of an event are understood") {
  const TimedValue wrapped = unwrap_event(value_of(R"({"value":{"Power":"on"},"time":1524448722000})"));
  CHECK(wrapped.value.raw() == R"({"Power":"on"})");
  CHECK(wrapped.time == UnixMillis{1524448722000});
  CHECK(unwrap_event(value_of(R"({"Power":"on"})")).value.raw() == R"({"Power":"on"})");
  CHECK(unwrap_event(value_of(R"({"value":1})")).value.raw() == R"({"value":1})");
  CHECK(unwrap_event(value_of("{}")).value.raw() == "{}");
  CHECK(unwrap_event(value_of(R"({"value":{},"other":1})")).value.size() == 2);
}

TEST_CASE("batch posts are walked sample by sample") {
  const auto batch = parse_batch(
      value_of(R"({"properties":{"Power":[{"value":1,"time":5},{"value":0,"time":6}],"WF":[{"value":2}],"E":[]},)"
               R"("events":{"alarm":[{"value":{"x":1},"time":7}]}})"));
  REQUIRE(batch);
  CHECK(listed(batch->properties) == "Power=1@5 Power=0@6 WF=2");
  CHECK(listed(batch->events) == R"(alarm={"x":1}@7)");
  CHECK(batch->device.empty());
  CHECK(parse_batch(value_of("{}")));
  CHECK(parse_batch(value_of("[]")).error() == Error::malformed);
  CHECK(parse_batch(value_of(R"({"properties":[1]})")).error() == Error::malformed);
}

TEST_CASE("pack posts are walked like batch posts") {
  CHECK(listed(value_of(R"({"Power":{"value":1,"time":5},"L":{"value":[1,2],"time":6}})")) == "Power=1@5 L=[1,2]@6");
}

TEST_CASE("history posts are walked device by device") {
  HistoryDevices devices{value_of(
      R"([{"identity":{"productKey":"pk","deviceName":"dn"},)"
      R"("properties":[{"Power":{"value":1,"time":5},"WF":{"value":2,"time":5}},{"Power":{"value":[0],"time":6}}],)"
      R"("events":[{"alarm":{"value":{},"time":7}}]},{"identity":{}},{"properties":[]},)"
      R"({"identity":{"productKey":"p2","deviceName":"d2"}}])")};
  const auto first = devices.next();
  REQUIRE(first);
  REQUIRE(*first);
  CHECK((*first)->product == "pk");
  CHECK((*first)->device == "dn");
  CHECK(listed((*first)->properties) == "Power=1@5 WF=2@5 Power=[0]@6");
  CHECK(listed((*first)->events) == "alarm={}@7");
  CHECK(devices.next()->error() == Error::malformed);
  CHECK(devices.next()->error() == Error::malformed);
  const auto last = devices.next();
  CHECK((*last)->device == "d2");
  CHECK(!(*last)->properties);
  CHECK(!devices.next());
}

TEST_CASE("the clock service answers in the type it was asked in") {
  const auto answer = [](std::string_view payload) {
    std::array<std::uint8_t, 256> buffer;
    Writer out{buffer};
    const auto request = parse_ntp_request(payload);
    REQUIRE(request);
    write_ntp_response(out, *request, UnixMillis{1000}, UnixMillis{1002});
    return std::string(out.text());
  };
  CHECK(answer(R"({"deviceSendTime":"1571724098000"})") ==
        R"({"deviceSendTime":"1571724098000","serverRecvTime":"1000","serverSendTime":"1002"})");
  CHECK(answer(R"({"deviceSendTime":1571724098000})") ==
        R"({"deviceSendTime":1571724098000,"serverRecvTime":1000,"serverSendTime":1002})");
  for (const std::string_view bad :
       {"{}", "[]", "x", R"({"deviceSendTime":""})", R"({"deviceSendTime":"now"})", R"({"deviceSendTime":-1})",
        R"({"deviceSendTime":null})", R"({"deviceSendTime":"111111111111111111111"})"})
    CHECK(parse_ntp_request(bad).error() == Error::malformed);
}

TEST_CASE("the clock service corrects a clock that is years off by half the round trip") {
  std::array<std::uint8_t, 256> buffer;
  Writer out{buffer};
  write_ntp_request(out, UnixMillis{5000});
  CHECK(out.text() == R"({"deviceSendTime":"5000"})");
  // Sent at 5000, received at 5100 of the device's clock; the server held it for 20 ms.
  const auto response = parse_ntp_response(
      R"({"deviceSendTime":"5000","serverRecvTime":"1700000000040","serverSendTime":1700000000060})");
  REQUIRE(response);
  CHECK(ntp_now(*response, UnixMillis{5100}) == UnixMillis{1700000000100});
  CHECK(parse_ntp_response("{}").error() == Error::malformed);
  CHECK(parse_ntp_response(R"({"deviceSendTime":"5000","serverRecvTime":"x","serverSendTime":"1"})").error() ==
        Error::malformed);
}
