#include "platform/subscription/amqp_message.h"

#include <doctest/doctest.h>
#include <proton/message.h>

#include <map>
#include <string>

namespace tercet::subscription {
namespace {

struct Decoded {
  std::string id, body;
  std::map<std::string, std::string> properties;  ///< with the AMQP type in front
  std::uint32_t tries = 0;
  bool is_data = false;
};

std::string text(pn_bytes_t bytes) { return {bytes.start, bytes.size}; }

Decoded decode(Bytes bytes) {
  Decoded out;
  pn_message_t* const message = pn_message();
  REQUIRE(pn_message_decode(message, reinterpret_cast<const char*>(bytes.data()), bytes.size()) == 0);
  out.is_data = pn_message_is_inferred(message);
  out.tries = pn_message_get_delivery_count(message);
  const pn_atom_t id = pn_message_get_id(message);
  if (id.type == PN_STRING) out.id = text(id.u.as_bytes);
  pn_data_t* const map = pn_message_properties(message);
  pn_data_next(map);
  REQUIRE(pn_data_type(map) == PN_MAP);
  pn_data_enter(map);
  while (pn_data_next(map)) {
    const std::string name = text(pn_data_get_string(map));
    pn_data_next(map);
    switch (pn_data_type(map)) {
      case PN_STRING:
        out.properties[name] = "string " + text(pn_data_get_string(map));
        break;
      case PN_LONG:
        out.properties[name] = "long " + std::to_string(pn_data_get_long(map));
        break;
      case PN_INT:
        out.properties[name] = "int " + std::to_string(pn_data_get_int(map));
        break;
      default:
        out.properties[name] = "?";
    }
  }
  pn_data_t* const body = pn_message_body(message);
  pn_data_next(body);
  REQUIRE(pn_data_type(body) == PN_BINARY);
  out.body = text(pn_data_get_binary(body));
  pn_message_free(message);
  return out;
}

}  // namespace

TEST_CASE("a record is a Data section with the cloud's properties") {
  MessageEncoder encoder;
  rule::Queued record;
  record.message_id = "1234567890123456789";
  record.topic = "/a1/board/user/update";
  record.time = 1'573'489'088'171;
  record.qos = 1;
  record.result = std::string_view("\0\xff bytes", 8);
  const Decoded got = decode(encoder.encode(record, "kitchen", 0));
  CHECK(got.is_data);
  CHECK(got.id == "1234567890123456789");
  CHECK(got.body == std::string("\0\xff bytes", 8));
  CHECK(got.tries == 0);
  CHECK(got.properties == std::map<std::string, std::string>{{"topic", "string /a1/board/user/update"},
                                                             {"messageId", "string 1234567890123456789"},
                                                             {"generateTime", "long 1573489088171"},
                                                             {"qos", "int 1"},
                                                             {"tag", "string kitchen"}});
}

TEST_CASE("nothing of one message is left in the next, and a large one is encoded whole") {
  MessageEncoder encoder;
  rule::Queued record;
  record.message_id = "1";
  const std::string large(300'000, 'x');
  record.result = large;
  CHECK(decode(encoder.encode(record, "tag", 3)).body == large);
  record.message_id = "2";
  record.result = "";
  const Decoded next = decode(encoder.encode(record, "", 1));
  CHECK(next.id == "2");
  CHECK(next.body.empty());
  CHECK(next.tries == 1);
  CHECK(next.properties.count("tag") == 0);
}

}  // namespace tercet::subscription
