#include <algorithm>

#include "platform/thing/shard.h"
#include "tercet/alink/ntp.h"
#include "tercet/json/scan.h"

namespace tercet::thing {

using alink::Code;
using alink::Kind;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::string_view kNotOffered = "not offered by this platform";

/// What the documentation says when a function is switched off; a plain refusal where it says nothing.
Code declining_code(Kind kind) {
  switch (kind) {
    case Kind::raw_up:
      return Code::script_empty;
    case Kind::topo_add:
    case Kind::topo_delete:
      return Code::topo_not_exist;
    case Kind::session_login:
    case Kind::session_logout:
    case Kind::session_batch_login:
    case Kind::session_batch_logout:
      return Code::no_session;
    case Kind::sub_register:
    case Kind::product_register:
      return Code::registration_off;
    default:
      return Code::parameter_error;
  }
}

/// What can be stored, shown and printed anywhere: a control character, or a byte that is not UTF-8, becomes `\xNN`.
std::string printable(std::string_view bytes, std::size_t most) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end && out.size() < most) {
    const auto byte = static_cast<unsigned char>(*at);
    const int length = byte >= 0x80 ? json::scan::utf8_length(at, end) : byte >= 0x20 && byte != 0x7F ? 1 : 0;
    if (length != 0)
      out.append(at, static_cast<std::size_t>(length));
    else
      out.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    at += std::max(length, 1);
  }
  return out;
}

bool is_inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

}  // namespace

void ThingIngress::Shard::send_now(const Message& message, std::string_view topic, std::string_view payload) {
  if (in_raw_) return send_raw_reply(message.device.number, message.in.session, payload, message.in.qos);
  egress_->send(message.in.session, topic, as_bytes(payload), std::min<std::uint8_t>(message.in.qos, 1));
}

void ThingIngress::Shard::reply_now(const Message& message, const alink::ReplyFields& fields) {
  topic_.clear();
  bool answered = false;
  append_written(topic_, message.topic.path.size() + 64,
                 [&](auto& out) { answered = alink::write_reply_topic(out, message.topic); });
  if (!answered) return;
  reply_.clear();
  append_written(reply_, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
  send_now(message, topic_, reply_);
}

Taken ThingIngress::Shard::refuse(const Message& message, std::string_view id, Code code, Cause cause,
                                  std::string_view evidence) {
  ++counts_.refused_messages;
  char method[96];
  reply_now(message,
            {.id = id, .code = code, .method = alink::method_of(message.topic, method).value_or(std::string_view{})});
  note(message.device, &message.in, cause, alink::number(code), evidence.empty() ? message.topic.path : evidence);
  return Taken::done;
}

Taken ThingIngress::Shard::refuse_unreadable(const Message& message) {
  const auto payload = as_text(message.in.payload);
  const auto fault = json::find_fault(payload, json::Grammar::trailing_commas);
  if (!fault)
    return refuse(message, {}, Code::parameter_error, Cause::payload_not_object, "the payload must be a JSON object");
  std::string evidence = "byte " + std::to_string(fault->offset) + ": " + std::string(fault->reason) + ": ";
  std::size_t from = std::min(fault->offset > 32 ? fault->offset - 32 : 0, payload.size());
  while (from < fault->offset && is_inside_character(payload, from)) ++from;
  evidence.append(shortened(payload.substr(from), 64));
  return refuse(message, {}, Code::not_json, Cause::payload_not_json, evidence);
}

void ThingIngress::Shard::note(DeviceState& device, const broker::Inbound* in, Cause cause, std::int32_t code,
                               std::string_view evidence) {
  if (notes_left(device, static_cast<std::uint32_t>(cause)) != 0) record(device, in, cause, code, evidence);
}

std::uint32_t ThingIngress::Shard::notes_left(DeviceState& device, std::uint32_t about) {
  const auto minute = loop_.wall().ms / 60'000;
  if (device.notes_minute != minute) {
    device.notes_minute = minute;
    device.notes = 0;
    device.last_said = DeviceState::kNothingSaid;
  }
  // What repeats within a minute is said once.
  if (device.notes >= settings_.notes_per_minute || device.last_said == about) return 0;
  device.last_said = about;
  return settings_.notes_per_minute - device.notes;
}

void ThingIngress::Shard::record(DeviceState& device, const broker::Inbound* in, Cause cause, std::int32_t code,
                                 std::string_view evidence) {
  ++device.notes;
  broker::Refusal refusal;
  refusal.at = loop_.wall();
  refusal.stage = broker::Refusal::Stage::message;
  refusal.name = device.product->key + "/" + device.name;
  refusal.address = device.address();
  refusal.client_id = device.client_id();
  refusal.code = static_cast<std::uint32_t>(code);
  refusal.cause = auth::code(cause);
  refusal.evidence = printable(evidence, 900);
  if (in != nullptr) refusal.evidence.append(" [").append(printable(in->topic, 100)).append("]");
  journal_.record(std::move(refusal));
}

Taken ThingIngress::Shard::on_tsl_get(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.known) return refuse(message, request->id, Code::product_not_found, Cause::unknown_product, {});
  if (!request->wants_reply) return Taken::done;
  const std::string tsl = message.product.model->tsl(message.product.key, message.device.name);
  reply_now(message, {.id = request->id, .data = tsl, .method = "thing.dsltemplate.get"});
  return Taken::done;
}

