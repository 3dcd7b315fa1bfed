#include <chrono>
#include <cstdio>

#include "platform/thing/shard.h"
#include "tercet/json/writer.h"

// Messages for applications: rules and server-side subscriptions. Formats: cloud-side reference 3.3 and 3.4.
namespace tercet::thing {

using Taken = broker::Ingress::Taken;

namespace {

constexpr std::int64_t kBeijing = 8 * 3600 * 1000;

/// "2018-08-31 15:32:28.205" of a clock that is `ahead` of UTC; "" for 0, never.
std::string clock_text(std::int64_t ms, std::int64_t ahead, char separator, const char* zone) {
  if (ms == 0) return {};
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds{ms + ahead}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  char text[48];
  const int size =
      std::snprintf(text, sizeof text, "%04d-%02u-%02u%c%02d:%02d:%02d.%03d%s", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), separator,
                    static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                    static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()), zone);
  return {text, static_cast<std::size_t>(size)};
}

void append_number(std::string& out, std::int64_t number) { out += std::to_string(number); }

void append_text(std::string& out, std::string_view text) {
  append_written(out, text.size() * 6 + 2, [&](auto& to) { json::Writer(to).string(text); });
}

}  // namespace

std::string_view name(Source source) {
  static constexpr std::string_view kNames[kSources] = {
      "custom",   "status", "property", "property_history", "event",        "event_history", "reply",   "lifecycle",
      "topology", "found",  "tags",     "ota_result",       "ota_progress", "ota_version",   "ota_job", "shadow"};
  return kNames[static_cast<std::size_t>(source)];
}

bool ThingIngress::Shard::wants(ProductBinding& product, Source source) const {
  if (outlet_ == nullptr) return false;
  if (product.wanted_version != outlet_->version()) {
    product.wanted = outlet_->wanted(product.key);
    product.wanted_version = outlet_->version();
  }
  return (product.wanted & bit(source)) != 0;
}

void ThingIngress::Shard::emit(const Outgoing& message) {
  auto& group = commits_.current();
  outlet_->take(message, group.mutations);
  group.has_outgoing = true;
}

void ThingIngress::Shard::emit(Source source, const DeviceState& device, std::string_view topic,
                               std::string_view payload) {
  emit({source, device.number, device.product->key, device.name, topic, payload, loop_.wall().ms, 1});
}

void ThingIngress::Shard::tell_applications(Announcement message) {
  if (outlet_ == nullptr || (outlet_->wanted(message.product) & bit(message.source)) == 0) return;
  emit({message.source, message.device, message.product, message.device_name, message.topic, message.payload,
        loop_.wall().ms, 1});
}

Taken ThingIngress::Shard::on_custom(const broker::Inbound& in) {
  if (outlet_ == nullptr) return Taken::done;
  DeviceState* const device = find_device(in.tag);
  if (device == nullptr) return Taken::done;
  device->last_message = loop_.wall().ms;
  if (!wants(*device->product, Source::custom)) return Taken::done;
  auto& group = commits_.current();
  const std::size_t before = group.mutations.count();
  emit({Source::custom, device->number, device->product->key, device->name, in.topic.substr(0, in.topic.find('?')),
        as_text(in.payload), loop_.wall().ms, in.qos});
  if (in.qos == 0 || group.mutations.count() == before) return Taken::done;
  Answer answer;
  answer.token = in.token;
  answer.session = in.session;
  answer.device = device->number;
  answer.has_ack = true;
  group.answers.push_back(answer);
  return Taken::later;
}

void ThingIngress::Shard::begin_topic(const DeviceState& device) {
  out_topic_.assign("/").append(device.product->key).append("/").append(device.name);
}

/// `{"iotId":...,"productKey":...,"deviceName":...,"gmtCreate":...` without the end.
void ThingIngress::Shard::begin_payload(const DeviceState& device) {
  const auto* known = directory_.device(device.number);
  out_.assign("{\"iotId\":\"").append(known == nullptr ? std::string_view{} : std::string_view(known->iot_id));
  out_.append("\",\"productKey\":\"").append(device.product->key);
  out_.append("\",\"deviceName\":\"").append(device.name).append("\",\"gmtCreate\":");
  append_number(out_, loop_.wall().ms);
}

void ThingIngress::Shard::note_failed(const json::Text& identifier, const alink::TimedValue& posted,
                                      const Checked& why) {
  if (!failed_.empty()) failed_ += ',';
  failed_.append("\"").append(identifier.raw()).append("\":{\"time\":");
  append_number(failed_, posted.time ? posted.time->ms : loop_.wall().ms);
  failed_.append(",\"value\":").append(is_strict_json(posted.value) ? posted.value.raw() : "null").append(",\"code\":");
  append_number(failed_, alink::number(why.code));
  failed_.append(",\"message\":\"");
  append_check_text(failed_, why, identifier.raw());
  failed_.append("\"}");
}

