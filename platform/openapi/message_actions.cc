#include "platform/openapi/handlers.h"
#include "platform/openapi/valid_utf8.h"
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

}  // namespace

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
  const std::string id = std::to_string(services.loop.random().next() >> 1);
  if (!services.fleet.publish(key_of(found->device), std::string(topic), std::move(*payload),
                              static_cast<std::uint8_t>(qos)))
    return reply(busy());
  reply(success({{"MessageId", id}}));
}

}  // namespace tercet::openapi
