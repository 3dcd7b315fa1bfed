#include <algorithm>

#include "tercet/alink/envelope.h"
#include "tercet/alink/ntp.h"
#include "tercet/device/client.h"
#include "tercet/mqtt/topic.h"

namespace tercet::device {
namespace {

constexpr std::string_view kPropertyPost = "thing/event/property/post";
constexpr std::string_view kSet = "thing/service/property/set";
constexpr std::string_view kSetReply = "thing/service/property/set_reply";

/// A board that answers no calls and hears no desired values saves their flash.
#ifdef TERCET_NO_CALLS
constexpr bool kCalls = false;
#else
constexpr bool kCalls = true;
#endif

/// Places in Device::filters_.
enum : std::size_t { kReplies, kSets, kTimes, kBatchReplies, kRrpc, kDesired };

}  // namespace

MessageId parse_id(std::string_view text) {
  std::uint64_t id = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || id > 0xFFFF'FFFF) return 0;
    id = id * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return id > 0xFFFF'FFFF ? 0 : static_cast<MessageId>(id);
}

/// What we listen to: the answers to our posts, the platform's wishes, its clock.
Result<void> Device::make_filters() {
  std::array<std::uint8_t, 112> buffer;
  const auto make = [&](std::size_t at, std::string_view head, std::string_view tail) -> Result<void> {
    Writer out{buffer};
    out.text(head), out.text(id_->product.str()), out.ch('/'), out.text(id_->device.str()), out.text(tail);
    if (!out.ok()) return fail(Error::too_large);
    return filters_[at].assign(out.text());
  };
  if (const auto made = make(kReplies, "/sys/", "/thing/event/+/post_reply"); !made) return made;
  const std::string_view commands = kCalls && options_.services ? "/thing/service/#" : "/thing/service/property/set";
  if (const auto made = make(kSets, "/sys/", commands); !made) return made;
  if (const auto made = make(kTimes, "/ext/ntp/", "/response"); !made) return made;
  if (const auto made = make(kBatchReplies, "/sys/", "/thing/event/property/batch/post_reply"); !made) return made;
  if (!kCalls) options_.services = options_.desired = false;
  if (const auto made = kCalls ? make(kRrpc, "/sys/", "/rrpc/request/+") : Result<void>{}; !made) return made;
  if (const auto made = !kCalls ? Result<void>{} : make(kDesired, "/sys/", "/thing/property/desired/get_reply"); !made)
    return made;
  if (options_.auto_subscribe) return {};
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    if (i == kTimes && !options_.platform_time) continue;
    if (i == kBatchReplies && !spool_->has_flash()) continue;
    if (i == kRrpc && !options_.services) continue;
    if (i == kDesired && !options_.desired) continue;
    const auto qos = i == kTimes ? mqtt::Qos::at_most_once : mqtt::Qos::at_least_once;
    if (const auto asked = client_->subscribe(filters_[i].str(), qos); !asked) return asked;
    if (i < kBatchReplies || i == kDesired) wanted_ = static_cast<std::uint8_t>(wanted_ | 1u << i);
  }
  return {};
}

bool Device::expand(std::string_view topic, alink::TopicName& into) const {
  std::array<std::uint8_t, alink::kMaxBuiltTopic> buffer;
  Writer out{buffer};
  out.text("/sys/"), out.text(id_->product.str()), out.ch('/'), out.text(id_->device.str()), out.ch('/');
  out.text(topic);
  return out.ok() && into.assign(out.text()).has_value();
}

Result<MessageId> Device::post_properties(std::span<const PropertyValue> values, std::optional<UnixMillis> at) {
  return post(kPropertyPost, "thing.event.property.post", values, at, false);
}

Result<MessageId> Device::post_event(std::string_view event, std::span<const PropertyValue> output,
                                     std::optional<UnixMillis> at) {
  std::array<std::uint8_t, 128> topic_bytes, method_bytes;
  Writer topic{topic_bytes}, method{method_bytes};
  topic.text("thing/event/"), topic.text(event), topic.text("/post");
  method.text("thing.event."), method.text(event), method.text(".post");
  const bool is_name = !event.empty() && event.find_first_of("/+#") == std::string_view::npos;
  if (!is_name || !topic.ok() || !method.ok()) return fail(Error::bad_argument);
  return post(topic.text(), method.text(), output, at, true);
}

