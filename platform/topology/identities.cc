// Identities of sub-devices, which gateways ask for in their place (device-protocol 9.3).
#include "platform/topology/topology.h"
#include "tercet/alink/sub_device.h"
#include "tercet/auth/registration_check.h"
#include "tercet/base/check.h"

namespace tercet::topology {

using alink::Code;
using auth::Cause;
using registry::Device;
using thing::GatewayMessage;

namespace {

constexpr std::string_view kListWanted = "params must be a list of {\"productKey\",\"deviceName\"}";
constexpr std::string_view kProxiedsWanted =
    "params must be {\"proxieds\":[{\"productKey\",\"deviceName\",\"random\",\"signMethod\",\"sign\"}]}";

std::string name_of(const alink::SubDevice& entry) {
  return std::string(entry.product) + "/" + std::string(entry.device);
}

template <typename Write>
std::string written(std::size_t room, Write&& write) {
  std::string text(room, '\0');
  tercet::Writer bytes({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  json::Writer json{bytes};
  write(json);
  TERCET_CHECK(bytes.ok());
  text.resize(bytes.size());
  return text;
}
constexpr std::size_t kEntryRoom = 512;  // names and secrets of the registry, a few hundred bytes

}  // namespace

/// Whether a gateway may be told this device's secret. The switch of the product must be on; the device waits for its
/// first login, or is one of the gateway's own: it may have lost what it was told.
Topology::Checked<Device> Topology::may_be_told(const Device& gateway, const std::string& product_key,
                                                const std::string& device_name) {
  const std::string name = product_key + "/" + device_name;
  if (product_key == gateway.product && device_name == gateway.name)
    return Refused{Code::topo_with_itself, Cause::sub_device_is_gateway, name};
  const auto product = parts_.registry.product(product_key);
  if (!product) return Refused{Code::product_query_failed, Cause::unknown_product, name};
  if (product->product.is_gateway) return Refused{Code::topo_with_itself, Cause::sub_device_is_gateway, name};
  if (!product->product.dynamic_register) return Refused{Code::registration_off, Cause::registration_off, name};
  const auto found = parts_.registry.device({{}, product_key, device_name});
  if (!found) return Refused{Code::device_not_found, Cause::sub_device_unknown, name};
  const Device& device = found->device;
  if (!device.enabled) return Refused{Code::device_disabled, Cause::sub_device_disabled, name};
  if (device.gateway != 0 && device.gateway != gateway.number)
    return Refused{Code::bound_to_another_gateway, Cause::registration_device_active,
                   name + " is in the topology of another gateway"};
  if (device.gateway == 0 && !device.may_register())
    return Refused{Code::already_active, Cause::registration_device_active, name};
  return device;
}

void Topology::on_register(const GatewayMessage& message, const json::Value& params) {
  alink::SubDevices list{params};
  if (!list.ok() || !params.is(json::Type::array))
    return refuse(message, {Code::parameter_error, Cause::params_wrong_type, std::string(kListWanted)});
  if (list.count() > alink::kMaxSubDevicesPerRegistration)
    return refuse(message, {Code::parameter_error, Cause::too_many_sub_devices,
                            std::to_string(list.count()) + " registrations in one message"});
  const auto gateway = parts_.registry.device(message.device);
  if (!gateway) return;  // deleted meanwhile
  Devices devices;
  while (const auto entry = list.next()) {
    if (!*entry) return refuse(message, {Code::parameter_error, Cause::params_wrong_type, std::string(kListWanted)});
    auto checked = may_be_told(gateway->device, std::string((*entry)->product), std::string((*entry)->device));
    if (!checked) return refuse(message, checked.problem());
    devices.push_back(std::move(*checked));
  }
  reply(message, Code::success, written(8 + devices.size() * kEntryRoom, [&](json::Writer& json) {
          json.begin_array();
          for (const Device& device : devices) {
            json.begin_object().key("iotId").string(device.iot_id).key("productKey").string(device.product);
            json.key("deviceName").string(device.name).key("deviceSecret").string(device.secret).end_object();
          }
          json.end_array();
        }));
}

/// Each for itself: some may be told, and others not.
void Topology::on_product_register(const GatewayMessage& message, const json::Value& params) {
  alink::SubDevices list{params};
  if (!list.ok() || !params.find("proxieds"))
    return refuse(message, {Code::parameter_error, Cause::params_wrong_type, std::string(kProxiedsWanted)});
  if (list.count() > alink::kMaxSubDevicesPerRegistration)
    return refuse(message, {Code::parameter_error, Cause::too_many_sub_devices,
                            std::to_string(list.count()) + " registrations in one message"});
  const auto gateway = parts_.registry.device(message.device);
  if (!gateway) return;
  Devices told;
  std::vector<std::pair<alink::SubDevice, Code>> failed;
  while (const auto entry = list.next()) {
    if (!*entry)
      return refuse(message, {Code::parameter_error, Cause::params_wrong_type, std::string(kProxiedsWanted)});
    auto checked = may_be_told(gateway->device, **entry);
    if (checked) {
      told.push_back(std::move(*checked));
    } else {
      failed.emplace_back(**entry, checked.problem().code);
      note(message, checked.problem());
    }
  }
  reply(message, Code::success, written(64 + list.count() * kEntryRoom, [&](json::Writer& json) {
          json.begin_object().key("successes").begin_array();
          for (const Device& device : told) {
            json.begin_object().key("productKey").string(device.product).key("deviceName").string(device.name);
            json.key("deviceSecret").string(device.secret).end_object();
          }
          json.end_array().key("failures").begin_array();
          for (const auto& [entry, code] : failed) {
            json.begin_object().key("productKey").string(entry.product.substr(0, 64));
            json.key("deviceName").string(entry.device.substr(0, 64)).key("errorDetail").begin_object();
            json.key("code").number(std::int64_t{alink::number(code)});
            json.key("message").string(alink::message(code)).end_object().end_object();
          }
          json.end_array().end_object();
        }));
}

/// The signature first: only who knows the ProductSecret is told more than that it is wrong.
Topology::Checked<Device> Topology::may_be_told(const Device& gateway, const alink::SubDevice& entry) {
  const auto product = parts_.registry.product(entry.product);
  if (!product) return Refused{Code::product_query_failed, Cause::unknown_product, name_of(entry)};
  switch (auth::check_form({entry.product, entry.device, entry.random, entry.sign, entry.sign_method},
                           product->product.secret)) {
    case auth::FormVerdict::good:
      return may_be_told(gateway, std::string(entry.product), std::string(entry.device));
    case auth::FormVerdict::incomplete:
      return Refused{Code::parameter_error, Cause::registration_incomplete, name_of(entry)};
    case auth::FormVerdict::unknown_method:
      return Refused{Code::sign_method_unsupported, Cause::sub_device_sign_method, name_of(entry)};
    default:
      return Refused{Code::register_sign_failed, Cause::registration_wrong_sign, name_of(entry)};
  }
}

/// They leave the topology, and may register once more, over this gateway or another.
void Topology::on_unregister(const GatewayMessage& message, const json::Value& params) {
  const auto devices = own_devices(message, params);
  if (!devices) return refuse(message, devices.problem());
  const auto gateway = parts_.registry.device(message.device);
  if (!gateway) return;
  const auto done =
      parts_.registry.remove_sub_devices(*devices, [this, message] { reply(message, Code::success, "{}"); });
  if (!done) return refuse(message, {Code::system_exception, Cause::internal, done.problem().detail});
  for (const Device& device : *devices)
    static_cast<void>(parts_.registry.reset_registration({{}, device.product, device.name}));
  announce(gateway->device, "delete", *devices);
}

}  // namespace tercet::topology
