#include "tercet/device/service.h"

#include "tercet/alink/envelope.h"
#include "tercet/base/writer.h"
#include "tercet/device/client.h"

// Services and RRPC of the device: what comes to `thing/service/{id}`, `rrpc/request/{id}` and `/ext/rrpc/{id}/…`.
namespace tercet::device {
namespace {

constexpr std::string_view kService = "thing/service/";
constexpr std::string_view kPropertyGet = "property/get";
constexpr std::string_view kMethod = "thing.service.";
constexpr std::string_view kRequest = "rrpc/request/";
constexpr std::string_view kCustom = "/ext/rrpc/";

bool take_front(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

}  // namespace

void ServiceCall::write_outputs(json::Writer& out) const {
  if (object_ && code_ == alink::number(alink::Code::success)) return object_->write(out);
  write_properties(out, outputs(), std::nullopt);
}

bool PropertyGet::wants(std::string_view identifier) const {
  for (const json::Value& asked : call_.params().elements()) {
    const auto text = asked.text();
    if (text && *text == identifier) return true;
  }
  return false;
}

/// What follows `/sys/{pk}/{dn}/`; nothing of other topics.
std::optional<std::string_view> Device::own_tail(std::string_view topic) const {
  const bool is_ours = take_front(topic, "/sys/") && take_front(topic, id_->product.str()) && take_front(topic, "/") &&
                       take_front(topic, id_->device.str()) && take_front(topic, "/");
  return is_ours ? std::optional(topic) : std::nullopt;
}

/// False: it is something else.
bool Device::on_call(const mqtt::Publish& message) {
  std::string_view custom = message.topic;
  if (take_front(custom, kCustom)) return on_custom_rrpc(message, custom);
  const auto tail = own_tail(message.topic);
  if (!tail) return false;
  std::string_view rest = *tail;
  if (take_front(rest, kService)) {
    const bool is_get = rest == kPropertyGet;
    if (rest.empty() || (!is_get && rest.find('/') != std::string_view::npos)) return false;
    std::array<std::uint8_t, alink::kMaxBuiltTopic> bytes;
    Writer topic{bytes};
    topic.text(message.topic), topic.text("_reply");
    if (topic.ok()) on_service(rest, message.payload, topic.text(), message.qos);
    return true;
  }
  if (!take_front(rest, kRequest)) return false;
  std::array<std::uint8_t, alink::kMaxBuiltTopic> bytes;
  Writer tail_of_answer{bytes};
  tail_of_answer.text("rrpc/response/"), tail_of_answer.text(rest);
  alink::TopicName topic;
  if (!tail_of_answer.ok() || !expand(tail_of_answer.text(), topic)) return true;
  // A synchronous service is told from other requests by its method.
  const auto request = alink::parse_request(as_text(message.payload));
  std::string_view method = request ? request->method : std::string_view{};
  if (take_front(method, kMethod))
    on_service(method, message.payload, topic.str(), mqtt::Qos::at_most_once);
  else
    on_rrpc({}, message.payload, topic.str());
  return true;
}

/// `rest`: "{id}{topic}". The answer has the topic of the request.
bool Device::on_custom_rrpc(const mqtt::Publish& message, std::string_view rest) {
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view inner = rest.substr(slash);
  auto service = own_tail(inner);
  if (service && take_front(*service, kService))
    on_service(*service, message.payload, message.topic, mqtt::Qos::at_most_once);
  else
    on_rrpc(inner, message.payload, message.topic);
  return true;
}

void Device::on_service(std::string_view identifier, Bytes payload, std::string_view reply_topic, mqtt::Qos qos) {
  const auto request = alink::parse_request(as_text(payload));
  if (!request) return log(LogLevel::warning, "service", "not an Alink request");
  ServiceCall call{identifier, request->params.value_or(json::Value{})};
  if (identifier == kPropertyGet) {
    PropertyGet get{call};
    events_.on_get(get);
  } else {
    events_.on_service(call);
  }
  if (!request->wants_reply) return;
  Writer out{storage_.scratch};
  out.text("{\"id\":\""), out.text(request->id), out.text("\",\"code\":"), out.decimal(std::int64_t{call.code()});
  out.text(",\"data\":");
  json::Writer data{out};
  call.write_outputs(data);
  out.ch('}');
  if (!out.ok()) {  // the outputs do not fit: say so rather than nothing
    out = Writer{storage_.scratch};
    alink::write_device_reply(out, request->id, alink::number(alink::Code::request_error));
  }
  if (!out.ok()) return log(LogLevel::error, "service", "no room for the answer");
  mqtt::Publish reply;
  reply.topic = reply_topic;
  reply.payload = out.written();
  reply.qos = qos;
  if (!client_->publish(reply)) log(LogLevel::warning, "service", "the answer found no room on the wire");
}

void Device::on_rrpc(std::string_view topic, Bytes payload, std::string_view reply_topic) {
  RrpcCall call{topic, payload, storage_.scratch};
  events_.on_rrpc(call);
  const auto said = call.said();
  if (!said) return;
  mqtt::Publish reply;
  reply.topic = reply_topic;
  reply.payload = *said;
  reply.qos = mqtt::Qos::at_most_once;
  if (!client_->publish(reply)) log(LogLevel::warning, "rrpc", "the answer found no room on the wire");
}

}  // namespace tercet::device
