#include "platform/tag/tags.h"

#include <algorithm>

#include "platform/registry/naming.h"
#include "platform/thing/announcements.h"
#include "tercet/alink/envelope.h"
#include "tercet/base/check.h"

namespace tercet::tag {

using alink::Code;
using auth::Cause;
using registry::Device;
using registry::RegistryProblem;
using registry::Tag;
using thing::TagMessage;

namespace {

std::vector<std::string> keys_of(const std::vector<Tag>& tags) {
  std::vector<std::string> keys;
  for (const Tag& tag : tags) keys.push_back(tag.key);
  return keys;
}

/// The alphabets of keys and values hold nothing that JSON would escape.
std::string list_of(const std::vector<Tag>& tags) {
  std::string out = "[";
  for (const Tag& tag : tags)
    out.append(out.size() > 1 ? "," : "")
        .append("{\"attrKey\":\"" + tag.key + "\",\"attrValue\":\"" + tag.value + "\"}");
  return out.append("]");
}

}  // namespace

void Tags::on_message(const TagMessage& message) {
  const auto device = parts_.registry.device(message.device);
  if (!device) return reply(message, Code::device_not_found);  // deleted meanwhile
  switch (message.kind) {
    case TagMessage::Kind::update:
      return update(message, device->device);
    case TagMessage::Kind::remove:
      return remove(message, device->device);
    case TagMessage::Kind::get:
      return get(message);
  }
}

void Tags::update(const TagMessage& message, const Device& device) {
  auto changed = parts_.registry.put_tags(message.device, message.tags);
  if (!changed) {
    const bool is_full = changed.problem().code == "iot.device.SaveOrUpdateDevicePropertiesFailed";
    return refuse(message, is_full ? Code::parameter_error : Code::system_exception,
                  is_full ? Cause::too_many_tags : Cause::internal, changed.problem().detail);
  }
  announce(device, std::move(*changed));
  reply(message, Code::success);
}

void Tags::remove(const TagMessage& message, const Device& device) {
  auto gone = parts_.registry.delete_tags(message.device, keys_of(message.tags));
  if (!gone) return refuse(message, Code::system_exception, Cause::internal, gone.problem().detail);
  for (Tag& tag : *gone) tag.value.clear();
  announce(device, std::move(*gone));
  reply(message, Code::success);
}

void Tags::get(const TagMessage& message) {
  auto tags = parts_.registry.tags(message.device);
  if (!tags) return refuse(message, Code::system_exception, Cause::internal, tags.problem().detail);
  const auto is_asked = [&](const Tag& tag) {
    return message.tags.empty() || std::any_of(message.tags.begin(), message.tags.end(),
                                               [&](const Tag& wanted) { return wanted.key == tag.key; });
  };
  std::erase_if(*tags, [&](const Tag& tag) { return tag.is_system || !is_asked(tag); });
  reply(message, Code::success, list_of(*tags));
}

Answer<void> Tags::save(const registry::DeviceRef& ref, const std::vector<Tag>& tags) {
  const auto found = parts_.registry.device(ref);
  if (!found) return found.problem();
  if (tags.empty())
    return RegistryProblem{Error::bad_argument, "iot.device.NoneDeviceProperties",
                           "name at least one tag: Props={\"room\":\"kitchen\"}"};
  for (const Tag& tag : tags) {
    if (!registry::is_tag_key(tag.key))
      return RegistryProblem{Error::bad_argument, "iot.device.InvalidFormattedDevicePropertyKey",
                             "'" + tag.key + "': a key has 1 to 64 letters, digits or _ - # @ % & * ."};
    if (!registry::is_tag_value(tag.value))
      return RegistryProblem{Error::bad_argument, "iot.device.SaveOrUpdateDevicePropertiesFailed",
                             "'" + tag.key +
                                 "': a value has 1 to 128 letters, digits, Chinese or Japanese characters, which "
                                 "count 2, or _ - # @ % & : ."};
  }
  auto changed = parts_.registry.put_tags(found->device.number, tags);
  if (!changed) return changed.problem();
  announce(found->device, std::move(*changed));
  return {};
}

Answer<void> Tags::remove(const registry::DeviceRef& ref, std::string_view key) {
  const auto found = parts_.registry.device(ref);
  if (!found) return found.problem();
  if (key.empty())
    return RegistryProblem{Error::bad_argument, "iot.device.NullDevicePropertyKey", "name the key of the tag"};
  auto gone = parts_.registry.delete_tags(found->device.number, {std::string(key)});
  if (!gone) return gone.problem();
  if (gone->empty())
    return RegistryProblem{Error::not_found, "iot.device.DeleteDevicePropertyFailed",
                           found->device.name + " has no tag '" + std::string(key) +
                               "': QueryDeviceProp and tercet tag list show those it has"};
  for (Tag& tag : *gone) tag.value.clear();
  announce(found->device, std::move(*gone));
  return {};
}

void Tags::announce(const Device& device, std::vector<Tag> changed) {
  std::erase_if(changed, [](const Tag& tag) { return tag.is_system; });
  if (parts_.announce && !changed.empty()) parts_.announce(thing::tags_message(device, changed, parts_.loop.wall()));
}

void Tags::reply(const TagMessage& message, Code code, std::string_view data) {
  if (!message.wants_reply) return;
  const alink::ReplyFields fields{.id = message.id, .code = code, .data = data, .method = message.method};
  std::string payload(message.id.size() + data.size() + message.method.size() + 256, '\0');
  tercet::Writer out({reinterpret_cast<std::uint8_t*>(payload.data()), payload.size()});
  alink::write_reply(out, fields);
  TERCET_CHECK(out.ok());
  payload.resize(out.size());
  parts_.send({message.device, message.product, message.name, message.topic, std::move(payload), message.qos});
}

void Tags::refuse(const TagMessage& message, Code code, Cause cause, std::string_view evidence) {
  broker::Refusal refusal;
  refusal.at = parts_.loop.wall();
  refusal.stage = broker::Refusal::Stage::message;
  refusal.name = message.product + "/" + message.name;
  refusal.code = static_cast<std::uint32_t>(code);
  refusal.cause = auth::code(cause);
  refusal.evidence = std::string(evidence.substr(0, 900)) + " [" + message.method + "]";
  parts_.journal.record(std::move(refusal));
  reply(message, code);
}

}  // namespace tercet::tag
