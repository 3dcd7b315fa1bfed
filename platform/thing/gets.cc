#include "platform/broker/identity.h"
#include "platform/thing/commands.h"
#include "platform/thing/shard.h"

// Property get: a device is asked what its properties are now, rather than what it posted last.
namespace tercet::thing {

using Taken = broker::Ingress::Taken;

std::optional<SetTicket> ThingIngress::Shard::check_identifiers(const ProductBinding& product,
                                                                std::span<const std::string> identifiers) const {
  if (identifiers.empty()) return refused(Error::malformed, "no property is named");
  if (identifiers.size() > settings_.max_properties) return refused(Error::too_large, "more than 200 properties");
  if (product.validation == Validation::none) return std::nullopt;
  for (const std::string& identifier : identifiers) {
    const Property* const property = product.model->find_property(identifier);
    const std::string shown(shortened(identifier, 64));
    if (property == nullptr)
      return refused(Error::bad_argument, shown + ": not in the thing model", alink::Code::property_not_in_model);
    if (property->access == Access::write) return refused(Error::denied, shown + ": write-only (accessMode w)");
  }
  return std::nullopt;
}

SetTicket ThingIngress::Shard::get_properties(std::uint64_t number, std::vector<std::string> identifiers,
                                              std::function<void(const CallResult&)> on_result) {
  DeviceState* const device = find_device(number);
  if (auto problem = check_callable(device)) return *problem;
  if (auto problem = check_identifiers(*device->product, identifiers)) return *problem;
  const std::string key = broker::device_key(device->product->key, device->name);
  if (!egress_->is_online(key)) return refused(Error::closed, "the device is offline");
  const std::uint32_t id = next_message_id();
  std::size_t bound = 4;
  for (const std::string& identifier : identifiers) bound += identifier.size() * 6 + 4;
  std::string params;
  append_written(params, bound, [&](auto& out) {
    json::Writer list{out};
    list.begin_array();
    for (const std::string& identifier : identifiers) list.string(identifier);
    list.end_array();
  });
  reply_.clear();
  append_written(reply_, params.size() + 160, [&](auto& out) {
    alink::write_request(out, std::to_string(id), "thing.service.property.get", params);
  });
  topic_.assign("/sys/").append(device->product->key).append("/").append(device->name);
  topic_.append("/thing/service/property/get");
  // QoS 0: an answer that nobody waits for any more is worth nothing.
  if (!egress_->send_to(key, topic_, as_bytes(reply_), 0))
    return refused(Error::denied, "the device has not subscribed to " + topic_);
  PendingCalls::Call call;
  call.device = number;
  call.way = PendingCalls::Way::property_get;
  call.sent = loop_.wall();
  call.on_result = std::move(on_result);
  SetTicket ticket = wait_for(id, loop_.now() + settings_.sync_timeout, std::move(call));
  ticket.answers = true;
  return ticket;
}

Taken ThingIngress::Shard::on_get_reply(const Message& message) {
  const auto payload = as_text(message.in.payload);
  const auto reply = alink::parse_reply(payload);
  if (!reply) {
    note(message.device, &message.in, auth::Cause::payload_not_json, alink::number(alink::Code::not_json), payload);
    return Taken::done;
  }
  const auto id = message_id_of(reply->id);
  auto call = id ? calls_.take(*id, message.device.number, PendingCalls::Way::property_get) : std::nullopt;
  if (!call) {
    note(message.device, &message.in, auth::Cause::reply_unexpected, 0, payload);
    return Taken::done;
  }
  CallResult result;
  result.code = reply->code;
  result.message = reply->message;
  result.data = reply->data ? std::string(reply->data->raw()) : "{}";
  result.payload = payload;
  end_call(std::move(*call), result);
  return Taken::done;
}

}  // namespace tercet::thing
