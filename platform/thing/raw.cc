#include <algorithm>

#include "platform/broker/identity.h"
#include "platform/thing/commands.h"
#include "platform/thing/shard.h"

// Pass-through products (device-protocol 5.8): what their devices send is bytes, which the product's script makes an
// Alink message of; from there on it is one like any other, until the answer goes back through the script.
namespace tercet::thing {

using alink::Code;
using auth::Cause;
using Taken = broker::Ingress::Taken;

/// A message while the script is at work on it: the broker's views are gone by then.
struct ThingIngress::Shard::HeldRaw {
  broker::SessionRef session;
  broker::Identity identity;
  std::uint64_t tag;
  std::uint8_t ext;
  std::uint8_t qos;
  broker::AckToken token;
  std::string topic;
};

namespace {

/// "thing.event.property.post" of this device -> "/sys/{pk}/{dn}/thing/event/property/post".
std::string topic_of(std::string_view method, const DeviceState& device) {
  std::string topic = "/sys/" + device.product->key + "/" + device.name + "/";
  for (const char c : method) topic += c == '.' ? '/' : c;
  return topic;
}

/// What a script may make of bytes: messages that are answered in the pass they come in, or with its commit.
bool is_post(alink::Kind kind) {
  using alink::Kind;
  return kind == Kind::property_post || kind == Kind::event_post || kind == Kind::property_batch_post ||
         kind == Kind::property_history_post;
}

}  // namespace

void ThingIngress::Shard::translate(const Message& message,
                                    void (Shard::*then)(const HeldRaw&, const script::Outcome&)) {
  const broker::Inbound& in = message.in;
  HeldRaw held{in.session, in.identity, in.tag, in.ext, in.qos, in.token, std::string(in.topic)};
  script::Request request;
  request.function = script::Function::raw_to_protocol;
  request.product = message.product.key;
  request.script = message.product.script;
  request.input = as_text(in.payload);
  scripts_->run(std::move(request),
                [this, then, held = std::move(held)](const script::Outcome& outcome) { (this->*then)(held, outcome); });
}

Taken ThingIngress::Shard::on_raw_up(const Message& message) {
  if (!message.product.script)
    return refuse(message, {}, Code::script_empty, Cause::script_missing, "the product has no script");
  translate(message, &Shard::on_raw_parsed);
  return message.in.qos != 0 ? Taken::later : Taken::done;
}

/// The script could make nothing of it: the reply is JSON, since there is nobody to make bytes of it.
void ThingIngress::Shard::refuse_raw(const HeldRaw& held, DeviceState& device, Code code, Cause cause,
                                     std::string_view detail) {
  ++counts_.refused_messages;
  note(device, nullptr, cause, alink::number(code), detail);
  const alink::ReplyFields fields{.id = {}, .code = code, .method = "thing.model.up_raw"};
  reply_.clear();
  append_written(reply_, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
  topic_.assign(topic_of("thing.model.up_raw_reply", device));
  egress_->send(held.session, topic_, as_bytes(reply_), std::min<std::uint8_t>(held.qos, 1));
  if (held.qos != 0) egress_->acknowledge(held.token);
}

void ThingIngress::Shard::note_script(DeviceState& device, const script::Outcome& outcome, script::Function function) {
  const Cause cause = outcome.is_cut_off || outcome.code == Code::script_throttled ? Cause::script_cut_off
                      : outcome.code == Code::script_empty                         ? Cause::script_missing
                                                                                   : Cause::script_failed;
  note(device, nullptr, cause, alink::number(outcome.code),
       std::string(script::name(function)) + ": " + outcome.detail);
}

void ThingIngress::Shard::on_raw_parsed(const HeldRaw& held, const script::Outcome& outcome) {
  DeviceState* const device = find_device(held.tag);
  if (device == nullptr) return;  // deleted meanwhile
  if (!outcome.ok()) {
    const Cause cause =
        outcome.is_cut_off || outcome.code == Code::script_throttled ? Cause::script_cut_off : Cause::script_failed;
    return refuse_raw(held, *device, outcome.code, cause, "rawDataToProtocol: " + outcome.detail);
  }
  const auto request = json::parse(outcome.output);
  const auto given = request ? request->find("method") : std::nullopt;
  const auto method = given ? given->text() : std::nullopt;
  if (!method || method->raw().empty())
    return refuse_raw(held, *device, Code::method_missing_after_script, Cause::script_failed,
                      "the script's object has no method: " + std::string(shortened(outcome.output, 300)));
  const std::string full = topic_of(method->raw(), *device);
  const auto topic = alink::parse_topic(full);
  const bool is_offered = topic && !topic->is_reply && topic->device == device->name && is_post(topic->kind);
  if (!is_offered)
    return refuse_raw(held, *device, Code::method_missing_after_script, Cause::script_failed,
                      "no post has the method " + std::string(shortened(method->raw(), 100)));
  ProductBinding& product = *device->product;
  if (product.stale) refresh(product);
  in_raw_ = true;
  const broker::Inbound in{held.session, held.identity, held.tag, held.ext, full, as_bytes(outcome.output),
                           held.qos,     held.token};
  const Taken taken = dispatch({in, *topic, *device, product});
  in_raw_ = false;
  if (taken == Taken::done && held.qos != 0) egress_->acknowledge(held.token);
}

void ThingIngress::Shard::send_raw_reply(std::uint64_t number, broker::SessionRef session, std::string_view envelope,
                                         std::uint8_t qos) {
  DeviceState* const device = devices_.find(number);
  if (device == nullptr || scripts_ == nullptr) return;
  if (device->product->stale) refresh(*device->product);
  script::Request request;
  request.function = script::Function::protocol_to_raw;
  request.product = device->product->key;
  request.script = device->product->script;
  request.input = envelope;
  scripts_->run(std::move(request), [this, number, session, qos](const script::Outcome& outcome) {
    DeviceState* const to = devices_.find(number);
    if (to == nullptr) return;
    if (!outcome.ok()) return note_script(*to, outcome, script::Function::protocol_to_raw);
    egress_->send(session, topic_of("thing.model.up_raw_reply", *to), as_bytes(outcome.output),
                  std::min<std::uint8_t>(qos, 1));
  });
}

std::optional<SetTicket> ThingIngress::Shard::check_translatable(const DeviceState& device) const {
  if (scripts_ == nullptr || !device.product->script)
    return refused(Error::bad_argument,
                   "the product's data format is pass-through, and it has no script: set one first",
                   Code::script_empty);
  return std::nullopt;
}

void ThingIngress::Shard::send_translated(const DeviceState& device, std::uint32_t id, std::string_view envelope) {
  translating_.emplace(id, nullptr);
  script::Request request;
  request.function = script::Function::protocol_to_raw;
  request.product = device.product->key;
  request.script = device.product->script;
  request.input = envelope;
  scripts_->run(std::move(request), [this, id, number = device.number](const script::Outcome& outcome) {
    on_command_translated(number, id, outcome);
  });
}

void ThingIngress::Shard::when_translated(std::uint32_t message_id, std::function<void(SetTicket)> then) {
  translating_[message_id] = std::move(then);
}

void ThingIngress::Shard::on_command_translated(std::uint64_t number, std::uint32_t id,
                                                const script::Outcome& outcome) {
  auto told = translating_.extract(id);
  SetTicket ticket;
  DeviceState* const device = devices_.find(number);
  if (device == nullptr) {
    ticket = refused(Error::not_found, "the device was deleted");
  } else if (!outcome.ok()) {
    note_script(*device, outcome, script::Function::protocol_to_raw);
    ticket = refused(Error::bad_argument, "protocolToRawData: " + outcome.detail, outcome.code);
  } else {
    const std::string topic = topic_of("thing.model.down_raw", *device);
    if (egress_->send_to(broker::device_key(device->product->key, device->name), topic, as_bytes(outcome.output), 1))
      ticket.sent = true;
    else
      ticket = refused(Error::closed, "the device is offline, or has not subscribed to " + topic);
  }
  ticket.message_id = id;
  if (!ticket.sent) {
    sets_.take(id, number);
    if (const auto call = calls_.take(id, number, PendingCalls::Way::reply_topic))
      commits_.current().mutations.erase(store::Family::history, call->record);
  }
  if (!told.empty() && told.mapped()) told.mapped()(std::move(ticket));
}

Taken ThingIngress::Shard::on_raw_down_reply(const Message& message) {
  if (scripts_ == nullptr || !message.product.script) {
    note(message.device, &message.in, Cause::script_missing, alink::number(Code::script_empty),
         "the product has no script");
    return Taken::done;
  }
  translate(message, &Shard::on_raw_answer_parsed);
  return Taken::done;
}

/// The answer to a set or to a service, as its id says.
void ThingIngress::Shard::on_raw_answer_parsed(const HeldRaw& held, const script::Outcome& outcome) {
  DeviceState* const device = find_device(held.tag);
  if (device == nullptr) return;
  if (!outcome.ok()) return note_script(*device, outcome, script::Function::raw_to_protocol);
  const auto topic = alink::parse_topic(held.topic);
  if (!topic) return;
  const broker::Inbound in{held.session, held.identity, held.tag, held.ext, held.topic, as_bytes(outcome.output), 0,
                           held.token};
  const Message message{in, *topic, *device, *device->product};
  const auto reply = alink::parse_reply(outcome.output);
  const auto id = reply ? message_id_of(reply->id) : std::nullopt;
  if (id && sets_.has(*id))
    on_set_reply(message);
  else
    on_service_reply(message);
}

}  // namespace tercet::thing
