#include <algorithm>

#include "platform/thing/shard.h"

// Pack post (5.6): what a gateway and its sub-devices measured, in one message that is kept whole or not at all.
namespace tercet::thing {

using alink::Code;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMaxSubDevices = 20;

bool is_group(const std::optional<json::Value>& value) { return !value || value->is(json::Type::object); }

}  // namespace

/// Nothing is written: whether all of it would be kept; `drop()` has noted what would not.
void ThingIngress::Shard::try_samples(const Message& message, const alink::DeviceSamples& from) {
  accepted_.clear();
  if (from.properties) {
    alink::Samples samples(*from.properties);
    while (const auto sample = samples.next())
      take_value(message.product, sample->identifier, sample->posted, Kept::live);
  }
  if (!from.events || message.product.validation == Validation::none) return;
  alink::Samples samples(*from.events);
  while (const auto sample = samples.next()) {
    const Event* const event = message.product.model->find_event(sample->identifier.raw());
    if (event == nullptr)
      drop(sample->identifier, {Code::params_not_exist});
    else if (!is_time_good(sample->posted, Kept::live))
      drop(sample->identifier, {Code::bad_time});
    else if (!sample->posted.value.is(json::Type::object))
      drop(sample->identifier, {Code::bad_struct});
    else if (sample->posted.value.size() > settings_.max_properties)
      drop(sample->identifier, {Code::too_many_properties});
    else
      static_cast<void>(take_outputs(message.product, *event, sample->posted.value));
  }
}

Taken ThingIngress::Shard::on_pack_post(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.known) return refuse(message, request->id, Code::product_not_found, Cause::unknown_product, {});
  const auto wrong_shape = [&](std::string_view what) {
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type, what);
  };
  if (!request->params || !request->params->is(json::Type::object)) return wrong_shape("params must be an object");
  alink::DeviceSamples own;
  own.properties = request->params->find("properties");
  own.events = request->params->find("events");
  if (!is_group(own.properties) || !is_group(own.events))
    return wrong_shape("properties and events must be objects of {\"value\":...,\"time\":...}");
  const auto subs = request->params->find("subDevices");
  if (subs && !subs->is(json::Type::array)) return wrong_shape("subDevices must be an array");
  if (own.properties && own.properties->size() > settings_.max_properties)
    return refuse(message, request->id, Code::too_many_properties, Cause::too_many_properties, {});
  if (own.events && own.events->size() > settings_.max_batch_events)
    return refuse(message, request->id, Code::too_many_events, Cause::too_many_properties, "too many events");
  if (subs && subs->size() > kMaxSubDevices)
    return refuse(message, request->id, Code::too_many_subdevices_in_pack, Cause::too_many_properties,
                  "more than 20 sub-devices in one pack");
  if (subs && subs->size() != 0) return refuse_sub_devices(message, *request, *subs);
  begin_message(message.product);
  try_samples(message, own);
  if (dropped_count_ != 0) {
    counts_.dropped_values += dropped_count_;
    note_dropped(message);
    const std::string why = "nothing was kept: " + dropped_;
    return refuse(message, request->id, dropped_code_, Cause::pack_not_kept, why);
  }
  begin_message(message.product);
  take_samples(message, own, Kept::live);
  ++counts_.posts;
  return answer_later(message, *request);
}

/// Data of devices that are not below this one.
Taken ThingIngress::Shard::refuse_sub_devices(const Message& message, const alink::Request& request,
                                              const json::Value& list) {
  std::string_view shown = "an entry of subDevices without identity";
  for (const json::Value& entry : list.elements()) {
    const auto identity = entry.find("identity");
    const auto name = identity ? identity->find("deviceName") : std::nullopt;
    const auto text = name ? name->text() : std::nullopt;
    if (!text) return refuse(message, request.id, Code::parameter_error, Cause::params_wrong_type, shown);
    shown = text->raw();
  }
  return refuse(message, request.id, Code::topo_not_exist, Cause::topic_of_another_device, shown);
}

}  // namespace tercet::thing
