#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "platform/openapi/handlers.h"
#include "platform/openapi/utc_time.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;
using registry::DeviceRecord;
using registry::DeviceRef;

constexpr std::size_t kMostProofs = 10;

std::string text_of(const json::object& object, std::string_view upper, std::string_view lower) {
  for (const std::string_view name : {upper, lower}) {
    const auto* found = object.if_contains(json::string_view(name.data(), name.size()));
    if (found != nullptr && found->is_string()) return std::string(found->get_string());
  }
  return {};
}

/// DeviceListStr: a JSON list of {"productKey","deviceName"} or {"IotId"}.
std::optional<std::vector<DeviceRef>> refs_of(std::string_view text) {
  boost::system::error_code wrong;
  const auto value = json::parse(json::string_view(text.data(), text.size()), wrong);
  if (wrong || !value.is_array() || value.get_array().empty()) return std::nullopt;
  std::vector<DeviceRef> refs;
  for (const auto& one : value.get_array()) {
    if (!one.is_object()) return std::nullopt;
    const auto& object = one.get_object();
    refs.push_back({text_of(object, "IotId", "iotId"), text_of(object, "ProductKey", "productKey"),
                    text_of(object, "DeviceName", "deviceName")});
  }
  return refs;
}

std::optional<std::string> optional_text(const Parameters& parameters, const std::string& name) {
  return parameters.has(name) ? std::optional(std::string(parameters.text(name))) : std::nullopt;
}

std::vector<topology::Proof> proofs_of(const Parameters& parameters) {
  std::vector<topology::Proof> proofs;
  for (std::size_t i = 1; i <= kMostProofs + 1; ++i) {
    const std::string at = "TopoAddItem." + std::to_string(i) + ".";
    if (!parameters.has(at + "DeviceName")) break;
    proofs.push_back({std::string(parameters.text(at + "ProductKey")), std::string(parameters.text(at + "DeviceName")),
                      optional_text(parameters, at + "ClientId"), optional_text(parameters, at + "Timestamp"),
                      std::string(parameters.text(at + "Sign")), std::string(parameters.text(at + "SignMethod"))});
  }
  return proofs;
}

Answer not_offered() { return refusal("tercet.topology.NotOffered", "This platform keeps no topology of gateways."); }

DeviceRef gateway_ref(const Parameters& parameters) {
  return {std::string(parameters.text("GwIotId")), std::string(parameters.text("GwProductKey")),
          std::string(parameters.text("GwDeviceName"))};
}

}  // namespace

void notify_add_thing_topo(Services& services, const Call& call, Reply reply) {
  if (services.topology == nullptr) return reply(not_offered());
  const auto refs = refs_of(call.parameters.text("DeviceListStr"));
  if (!refs)
    return reply(refusal("iot.device.AddTopoRelationFailed",
                         "DeviceListStr must be a JSON list of {\"productKey\",\"deviceName\"} or {\"IotId\"}."));
  const auto id = std::make_shared<std::string>();
  const auto sent = services.topology->notify_add(gateway_ref(call.parameters), *refs, [reply, id](bool was_sent) {
    if (!was_sent)
      return reply(refusal("iot.device.AddTopoRelationFailed",
                           "The gateway is offline, or has not subscribed to thing/topo/add/notify."));
    reply(success({{"Data", json::object{{"MessageId", *id}}}}));
  });
  if (!sent) return reply(refusal(sent.problem()));
  *id = *sent;
}

void batch_add_thing_topo(Services& services, const Call& call, Reply reply) {
  if (services.topology == nullptr) return reply(not_offered());
  const auto proofs = proofs_of(call.parameters);
  if (proofs.empty() || proofs.size() > kMostProofs)
    return reply(
        refusal("iot.device.AddTopoRelationFailed",
                "Give 1 to 10 of TopoAddItem.N with ProductKey, DeviceName, ClientId, Timestamp, SignMethod, Sign."));
  const AfterApplied later(std::move(reply));
  const auto added = services.topology->add(gateway_ref(call.parameters), proofs, later.applied());
  if (!added) return later.refuse(added.problem());
  later.answer(success());
}

void get_thing_topo(Services& services, const Call& call, Reply reply) {
  if (services.topology == nullptr) return reply(not_offered());
  const auto gateway = services.topology->gateway(call.device(), "iot.device.QueryTopoRelationFailed");
  if (!gateway) return reply(refusal(gateway.problem()));
  const std::size_t most = services.registry.limits().device_page;
  const auto page = page_of(call.parameters, "PageNo", 10, most);
  if (!page) return reply(bad_page(most));
  const auto found = services.registry.sub_devices(gateway->device.number, *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const DeviceRecord& record : found->items)
    rows.push_back(json::object{
        {"ProductKey", record.device.product}, {"DeviceName", record.device.name}, {"IotId", record.device.iot_id}});
  reply(success({{"Data", json::object{{"List", json::object{{"deviceInfo", std::move(rows)}}},
                                       {"CurrentPage", found->asked.page},
                                       {"PageSize", found->asked.size},
                                       {"PageCount", found->page_count()},
                                       {"Total", found->total}}}}));
}

void remove_thing_topo(Services& services, const Call& call, Reply reply) {
  if (services.topology == nullptr) return reply(not_offered());
  const AfterApplied later(std::move(reply));
  const auto removed = services.topology->remove(call.device(), later.applied());
  if (!removed) return later.refuse(removed.problem());
  later.answer(success({{"Data", true}}));
}

void get_gateway_by_sub_device(Services& services, const Call& call, Reply reply) {
  const auto device = services.registry.device(call.device());
  if (!device) return reply(refusal(device.problem()));
  const auto gateway = device->device.gateway == 0 ? std::nullopt : services.registry.device(device->device.gateway);
  if (!gateway)
    return reply(
        refusal("iot.device.QueryTopoRelationFailed",
                device->device.name + " is behind no gateway: add it with thing/topo/add or BatchAddThingTopo."));
  auto product = services.registry.product(gateway->device.product);
  if (!product) return reply(refusal(product.problem()));
  const std::vector<DeviceKey> keys{key_of(gateway->device)};
  services.fleet.presences(keys, [reply = std::move(reply), record = *gateway, product = std::move(*product),
                                  region = services.region](std::optional<Fleet::Presences> presences) {
    if (!presences) return reply(busy());
    const auto seen = presences->find(record.device.number);
    const thing::Presence* presence = seen == presences->end() ? nullptr : &seen->second;
    // The SDK's type has iotId and region in lower camel, the documents in upper; NodeType is a text here.
    reply(success({{"Data", json::object{{"ProductKey", record.device.product},
                                         {"ProductName", product.product.name},
                                         {"DeviceName", record.device.name},
                                         {"DeviceSecret", record.device.secret},
                                         {"IotId", record.device.iot_id},
                                         {"iotId", record.device.iot_id},
                                         {"Region", region},
                                         {"region", region},
                                         {"NodeType", std::to_string(product.node_type)},
                                         {"Status", device_status(record.device, presence)},
                                         {"IpAddress", record.last_address},
                                         {"FirmwareVersion", ""},
                                         {"GmtCreate", beijing_time(record.device.created)},
                                         {"UtcCreate", utc_millis(record.device.created)},
                                         {"GmtActive", beijing_time(record.device.activated)},
                                         {"UtcActive", utc_millis(record.device.activated)},
                                         {"GmtOnline", beijing_time(record.last_online)},
                                         {"UtcOnline", utc_millis(record.last_online)}}}}));
  });
}

}  // namespace tercet::openapi
