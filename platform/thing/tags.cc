// Tags of devices (device-protocol 8.5), taken apart; they are kept elsewhere.
#include <algorithm>

#include "platform/registry/naming.h"
#include "platform/thing/history.h"
#include "platform/thing/shard.h"

namespace tercet::thing {

using alink::Code;
using alink::Kind;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMostTags = 200;  // of one message
constexpr std::string_view kWanted = "params must be a list of {\"attrKey\":\"...\",\"attrValue\":\"...\"}";

TagMessage::Kind kind_of(Kind kind) {
  if (kind == Kind::tags_update) return TagMessage::Kind::update;
  return kind == Kind::tags_delete ? TagMessage::Kind::remove : TagMessage::Kind::get;
}

/// The text of a member; numbers as they are written. "" when it is missing or something else.
std::string word(const json::Value& entry, std::string_view name) {
  const auto value = entry.find(name);
  if (!value) return {};
  if (value->is(json::Type::number)) return std::string(value->raw());
  return value->is(json::Type::string) ? value_text(value->raw()) : std::string();
}

/// One entry; of a question also the key alone.
registry::Tag tag_of(const json::Value& entry, bool key_alone) {
  if (key_alone && entry.is(json::Type::string)) return {value_text(entry.raw()), {}};
  return {word(entry, "attrKey"), word(entry, "attrValue"), word(entry, "domain") == "SYSTEM"};
}

}  // namespace

Taken ThingIngress::Shard::on_tags(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  char method[96];
  TagMessage out;
  out.kind = kind_of(message.topic.kind);
  const bool is_update = out.kind == TagMessage::Kind::update, is_get = out.kind == TagMessage::Kind::get;
  const bool has_list = request->params && request->params->is(json::Type::array);
  if (!has_list && !is_get)
    return refuse(message, request->id, Code::parameter_error,
                  request->params ? Cause::params_wrong_type : Cause::params_missing, kWanted);
  if (has_list)
    for (const auto& entry : request->params->elements()) {
      if (out.tags.size() == kMostTags)
        return refuse(message, request->id, Code::parameter_error, Cause::too_many_tags,
                      std::to_string(request->params->size()) + " tags in one message, at most 200");
      out.tags.push_back(tag_of(entry, is_get));
      const registry::Tag& tag = out.tags.back();
      if (!registry::is_tag_key(tag.key))
        return refuse(message, request->id, Code::parameter_error, Cause::tag_key, entry.raw());
      if (is_update && !registry::is_tag_value(tag.value))
        return refuse(message, request->id, Code::parameter_error, Cause::tag_value, entry.raw());
    }
  else if (request->params && request->params->find("attrKey"))
    out.tags.push_back(tag_of(*request->params, true));
  if (out.tags.empty() && !is_get)
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type, kWanted);
  out.device = message.device.number;
  out.product = message.product.key, out.name = message.device.name;
  out.id = request->id;
  out.method = alink::method_of(message.topic, method).value_or(std::string_view{});
  out.topic = std::string(message.topic.path) + "_reply";
  out.wants_reply = request->wants_reply;
  out.qos = std::min<std::uint8_t>(message.in.qos, 1);
  if (tags_(std::move(out))) return Taken::done;
  return refuse(message, request->id, Code::too_many_requests, Cause::server_full, {});
}

}  // namespace tercet::thing
