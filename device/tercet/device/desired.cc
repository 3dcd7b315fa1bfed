#include "tercet/device/desired.h"

#include "tercet/alink/envelope.h"
#include "tercet/base/writer.h"
#include "tercet/device/client.h"

namespace tercet::device {

std::uint64_t DesiredValues::version_of(const json::Value& wish) {
  const auto version = wish.find("version");
  if (!version) return 0;
  const std::int64_t number = version->integer().value_or(0);
  return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

Result<MessageId> Device::publish_request(MessageId id, std::string_view tail, Bytes payload) {
  alink::TopicName topic;
  if (!expand(tail, topic)) return fail(Error::too_large);
  if (const auto sent = publish(topic.str(), payload, mqtt::Qos::at_least_once); !sent) return fail(sent.error());
  next_id_ = id;
  return id;
}

Result<MessageId> Device::get_desired(std::initializer_list<std::string_view> identifiers) {
  if (!is_online()) return fail(Error::bad_state);
  const MessageId id = next_id();
  std::array<std::uint8_t, 12> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{id});
  Writer out{storage_.scratch};
  alink::RequestWriter request{out, number.text(), "thing.property.desired.get"};
  request.params().begin_array();
  for (const std::string_view identifier : identifiers) request.params().string(identifier);
  request.params().end_array();
  request.finish();
  if (!out.ok()) return fail(Error::too_large);
  return publish_request(id, "thing/property/desired/get", out.written());
}

Result<MessageId> Device::clear_desired(std::string_view identifier, std::uint64_t version) {
  if (!is_online()) return fail(Error::bad_state);
  const MessageId id = next_id();
  std::array<std::uint8_t, 12> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{id});
  Writer out{storage_.scratch};
  alink::RequestWriter request{out, number.text(), "thing.property.desired.delete"};
  request.params().begin_object().key(identifier).begin_object().key("version").number(version);
  request.params().end_object().end_object();
  request.finish();
  if (!out.ok()) return fail(Error::too_large);
  return publish_request(id, "thing/property/desired/delete", out.written());
}

void Device::on_desired(Bytes payload, Instant now) {
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply) return log(LogLevel::warning, "desired", "not an Alink reply");
  heard_reply(now);
  if (reply->code != alink::number(alink::Code::success)) return log(LogLevel::warning, "desired", reply->message);
  DesiredValues desired{reply->data.value_or(json::Value{})};
  events_.on_desired(desired);
}

}  // namespace tercet::device
