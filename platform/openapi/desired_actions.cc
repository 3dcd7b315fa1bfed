#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "platform/openapi/handlers.h"
#include "platform/thing/history.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr registry::ApiCode kFailed = "iot.device.SetDevicePropertyFailed";
constexpr std::size_t kMostProperties = 10;

Answer not_kept(const thing::SetTicket& ticket) {
  switch (ticket.error) {
    case Error::not_found:
      return refusal("iot.device.NotExistedDevice", "There is no such device.");
    case Error::bad_state:
      return refusal("tercet.desired.VersionConflict",
                     ticket.detail + ". Somebody has set it since: read it with QueryDeviceDesiredProperty.");
    case Error::malformed:
      return refusal("iot.device.InvalidFormattedDevicePropertiesString", ticket.detail + ".");
    case Error::too_large:
      return refusal("iot.device.TooManyDevicePropertiesPerTime", ticket.detail + ".");
    case Error::io_failed:
      return refusal("iot.system.SystemException",
                     "The disk could not follow, and nothing was changed. Try again later.");
    default:
      break;
  }
  Answer answer = refusal(kFailed, "Not desired: " + ticket.detail + ".");
  if (ticket.code != alink::Code::success) answer.body["AlinkCode"] = alink::number(ticket.code);
  return answer;
}

json::object versions_of(const std::vector<thing::Desired>& changed) {
  json::object versions;
  for (const thing::Desired& one : changed) versions[one.identifier] = one.version;
  return versions;
}

void answer_change(const Reply& reply, const std::optional<thing::DesiredResult>& made, std::uint64_t spare_id) {
  if (!made) return reply(busy());
  if (!made->kept) return reply(not_kept(made->ticket));
  const std::uint64_t id = made->ticket.sent ? made->ticket.message_id : spare_id;
  reply(success({{"Data", json::object{{"MessageId", std::to_string(id)},
                                       {"Versions", json::serialize(versions_of(made->changed))}}}}));
}

/// How many members a JSON object has; 0 for anything else, which the shard refuses in its own words.
std::size_t members(std::string_view text) {
  boost::system::error_code wrong;
  const auto value = json::parse(json::string_view(text.data(), text.size()), wrong);
  return wrong || !value.is_object() ? 0 : value.get_object().size();
}

json::object row_of(const thing::Property& property, const thing::Desired* desired) {
  json::object row{{"Identifier", property.identifier},
                   {"Name", property.name},
                   {"DataType", thing::name(property.spec.type)},
                   {"Unit", property.unit}};
  if (desired == nullptr) return row;
  row["Version"] = desired->version;
  row["Time"] = std::to_string(desired->time.ms);
  if (!desired->value.empty()) row["Value"] = thing::value_text(desired->value);
  return row;
}

}  // namespace

void set_device_desired_property(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  if (members(call.parameters.text("Items")) > kMostProperties)
    return reply(refusal("iot.device.TooManyDevicePropertiesPerTime", "At most 10 properties in one call."));
  services.fleet.set_desired(key_of(found->device), std::string(call.parameters.text("Items")),
                             std::string(call.parameters.text("Versions")),
                             [reply = std::move(reply), spare = services.loop.random().next() >> 33](
                                 std::optional<thing::DesiredResult> made) { answer_change(reply, made, spare); });
}

void clear_device_desired_property(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  services.fleet.clear_desired(
      key_of(found->device), call.parameters.list("Identifies"),
      [reply = std::move(reply)](std::optional<thing::DesiredResult> made) {
        if (!made) return reply(busy());
        if (!made->kept) return reply(not_kept(made->ticket));
        reply(success({{"Data", json::object{{"Versions", json::serialize(versions_of(made->changed))}}}}));
      });
}

void query_device_desired_property(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const auto product = services.registry.product(found->device.product);
  if (!product) return reply(refusal(product.problem()));
  auto wanted = call.parameters.list("Identifier");
  if (wanted.size() > kMostProperties)
    return reply(refusal("iot.device.TooManyDevicePropertiesPerTime", "At most 10 identifiers in one call."));
  services.fleet.desired(key_of(found->device), [reply = std::move(reply), wanted = std::move(wanted),
                                                 model = services.models.of(product->product)](
                                                    std::optional<std::vector<thing::Desired>> all) {
    if (!all) return reply(busy());
    json::array rows;
    for (const thing::Property& property : model->properties()) {
      if (property.access == thing::Access::read) continue;
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), property.identifier) == wanted.end()) continue;
      const auto one = std::find_if(all->begin(), all->end(), [&](const thing::Desired& desired) {
        return desired.identifier == property.identifier;
      });
      rows.push_back(row_of(property, one == all->end() ? nullptr : &*one));
    }
    reply(success({{"Data", json::object{{"List", json::object{{"DesiredPropertyInfo", std::move(rows)}}}}}}));
  });
}

}  // namespace tercet::openapi
