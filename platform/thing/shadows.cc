#include "platform/broker/identity.h"
#include "platform/thing/shadow.h"
#include "platform/thing/shard.h"

// Device shadows: what a device reported last, and what an application desires of it, kept for when the other looks
// (device-side reference, section 6).
namespace tercet::thing {

using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

/// Names what is desired now among what was desired before.
std::uint64_t receipt_of(const Shadow& shadow) { return shadow.control | 1ULL << 63; }

}  // namespace

bool ThingIngress::Shard::load_shadow(DeviceState& device, std::string_view record) {
  const auto stored = read_shadow(record);
  if (!stored) return false;
  device.shadow = std::make_unique<Shadow>();
  device.shadow->document = stored->document;
  device.shadow->is_owed = stored->is_owed;
  return true;
}

void ThingIngress::Shard::store_shadow(DeviceState& device) {
  key_.clear();
  append_shadow_key(key_, device.number);
  record_.clear();
  write_shadow(record_, {device.shadow->is_owed, device.shadow->document});
  commits_.current().mutations.put(store::Family::state, key_, record_);
  ++written_;
}

void ThingIngress::Shard::before_shadow(DeviceState& device) {
  commits_.current().shadow_before.push_back(
      {&device, device.shadow ? std::optional<Shadow>(*device.shadow) : std::nullopt});
}

/// The document as it is now, and who has changed it; not in the cloud, in the form of its other messages.
void ThingIngress::Shard::emit_shadow(const DeviceState& device, std::string_view source) {
  if (!wants(*device.product, Source::shadow)) return;
  begin_payload(device);
  out_.append(",\"source\":\"").append(source).append("\",");
  out_.append(std::string_view(shadow_text(device.shadow->document)).substr(1));
  begin_topic(device);
  emit(Source::shadow, device, out_topic_.append("/shadow/update"), out_);
}

std::string ThingIngress::Shard::shadow_topic(const DeviceState& device) const {
  return "/shadow/get/" + device.product->key + "/" + device.name;
}

Taken ThingIngress::Shard::on_shadow_update(const Message& message) {
  DeviceState& device = message.device;
  const UnixMillis now = loop_.wall();
  const std::string_view document = device.shadow ? std::string_view(device.shadow->document) : std::string_view{};
  ShadowOutcome outcome;
  if (!shadow_allowed(device))
    outcome.error = ShadowError::too_many_requests;
  else
    outcome = apply_shadow(document, as_text(message.in.payload), ShadowCaller::device, now);
  if (outcome.error != ShadowError::none) {
    ++counts_.refused_messages;
    const Cause cause = outcome.error == ShadowError::version_conflict    ? Cause::shadow_version
                        : outcome.error == ShadowError::too_many_requests ? Cause::shadow_rate
                                                                          : Cause::shadow_malformed;
    std::string evidence(text(outcome.error));
    if (!outcome.detail.empty()) evidence.append(": ").append(outcome.detail);
    note(device, &message.in, cause, static_cast<std::int32_t>(outcome.error), evidence);
    topic_ = shadow_topic(device);
    send_now(message, topic_, shadow_reply(outcome, {}, now));
    return Taken::done;
  }
  if (outcome.is_get) {
    // What is shown is on disk.
    commits_.flush();
    const auto send = [this, session = message.in.session, qos = std::min<std::uint8_t>(message.in.qos, 1),
                       topic = shadow_topic(device)](const std::string& text) {
      egress_->send(session, topic, as_bytes(text), qos);
    };
    commits_.when_durable({[send, reply = shadow_reply(outcome, document, now)] { send(reply); },
                           [send, now] { send(shadow_refusal(ShadowError::failed, {}, now)); }});
    return Taken::done;
  }
  before_shadow(device);
  if (!device.shadow) device.shadow = std::make_unique<Shadow>();
  device.shadow->document = std::move(outcome.document);
  store_shadow(device);
  emit_shadow(device, "device");
  auto& group = commits_.current();
  Answer answer;
  answer.token = message.in.token;
  answer.session = message.in.session;
  answer.device = device.number;
  answer.qos = std::min<std::uint8_t>(message.in.qos, 1);
  answer.has_ack = message.in.qos != 0;
  answer.has_reply = true;
  answer.topic = group.keep(shadow_topic(device));
  answer.payload = group.keep(shadow_reply(outcome, device.shadow->document, now));
  group.answers.push_back(answer);
  return answer.has_ack ? Taken::later : Taken::done;
}

