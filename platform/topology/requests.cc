// What gateways ask (device-protocol 9.1).
#include <algorithm>

#include "platform/registry/naming.h"
#include "platform/topology/topology.h"
#include "tercet/alink/envelope.h"
#include "tercet/alink/sub_device.h"
#include "tercet/base/check.h"

namespace tercet::topology {

using alink::Code;
using auth::Cause;
using registry::Device;
using thing::GatewayMessage;

namespace {

std::optional<std::string> copy_of(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

Proof proof_of(const alink::SubDevice& entry) {
  return {std::string(entry.product), std::string(entry.device), copy_of(entry.client_id),
          copy_of(entry.timestamp),   std::string(entry.sign),   std::string(entry.sign_method)};
}

/// The entries, if all are good.
std::optional<std::vector<alink::SubDevice>> entries_of(const json::Value& params) {
  alink::SubDevices list{params};
  if (!list.ok() || !params.is(json::Type::array)) return std::nullopt;
  std::vector<alink::SubDevice> entries;
  while (const auto entry = list.next()) {
    if (!*entry) return std::nullopt;
    entries.push_back(**entry);
  }
  return entries;
}

constexpr std::string_view kListWanted = "params must be a list of {\"productKey\",\"deviceName\"}";

}  // namespace

void Topology::on_message(const GatewayMessage& message) {
  const auto params = json::parse(message.params, json::Grammar::trailing_commas);
  if (!params) return refuse(message, {Code::parameter_error, Cause::params_wrong_type, std::string(kListWanted)});
  switch (message.kind) {
    case GatewayMessage::Kind::topo_add:
      return on_add(message, *params);
    case GatewayMessage::Kind::topo_delete:
      return on_delete(message, *params);
    case GatewayMessage::Kind::topo_get:
      return on_get(message);
    case GatewayMessage::Kind::list_found:
      return on_found(message, *params);
    case GatewayMessage::Kind::sub_register:
      return on_register(message, *params);
    case GatewayMessage::Kind::product_register:
      return on_product_register(message, *params);
    case GatewayMessage::Kind::sub_unregister:
      return on_unregister(message, *params);
  }
}

void Topology::on_add(const GatewayMessage& message, const json::Value& params) {
  const auto entries = entries_of(params);
  if (!entries) return refuse(message, {Code::parameter_error, Cause::params_wrong_type, std::string(kListWanted)});
  const auto gateway = parts_.registry.device(message.device);
  if (!gateway) return;  // deleted meanwhile
  Devices devices;
  for (const alink::SubDevice& entry : *entries) {
    auto checked = check(gateway->device, proof_of(entry));
    if (!checked) return refuse(message, checked.problem());
    devices.push_back(std::move(*checked));
  }
  const auto moved = parts_.registry.add_sub_devices(
      gateway->device, devices, [this, message, data = list_of(devices)] { reply(message, Code::success, data); });
  if (!moved) {
    const bool is_full = moved.problem().error == Error::no_space;
    return refuse(message, {is_full ? Code::too_many_subdevices : Code::system_exception,
                            is_full ? Cause::too_many_sub_devices : Cause::internal, moved.problem().detail});
  }
  tell_changes(gateway->device, *moved, true);
}

/// The devices of a list, all of which are below the gateway.
Topology::Checked<Topology::Devices> Topology::own_devices(const GatewayMessage& message, const json::Value& params) {
  const auto entries = entries_of(params);
  if (!entries) return Refused{Code::parameter_error, Cause::params_wrong_type, std::string(kListWanted)};
  Devices devices;
  for (const alink::SubDevice& entry : *entries) {
    const std::string name = std::string(entry.product) + "/" + std::string(entry.device);
    auto found = parts_.registry.device({{}, std::string(entry.product), std::string(entry.device)});
    if (!found) return Refused{Code::device_not_found, Cause::sub_device_unknown, name};
    if (found->device.gateway != message.device)
      return Refused{Code::topo_not_exist, Cause::sub_device_not_in_topology, name};
    devices.push_back(std::move(found->device));
  }
  return devices;
}

void Topology::on_delete(const GatewayMessage& message, const json::Value& params) {
  const auto devices = own_devices(message, params);
  if (!devices) return refuse(message, devices.problem());
  const auto gateway = parts_.registry.device(message.device);
  if (!gateway) return;
  const auto done = parts_.registry.remove_sub_devices(
      *devices, [this, message, data = list_of(*devices)] { reply(message, Code::success, data); });
  if (!done) return refuse(message, {Code::system_exception, Cause::internal, done.problem().detail});
  announce(gateway->device, "delete", *devices);
}

void Topology::on_get(const GatewayMessage& message) {
  reply(message, Code::success, list_of(parts_.registry.sub_devices(message.device)));
}

void Topology::on_found(const GatewayMessage& message, const json::Value& params) {
  const auto entries = entries_of(params);
  if (!entries) return refuse(message, {Code::parameter_error, Cause::params_wrong_type, std::string(kListWanted)});
  const auto gateway = parts_.registry.device(message.device);
  if (!gateway) return;
  Devices devices;
  for (const alink::SubDevice& entry : *entries) {
    Device device;
    device.product = entry.product, device.name = entry.device;
    const std::string name = device.product + "/" + device.name;
    if (!registry::is_device_name(device.name))
      return refuse(message, {Code::bad_device_name, Cause::sub_device_name, name});
    if (!parts_.registry.product(device.product))
      return refuse(message, {Code::product_not_found, Cause::unknown_product, name});
    if (const auto known = parts_.registry.device({{}, device.product, device.name}))
      device.iot_id = known->device.iot_id;
    devices.push_back(std::move(device));
  }
  announce(gateway->device, "found", devices);
  reply(message, Code::success, "{}");
}

void Topology::reply(const GatewayMessage& message, Code code, std::string_view data) {
  if (!message.wants_reply) return;
  const alink::ReplyFields fields{.id = message.id, .code = code, .data = data, .method = message.method};
  std::string payload(message.id.size() + data.size() + message.method.size() + 256, '\0');
  tercet::Writer out({reinterpret_cast<std::uint8_t*>(payload.data()), payload.size()});
  alink::write_reply(out, fields);
  TERCET_CHECK(out.ok());
  payload.resize(out.size());
  parts_.send({message.device, message.product, message.name, message.topic, std::move(payload), message.qos},
              [](bool) {});
}

void Topology::note(const GatewayMessage& message, const Refused& why) {
  broker::Refusal refusal;
  refusal.at = parts_.loop.wall();
  refusal.stage = broker::Refusal::Stage::message;
  refusal.name = message.product + "/" + message.name;
  refusal.code = static_cast<std::uint32_t>(why.code);
  refusal.cause = auth::code(why.cause);
  refusal.evidence = why.evidence.substr(0, 900) + " [" + message.method + "]";
  parts_.journal.record(std::move(refusal));
}

void Topology::refuse(const GatewayMessage& message, const Refused& why) {
  note(message, why);
  reply(message, why.code, "{}");
}

}  // namespace tercet::topology
