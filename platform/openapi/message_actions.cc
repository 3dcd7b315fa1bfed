#include "platform/openapi/handlers.h"
#include "platform/openapi/valid_utf8.h"
#include "platform/registry/topic_classes.h"
#include "tercet/crypto/encoding.h"

namespace tercet::openapi {
namespace {

constexpr std::size_t kMaxPayload = 256 * 1024;

/// Padding is mended: the vendor's own sample lacks one '='.
std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string padded(text);
  while (padded.size() % 4 != 0) padded += '=';
  std::vector<std::uint8_t> bytes(padded.size() / 4 * 3);
  const auto decoded = crypto::decode_base64(padded, bytes);
  if (!decoded) return std::nullopt;
  return std::string(as_text(*decoded));
}

/// The DeviceName in "/{ProductKey}/{DeviceName}/..."; nothing for a topic that Pub may not use.
std::optional<std::string> device_of_topic(std::string_view topic, std::string_view product) {
  if (!topic.starts_with('/') || topic.size() > 128 || topic.find_first_of("+#") != std::string_view::npos ||
      topic.find('\0') != std::string_view::npos || valid_utf8(topic) != topic)
    return std::nullopt;
  topic.remove_prefix(1);
  if (!topic.starts_with(product) || topic.size() <= product.size() || topic[product.size()] != '/')
    return std::nullopt;
  topic.remove_prefix(product.size() + 1);
  const auto slash = topic.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == topic.size()) return std::nullopt;
  return std::string(topic.substr(0, slash));
}

/// Why devices of the product may not subscribe to this topic of theirs: a message there would reach nobody, unsaid.
std::optional<Answer> class_refusal(const registry::Product& product, std::string_view topic, std::size_t head) {
  const auto why = registry::topic_class_refusal(product.topics, product.free_topics, topic.substr(head), false);
  if (!why) return std::nullopt;
  const auto text = auth::text(why->cause);
  std::string detail(text.cause_en);
  if (!why->name.empty()) detail.append(" (class user/").append(why->name).append(")");
  return refusal("iot.messagebroker.PublishMessageFailed", detail.append(" ").append(text.remedy_en));
}

/// Where an RRPC may go besides its own topic: like a topic of the device, no system topic, no wildcard.
bool is_rrpc_topic(std::string_view topic) {
  return topic.starts_with('/') && topic.size() > 1 && topic.size() <= 100 && !topic.starts_with("/sys/") &&
         !topic.ends_with('/') && topic.find("//") == std::string_view::npos &&
         topic.find_first_of(std::string_view("+#?\0", 4)) == std::string_view::npos && valid_utf8(topic) == topic;
}

/// A refusal that says how it ended, where the cloud's clients look for it.
Answer rrpc_refusal(std::string_view rrpc_code, registry::ApiCode code, std::string_view text) {
  Answer answer = refusal(code, text);
  answer.body["RrpcCode"] = rrpc_code;
  return answer;
}

Answer rrpc_answer(const Invocation& made) {
  const auto& ticket = made.ticket;
  if (ticket.error == Error::closed && !ticket.sent)
    return rrpc_refusal("OFFLINE", "iot.messagebroker.OFFLINE", "The device is offline, so nothing was sent.");
  if (!ticket.sent) return rrpc_refusal("UNKNOWN", "iot.messagebroker.RrpcFailed", "Not sent: " + ticket.detail + ".");
  if (!made.result || made.result->timed_out) {
    Answer late =
        rrpc_refusal("TIMEOUT", "iot.messagebroker.TIMEOUT",
                     "The device did not answer in time. It answers on rrpc/response/ with the same id, or, of "
                     "a topic of its own, on the topic it was asked on.");
    late.body["MessageId"] = ticket.message_id;
    return late;
  }
  std::string text(crypto::base64_size(made.result->payload.size()), '\0');
  const auto encoded = crypto::encode_base64(as_bytes(made.result->payload), text);
  return success({{"RrpcCode", "SUCCESS"},
                  {"PayloadBase64Byte", encoded ? *encoded : std::string_view{}},
                  {"MessageId", ticket.message_id}});
}

/// Where a broadcast to whoever subscribes may go.
bool is_broadcast_topic(std::string_view topic, std::string_view product) {
  const std::string head = "/broadcast/" + std::string(product) + "/";
  return topic.starts_with(head) && topic.size() > head.size() && topic.size() <= 128 && !topic.ends_with('/') &&
         topic.find("//") == std::string_view::npos &&
         topic.find_first_of(std::string_view("+#?\0", 4)) == std::string_view::npos && valid_utf8(topic) == topic;
}

}  // namespace

