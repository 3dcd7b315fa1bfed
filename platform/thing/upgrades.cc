#include <charconv>

#include "platform/broker/identity.h"
#include "platform/thing/shard.h"
#include "tercet/alink/block.h"

// What devices say about their firmware (device-protocol 7): taken apart here, kept elsewhere.
namespace tercet::thing {

using alink::Code;
using alink::Kind;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMaxModule = 64, kMaxVersion = 64, kMaxText = 256, kMaxToken = 64, kMaxId = 128;

/// A member's text, escapes resolved; a number as it is written; "" when it is something else, or not there.
std::string text_of(const std::optional<json::Value>& params, std::string_view name, std::size_t most) {
  const auto value = params && params->is(json::Type::object) ? params->find(name) : std::nullopt;
  if (!value) return {};
  if (value->is(json::Type::number)) return std::string(value->raw().substr(0, most));
  const auto text = value->text();
  if (!text || text->raw().size() > 6 * most) return {};
  std::string plain(text->raw().size(), '\0');
  const auto read = text->unescape({reinterpret_cast<std::uint8_t*>(plain.data()), plain.size()});
  return read && read->size() <= most ? std::string(*read) : std::string{};
}

/// The module "default" is the whole device (7.1).
std::string module_of(const std::optional<json::Value>& params) {
  std::string module = text_of(params, "module", kMaxModule);
  return module == "default" ? std::string{} : module;
}

}  // namespace

UpgradeMessage ThingIngress::Shard::upgrade_message(UpgradeMessage::Kind kind, const DeviceState& device) const {
  UpgradeMessage message;
  message.kind = kind;
  message.device = device.number;
  message.product = device.product->key;
  message.name = device.name;
  return message;
}

/// Nothing answers these messages: the journal is the only place for what is wrong with one.
Taken ThingIngress::Shard::note_upgrade(const Message& message, std::string_view what) {
  ++counts_.refused_messages;
  note(message.device, &message.in, Cause::params_wrong_type, alink::number(Code::parameter_error), what);
  return Taken::done;
}

Taken ThingIngress::Shard::on_ota_inform(const Message& message) {
  if (!upgrades_) return decline(message);
  const auto request = alink::parse_request(as_text(message.in.payload));
  auto said = upgrade_message(UpgradeMessage::Kind::inform, message.device);
  if (request) said.version = text_of(request->params, "version", kMaxVersion);
  if (said.version.empty()) return note_upgrade(message, "params.version must be a text of 1 to 64 bytes");
  said.module = module_of(request->params);
  upgrades_(std::move(said));
  return Taken::done;
}

Taken ThingIngress::Shard::on_ota_progress(const Message& message) {
  if (!upgrades_) return decline(message);
  const auto request = alink::parse_request(as_text(message.in.payload));
  auto said = upgrade_message(UpgradeMessage::Kind::progress, message.device);
  const std::string step = request ? text_of(request->params, "step", 8) : std::string{};
  const auto read = std::from_chars(step.data(), step.data() + step.size(), said.step);
  if (step.empty() || read.ec != std::errc() || read.ptr != step.data() + step.size())
    return note_upgrade(message, "params.step must be 1 to 100, or -1 to -4");
  said.text = text_of(request->params, "desc", kMaxText);
  said.module = module_of(request->params);
  upgrades_(std::move(said));
  return Taken::done;
}

Taken ThingIngress::Shard::on_ota_pull(const Message& message) {
  if (!upgrades_) return decline(message);
  const auto request = alink::parse_request(as_text(message.in.payload));
  const bool is_old = message.topic.kind == Kind::ota_request;
  if (!request || request->id.size() > kMaxId)
    return is_old ? note_upgrade(message, "the payload must be a JSON object") : refuse_unreadable(message);
  auto said = upgrade_message(is_old ? UpgradeMessage::Kind::request : UpgradeMessage::Kind::pull, message.device);
  said.id = request->id;
  said.module = module_of(request->params);
  upgrades_(std::move(said));
  return Taken::done;
}

Taken ThingIngress::Shard::on_file_download(const Message& message) {
  if (!upgrades_) return decline(message);
  const auto request = alink::parse_block_request(as_text(message.in.payload));
  if (!request || request->id.size() > kMaxId || request->token.size() > kMaxToken) {
    ++counts_.refused_messages;
    note(message.device, &message.in, Cause::params_wrong_type, alink::number(Code::parameter_error),
         "fileInfo must hold streamId and fileId, fileBlock size and offset");
    return decline_download(message, {});
  }
  auto said = upgrade_message(UpgradeMessage::Kind::block, message.device);
  said.id = request->id;
  said.token = request->token;
  said.stream = request->stream, said.file = request->file;
  said.offset = request->offset, said.size = request->size;
  upgrades_(std::move(said));
  return Taken::done;
}

Delivery ThingIngress::Shard::send(std::uint64_t number, std::string_view topic, Bytes payload, std::uint8_t qos) {
  const DeviceState* const device = devices_.find(number);
  if (device == nullptr || !device->online) return Delivery::offline;
  const bool sent = egress_->send_to(broker::device_key(device->product->key, device->name), topic, payload, qos);
  return sent ? Delivery::sent : Delivery::not_subscribed;
}

}  // namespace tercet::thing
