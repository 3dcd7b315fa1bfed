// What gateways are told of their topology (8.8, 9.1), and applications (8.15).
#include "platform/topology/topology.h"
#include "tercet/alink/sub_device.h"
#include "tercet/base/check.h"

namespace tercet::topology {

using registry::Device;

namespace {

std::string_view notice_of(Topology::Change change) {
  switch (change) {
    case Topology::Change::enabled:
      return "enable";
    case Topology::Change::disabled:
      return "disable";
    default:
      return "delete";
  }
}

}  // namespace

std::string list_of(const std::vector<Device>& devices) {
  std::string out = "[";
  for (const Device& device : devices) {
    if (out.size() > 1) out.push_back(',');
    std::string one(64 + 6 * (device.product.size() + device.name.size()), '\0');
    tercet::Writer bytes({reinterpret_cast<std::uint8_t*>(one.data()), one.size()});
    json::Writer json{bytes};
    alink::write_sub_device(json, device.product, device.name);
    TERCET_CHECK(bytes.ok());
    out.append(bytes.text());
  }
  return out.append("]");
}

std::string Topology::next_id() { return std::to_string(next_id_++); }

void Topology::send(const Device& gateway, std::string topic, std::string payload) {
  parts_.send({gateway.number, gateway.product, gateway.name, std::move(topic), std::move(payload), 0}, [](bool) {});
}

void Topology::tell(std::uint64_t number, Change change, const Devices& devices) {
  const auto gateway = parts_.registry.device(number);
  if (!gateway || devices.empty()) return;
  const Device& to = gateway->device;
  send(to, "/sys/" + to.product + "/" + to.name + "/thing/topo/change",
       "{\"id\":\"" + next_id() +
           "\",\"version\":\"1.0\",\"params\":{\"status\":" + std::to_string(static_cast<int>(change)) +
           ",\"subList\":" + list_of(devices) + "},\"method\":\"thing.topo.change\"}");
}

/// Devices have come to a gateway. It knows that by itself when it has asked for it; the one they were with does not.
void Topology::tell_changes(const Device& gateway, const std::vector<registry::Moved>& moved, bool by_itself) {
  Devices come;
  for (const auto& [device, from] : moved) {
    come.push_back(device);
    if (from == 0) continue;
    tell(from, Change::deleted, {device});
    if (const auto former = parts_.registry.device(from)) announce(former->device, "delete", {device});
  }
  if (come.empty()) return;
  if (!by_itself) tell(gateway.number, Change::created, come);
  announce(gateway, "create", come);
}

void Topology::on_change(const Device& device, Change change) {
  if (device.gateway == 0) return;
  tell(device.gateway, change, {device});
  const auto gateway = parts_.registry.device(device.gateway);
  if (!gateway) return;
  // On the sub-device's own topic, over the gateway's connection: that reaches it though the sub-device is logged out.
  const std::string what(notice_of(change));
  send(gateway->device, "/sys/" + device.product + "/" + device.name + "/thing/" + what,
       "{\"id\":\"" + next_id() + "\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing." + what + "\"}");
  announce(gateway->device, what, {device});
}

void Topology::announce(const Device& gateway, std::string_view action, const Devices& devices) {
  if (!parts_.announce || devices.empty()) return;
  std::string list;
  for (const Device& device : devices)
    list.append(list.empty() ? "" : ",")
        .append("{\"iotId\":\"" + device.iot_id + "\",\"productKey\":\"" + device.product + "\",\"deviceName\":\"" +
                device.name + "\"}");
  thing::Announcement message;
  const bool is_found = action == "found";
  message.source = is_found ? thing::Source::found : thing::Source::topology;
  message.device = gateway.number;
  message.product = gateway.product, message.device_name = gateway.name;
  message.topic =
      "/" + gateway.product + "/" + gateway.name + (is_found ? "/thing/list/found" : "/thing/topo/lifecycle");
  message.payload = "{" + (is_found ? std::string() : "\"action\":\"" + std::string(action) + "\",") +
                    "\"gwIotId\":\"" + gateway.iot_id + "\",\"gwProductKey\":\"" + gateway.product +
                    "\",\"gwDeviceName\":\"" + gateway.name + "\",\"devices\":[" + list + "]" +
                    (is_found ? "}" : ",\"messageCreateTime\":" + std::to_string(parts_.loop.wall().ms) + "}");
  parts_.announce(std::move(message));
}

}  // namespace tercet::topology
