#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "platform/openapi/handlers.h"
#include "platform/openapi/history_page.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

void answer_upload(const Reply& reply, const std::optional<thing::LogUpload>& made, bool says_pushed) {
  if (!made) return reply(busy());
  if (!made->kept)
    return reply(
        refusal("iot.system.SystemException", "The disk could not follow, and nothing was changed. Try again later."));
  json::object data{{"Enabled", made->wanted}};
  if (says_pushed) data["Pushed"] = made->pushed;
  reply(success({{"Data", std::move(data)}}));
}

/// What is known of Wi-Fi in a report, as columns; and the report itself.
json::object network_row(const thing::NetworkRecord& record) {
  json::object row{{"Time", std::to_string(record.time.ms)}, {"Report", record.report}};
  boost::system::error_code wrong;
  const json::value report = json::parse(record.report, wrong);
  const json::value* const wifi = wrong || !report.is_object() ? nullptr : report.get_object().if_contains("wifi");
  if (wifi == nullptr || !wifi->is_object()) return row;
  for (const auto& [name, column] : {std::pair{"rssi", "Rssi"}, std::pair{"snr", "Snr"}, std::pair{"per", "Per"},
                                     std::pair{"err_stats", "ErrStats"}})
    if (const json::value* const value = wifi->get_object().if_contains(name)) row[column] = *value;
  return row;
}

}  // namespace

void get_device_log_upload(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  services.fleet.log_upload(
      key_of(found->device), std::nullopt,
      [reply = std::move(reply)](std::optional<thing::LogUpload> made) { answer_upload(reply, made, false); });
}

void set_device_log_upload(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const std::string_view wanted = call.parameters.text("Enabled");
  if (wanted != "true" && wanted != "false")
    return reply(gateway_error(400, "InvalidEnabled", "Enabled is true or false."));
  services.fleet.log_upload(
      key_of(found->device), wanted == "true",
      [reply = std::move(reply)](std::optional<thing::LogUpload> made) { answer_upload(reply, made, true); });
}

void query_device_local_log(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  Answer wrong;
  const auto range = range_of(call.parameters, wrong);
  if (!range) return reply(std::move(wrong));
  const auto page = thing::query_logs(services.store, found->device.number, call.parameters.text("Level"), *range);
  if (!page) return reply(not_readable("tercet.device.QueryLocalLogFailed"));
  json::array rows;
  for (const thing::LogRecord& entry : page->entries)
    rows.push_back(json::object{{"Time", std::to_string(entry.time.ms)},
                                {"Level", entry.level},
                                {"Module", entry.module},
                                {"Code", entry.code},
                                {"TraceContext", entry.trace},
                                {"Content", entry.content},
                                {"UtcTime", entry.collected}});
  json::object data{{"List", json::object{{"LogInfo", std::move(rows)}}}};
  put_paging(data, *page);
  reply(success({{"Data", std::move(data)}}));
}

void query_device_network_status(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  Answer wrong;
  const auto range = range_of(call.parameters, wrong);
  if (!range) return reply(std::move(wrong));
  const auto page = thing::query_network(services.store, found->device.number, *range);
  if (!page) return reply(not_readable("tercet.device.QueryNetworkStatusFailed"));
  json::array rows;
  for (const thing::NetworkRecord& record : page->reports) rows.push_back(network_row(record));
  json::object data{{"List", json::object{{"NetworkInfo", std::move(rows)}}}};
  put_paging(data, *page);
  reply(success({{"Data", std::move(data)}}));
}

}  // namespace tercet::openapi
