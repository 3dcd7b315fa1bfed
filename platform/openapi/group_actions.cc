#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <optional>

#include "platform/openapi/handlers.h"
#include "platform/openapi/utc_time.h"

// Device groups (cloud-protocol 2.14).
namespace tercet::openapi {
namespace {

namespace json = boost::json;
using registry::DeviceGroup;
using registry::GroupTag;

constexpr std::size_t kMostDevices = 200, kMostAsked = 10;

json::object group_row(const DeviceGroup& group) {
  return {{"GroupDesc", group.description},
          {"GroupId", group.id},
          {"GroupName", group.name},
          {"GroupType", "LINK_PLATFORM"},
          {"UtcCreate", utc_millis(group.created)}};
}

json::array group_rows(const std::vector<DeviceGroup>& groups) {
  json::array rows;
  for (const DeviceGroup& one : groups) rows.push_back(group_row(one));
  return rows;
}

template <typename T>
void reply_empty(const Reply& reply, const T& done) {
  reply(done ? success() : refusal(done.problem()));
}

/// [{"tagKey":"k","tagValue":"v"}].
std::optional<std::vector<GroupTag>> tags_of(std::string_view text) {
  boost::system::error_code wrong;
  const auto value = json::parse(json::string_view(text.data(), text.size()), wrong);
  if (wrong || !value.is_array()) return std::nullopt;
  std::vector<GroupTag> tags;
  for (const auto& one : value.get_array()) {
    const auto* object = one.if_object();
    const auto* key = object == nullptr ? nullptr : object->if_contains("tagKey");
    const auto* said = object == nullptr ? nullptr : object->if_contains("tagValue");
    if (key == nullptr || said == nullptr || !key->is_string() || !said->is_string()) return std::nullopt;
    tags.push_back({std::string(key->get_string()), std::string(said->get_string())});
  }
  return tags;
}

/// Device.N, those that exist, each once. Nothing: none, or more than 200.
std::optional<std::vector<registry::Device>> devices_of(Services& services, const Parameters& given) {
  std::vector<registry::Device> found;
  std::size_t asked = 0;
  for (;;) {
    const std::string front = "Device." + std::to_string(asked + 1) + ".";
    if (!given.has(front + "DeviceName") && !given.has(front + "IotId")) break;
    if (++asked > kMostDevices) return std::nullopt;
    const auto device = services.registry.device({std::string(given.text(front + "IotId")),
                                                  std::string(given.text(front + "ProductKey")),
                                                  std::string(given.text(front + "DeviceName"))});
    if (!device) continue;
    const bool is_new = std::none_of(found.begin(), found.end(),
                                     [&](const registry::Device& one) { return one.number == device->device.number; });
    if (is_new) found.push_back(device->device);
  }
  if (asked == 0) return std::nullopt;
  return found;
}

Answer bad_devices() {
  return refusal("iot.group.BindGroupRelationFailed", "Give 1 to 200 of Device.N with ProductKey and DeviceName.");
}

}  // namespace

void create_device_group(Services& services, const Call& call, Reply reply) {
  const auto made = services.registry.create_group(call.parameters.text("GroupName"), call.parameters.text("GroupDesc"),
                                                   call.parameters.text("SuperGroupId"));
  if (!made) return reply(refusal(made.problem()));
  reply(success({{"Data", json::object{{"GroupDesc", made->description},
                                       {"GroupId", made->id},
                                       {"GroupName", made->name},
                                       {"UtcCreate", utc_millis(made->created)}}}}));
}

void update_device_group(Services& services, const Call& call, Reply reply) {
  reply_empty(reply,
              services.registry.describe_group(call.parameters.text("GroupId"), call.parameters.text("GroupDesc")));
}

void delete_device_group(Services& services, const Call& call, Reply reply) {
  reply_empty(reply, services.registry.delete_group(call.parameters.text("GroupId")));
}

void query_device_group_info(Services& services, const Call& call, Reply reply) {
  const auto group = services.registry.group(call.parameters.text("GroupId"));
  if (!group) return reply(refusal(group.problem()));
  const auto members = services.registry.group_members(group->id);
  if (!members) return reply(refusal(members.problem()));
  std::vector<DeviceKey> keys;
  std::size_t active = 0;
  for (const registry::Device& device : *members) {
    keys.push_back(key_of(device));
    active += device.activated.ms != 0 ? 1 : 0;
  }
  services.fleet.presences(keys, [reply, group = *group, active, all = keys.size()](const auto& presences) {
    if (!presences) return reply(busy());
    const auto online =
        std::count_if(presences->begin(), presences->end(), [](const auto& p) { return p.second.online; });
    json::object row = group_row(group);
    row["DeviceActive"] = active;
    row["DeviceCount"] = all;
    row["DeviceOnline"] = online;
    reply(success({{"Data", std::move(row)}}));
  });
}

void query_device_group_list(Services& services, const Call& call, Reply reply) {
  const std::size_t most = services.registry.limits().product_page;
  const auto page = page_of(call.parameters, "CurrentPage", 10, most);
  if (!page) return reply(bad_page(most));
  const auto found =
      services.registry.groups(call.parameters.text("GroupName"), call.parameters.text("SuperGroupId"), *page);
  if (!found) return reply(refusal(found.problem()));
  reply(success({{"CurrentPage", page->page},
                 {"Data", json::object{{"GroupInfo", group_rows(found->items)}}},
                 {"PageCount", found->page_count()},
                 {"PageSize", page->size},
                 {"Total", found->total}}));
}

void set_device_group_tags(Services& services, const Call& call, Reply reply) {
  const auto tags = tags_of(call.parameters.text("TagString"));
  if (!tags)
    return reply(refusal("iot.group.InvalidFormattedTagString",
                         "TagString is a JSON list of {\"tagKey\":\"...\",\"tagValue\":\"...\"}; [] takes all away."));
  reply_empty(reply, services.registry.set_group_tags(call.parameters.text("GroupId"), *tags));
}

void query_device_group_tag_list(Services& services, const Call& call, Reply reply) {
  const auto tags = services.registry.group_tags(call.parameters.text("GroupId"));
  if (!tags) return reply(refusal(tags.problem()));
  json::array rows;
  for (const GroupTag& tag : *tags) rows.push_back(json::object{{"TagKey", tag.key}, {"TagValue", tag.value}});
  reply(success({{"Data", json::object{{"GroupTagInfo", std::move(rows)}}}}));
}

void query_device_group_by_tags(Services& services, const Call& call, Reply reply) {
  const std::size_t most = services.registry.limits().product_page;
  const auto page = page_of(call.parameters, "CurrentPage", 10, most);
  if (!page) return reply(bad_page(most));
  std::vector<GroupTag> tags;
  for (std::size_t i = 1; i <= kMostAsked + 1; ++i) {
    const std::string front = "Tag." + std::to_string(i) + ".";
    if (!call.parameters.has(front + "TagKey")) break;
    tags.push_back(
        {std::string(call.parameters.text(front + "TagKey")), std::string(call.parameters.text(front + "TagValue"))});
  }
  if (tags.empty() || tags.size() > kMostAsked)
    return reply(refusal("iot.group.InvalidFormattedTagString", "Give 1 to 10 of Tag.N with TagKey and TagValue."));
  const auto found = services.registry.groups_with(tags, *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const DeviceGroup& one : found->items)
    rows.push_back(json::object{{"GroupId", one.id}, {"GroupName", one.name}});
  reply(success({{"Data", json::object{{"DeviceGroup", std::move(rows)}}},
                 {"Page", page->page},
                 {"PageCount", found->page_count()},
                 {"PageSize", page->size},
                 {"Total", found->total}}));
}

void batch_add_device_group_relations(Services& services, const Call& call, Reply reply) {
  const auto devices = devices_of(services, call.parameters);
  if (!devices) return reply(bad_devices());
  const auto change = services.registry.join_group(call.parameters.text("GroupId"), *devices);
  if (!change) return reply(refusal(change.problem()));
  reply(success({{"AlreadyRelatedGroupDeviceCount", change->already},
                 {"ExceedTenGroupDeviceCount", change->full},
                 {"SuccessAddedDeviceCount", change->done},
                 {"ValidDeviceCount", devices->size()}}));
}

void batch_delete_device_group_relations(Services& services, const Call& call, Reply reply) {
  const auto devices = devices_of(services, call.parameters);
  if (!devices) return reply(bad_devices());
  const auto change = services.registry.leave_group(call.parameters.text("GroupId"), *devices);
  if (!change) return reply(refusal(change.problem()));
  reply(success({{"AlreadyRelatedGroupDeviceCount", change->done},
                 {"SuccessDeviceCount", change->done},
                 {"ValidDeviceCount", devices->size()}}));
}

void query_device_list_by_device_group(Services& services, const Call& call, Reply reply) {
  const std::size_t most = services.registry.limits().device_page;
  const auto page = page_of(call.parameters, "CurrentPage", 10, most);
  if (!page) return reply(bad_page(most));
  const auto found = services.registry.group_devices(call.parameters.text("GroupId"), *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const auto& one : found->items) {
    const auto product = services.registry.product(one.device.product);
    rows.push_back(json::object{{"DeviceName", one.device.name},
                                {"IotId", one.device.iot_id},
                                {"ProductKey", one.device.product},
                                {"ProductName", product ? product->product.name : std::string{}}});
  }
  reply(success({{"Data", json::object{{"SimpleDeviceInfo", std::move(rows)}}},
                 {"Page", page->page},
                 {"PageCount", found->page_count()},
                 {"PageSize", page->size},
                 {"Total", found->total}}));
}

void query_device_group_by_device(Services& services, const Call& call, Reply reply) {
  const auto device = services.registry.device(call.device());
  if (!device) return reply(refusal(device.problem()));
  reply(success(
      {{"GroupInfos", json::object{{"GroupInfo", group_rows(services.registry.groups_of(device->device.number))}}}}));
}

void query_super_device_group(Services& services, const Call& call, Reply reply) {
  const auto group = services.registry.group(call.parameters.text("GroupId"));
  if (!group) return reply(refusal(group.problem()));
  json::array rows;
  if (const auto above = services.registry.group(group->parent))
    rows.push_back(json::object{{"GroupDesc", above->description}, {"GroupId", above->id}, {"GroupName", above->name}});
  reply(success({{"Data", json::object{{"GroupInfo", std::move(rows)}}}}));
}

}  // namespace tercet::openapi