bool ThingIngress::Shard::shadow_allowed(DeviceState& device) {
  if (!device.shadow) return true;
  const std::int64_t second = loop_.wall().ms / 1000;
  if (device.shadow->second != second) device.shadow->second = second, device.shadow->requests = 0;
  return ++device.shadow->requests <= ShadowLimits{}.per_second;
}

void ThingIngress::Shard::shadow(std::uint64_t number, std::function<void(std::optional<std::string>)> answer) {
  commits_.flush();
  const DeviceState* const device = find_device(number);
  std::optional<std::string> found;
  if (device != nullptr)
    found = shadow_text(device->shadow ? std::string_view(device->shadow->document) : std::string_view{});
  commits_.when_durable(
      {[found = std::move(found), answer] { answer(found); }, [this, number, answer] { shadow(number, answer); }});
}

void ThingIngress::Shard::update_shadow(std::uint64_t number, std::string message, bool merges,
                                        std::function<void(const ShadowResult&)> done) {
  DeviceState* const device = find_device(number);
  ShadowResult result;
  if (device == nullptr) {
    result.error = Error::not_found;
    return done(result);
  }
  ShadowOutcome outcome =
      apply_shadow(device->shadow ? std::string_view(device->shadow->document) : std::string_view{}, message,
                   merges ? ShadowCaller::application_merging : ShadowCaller::application, loop_.wall());
  result.version = outcome.version;
  if (outcome.error != ShadowError::none) {
    result.error = Error::bad_argument;
    result.code = outcome.error;
    result.detail = std::move(outcome.detail);
    return done(result);
  }
  before_shadow(*device);
  if (!device->shadow) device->shadow = std::make_unique<Shadow>();
  device->shadow->document = outcome.document;
  device->shadow->is_owed = true;
  device->shadow->is_sent = false;
  ++device->shadow->control;
  store_shadow(*device);
  emit_shadow(*device, "application");
  commits_.flush();
  // A refused submission has been undone already.
  if (!device->shadow || device->shadow->document != outcome.document) {
    result.error = Error::io_failed;
    return done(result);
  }
  result.kept = true;
  const ShadowResult lost{false, Error::io_failed, ShadowError::failed, {}, outcome.version};
  commits_.when_durable({[this, number, result, done] {
                           if (DeviceState* const home = devices_.find(number)) send_control(*home);
                           done(result);
                         },
                         [lost, done] { done(lost); }});
}

/// Tells a device that is online what is desired, until it has acknowledged that.
void ThingIngress::Shard::send_control(DeviceState& device) {
  if (!device.shadow || !device.shadow->is_owed || device.shadow->is_sent || !device.online) return;
  const std::string key = broker::device_key(device.product->key, device.name);
  const std::uint64_t receipt = receipt_of(*device.shadow);
  // A session that outlives its connection sends it again by itself.
  device.shadow->is_sent =
      egress_->awaits_receipt(key, receipt) ||
      egress_->send_for_receipt(key, shadow_topic(device),
                                as_bytes(shadow_control(device.shadow->document, loop_.wall())), receipt);
}

void ThingIngress::Shard::on_subscribed(std::uint64_t tag) {
  if (DeviceState* const device = devices_.find(tag)) send_control(*device);
}

/// The device has it. An acknowledgement of an earlier version says nothing about the newest.
void ThingIngress::Shard::on_receipt(std::uint64_t tag, std::uint64_t receipt) {
  DeviceState* const device = devices_.find(tag);
  if (device == nullptr || !device->shadow || !device->shadow->is_owed || receipt != receipt_of(*device->shadow))
    return;
  before_shadow(*device);
  device->shadow->is_owed = false;
  store_shadow(*device);
}

}  // namespace tercet::thing
