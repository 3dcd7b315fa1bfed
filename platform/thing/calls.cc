#include "platform/broker/identity.h"
#include "platform/thing/commands.h"
#include "platform/thing/shard.h"

// Services of the thing model, and RRPC below the synchronous ones.
namespace tercet::thing {

using alink::Code;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMaxPayload = 256 * 1024 - 1024;  // with topic and header within a packet

SetTicket wrong_input(const std::string& text, Code code) { return refused(Error::bad_argument, text, code); }

}  // namespace

std::uint32_t ThingIngress::Shard::next_message_id() {
  do {
    next_set_ = next_set_ == 0xFFFFFFFF ? 1 : next_set_ + 1;
  } while (sets_.has(next_set_) || calls_.has(next_set_));
  return next_set_;
}

std::optional<SetTicket> ThingIngress::Shard::check_callable(DeviceState* device) {
  if (device == nullptr) return refused(Error::not_found, "no such device");
  if (device->product->stale) refresh(*device->product);
  if (!device->product->known) return refused(Error::not_found, "no such product");
  if (calls_.size() >= settings_.max_pending_sets) return refused(Error::no_space, "too many calls wait for an answer");
  return std::nullopt;
}

std::optional<SetTicket> ThingIngress::Shard::check_args(const ProductBinding& product, const Service* service,
                                                         std::string_view args) const {
  const auto parsed = json::parse(args);
  if (!parsed || !parsed->is(json::Type::object)) {
    const auto fault = json::find_fault(args);
    return refused(Error::malformed, fault ? "byte " + std::to_string(fault->offset) + ": " + std::string(fault->reason)
                                           : "Args must be a JSON object");
  }
  if (args.size() > kMaxPayload) return refused(Error::too_large, "more than 255 KB of Args");
  if (product.validation == Validation::none) return std::nullopt;
  if (service == nullptr) return wrong_input("not in the thing model", Code::service_not_available);
  const auto inputs = product.model->inputs(*service);
  for (const Member& input : inputs) {
    const auto value = parsed->find(input.identifier);
    if (!value) return wrong_input("the input " + input.identifier + " is missing", Code::input_missing);
    const auto checked = check(*product.model, input.spec, *value, product.validation);
    if (checked.ok()) continue;
    std::string text;
    append_check_text(text, checked, input.identifier);
    return wrong_input(text, checked.code);
  }
  for (const auto& member : parsed->members()) {
    bool known = false;
    for (const Member& input : inputs) known |= member.name == std::string_view(input.identifier);
    if (!known)
      return wrong_input(std::string(shortened(member.name.raw(), 64)) + ": no input of the service",
                         Code::params_not_exist);
  }
  return std::nullopt;
}

SetTicket ThingIngress::Shard::invoke_service(std::uint64_t number, std::string_view identifier, std::string_view args,
                                              std::function<void(const CallResult&)> on_result) {
  DeviceState* const device = find_device(number);
  if (auto problem = check_callable(device)) return *problem;
  if (identifier.empty() || identifier.size() > 100 || identifier.find_first_of("/+#\"\\ ") != std::string_view::npos)
    return wrong_input("no identifier of a service", Code::service_not_available);
  const Service* const service = device->product->model->find_service(identifier);
  if (auto problem = check_args(*device->product, service, args)) return *problem;
  // A product that checks nothing has asynchronous services only, whatever its model says.
  const bool synchronous =
      service != nullptr && service->synchronous && device->product->validation != Validation::none;
  const std::uint32_t id = next_message_id();
  const std::string params = compact(args);
  const std::string method = "thing.service." + std::string(identifier);
  reply_.clear();
  append_written(reply_, params.size() + method.size() + 128,
                 [&](auto& out) { alink::write_request(out, std::to_string(id), method, params); });
  const std::string key = broker::device_key(device->product->key, device->name);
  const std::string topic =
      "/sys/" + device->product->key + "/" + device->name + "/thing/service/" + std::string(identifier);
  PendingCalls::Call call{number,
                          PendingCalls::Way::reply_topic,
                          loop_.wall(),
                          std::string(identifier),
                          params,
                          std::string{},
                          std::move(on_result)};
  if (is_translated(*device)) {
    if (auto problem = check_translatable(*device)) return *problem;
    const std::string envelope = reply_;
    SetTicket ticket =
        wait_for(id, loop_.now() + (synchronous ? settings_.sync_timeout : settings_.service_timeout), std::move(call));
    ticket.answers = synchronous;
    ticket.is_translating = true;
    send_translated(*device, id, envelope);
    return ticket;
  }
  if (!synchronous) {
    if (!egress_->send_to(key, topic, as_bytes(reply_), 1))
      return refused(Error::closed, "the device is offline, or has not subscribed to " + topic);
    return wait_for(id, loop_.now() + settings_.service_timeout, std::move(call));
  }
  if (!egress_->is_online(key)) return refused(Error::closed, "the device is offline");
  // A device that said ext bit 0, or subscribed to it, takes the first form, others the second (8.2).
  if (!send_rrpc(*device, id, topic, as_bytes(reply_)) && !send_rrpc(*device, id, {}, as_bytes(reply_)))
    return refused(Error::denied, "the device has subscribed neither to rrpc/request/+ nor to /ext/rrpc/+" + topic);
  call.way = PendingCalls::Way::rrpc;
  SetTicket ticket = wait_for(id, loop_.now() + settings_.sync_timeout, std::move(call));
  ticket.answers = true;
  return ticket;
}

