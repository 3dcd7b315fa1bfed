#include <boost/json/array.hpp>
#include <unordered_map>

#include "platform/openapi/handlers.h"
#include "platform/thing/history.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostRows = 200;

json::object value_row(const thing::Latest& latest, const thing::Model& model) {
  json::object row{{"Identifier", latest.identifier},
                   {"Value", thing::value_text(latest.value)},
                   {"Time", std::to_string(latest.time.ms)}};
  if (const thing::Property* property = model.find_property(latest.identifier)) {
    row["Name"] = property->name;
    row["Unit"] = property->unit;
    row["DataType"] = thing::name(property->spec.type);
  }
  return row;
}

struct ProductView {
  std::string name;
  std::shared_ptr<const thing::Model> model;
};

json::object device_row(const registry::DeviceRecord& record, const ProductView& product,
                        const thing::Summary* summary) {
  json::array values;
  if (summary != nullptr)
    for (const thing::Latest& latest : summary->values) values.push_back(value_row(latest, *product.model));
  return {{"ProductKey", record.device.product},
          {"ProductName", product.name},
          {"DeviceName", record.device.name},
          {"Nickname", record.nickname},
          {"IotId", record.device.iot_id},
          {"Status", device_status(record.device, summary ? &summary->presence : nullptr)},
          {"Timestamp", summary ? summary->presence.since.ms : 0},
          {"LastMessage", summary ? summary->last_message.ms : 0},
          {"IpAddress", record.last_address},
          {"Values", json::object{{"Value", std::move(values)}}}};
}

json::object page_of_fleet(const registry::Page<registry::DeviceRecord>& found,
                           const std::unordered_map<std::string, ProductView>& products,
                           const Fleet::Summaries& summaries) {
  json::array rows;
  for (const registry::DeviceRecord& record : found.items) {
    const auto it = summaries.find(record.device.number);
    rows.push_back(
        device_row(record, products.at(record.device.product), it == summaries.end() ? nullptr : &it->second));
  }
  return {{"Data", json::object{{"Device", std::move(rows)}}},
          {"Page", found.asked.page},
          {"PageSize", found.asked.size},
          {"PageCount", found.page_count()},
          {"Total", found.total}};
}

}  // namespace

/// One page of the fleet with presence and latest values: what the official actions need a call per device for.
void query_fleet(Services& services, const Call& call, Reply reply) {
  const auto page = page_of(call.parameters, "CurrentPage", 50, kMostRows);
  if (!page) return reply(bad_page(kMostRows));
  registry::DeviceFilter filter;
  filter.product = call.parameters.text("ProductKey");
  filter.name_contains = call.parameters.text("Search");
  auto found = services.registry.devices(filter, *page);
  if (!found) return reply(refusal(found.problem()));
  std::unordered_map<std::string, ProductView> products;
  std::vector<DeviceKey> keys;
  for (const registry::DeviceRecord& record : found->items) {
    keys.push_back(key_of(record.device));
    if (products.contains(record.device.product)) continue;
    const auto product = services.registry.product(record.device.product);
    products[record.device.product] = product ? ProductView{product->product.name, services.models.of(product->product)}
                                              : ProductView{"", thing::Model::empty()};
  }
  services.fleet.latest_of(keys, [&fleet = services.fleet, reply = std::move(reply), found = std::move(*found),
                                  products = std::move(products)](std::optional<Fleet::Summaries> summaries) {
    if (!summaries) return reply(busy());
    json::object answer = page_of_fleet(found, products, *summaries);
    fleet.counts([reply, answer = std::move(answer)](std::optional<std::vector<ShardCounts>> counts) mutable {
      if (!counts) return reply(busy());
      std::uint64_t online = 0;
      for (const ShardCounts& shard : *counts) online += shard.things.online;
      answer["Online"] = online;
      reply(success(std::move(answer)));
    });
  });
}

}  // namespace tercet::openapi
