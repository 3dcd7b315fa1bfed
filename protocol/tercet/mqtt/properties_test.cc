#include "tercet/mqtt/properties.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tercet/mqtt/golden_packets.h"
#include "tercet/mqtt/varint.h"

using namespace tercet;
using namespace tercet::mqtt;
using golden::bytes;

namespace {

Result<Properties> parse(const std::vector<std::uint8_t>& encoded, PropertySet allowed) {
  static std::vector<std::uint8_t> whole;
  whole = {static_cast<std::uint8_t>(encoded.size())};
  whole.insert(whole.end(), encoded.begin(), encoded.end());
  Reader in{whole};
  return Properties::parse(in, allowed);
}

struct Example {
  Property id;
  std::string_view notation;
  std::string_view bad_value;  // the same property with a value it may not have, or empty
};

constexpr Example kExamples[] = {
    {Property::payload_format_indicator, "01 01", "01 02"},
    {Property::message_expiry_interval, "02 00 00 00 05", ""},
    {Property::content_type, "03 00 01 'x'", "03 00 01 ff"},
    {Property::response_topic, "08 00 01 'x'", "08 00 01 '+'"},
    {Property::correlation_data, "09 00 01 ff", ""},
    {Property::subscription_identifier, "0b ff ff ff 7f", "0b 00"},
    {Property::session_expiry_interval, "11 ff ff ff ff", ""},
    {Property::assigned_client_identifier, "12 00 01 'x'", "12 00 01 00"},
    {Property::server_keep_alive, "13 00 1e", ""},
    {Property::authentication_method, "15 00 01 'x'", "15 00 01 80"},
    {Property::request_problem_information, "17 00", "17 02"},
    {Property::will_delay_interval, "18 00 00 00 01", ""},
    {Property::request_response_information, "19 01", "19 ff"},
    {Property::response_information, "1a 00 00", "1a 00 01 00"},
    {Property::server_reference, "1c 00 01 'x'", "1c 00 01 c0"},
    {Property::reason_string, "1f 00 01 'x'", "1f 00 03 ed bf bf"},
    {Property::receive_maximum, "21 00 01", "21 00 00"},
    {Property::topic_alias_maximum, "22 00 00", ""},
    {Property::topic_alias, "23 ff ff", "23 00 00"},
    {Property::maximum_qos, "24 01", "24 02"},
    {Property::retain_available, "25 00", "25 02"},
    {Property::user_property, "26 00 01 'x' 00 01 'y'", "26 00 01 'x' 00 01 ff"},
    {Property::maximum_packet_size, "27 00 00 00 01", "27 00 00 00 00"},
    {Property::wildcard_subscription_available, "28 01", "28 02"},
    {Property::subscription_identifier_available, "29 01", "29 02"},
    {Property::shared_subscription_available, "2a 01", "2a 02"},
};

}  // namespace

TEST_CASE("every property is taken where it is allowed, once, and with a value it may have") {
  for (const Example& each : kExamples) {
    const auto in = bytes(each.notation);
    CAPTURE(static_cast<int>(each.id));
    const auto found = parse(in, set_of(each.id));
    REQUIRE(found);
    CHECK(found->has(each.id));
    CHECK(found->present() == set_of(each.id));
    CHECK(parse(in, ~set_of(each.id)).error() == Error::malformed);
    auto twice = in;
    twice.insert(twice.end(), in.begin(), in.end());
    CHECK(parse(twice, set_of(each.id)).has_value() == (each.id == Property::user_property));
    if (!each.bad_value.empty()) CHECK(parse(bytes(each.bad_value), set_of(each.id)).error() == Error::malformed);
    for (std::size_t n = 1; n < in.size(); ++n)
      CHECK(parse({in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n)}, set_of(each.id)).error() ==
            Error::malformed);
  }
}

TEST_CASE("authentication data needs a method") {
  const PropertySet both = set_of(Property::authentication_method, Property::authentication_data);
  CHECK(parse(bytes("16 00 01 ff"), both).error() == Error::malformed);
  CHECK(parse(bytes("16 00 01 ff 15 00 01 'x'"), both)->authentication_data()->size() == 1);
}

TEST_CASE("a subscription identifier may repeat in a server's PUBLISH and nowhere else") {
  const auto in = bytes("0b 01 0b 02");
  CHECK(parse(in, kServerPublishProperties));
  CHECK(!parse(in, kSubscribeProperties));
}

TEST_CASE("unknown identifiers are refused") {
  for (int id = 0; id < 256; ++id) {
    bool known = id == 22;
    for (const Example& each : kExamples) known |= static_cast<int>(each.id) == id;
    if (!known) CHECK(!parse({static_cast<std::uint8_t>(id), 0, 0, 0, 0}, ~PropertySet{0}));
  }
}