void ThingIngress::Shard::emit_properties(const DeviceState& device, std::span<const Accepted> values, Kept kept) {
  if (values.empty() && failed_.empty()) return;
  begin_payload(device);
  out_.append(",\"deviceType\":\"CustomCategory\",\"items\":{");
  bool any = false;
  for (const Accepted& value : values) {
    if (value.repeated) continue;
    if (any) out_ += ',';
    any = true;
    out_.append("\"").append(*value.name).append("\":{\"value\":").append(value.value).append(",\"time\":");
    append_number(out_, value.time);
    out_ += '}';
  }
  out_ += '}';
  if (!failed_.empty()) out_.append(",\"checkFailedData\":{").append(failed_).append("}");
  failed_.clear();  // told once, with the first message of a batch
  out_ += '}';
  begin_topic(device);
  out_topic_.append(kept == Kept::live ? "/thing/event/property/post" : "/thing/event/property/history/post");
  emit(kept == Kept::live ? Source::property : Source::property_history, device, out_topic_, out_);
}

/// Of a product that checks nothing: what was posted is passed on as it is, and not kept.
void ThingIngress::Shard::emit_unchecked(const Message& message, const json::Value& params) {
  begin_payload(message.device);
  out_.append(",\"deviceType\":\"CustomCategory\",\"items\":{");
  bool any = false;
  alink::Properties properties(params);
  while (const auto property = properties.next()) {
    if (!is_strict_json(property->posted.value)) continue;
    if (any) out_ += ',';
    any = true;
    out_.append("\"").append(property->identifier.raw()).append("\":{\"value\":").append(property->posted.value.raw());
    out_.append(",\"time\":");
    append_number(out_, property->posted.time ? property->posted.time->ms : loop_.wall().ms);
    out_ += '}';
  }
  out_.append("}}");
  if (!any) return;
  begin_topic(message.device);
  out_topic_.append("/thing/event/property/post");
  emit(Source::property, message.device, out_topic_, out_);
}

void ThingIngress::Shard::emit_event(const DeviceState& device, const Event& event, std::int64_t time, Kept kept) {
  const Source source = kept == Kept::live ? Source::event : Source::event_history;
  if (!wants(*device.product, source)) return;
  begin_payload(device);
  out_.append(",\"identifier\":");
  append_text(out_, event.identifier);
  out_.append(",\"name\":");
  append_text(out_, event.name);
  out_.append(",\"type\":");
  append_text(out_, event.type);
  out_.append(",\"value\":").append(output_).append(",\"time\":");
  append_number(out_, time);
  out_ += '}';
  begin_topic(device);
  out_topic_.append("/thing/event/").append(event.identifier);
  out_topic_.append(kept == Kept::live ? "/post" : "/history/post");
  emit(source, device, out_topic_, out_);
}

void ThingIngress::Shard::emit_status(const DeviceState& device, std::int64_t last_seen) {
  if (!wants(*device.product, Source::status)) return;
  const auto* known = directory_.device(device.number);
  out_.assign("{\"status\":\"").append(device.online ? "online" : "offline").append("\",\"iotId\":\"");
  out_.append(known == nullptr ? std::string_view{} : std::string_view(known->iot_id));
  out_.append("\",\"productKey\":\"").append(device.product->key).append("\",\"deviceName\":\"").append(device.name);
  out_.append("\",\"time\":\"").append(clock_text(device.since, kBeijing, ' ', ""));
  out_.append("\",\"utcTime\":\"").append(clock_text(device.since, 0, 'T', "Z"));
  out_.append("\",\"lastTime\":\"").append(clock_text(last_seen, kBeijing, ' ', ""));
  out_.append("\",\"utcLastTime\":\"").append(clock_text(last_seen, 0, 'T', "Z"));
  const std::string_view address = device.address();
  out_.append("\",\"clientIp\":\"").append(address.substr(0, address.rfind(':'))).append("\"}");
  out_topic_.assign("/as/mqtt/status/").append(device.product->key).append("/").append(device.name);
  emit(Source::status, device, out_topic_, out_);
}

void ThingIngress::Shard::emit_reply(std::uint64_t number, std::uint32_t id, std::string_view topic,
                                     const SetResult& result) {
  const DeviceState* const device = devices_.find(number);
  if (device == nullptr || !wants(*device->product, Source::reply)) return;
  begin_payload(*device);
  out_.append(",\"requestId\":");
  append_number(out_, id);
  out_.append(",\"code\":");
  append_number(out_, result.code);
  out_.append(",\"message\":");
  append_text(out_, result.message);
  out_.append(",\"topic\":\"/sys/").append(device->product->key).append("/").append(device->name).append(topic);
  out_.append("\",\"data\":").append(json::parse(result.data) ? std::string_view(result.data) : "{}").append("}");
  begin_topic(*device);
  out_topic_.append("/thing/downlink/reply/message");
  emit(Source::reply, *device, out_topic_, out_);
}

}  // namespace tercet::thing
