#include <boost/json/array.hpp>
#include <unordered_map>

#include "platform/openapi/handlers.h"
#include "platform/thing/history.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

/// Why a set was not sent, in the cloud's codes and our words.
Answer not_sent(const thing::SetTicket& ticket) {
  constexpr registry::ApiCode kFailed = "iot.device.SetDevicePropertyFailed";
  const auto with_detail = [&](std::string text) {
    return refusal(kFailed, ticket.detail.empty() ? text : text + " " + ticket.detail);
  };
  switch (ticket.error) {
    case Error::not_found:
      return refusal("iot.device.NotExistedDevice", "There is no such device.");
    case Error::closed:
      return refusal(kFailed,
                     "The device is offline, so the set was not sent. Send it again when the device is online.");
    case Error::malformed:
      return refusal("iot.device.InvalidFormattedDevicePropertiesString",
                     "Items must be a JSON object of values, such as {\"ReportInterval\":10}.");
    case Error::denied:
      return with_detail("A property that can only be read cannot be set.");
    case Error::too_large:
      return refusal("iot.device.TooManyDevicePropertiesPerTime", "At most 200 properties in one set.");
    case Error::no_space:
      return refusal("iot.system.SystemException", "Too many sets are waiting. Try again later.");
    default:
      break;
  }
  if (ticket.code == alink::Code::script_empty || ticket.detail.starts_with("protocolToRawData")) {
    Answer answer = with_detail("The product's script made no message of it, so the set was not sent.");
    answer.body["AlinkCode"] = alink::number(ticket.code);
    return answer;
  }
  Answer answer = with_detail("A value does not fit the thing model.");
  if (ticket.code != alink::Code::success) answer.body["AlinkCode"] = alink::number(ticket.code);
  return answer;
}

json::object status_row(const thing::Property& property, const thing::Latest* latest) {
  json::object row{{"Identifier", property.identifier},
                   {"Name", property.name},
                   {"DataType", thing::name(property.spec.type)},
                   {"Unit", property.unit}};
  if (latest != nullptr) {
    row["Value"] = thing::value_text(latest->value);
    row["Time"] = std::to_string(latest->time.ms);
  }
  return row;
}

/// Every property of the model, reported or not, then what was reported beside it.
json::array status_rows(const thing::Model& model, const std::vector<thing::Latest>& values) {
  std::unordered_map<std::string_view, const thing::Latest*> reported;
  for (const thing::Latest& latest : values) reported.emplace(latest.identifier, &latest);
  json::array rows;
  for (const thing::Property& property : model.properties()) {
    const auto it = reported.find(property.identifier);
    rows.push_back(status_row(property, it == reported.end() ? nullptr : it->second));
    if (it != reported.end()) reported.erase(it);
  }
  for (const thing::Latest& latest : values)
    if (reported.contains(latest.identifier))
      rows.push_back(json::object{{"Identifier", latest.identifier},
                                  {"Value", thing::value_text(latest.value)},
                                  {"Time", std::to_string(latest.time.ms)}});
  return rows;
}

}  // namespace

void set_device_property(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  if (!found->device.enabled)
    return reply(
        refusal("iot.device.SetDevicePropertyFailed", "The device is disabled. EnableThing lets it in again."));
  services.fleet.set_properties(key_of(found->device), std::string(call.parameters.text("Items")),
                                [reply = std::move(reply)](std::optional<thing::SetTicket> ticket) {
                                  if (!ticket) return reply(busy());
                                  if (!ticket->sent) return reply(not_sent(*ticket));
                                  const std::string id = std::to_string(ticket->message_id);
                                  reply(success({{"Data", json::object{{"MessageId", id}}}}));
                                });
}

/// What the device says its properties are, now. An action of this platform's own.
void get_device_property_now(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  services.fleet.get_properties(
      key_of(found->device), call.parameters.list("Identifier"),
      [reply = std::move(reply)](std::optional<Invocation> made) {
        constexpr registry::ApiCode kFailed = "tercet.property.GetFailed";
        if (!made) return reply(busy());
        if (!made->ticket.sent) {
          Answer answer = refusal(kFailed, "Not asked: " + made->ticket.detail + ".");
          if (made->ticket.code != alink::Code::success) answer.body["AlinkCode"] = alink::number(made->ticket.code);
          return reply(std::move(answer));
        }
        if (!made->result || made->result->timed_out)
          return reply(refusal("iot.messagebroker.TIMEOUT",
                               "The device did not answer within 8 seconds on thing/service/property/get_reply."));
        if (made->result->code != alink::number(alink::Code::success)) {
          Answer answer = refusal(kFailed, "The device answered code " + std::to_string(made->result->code) + ".");
          answer.body["AlinkCode"] = made->result->code;
          return reply(std::move(answer));
        }
        reply(success({{"Data", json::object{{"MessageId", std::to_string(made->ticket.message_id)},
                                             {"Values", made->result->data}}}}));
      });
}

void query_device_property_status(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const auto product = services.registry.product(found->device.product);
  if (!product) return reply(refusal(product.problem()));
  services.fleet.latest_of({key_of(found->device)}, [reply = std::move(reply), number = found->device.number,
                                                     model = services.models.of(product->product)](
                                                        std::optional<Fleet::Summaries> found_values) {
    if (!found_values) return reply(busy());
    const auto it = found_values->find(number);
    json::array rows =
        status_rows(*model, it == found_values->end() ? std::vector<thing::Latest>{} : it->second.values);
    reply(success({{"Data", json::object{{"List", json::object{{"PropertyStatusInfo", std::move(rows)}}}}}}));
  });
}

}  // namespace tercet::openapi
