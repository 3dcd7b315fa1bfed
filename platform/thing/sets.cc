#include "platform/broker/identity.h"
#include "platform/thing/commands.h"
#include "platform/thing/shard.h"

namespace tercet::thing {

using Taken = broker::Ingress::Taken;

std::optional<SetTicket> ThingIngress::Shard::check_items(const ProductBinding& product, std::string_view items) const {
  const auto parsed = json::parse(items);
  if (!parsed || !parsed->is(json::Type::object)) {
    const auto fault = json::find_fault(items);
    return refused(Error::malformed, fault ? "byte " + std::to_string(fault->offset) + ": " + std::string(fault->reason)
                                           : "items must be a JSON object");
  }
  const std::size_t count = parsed->size();
  if (count == 0) return refused(Error::malformed, "items holds no property");
  if (count > settings_.max_properties) return refused(Error::too_large, "more than 200 properties");
  if (product.validation == Validation::none) return std::nullopt;
  for (const auto& [identifier, value] : parsed->members()) {
    const Property* const property = product.model->find_property(identifier.raw());
    const std::string shown(identifier.raw().substr(0, 64));
    if (property == nullptr)
      return refused(Error::bad_argument, shown + ": not in the thing model", alink::Code::property_not_in_model);
    if (property->access == Access::read) return refused(Error::denied, shown + ": read-only (accessMode r)");
    const auto checked = check(*product.model, property->spec, value, product.validation);
    if (checked.ok()) continue;
    std::string text;
    append_check_text(text, checked, identifier.raw());
    return refused(Error::bad_argument, std::move(text), checked.code);
  }
  return std::nullopt;
}

SetTicket ThingIngress::Shard::set_properties(std::uint64_t number, std::string_view items,
                                              std::function<void(const SetResult&)> on_result) {
  DeviceState* const device = find_device(number);
  if (device == nullptr) return refused(Error::not_found, "no such device");
  if (device->product->stale) refresh(*device->product);
  if (!device->product->known) return refused(Error::not_found, "no such product");
  if (auto problem = check_items(*device->product, items)) return *problem;
  if (is_translated(*device))
    if (auto problem = check_translatable(*device)) return *problem;
  if (sets_.size() >= settings_.max_pending_sets) return refused(Error::no_space, "too many sets wait for an answer");
  const std::uint32_t message_id = next_message_id();
  const std::string id = std::to_string(message_id);
  const std::string params = compact(items);
  reply_.clear();
  append_written(reply_, params.size() + 160,
                 [&](auto& out) { alink::write_request(out, id, "thing.service.property.set", params); });
  topic_.assign("/sys/").append(device->product->key).append("/").append(device->name);
  topic_.append("/thing/service/property/set");
  const bool translated = is_translated(*device);
  if (!translated &&
      !egress_->send_to(broker::device_key(device->product->key, device->name), topic_, as_bytes(reply_), 1))
    return refused(Error::closed, "the device is offline, or has not subscribed to " + topic_);
  const Instant deadline = loop_.now() + settings_.set_timeout;
  sets_.add(message_id, deadline, {number, loop_.wall(), params, std::move(on_result)});
  if (!set_timer_.is_set()) set_timer_.set(loop_, sets_.next_deadline());
  ++counts_.sets;
  SetTicket ticket;
  ticket.sent = true;
  ticket.message_id = message_id;
  ticket.is_translating = translated;
  if (translated) send_translated(*device, message_id, reply_);
  return ticket;
}

Taken ThingIngress::Shard::on_set_reply(const Message& message) {
  const auto reply = alink::parse_reply(as_text(message.in.payload));
  if (!reply) {
    note(message.device, &message.in, auth::Cause::payload_not_json, alink::number(alink::Code::not_json),
         as_text(message.in.payload));
    return Taken::done;
  }
  const auto id = message_id_of(reply->id);
  auto set = id ? sets_.take(*id, message.device.number) : std::nullopt;
  if (!set) {
    note(message.device, &message.in, auth::Cause::reply_unexpected, 0, as_text(message.in.payload));
    return Taken::done;
  }
  SetResult result;
  result.code = reply->code;
  result.message = reply->message;
  result.data = reply->data ? std::string(reply->data->raw()) : "{}";
  end_set(*id, std::move(*set), result, as_text(message.in.payload));
  return Taken::done;
}

void ThingIngress::Shard::end_set(std::uint32_t id, PendingSets::Set set, const SetResult& result,
                                  std::string_view envelope) {
  // Kept as a service call, as QueryDeviceServiceData shows sets; losing one with the power loses no answer to a
  // device.
  const std::string brief = "{\"id\":\"" + std::to_string(id) + "\",\"code\":" + std::to_string(result.code) + "}";
  record_.clear();
  begin_record(record_, kLive);
  append_field(record_, "set");
  append_field(record_, set.items);
  append_field(record_, result.timed_out ? std::string_view{} : envelope.size() > kMaxKeptReply ? brief : envelope);
  put_record(RecordKind::service, set.device, set.sent.ms);
  if (!result.timed_out) emit_reply(set.device, id, "/thing/service/property/set", result);
  if (set.on_result) set.on_result(result);
}

void ThingIngress::Shard::expire_sets() {
  while (auto due = sets_.take_due(loop_.now())) {
    ++counts_.set_timeouts;
    SetResult result;
    result.timed_out = true;
    end_set(due->first, std::move(due->second), result, {});
  }
  set_timer_.set(loop_, sets_.next_deadline());
}

}  // namespace tercet::thing
