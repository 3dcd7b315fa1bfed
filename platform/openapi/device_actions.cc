#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"
#include "platform/openapi/utc_time.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;
using registry::DeviceRecord;
using Presences = Fleet::Presences;

constexpr std::size_t kMostStates = 50;

const thing::Presence* find(const Presences& presences, std::uint64_t number) {
  const auto it = presences.find(number);
  return it == presences.end() ? nullptr : &it->second;
}

std::vector<DeviceKey> keys_of(const std::vector<DeviceRecord>& records) {
  std::vector<DeviceKey> keys;
  keys.reserve(records.size());
  for (const DeviceRecord& record : records) keys.push_back(key_of(record.device));
  return keys;
}

json::object identity(const DeviceRecord& record) {
  return {{"ProductKey", record.device.product},
          {"DeviceName", record.device.name},
          {"DeviceSecret", record.device.secret},
          {"IotId", record.device.iot_id},
          {"Nickname", record.nickname}};
}

json::object list_row(const DeviceRecord& record, const thing::Presence* presence) {
  json::object row = identity(record);
  row["DeviceId"] = std::to_string(record.device.number);
  row["DeviceStatus"] = device_status(record.device, presence);
  row["DeviceType"] = "";
  row["GmtCreate"] = gmt_comma_time(record.device.created);
  row["GmtModified"] = gmt_comma_time(record.modified);
  row["UtcCreate"] = utc_millis(record.device.created);
  row["UtcModified"] = utc_millis(record.modified);
  return row;
}

json::object detail(const DeviceRecord& record, const registry::ProductRecord& product, const std::string& region,
                    const thing::Presence* presence, const std::string& firmware) {
  json::object data = identity(record);
  data["ProductName"] = product.product.name;
  data["NodeType"] = product.node_type;
  data["Region"] = region;
  data["Owner"] = true;
  data["Status"] = device_status(record.device, presence);
  data["IpAddress"] = record.last_address;
  data["FirmwareVersion"] = firmware;
  data["GmtCreate"] = beijing_time(record.device.created);
  data["UtcCreate"] = utc_millis(record.device.created);
  data["GmtActive"] = beijing_time(record.device.activated);
  data["UtcActive"] = utc_millis(record.device.activated);
  data["GmtOnline"] = beijing_time(record.last_online);
  data["UtcOnline"] = utc_millis(record.last_online);
  return data;
}

void set_enabled(Services& services, const Call& call, Reply reply, bool enabled) {
  const AfterApplied later(std::move(reply));
  const auto changed = services.registry.set_enabled(call.device(), enabled, later.applied());
  if (!changed) return later.refuse(changed.problem());
  using Change = topology::Topology::Change;
  if (const auto device = services.registry.device(call.device()); device && services.topology != nullptr)
    services.topology->on_change(device->device, enabled ? Change::enabled : Change::disabled);
  later.answer(success());
}

}  // namespace

std::string_view device_status(const registry::Device& device, const thing::Presence* presence) {
  if (!device.enabled) return "DISABLE";
  if (presence != nullptr && presence->online) return "ONLINE";
  if (device.activated.ms == 0 && (presence == nullptr || presence->since.ms == 0)) return "UNACTIVE";
  return "OFFLINE";
}

void register_device(Services& services, const Call& call, Reply reply) {
  const Parameters& given = call.parameters;
  registry::NewDevice wanted{std::string(given.text("ProductKey")), std::string(given.text("DeviceName")),
                             std::string(given.text("Nickname")), std::string(given.text("DeviceSecret"))};
  const AfterApplied later(std::move(reply));
  const auto made = services.registry.register_device(wanted, later.applied());
  if (!made) return later.refuse(made.problem());
  later.answer(success({{"Data", identity(*made)}}));
}

void query_device(Services& services, const Call& call, Reply reply) {
  const std::size_t most = services.registry.limits().device_page;
  const auto page = page_of(call.parameters, "CurrentPage", 10, most);
  if (!page) return reply(bad_page(most));
  const auto product = services.registry.product(call.parameters.text("ProductKey"));
  if (!product) return reply(refusal(product.problem()));
  registry::DeviceFilter filter;
  filter.product = product->product.key;
  auto found = services.registry.devices(filter, *page);
  if (!found) return reply(refusal(found.problem()));
  const auto keys = keys_of(found->items);
  services.fleet.presences(keys,
                           [reply = std::move(reply), found = std::move(*found)](std::optional<Presences> presences) {
                             if (!presences) return reply(busy());
                             json::array rows;
                             for (const DeviceRecord& record : found.items)
                               rows.push_back(list_row(record, find(*presences, record.device.number)));
                             reply(success({{"Data", json::object{{"DeviceInfo", std::move(rows)}}},
                                            {"Page", found.asked.page},
                                            {"PageSize", found.asked.size},
                                            {"PageCount", found.page_count()},
                                            {"Total", found.total}}));
                           });
}