/// To every device of the product that is online, or to those that have subscribed to a topic of the product.
void pub_broadcast(Services& services, const Call& call, Reply reply) {
  constexpr std::size_t kMost = 64 * 1024;
  const std::string product(call.parameters.text("ProductKey"));
  const std::string topic(call.parameters.text("TopicFullName"));
  if (!topic.empty() && !is_broadcast_topic(topic, product))
    return reply(refusal("iot.messagebroker.InvalidFormattedTopicName",
                         "TopicFullName is /broadcast/{ProductKey}/..., of the product given, without wildcards and at "
                         "most 128 bytes; left out, every device of the product that is online is sent the message."));
  auto payload = decode_base64(call.parameters.text("MessageContent"));
  if (!payload)
    return reply(refusal("iot.messagebroker.MessageContentIsNotBase64Encode", "MessageContent must be base64."));
  if (payload->size() > kMost)
    return reply(refusal("iot.messagebroker.PublishMessageFailed", "A broadcast is at most 64 KB."));
  const auto found = services.registry.product(product);
  if (!found) return reply(refusal(found.problem()));
  if (!services.broadcasts.take(product, !topic.empty(), services.loop.now()))
    return reply(gateway_error(400, "Throttling.Api",
                               topic.empty() ? "A product is broadcast to once a minute at most. Try again later."
                                             : "A product's topics are broadcast to once a second at most. Try again "
                                               "later."));
  const std::int64_t id = services.loop.random().next() >> 11;  // exact in a double, which is what clients keep it in
  if (!topic.empty()) {
    if (!services.fleet.publish(topic, std::move(*payload), 0)) return reply(busy());
    return reply(success({{"MessageId", id}}));
  }
  services.fleet.broadcast(
      product, std::to_string(id), std::move(*payload),
      [reply = std::move(reply), id](std::optional<std::size_t> sent) {
        reply(sent ? success({{"MessageId", id}, {"Data", boost::json::object{{"Sent", *sent}}}}) : busy());
      });
}

void rrpc(Services& services, const Call& call, Reply reply) {
  auto payload = decode_base64(call.parameters.text("RequestBase64Byte"));
  if (!payload)
    return reply(refusal("iot.messagebroker.MessageContentIsNotBase64Encode", "RequestBase64Byte must be base64."));
  const std::int64_t timeout = call.parameters.number("Timeout").value_or(0);
  if (timeout < 1000 || timeout > 8000)
    return reply(refusal("iot.messagebroker.InvalidTimeoutValue", "Timeout is 1000 to 8000 milliseconds."));
  const std::string_view topic = call.parameters.text("Topic");
  if (!topic.empty() && !is_rrpc_topic(topic))
    return reply(refusal("iot.messagebroker.InvalidFormattedTopicName",
                         "Topic begins with a slash, has at most 100 bytes, no wildcard, and is no system topic; left "
                         "out, it is the device's rrpc/request/."));
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  services.fleet.rrpc(
      key_of(found->device), std::string(topic), std::move(*payload), Millis{timeout},
      [reply = std::move(reply)](std::optional<Invocation> made) { reply(made ? rrpc_answer(*made) : busy()); });
}

void pub(Services& services, const Call& call, Reply reply) {
  const std::string_view product = call.parameters.text("ProductKey");
  const std::string_view topic = call.parameters.text("TopicFullName");
  const auto device = device_of_topic(topic, product);
  if (!device)
    return reply(refusal("iot.messagebroker.InvalidFormattedTopicName",
                         "TopicFullName is /{ProductKey}/{DeviceName}/user/..., without wildcards and at most 128 "
                         "bytes, of the product given; system topics have actions of their own."));
  auto payload = decode_base64(call.parameters.text("MessageContent"));
  if (!payload)
    return reply(refusal("iot.messagebroker.MessageContentIsNotBase64Encode", "MessageContent must be base64."));
  if (payload->size() > kMaxPayload)
    return reply(refusal("iot.messagebroker.PublishMessageFailed", "A message is at most 256 KB."));
  const std::int64_t qos = call.parameters.number("Qos").value_or(0);
  if (qos != 0 && qos != 1) return reply(gateway_error(400, "InvalidQos", "Qos is 0 or 1."));
  const auto found = services.registry.device({"", std::string(product), *device});
  if (!found) return reply(refusal(found.problem()));
  const auto kind = services.registry.product(product);
  if (!kind) return reply(refusal(kind.problem()));
  const std::size_t head = product.size() + device->size() + 3;  // "/{pk}/{dn}/"
  if (auto refused = class_refusal(kind->product, topic, head)) return reply(std::move(*refused));
  const std::string id = std::to_string(services.loop.random().next() >> 1);
  if (!services.fleet.publish(key_of(found->device), std::string(topic), std::move(*payload),
                              static_cast<std::uint8_t>(qos)))
    return reply(busy());
  reply(success({{"MessageId", id}}));
}

}  // namespace tercet::openapi