Result<MessageId> Device::post(std::string_view topic, std::string_view method, std::span<const PropertyValue> values,
                               std::optional<UnixMillis> at, bool is_event) {
  if (!client_) return fail(Error::bad_state);
  const UnixMillis made_at = at.value_or(port_.clock.wall());
  if (!at && time_.is_set()) at = made_at;
  const MessageId id = next_id();
  std::array<std::uint8_t, 12> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{id});
  Writer out{storage_.scratch};
  alink::RequestWriter request{out, number.text(), method, alink::RequestWriter::Ack::yes};
  if (is_event) {
    request.params().begin_object().key("value");
    write_properties(request.params(), values, std::nullopt);
    if (at) request.params().key("time").number(at->ms);
    request.params().end_object();
  } else {
    write_properties(request.params(), values, at);
  }
  request.finish();
  if (!out.ok() || out.size() > most_payload(topic)) return fail(Error::too_large);
  const bool acknowledged = options_.post_qos != mqtt::Qos::at_most_once;
  const auto kept = keep({id, made_at, acknowledged, topic, out.text()});
  if (!kept) return fail(kept.error());
  next_id_ = id;
  more_to_do_ = true;
  return id;
}

void Device::on_received(const mqtt::Publish& message, Instant now) {
  // By our own filters, which name us and what we know: the table of all topics stays out of a board's flash.
  const bool is_set = kCalls ? own_tail(message.topic) == kSet : message.topic == filters_[kSets].str();
  if (is_set) return on_set(message.payload, message.qos);
  if (mqtt::matches(filters_[kReplies].str(), message.topic) || message.topic == filters_[kBatchReplies].str())
    return on_reply(message.payload, now);
  if (message.topic == filters_[kTimes].str()) return on_ntp(message.payload, now);
  if (kCalls && options_.desired && message.topic == filters_[kDesired].str()) return on_desired(message.payload, now);
  if (kCalls && options_.services && on_call(message)) return;
  events_.on_message(message.topic, message.payload);
}

/// Obeys, answers on the reply topic, then posts what now holds: the platform changes its stored value only on a post.
void Device::on_set(Bytes payload, mqtt::Qos qos) {
  const auto request = alink::parse_request(as_text(payload));
  if (!request) return log(LogLevel::warning, "set", "not an Alink request");
  PropertySet set{request->params.value_or(json::Value{})};
  events_.on_set(set);
  if (request->wants_reply) {
    std::array<std::uint8_t, 160> buffer;
    Writer out{buffer};
    alink::write_device_reply(out, request->id, set.code());
    alink::TopicName where;
    if (out.ok() && expand(kSetReply, where)) {
      mqtt::Publish reply;
      reply.topic = where.str();
      reply.payload = out.written();
      reply.qos = qos;
      const auto sent = client_->publish(reply);
      // No room on the wire: behind what waits. A reply that finds no room there either is lost; the post below tells.
      if (!sent) static_cast<void>(keep({0, port_.clock.wall(), true, kSetReply, out.text()}));
    }
  }
  if (!set.confirmed().empty()) static_cast<void>(post_properties(set.confirmed()));
}

void Device::on_reply(Bytes payload, Instant now) {
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply) return log(LogLevel::warning, "reply", "not an Alink reply");
  heard_reply(now);
  if (reply->code != alink::number(alink::Code::success)) log(LogLevel::warning, "post refused", reply->message);
  const MessageId id = parse_id(reply->id);
  events_.on_reply({id, spool_->posts_of(id), reply->code, reply->message, reply->data ? reply->data->raw() : "{}"});
}

void Device::ask_time(Instant now) {
  std::array<std::uint8_t, 64> buffer;
  Writer out{buffer};
  alink::write_ntp_request(out, port_.clock.wall());
  std::array<std::uint8_t, alink::kMaxBuiltTopic> topic_bytes;
  Writer topic{topic_bytes};
  topic.text("/ext/ntp/"), topic.text(id_->product.str()), topic.ch('/');
  topic.text(id_->device.str()), topic.text("/request");
  if (!topic.ok() || !out.ok()) return;
  mqtt::Publish request;
  request.topic = topic.text();
  request.payload = out.written();
  // Lost when the output is full: the next session asks again.
  if (client_->publish(request)) expect_reply(now);
}

void Device::on_ntp(Bytes payload, Instant now) {
  const auto response = alink::parse_ntp_response(as_text(payload));
  if (!response) return log(LogLevel::warning, "ntp", "not an answer");
  heard_reply(now);
  time_.platform_said(alink::ntp_now(*response, port_.clock.wall()));
  report_step();
}

void Device::log(LogLevel level, std::string_view what, std::string_view detail) {
  if (port_.log == nullptr) return;
  std::array<std::uint8_t, 160> buffer;
  Writer out{buffer};
  out.text(what.substr(0, 60)), out.text(": "), out.text(detail.substr(0, 90));
  port_.log->line(level, out.text());
}

}  // namespace tercet::device
