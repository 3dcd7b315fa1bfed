#include <algorithm>
#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"
#include "platform/openapi/history_page.h"
#include "platform/runtime/log.h"
#include "platform/thing/history.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostPoints = 1000;  ///< the cloud allows 50 and 100; charts want more
constexpr std::size_t kMostIdentifiers = 10;

}  // namespace

std::optional<thing::Range> range_of(const Parameters& given, Answer& wrong) {
  const auto from = given.number("StartTime"), to = given.number("EndTime");
  if (!from || !to || *from < 0 || *to < 0) {
    wrong = refusal("iot.device.InvalidTimeBucket", "StartTime and EndTime are milliseconds since 1970.");
    return std::nullopt;
  }
  const auto page = page_of(given, "CurrentPage", 10, kMostPoints);
  if (!page) {
    wrong = bad_page(kMostPoints);
    return std::nullopt;
  }
  const std::int64_t ascending = given.number("Asc").value_or(0);
  if (ascending != 0 && ascending != 1) {
    wrong = gateway_error(400, "InvalidAsc", "Asc is 1 (oldest first) or 0 (newest first).");
    return std::nullopt;
  }
  thing::Range range;
  range.from = UnixMillis{std::min(*from, *to)};
  range.to = UnixMillis{std::max(*from, *to)};
  range.ascending = ascending == 1;
  range.page_size = page->size;
  return range;
}

Answer not_readable(registry::ApiCode code) {
  runtime::log(runtime::LogLevel::error, "history_unreadable", {{"code", code}});
  return refusal(code, "The history could not be read from the disk. The server's log says why.");
}

void put_paging(json::object& into, const thing::Paging& paging) {
  into["NextValid"] = paging.more;
  into["NextTime"] = paging.next.ms;
}

void query_device_property_data(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  Answer wrong;
  const auto range = range_of(call.parameters, wrong);
  if (!range) return reply(std::move(wrong));
  const auto page =
      thing::query_property(services.store, found->device.number, call.parameters.text("Identifier"), *range);
  if (!page) return reply(not_readable("iot.device.QueryDeviceAttrDataHistoryFailed"));
  json::array points;
  for (const thing::Point& point : page->points)
    points.push_back(json::object{{"Time", std::to_string(point.time.ms)}, {"Value", thing::value_text(point.value)}});
  json::object data{{"List", json::object{{"PropertyInfo", std::move(points)}}}};
  put_paging(data, *page);
  reply(success({{"Data", std::move(data)}}));
}

void query_device_properties_data(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const auto identifiers = call.parameters.list("Identifier");
  if (identifiers.empty())
    return reply(gateway_error(400, "MissingIdentifier", "Identifier is mandatory for this action."));
  if (identifiers.size() > kMostIdentifiers)
    return reply(refusal("iot.device.TooManyDevicePropertiesPerTime", "At most 10 identifiers in one call."));
  Answer wrong;
  const auto range = range_of(call.parameters, wrong);
  if (!range) return reply(std::move(wrong));
  const auto page = thing::query_properties(services.store, found->device.number, identifiers, *range);
  if (!page) return reply(not_readable("iot.device.QueryDeviceAttrDataHistoryFailed"));
  json::array rows;
  for (const thing::PropertySeries& series : page->series) {
    json::array points;
    for (const thing::Point& point : series.points)  // here Time is a number
      points.push_back(json::object{{"Time", point.time.ms}, {"Value", thing::value_text(point.value)}});
    rows.push_back(
        json::object{{"Identifier", series.identifier}, {"List", json::object{{"PropertyInfo", std::move(points)}}}});
  }
  json::object more{{"PropertyDataInfos", json::object{{"PropertyDataInfo", std::move(rows)}}}};
  put_paging(more, *page);
  reply(success(std::move(more)));
}

void query_device_event_data(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const auto product = services.registry.product(found->device.product);
  if (!product) return reply(refusal(product.problem()));
  Answer wrong;
  const auto range = range_of(call.parameters, wrong);
  if (!range) return reply(std::move(wrong));
  const auto model = services.models.of(product->product);
  const auto page = thing::query_events(services.store, found->device.number, call.parameters.text("Identifier"),
                                        call.parameters.text("EventType"), *model, *range);
  if (!page) return reply(not_readable("iot.device.QueryDeviceEventHistoryFailed"));
  json::array rows;
  for (const thing::EventRecord& record : page->events) {
    const thing::Event* event = model->find_event(record.identifier);
    rows.push_back(json::object{{"Identifier", record.identifier},
                                {"Name", event ? event->name : record.identifier},
                                {"EventType", event ? event->type : std::string("info")},
                                {"Time", std::to_string(record.time.ms)},
                                {"OutputData", record.output}});
  }
  json::object data{{"List", json::object{{"EventInfo", std::move(rows)}}}};
  put_paging(data, *page);
  reply(success({{"Data", std::move(data)}}));
}

void query_device_service_data(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const auto product = services.registry.product(found->device.product);
  if (!product) return reply(refusal(product.problem()));
  Answer wrong;
  const auto range = range_of(call.parameters, wrong);
  if (!range) return reply(std::move(wrong));
  const auto page =
      thing::query_services(services.store, found->device.number, call.parameters.text("Identifier"), *range);
  if (!page) return reply(not_readable("iot.device.QueryDeviceServiceHistoryFailed"));
  const auto model = services.models.of(product->product);
  json::array rows;
  for (const thing::ServiceRecord& record : page->calls) {
    const thing::Service* service = model->find_service(record.identifier);
    rows.push_back(json::object{{"Identifier", record.identifier},
                                {"Name", service ? service->name : record.identifier},
                                {"Time", std::to_string(record.time.ms)},
                                {"InputData", record.input},
                                {"OutputData", record.output}});
  }
  json::object data{{"List", json::object{{"ServiceInfo", std::move(rows)}}}};
  put_paging(data, *page);
  reply(success({{"Data", std::move(data)}}));
}

}  // namespace tercet::openapi
