#include "cli/advise_command.h"

#include <array>

#include "tercet/alink/envelope.h"
#include "tercet/alink/ntp.h"
#include "tercet/alink/topic.h"
#include "tercet/json/reader.h"

namespace tercet::cli::advise {
namespace {

constexpr std::size_t kLargeBytes = 128 * 1024;

std::string set_payload(const std::string& id, std::string_view params) {
  return R"({"method":"thing.service.property.set","id":")" + id + R"(","params":)" + std::string(params) +
         R"(,"version":"1.0"})";
}

/// The same properties, none with a value of its type.
std::string wrong_types(std::string_view set) {
  std::string made = "{";
  for (const auto& [name, value] : json::Value::trusted(set).members()) {
    if (made.size() > 1) made += ',';
    const bool is_text = value.is(json::Type::string);
    made += '"' + std::string(name.raw()) + "\":" + (is_text ? R"({"not":"a text"})" : R"("not of this type")");
  }
  return made + '}';
}

/// Valid, but not the way the cloud writes it: blanks, another order, members nobody knows, escapes.
std::string spaced(const std::string& id, std::string_view set) {
  return "{ \"version\" : \"1.0\" ,\r\n  \"extra\" : { \"note\" : \"a \\\"quoted\\\" \\u00e9 {word}\", \"list\" : [ 1, "
         "null, true ] } ,"
         "\n  \"params\" : " +
         std::string(set) + " ,\n\t\"method\" : \"thing.service.property.set\" , \"id\" : \"" + id + "\" }\n";
}

std::string large(const std::string& id) {
  std::string payload = set_payload(id, R"({"filler":")");
  const std::size_t at = payload.rfind(",\"version\"");
  payload.insert(at, std::string(kLargeBytes - payload.size() - 2, 'x') + "\"}");
  return payload;
}

}  // namespace

bool is_settable(std::string_view set) {
  const auto value = json::parse(set);
  return value && value->is(json::Type::object) && value->size() != 0;
}

Command make_command(Point point, std::string_view product, std::string_view device, std::string_view set,
                     std::uint32_t number) {
  Command made;
  made.point = point;
  made.id = std::to_string(number), made.probe_id = std::to_string(number + 1);
  made.topic = "/sys/" + std::string(product) + "/" + std::string(device) + "/thing/service/property/set";
  made.payload = set_payload(made.id, set);
  made.probe = set_payload(made.probe_id, set);
  switch (point) {
    case Point::set_wrong_type:
      made.payload = set_payload(made.id, wrong_types(set));
      break;
    case Point::set_unknown_property:
      made.payload = set_payload(made.id, R"({"no_such_property":1})");
      break;
    case Point::set_spaced_json:
      made.payload = spaced(made.id, set);
      made.probe.clear();
      break;
    case Point::set_broken_json:
      made.payload.insert(made.payload.size() - 1, ",");
      made.payload += "}garbage\x01";
      break;
    case Point::set_duplicate:
      made.qos = mqtt::Qos::at_least_once, made.twice = true;
      made.probe.clear();
      break;
    case Point::unknown_topic:
      made.topic = "/sys/" + std::string(product) + "/" + std::string(device) + "/thing/nobody/knows/this";
      break;
    case Point::large_message:
      made.qos = mqtt::Qos::at_least_once;
      made.payload = large(made.id);
      made.wait = kReplyWithin * 2;
      break;
    default:
      made.probe.clear();
      break;
  }
  return made;
}

std::optional<Reply> reply_to(std::string_view topic_text, std::string_view payload, UnixMillis now) {
  const auto topic = alink::parse_topic(topic_text);
  if (!topic || topic->is_reply || topic->kind == alink::Kind::custom || topic->kind == alink::Kind::unknown ||
      alink::direction(*topic) != alink::Direction::up)
    return std::nullopt;
  const auto where = alink::reply_topic(*topic);
  if (!where) return std::nullopt;
  std::array<std::uint8_t, 1024> buffer;
  Writer out{buffer};
  if (topic->kind == alink::Kind::ntp) {
    const auto request = alink::parse_ntp_request(payload);
    if (!request) return std::nullopt;
    alink::write_ntp_response(out, *request, now, now);
  } else {
    const auto request = alink::parse_request(payload);
    if (request && !request->wants_reply) return std::nullopt;
    alink::ReplyFields fields;
    if (request) fields.id = request->id, fields.method = request->method;
    if (!request) fields.code = alink::Code::parameter_error;
    alink::write_reply(out, fields);
  }
  if (!out.ok()) return std::nullopt;
  return Reply{std::string(where->str()), std::string(out.text())};
}

}  // namespace tercet::cli::advise
