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
  struct ProductView {
    std::string name;
    std::shared_ptr<const thing::Model> model;
  };
  std::unordered_map<std::string, ProductView> products;
  std::vector<DeviceKey> keys;
  for (const registry::DeviceRecord& record : found->items) {
    keys.push_back(key_of(record.device));
    if (products.contains(record.device.product)) continue;
    const auto product = services.registry.product(record.device.product);
    products[record.device.product] = product ? ProductView{product->product.name, services.models.of(product->product)}
                                              : ProductView{"", thing::Model::empty()};
  }
  services.fleet.latest_of(keys, [reply = std::move(reply), found = std::move(*found),
                                  products = std::move(products)](std::optional<Fleet::Summaries> summaries) {
    if (!summaries) return reply(busy());
    json::array rows;
    for (const registry::DeviceRecord& record : found.items) {
      const ProductView& product = products.at(record.device.product);
      const auto it = summaries->find(record.device.number);
      const thing::Summary* summary = it == summaries->end() ? nullptr : &it->second;
      const std::int64_t since = summary ? summary->presence.since.ms : 0;
      json::array values;
      if (summary)
        for (const thing::Latest& latest : summary->values) values.push_back(value_row(latest, *product.model));
      rows.push_back(json::object{{"ProductKey", record.device.product},
                                  {"ProductName", product.name},
                                  {"DeviceName", record.device.name},
                                  {"Nickname", record.nickname},
                                  {"IotId", record.device.iot_id},
                                  {"Status", device_status(record.device, summary ? &summary->presence : nullptr)},
                                  {"Timestamp", since},
                                  {"LastMessage", summary ? summary->last_message.ms : 0},
                                  {"IpAddress", record.last_address},
                                  {"Values", json::object{{"Value", std::move(values)}}}});
    }
    reply(success({{"Data", json::object{{"Device", std::move(rows)}}},
                   {"Page", found.asked.page},
                   {"PageSize", found.asked.size},
                   {"PageCount", found.page_count()},
                   {"Total", found.total}}));
  });
}

}  // namespace tercet::openapi
