#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& values) {
  json::array array;
  for (const std::string& value : values) array.push_back(json::string(value));
  return array;
}

/// A positive apply id; 0 when it is none.
std::uint64_t apply_id_of(const Call& call) {
  const auto id = call.parameters.number("ApplyId");
  return id && *id > 0 ? static_cast<std::uint64_t>(*id) : 0;
}

Answer bad_apply_id() {
  return refusal("iot.device.InvalidFormattedApplyId", "ApplyId is the number that the first step of the batch gave.");
}

Answer applied(const registry::Batch& batch) { return success({{"Data", json::object{{"ApplyId", batch.apply_id}}}}); }

}  // namespace

void batch_register_device(Services& services, const Call& call, Reply reply) {
  const auto count = call.parameters.number("Count");
  if (!count || *count < 1 || *count > static_cast<std::int64_t>(services.registry.limits().batch))
    return reply(refusal("iot.device.ApplyManyDevicesFailed",
                         "Count is 1 to " + std::to_string(services.registry.limits().batch) + "."));
  const AfterApplied later(std::move(reply));
  const auto batch = services.registry.batch_register(call.parameters.text("ProductKey"),
                                                      static_cast<std::size_t>(*count), later.applied());
  if (!batch) return later.refuse(batch.problem());
  later.answer(openapi::applied(*batch));
}

void batch_check_device_names(Services& services, const Call& call, Reply reply) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= Parameters::kMaxElements; ++i) {  // DeviceNameList wins over DeviceName
    const std::string name = "DeviceNameList." + std::to_string(i) + ".DeviceName";
    if (!call.parameters.has(name)) break;
    names.emplace_back(call.parameters.text(name));
  }
  if (names.empty()) names = call.parameters.list("DeviceName");
  if (names.empty()) return reply(refusal("iot.device.NoneDeviceNameElement", "Give DeviceName.N."));
  const auto batch = services.registry.batch_check(call.parameters.text("ProductKey"), names);
  if (!batch) return reply(refusal(batch.problem()));
  reply(success(
      {{"Data", json::object{{"ApplyId", batch->apply_id},
                             {"InvalidDeviceNameList", json::object{{"InvalidDeviceName", texts(batch->invalid)}}}}}}));
}

void batch_register_device_with_apply_id(Services& services, const Call& call, Reply reply) {
  const std::uint64_t id = apply_id_of(call);
  if (id == 0) return reply(bad_apply_id());
  const AfterApplied later(std::move(reply));
  const auto batch = services.registry.batch_register_checked(call.parameters.text("ProductKey"), id, later.applied());
  if (!batch) return later.refuse(batch.problem());
  later.answer(openapi::applied(*batch));
}

void query_batch_register_device_status(Services& services, const Call& call, Reply reply) {
  const std::uint64_t id = apply_id_of(call);
  if (id == 0) return reply(bad_apply_id());
  const auto batch = services.registry.batch(call.parameters.text("ProductKey"), id);
  if (!batch) return reply(refusal(batch.problem()));
  const bool failed = !batch->invalid.empty();  // the lists are empty on success
  reply(success(
      {{"Data", json::object{{"Status", batch->status},
                             {"ValidList", json::object{{"Name", failed ? texts(batch->valid) : json::array()}}},
                             {"InvalidList", json::object{{"Name", texts(batch->invalid)}}}}}}));
}

void query_page_by_apply_id(Services& services, const Call& call, Reply reply) {
  const std::uint64_t id = apply_id_of(call);
  if (id == 0) return reply(bad_apply_id());
  const std::size_t most = services.registry.limits().device_page;
  const auto page = page_of(call.parameters, "CurrentPage", 10, most);
  if (!page) return reply(bad_page(most));
  const auto found = services.registry.batch_devices(id, *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const registry::DeviceRecord& record : found->items)
    rows.push_back(json::object{{"DeviceId", std::to_string(record.device.number)},
                                {"DeviceName", record.device.name},
                                {"DeviceSecret", record.device.secret},
                                {"IotId", record.device.iot_id}});
  reply(success({{"ApplyDeviceList", json::object{{"ApplyDeviceInfo", std::move(rows)}}},
                 {"Page", page->page},
                 {"PageSize", page->size},
                 {"PageCount", found->page_count()},
                 {"Total", found->total}}));
}

}  // namespace tercet::openapi