TEST_CASE("what is written is read back, each by its own getter") {
  std::uint8_t space[512];
  PropertyWriter out{space};
  const std::uint8_t blob[] = {0, 255};
  out.payload_format_indicator(true).message_expiry(Seconds{1}).content_type("ct").response_topic("r/t");
  out.correlation_data(blob).subscription_identifier(268'435'455).session_expiry(kNeverExpires);
  out.assigned_client_identifier("id").server_keep_alive(Seconds{65'535}).authentication_method("m");
  out.authentication_data(blob).request_problem_information(false).will_delay(Seconds{2});
  out.request_response_information(true).response_information("ri").server_reference("sr").reason_string("rs");
  out.receive_maximum(3).topic_alias_maximum(4).topic_alias(5).maximum_qos(1).retain_available(false);
  out.maximum_packet_size(6).wildcard_subscription_available(false).subscription_identifier_available(true);
  out.shared_subscription_available(false).user_property("a", "b").user_property("a", "c");
  REQUIRE(out.ok());
  const Properties view = out.view();
  std::uint8_t whole[512];
  Writer again{whole};
  put_varint(again, static_cast<std::uint32_t>(view.encoded().size()));
  again.bytes(view.encoded());
  Reader in{again.written()};
  const auto read = Properties::parse(in, ~PropertySet{0});
  REQUIRE(read);
  CHECK(read->present() == view.present());
  CHECK(read->payload_format_indicator() == true);
  CHECK(read->message_expiry() == Seconds{1});
  CHECK(read->content_type() == "ct");
  CHECK(read->response_topic() == "r/t");
  CHECK(read->correlation_data()->size() == 2);
  CHECK(read->subscription_identifier() == 268'435'455);
  CHECK(read->session_expiry() == kNeverExpires);
  CHECK(read->assigned_client_identifier() == "id");
  CHECK(read->server_keep_alive() == Seconds{65'535});
  CHECK(read->authentication_method() == "m");
  CHECK((*read->authentication_data())[1] == 255);
  CHECK(read->request_problem_information() == false);
  CHECK(read->will_delay() == Seconds{2});
  CHECK(read->request_response_information() == true);
  CHECK(read->response_information() == "ri");
  CHECK(read->server_reference() == "sr");
  CHECK(read->reason_string() == "rs");
  CHECK(read->receive_maximum() == 3);
  CHECK(read->topic_alias_maximum() == 4);
  CHECK(read->topic_alias() == 5);
  CHECK(read->maximum_qos() == 1);
  CHECK(read->retain_available() == false);
  CHECK(read->maximum_packet_size() == 6U);
  CHECK(read->wildcard_subscription_available() == false);
  CHECK(read->subscription_identifier_available() == true);
  CHECK(read->shared_subscription_available() == false);
  auto users = read->user_properties();
  CHECK(users.next()->value == "b");
  CHECK(users.next()->value == "c");
  CHECK(!users.next());
}

TEST_CASE("absent properties are absent") {
  const Properties none;
  CHECK(!none.session_expiry());
  CHECK(!none.content_type());
  CHECK(!none.maximum_qos());
  CHECK(!none.user_properties().next());
}

TEST_CASE("the writer fails for good at what does not fit, repeats or is out of range") {
  std::uint8_t space[8];
  CHECK(!PropertyWriter{space}.reason_string("123456").ok());
  CHECK(PropertyWriter{space}.reason_string("12345").ok());
  CHECK(!PropertyWriter{space}.maximum_qos(1).maximum_qos(1).ok());
  CHECK(!PropertyWriter{space}.maximum_qos(2).ok());
  CHECK(!PropertyWriter{space}.topic_alias(0).ok());
  CHECK(!PropertyWriter{space}.server_keep_alive(Seconds{65'536}).ok());
  CHECK(!PropertyWriter{space}.message_expiry(Seconds{-1}).ok());
  CHECK(!PropertyWriter{space}.message_expiry(Seconds{4'294'967'296}).ok());
  CHECK(!PropertyWriter{space}.subscription_identifier(268'435'456).ok());
  CHECK(!PropertyWriter{space}.content_type("\xff").ok());
  PropertyWriter failed{space};
  failed.topic_alias(0).maximum_qos(1);
  CHECK(failed.view().empty());
}

TEST_CASE("a message's properties can be passed on one by one") {
  const auto in = bytes("01 01 26 00 01 'a' 00 01 'b' 23 00 07 09 00 02 00 ff");
  const auto from = parse(in, kClientPublishProperties);
  REQUIRE(from);
  std::uint8_t space[64];
  PropertyWriter out{space};
  PropertyCursor each = from->all();
  for (auto property = each.next(); property; property = each.next())
    if (property->id != Property::topic_alias) out.add(*property);
  CHECK(out.view().payload_format_indicator() == true);
  CHECK(!out.view().topic_alias());
  CHECK(out.view().encoded().size() == in.size() - 3);
}
