#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "platform/openapi/handlers.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;
using registry::Tag;

constexpr std::size_t kMostBytes = 5 * 1024;  // of Props
constexpr std::size_t kMostTags = 10;         // of one search

Answer not_offered() { return refusal("iot.system.SystemException", "This platform keeps no tags."); }

/// The members of `{"room":"kitchen","floor":2}`; nothing when it is anything else.
std::optional<std::vector<Tag>> tags_of(std::string_view props) {
  boost::system::error_code wrong;
  const auto value = json::parse(json::string_view(props.data(), props.size()), wrong);
  if (wrong || !value.is_object()) return std::nullopt;
  std::vector<Tag> tags;
  for (const auto& member : value.get_object()) {
    if (!member.value().is_string() && !member.value().is_number()) return std::nullopt;
    const std::string text =
        member.value().is_string() ? std::string(member.value().get_string()) : json::serialize(member.value());
    tags.push_back({std::string(member.key()), text});
  }
  return tags;
}

}  // namespace

void save_device_prop(Services& services, const Call& call, Reply reply) {
  if (services.tags == nullptr) return reply(not_offered());
  const std::string_view props = call.parameters.text("Props");
  if (props.size() > kMostBytes)
    return reply(refusal("iot.device.LongDevicePropertiesString", "Props has at most 5 KB: save fewer at once."));
  const auto tags = tags_of(props);
  if (!tags)
    return reply(refusal("iot.device.InvalidFormattedDevicePropertiesString",
                         "Props is an object of texts: {\"room\":\"kitchen\"}."));
  const auto done = services.tags->save(call.device(), *tags);
  reply(done ? success() : refusal(done.problem()));
}

void delete_device_prop(Services& services, const Call& call, Reply reply) {
  if (services.tags == nullptr) return reply(not_offered());
  const auto done = services.tags->remove(call.device(), call.parameters.text("PropKey"));
  reply(done ? success() : refusal(done.problem()));
}

void query_device_prop(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const auto tags = services.registry.tags(found->device.number);
  if (!tags) return reply(refusal(tags.problem()));
  json::object props;
  for (const Tag& tag : *tags)
    if (!tag.is_system) props[tag.key] = tag.value;
  reply(success({{"Props", json::serialize(props)}}));
}

void query_device_by_tags(Services& services, const Call& call, Reply reply) {
  const std::size_t most = services.registry.limits().device_page;
  const auto page = page_of(call.parameters, "CurrentPage", 10, most);
  if (!page) return reply(bad_page(most));
  std::vector<Tag> tags;
  for (std::size_t i = 1; i <= kMostTags + 1; ++i) {
    const std::string name = "Tag." + std::to_string(i) + ".Tag";
    if (!call.parameters.has(name + "Key")) break;
    tags.push_back(
        {std::string(call.parameters.text(name + "Key")), std::string(call.parameters.text(name + "Value"))});
  }
  if (tags.empty() || tags.size() > kMostTags)
    return reply(refusal("iot.device.NullDevicePropertyKey", "Give 1 to 10 tags: Tag.1.TagKey, Tag.1.TagValue."));
  const auto found = services.registry.devices_by_tags(tags, *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const registry::DeviceRecord& record : found->items) {
    const auto product = services.registry.product(record.device.product);
    rows.push_back(json::object{{"ProductKey", record.device.product},
                                {"ProductName", product ? product->product.name : std::string()},
                                {"DeviceName", record.device.name},
                                {"IotId", record.device.iot_id}});
  }
  reply(success({{"Data", json::object{{"SimpleDeviceInfo", std::move(rows)}}},
                 {"Page", found->asked.page},
                 {"PageSize", found->asked.size},
                 {"PageCount", found->page_count()},
                 {"Total", found->total}}));
}

}  // namespace tercet::openapi
