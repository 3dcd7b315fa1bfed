#include "platform/topology/topology.h"

#include <algorithm>

#include "tercet/auth/client_id.h"
#include "tercet/auth/sub_device.h"

namespace tercet::topology {

using alink::Code;
using auth::Cause;
using registry::Device;
using registry::RegistryProblem;

namespace {

constexpr registry::ApiCode kAddFailed = "iot.device.AddTopoRelationFailed";

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

}  // namespace

Topology::Checked<Device> Topology::check(const Device& gateway, const Proof& proof) {
  const std::string name = proof.product + "/" + proof.device;
  if (proof.product == gateway.product && proof.device == gateway.name)
    return Refused{Code::topo_with_itself, Cause::sub_device_is_gateway, name};
  const auto found = parts_.registry.device({{}, proof.product, proof.device});
  if (!found) return Refused{Code::device_not_found, Cause::sub_device_unknown, name};
  const auto product = parts_.registry.product(proof.product);
  if (!product || product->product.is_gateway)
    return Refused{Code::topo_with_itself, Cause::sub_device_is_gateway, name};
  const auto method = auth::parse_sign_method(proof.sign_method);
  if (!method) return Refused{Code::parameter_error, Cause::sub_device_sign_method, name};
  const auto signs = [&](std::string_view secret) {
    return auth::verify_sub_device(
        *method, secret, {view_of(proof.client_id), proof.device, proof.product, view_of(proof.timestamp)}, proof.sign);
  };
  if (!found->device.proves(parts_.loop.wall(), signs))
    return Refused{Code::request_auth_error, Cause::sub_device_sign, name};
  if (!found->device.enabled) return Refused{Code::device_disabled, Cause::sub_device_disabled, name};
  return found->device;
}

Answer<registry::DeviceRecord> Topology::gateway(const registry::DeviceRef& ref, registry::ApiCode code) {
  auto found = parts_.registry.device(ref);
  if (!found) return found;
  const auto product = parts_.registry.product(found->device.product);
  if (product && product->product.is_gateway) return found;
  return RegistryProblem{Error::bad_argument, code,
                         found->device.name +
                             " is no gateway: its product has NodeType 0. A gateway's product is made "
                             "with NodeType 1"};
}

Answer<std::string> Topology::notify_add(const registry::DeviceRef& ref,
                                         const std::vector<registry::DeviceRef>& devices,
                                         std::function<void(bool sent)> told) {
  const auto gateway = this->gateway(ref, kAddFailed);
  if (!gateway) return gateway.problem();
  Devices list;
  for (const auto& one : devices) {
    auto found = parts_.registry.device(one);
    if (!found) return found.problem();
    list.push_back(std::move(found->device));
  }
  const Device& to = gateway->device;
  const std::string id = next_id();
  parts_.send({to.number, to.product, to.name, "/sys/" + to.product + "/" + to.name + "/thing/topo/add/notify",
               "{\"id\":\"" + id + "\",\"version\":\"1.0\",\"params\":" + list_of(list) +
                   ",\"method\":\"thing.topo.add.notify\"}",
               1},
              std::move(told));
  return id;
}

Answer<void> Topology::add(const registry::DeviceRef& ref, const std::vector<Proof>& proofs, runtime::Task applied) {
  const auto gateway = this->gateway(ref, kAddFailed);
  if (!gateway) return gateway.problem();
  Devices devices;
  for (const Proof& proof : proofs) {
    auto checked = check(gateway->device, proof);
    if (!checked) {
      const auto& text = auth::text(checked.problem().cause);
      return RegistryProblem{
          Error::bad_argument, kAddFailed,
          checked.problem().evidence + ": " + std::string(text.cause_en) + " " + std::string(text.remedy_en)};
    }
    devices.push_back(std::move(*checked));
  }
  auto moved = parts_.registry.add_sub_devices(gateway->device, devices, std::move(applied));
  if (!moved) return moved.problem();
  tell_changes(gateway->device, *moved, false);
  return {};
}

Answer<void> Topology::remove(const registry::DeviceRef& ref, runtime::Task applied) {
  const auto found = parts_.registry.device(ref);
  if (!found) return found.problem();
  if (found->device.gateway == 0)
    return RegistryProblem{Error::bad_state, "iot.device.RemoveTopoRelationFailed",
                           found->device.name + " is behind no gateway: there is nothing to remove"};
  if (auto done = parts_.registry.remove_sub_devices({found->device}, std::move(applied)); !done) return done.problem();
  tell(found->device.gateway, Change::deleted, {found->device});
  if (const auto gateway = parts_.registry.device(found->device.gateway))
    announce(gateway->device, "delete", {found->device});
  return {};
}

}  // namespace tercet::topology