SetTicket ThingIngress::Shard::rrpc(std::uint64_t number, std::string_view topic, Bytes payload, Millis timeout,
                                    std::function<void(const CallResult&)> on_result) {
  DeviceState* const device = find_device(number);
  if (auto problem = check_callable(device)) return *problem;
  if (payload.size() > kMaxPayload) return refused(Error::too_large, "more than 255 KB");
  if (!egress_->is_online(broker::device_key(device->product->key, device->name)))
    return refused(Error::closed, "the device is offline");
  const std::uint32_t id = next_message_id();
  if (!send_rrpc(*device, id, topic, payload))
    return refused(Error::denied, topic.empty() ? "the device has not subscribed to rrpc/request/+"
                                                : "the device has not subscribed to /ext/rrpc/+" + std::string(topic));
  PendingCalls::Call call;
  call.device = number;
  call.way = PendingCalls::Way::rrpc;
  call.sent = loop_.wall();
  call.on_result = std::move(on_result);
  SetTicket ticket = wait_for(id, loop_.now() + timeout, std::move(call));
  ticket.answers = true;
  return ticket;
}

/// QoS 0: nothing is kept for a device that has just gone.
bool ThingIngress::Shard::send_rrpc(const DeviceState& device, std::uint32_t id, std::string_view topic,
                                    Bytes payload) {
  const std::string number = std::to_string(id);
  if (topic.empty())
    topic_.assign("/sys/").append(device.product->key).append("/").append(device.name).append("/rrpc/request/");
  else
    topic_.assign("/ext/rrpc/");
  topic_.append(number).append(topic);
  return egress_->send_to(broker::device_key(device.product->key, device.name), topic_, payload, 0);
}

SetTicket ThingIngress::Shard::wait_for(std::uint32_t id, Instant deadline, PendingCalls::Call call) {
  if (!call.service.empty()) {
    record_call(call, {});
    call.record = key_;
  }
  calls_.add(id, deadline, std::move(call));
  call_timer_.set(loop_, calls_.next_deadline());
  ++counts_.calls;
  SetTicket ticket;
  ticket.sent = true;
  ticket.message_id = id;
  return ticket;
}

void ThingIngress::Shard::record_call(const PendingCalls::Call& call, std::string_view envelope) {
  record_.clear();
  begin_record(record_, kLive);
  append_field(record_, call.service);
  append_field(record_, call.input);
  append_field(record_, envelope);
  put_record(RecordKind::service, call.device, call.sent.ms);
}

Taken ThingIngress::Shard::on_service_reply(const Message& message) {
  const auto payload = as_text(message.in.payload);
  const auto reply = alink::parse_reply(payload);
  if (!reply) {
    note(message.device, &message.in, Cause::payload_not_json, alink::number(Code::not_json), payload);
    return Taken::done;
  }
  const auto id = message_id_of(reply->id);
  auto call = id ? calls_.take(*id, message.device.number, PendingCalls::Way::reply_topic) : std::nullopt;
  if (!call) {
    note(message.device, &message.in, Cause::reply_unexpected, 0, payload);
    return Taken::done;
  }
  CallResult result;
  result.code = reply->code;
  result.message = reply->message;
  result.data = reply->data ? std::string(reply->data->raw()) : "{}";
  result.payload = payload;
  emit_reply(message.device.number, *id, "/thing/service/" + call->service, result);
  end_call(std::move(*call), result);
  return Taken::done;
}

Taken ThingIngress::Shard::on_rrpc_answer(const Message& message) {
  const auto payload = as_text(message.in.payload);
  const auto id = message_id_of(message.topic.name);
  auto call = id ? calls_.take(*id, message.device.number, PendingCalls::Way::rrpc) : std::nullopt;
  if (!call) {
    note(message.device, &message.in, Cause::reply_unexpected, 0, payload);
    return Taken::done;
  }
  CallResult result;
  result.code = alink::number(Code::success);
  result.data = "{}";
  result.payload = payload;
  if (!call->service.empty()) {
    const auto reply = alink::parse_reply(payload);
    if (reply) {
      result.code = reply->code;
      result.message = reply->message;
      if (reply->data) result.data = reply->data->raw();
    } else {
      result.code = alink::number(Code::not_json);
      result.message = "the answer is no JSON object with a code";
      note(message.device, &message.in, Cause::payload_not_json, result.code, payload);
    }
  }
  end_call(std::move(*call), result);
  return Taken::done;
}

/// The record without an answer gives way to one with it.
void ThingIngress::Shard::end_call(PendingCalls::Call call, const CallResult& result) {
  if (!call.service.empty() && !result.timed_out && devices_.find(call.device) != nullptr) {
    const std::string brief = "{\"code\":" + std::to_string(result.code) + "}";
    const bool is_kept = result.payload.size() <= kMaxKeptReply && json::parse(result.payload);
    commits_.current().mutations.erase(store::Family::history, call.record);
    record_call(call, is_kept ? std::string_view(result.payload) : std::string_view(brief));
  }
  if (call.on_result) call.on_result(result);
}

void ThingIngress::Shard::expire_calls() {
  while (auto due = calls_.take_due(loop_.now())) {
    ++counts_.call_timeouts;
    CallResult result;
    result.timed_out = true;
    end_call(std::move(*due), result);
  }
  call_timer_.set(loop_, calls_.next_deadline());
}

}  // namespace tercet::thing