Taken ThingIngress::Shard::on_ntp(const Message& message) {
  const auto request = alink::parse_ntp_request(as_text(message.in.payload));
  if (!request) {  // the format has no room for an error
    ++counts_.refused_messages;
    note(message.device, &message.in, Cause::payload_not_json, 0, as_text(message.in.payload));
    return Taken::done;
  }
  const auto now = loop_.wall();
  topic_.clear();
  append_written(topic_, message.topic.path.size() + 16,
                 [&](auto& out) { alink::write_reply_topic(out, message.topic); });
  reply_.clear();
  append_written(reply_, request->device_send_time.size() + 192,
                 [&](auto& out) { alink::write_ntp_response(out, *request, now, now); });
  send_now(message, topic_, reply_);
  return Taken::done;
}

Taken ThingIngress::Shard::decline(const Message& message) {
  const auto kind = message.topic.kind;
  const bool is_up = alink::direction(message.topic) != alink::Direction::down;
  if (kind == Kind::unknown || kind == Kind::custom || !is_up) {
    note(message.device, &message.in, Cause::topic_unknown, 0, message.topic.path);
    return Taken::done;
  }
  ++counts_.refused_messages;
  const auto code = declining_code(kind);
  note(message.device, &message.in, Cause::function_not_offered, alink::number(code), message.topic.path);
  const auto request = alink::parse_request(as_text(message.in.payload));
  const std::string_view id = request ? request->id : std::string_view{};
  if (request && !request->wants_reply) return Taken::done;
  if (kind == Kind::file_download) return decline_download(message, id);
  if (kind == Kind::rrpc_response || kind == Kind::rrpc_custom) return Taken::done;
  char method[96];
  reply_now(message, {.id = id,
                      .code = code,
                      .message = kNotOffered,
                      .method = alink::method_of(message.topic, method).value_or(std::string_view{})});
  return Taken::done;
}

Taken ThingIngress::Shard::decline_download(const Message& message, std::string_view id) {
  // Two bytes of length, big-endian, then the header alone (7.6).
  topic_.assign(message.topic.path).append("_reply");
  reply_.assign(2, '\0');
  const alink::ReplyFields fields{.id = id, .code = Code::parameter_error, .message = kNotOffered};
  const auto header = append_written(reply_, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
  reply_[0] = static_cast<char>(header.size >> 8);
  reply_[1] = static_cast<char>(header.size);
  send_now(message, topic_, reply_);
  return Taken::done;
}

}  // namespace tercet::thing