void query_device_detail(Services& services, const Call& call, Reply reply) {
  auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  auto product = services.registry.product(found->device.product);
  if (!product) return reply(refusal(product.problem()));
  const std::vector<DeviceKey> keys{key_of(found->device)};
  services.fleet.presences(
      keys, [reply = std::move(reply), record = std::move(*found), product = std::move(*product),
             region = services.region, upgrades = services.upgrades](std::optional<Presences> presences) {
        if (!presences) return reply(busy());
        const std::string firmware = upgrades != nullptr ? upgrades->version(record.device.number) : std::string{};
        reply(success({{"Data", detail(record, product, region, find(*presences, record.device.number), firmware)}}));
      });
}

void query_device_info(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  reply(success({{"Data", identity(*found)}}));
}

void get_device_status(Services& services, const Call& call, Reply reply) {
  auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const std::vector<DeviceKey> keys{key_of(found->device)};
  services.fleet.presences(keys,
                           [reply = std::move(reply), record = std::move(*found)](std::optional<Presences> presences) {
                             if (!presences) return reply(busy());
                             const thing::Presence* presence = find(*presences, record.device.number);
                             reply(success({{"Data", json::object{{"Status", device_status(record.device, presence)},
                                                                  {"Timestamp", presence ? presence->since.ms : 0}}}}));
                           });
}

void batch_get_device_state(Services& services, const Call& call, Reply reply) {
  const auto iot_ids = call.parameters.list("IotId");
  const auto names = call.parameters.list("DeviceName");
  if (iot_ids.empty() && (names.empty() || !call.parameters.has("ProductKey")))
    return reply(refusal("iot.device.NullDeviceName", "Give IotId.N, or ProductKey and DeviceName.N."));
  if (iot_ids.size() > kMostStates || names.size() > kMostStates)
    return reply(refusal("iot.device.TooManyDevices", "At most 50 devices in one call."));
  std::vector<DeviceRecord> records;
  if (iot_ids.empty()) {
    records = services.registry.devices(call.parameters.text("ProductKey"), names);
  } else {
    for (const std::string& iot_id : iot_ids)
      if (auto found = services.registry.device(registry::DeviceRef{iot_id, {}, {}}))
        records.push_back(std::move(*found));
  }
  const auto keys = keys_of(records);
  services.fleet.presences(keys, [reply = std::move(reply), records](std::optional<Presences> presences) {
    if (!presences) return reply(busy());
    json::array rows;
    for (const DeviceRecord& record : records) {
      const thing::Presence* presence = find(*presences, record.device.number);
      rows.push_back(json::object{{"DeviceId", std::to_string(record.device.number)},
                                  {"DeviceName", record.device.name},
                                  {"IotId", record.device.iot_id},
                                  {"Status", device_status(record.device, presence)},
                                  {"AsAddress", presence ? presence->address : std::string()},
                                  {"LastOnlineTime", utc_millis(record.last_online)},
                                  {"Timestamp", presence ? presence->since.ms : 0}});
    }
    reply(success({{"DeviceStatusList", json::object{{"DeviceStatus", std::move(rows)}}}}));
  });
}

void enable_thing(Services& services, const Call& call, Reply reply) {
  set_enabled(services, call, std::move(reply), true);
}

void disable_thing(Services& services, const Call& call, Reply reply) {
  set_enabled(services, call, std::move(reply), false);
}

void delete_device(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto found = services.registry.device(call.device());
  const auto gone = services.registry.delete_device(call.device(), later.applied());
  if (!gone) return later.refuse(gone.problem());
  if (found && services.upgrades != nullptr) services.upgrades->forget(found->device.number);
  if (found && services.jobs != nullptr) services.jobs->forget(found->device.number);
  if (found && services.topology != nullptr)
    services.topology->on_change(found->device, topology::Topology::Change::deleted);
  later.answer(success());
}

}  // namespace tercet::openapi
