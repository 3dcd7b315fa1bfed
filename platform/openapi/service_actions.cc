#include "platform/openapi/handlers.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr registry::ApiCode kFailed = "iot.device.InvokeThingServiceFailed";
constexpr std::size_t kMostDevices = 100;

/// Why a call was not sent, in the cloud's codes and our words.
Answer not_sent(const thing::SetTicket& ticket) {
  switch (ticket.error) {
    case Error::not_found:
      return refusal("iot.device.NotExistedDevice", "There is no such device.");
    case Error::closed:
      return refusal("iot.messagebroker.OFFLINE", "The call was not sent: " + ticket.detail + ".");
    case Error::malformed:
      return refusal(kFailed,
                     "Args must be a JSON object of the service's inputs, {} for none: " + ticket.detail + ".");
    case Error::no_space:
      return refusal("iot.system.SystemException", "Too many calls are waiting. Try again later.");
    default:
      break;
  }
  Answer answer = refusal(kFailed, "The call was not sent: " + ticket.detail + ".");
  if (ticket.code != alink::Code::success) answer.body["AlinkCode"] = alink::number(ticket.code);
  return answer;
}

/// The outputs of a synchronous call; Result is absent of an asynchronous one.
Answer outcome(const Invocation& made) {
  if (!made.ticket.sent) return not_sent(made.ticket);
  json::object data{{"MessageId", std::to_string(made.ticket.message_id)}};
  if (!made.ticket.answers) return success({{"Data", std::move(data)}});
  if (!made.result || made.result->timed_out) {
    Answer late =
        refusal("iot.messagebroker.TIMEOUT",
                "The device did not answer within 8 seconds. The call may have been carried out all the same.");
    late.body["Data"] = std::move(data);
    return late;
  }
  data["Result"] = made.result->data;
  if (made.result->code == alink::number(alink::Code::success)) return success({{"Data", std::move(data)}});
  Answer refused = refusal(kFailed, "The device answered code " + std::to_string(made.result->code) +
                                        (made.result->message.empty() ? "." : ": " + made.result->message + "."));
  refused.body["AlinkCode"] = made.result->code;
  refused.body["Data"] = std::move(data);
  return refused;
}

Answer disabled() { return refusal(kFailed, "The device is disabled. EnableThing lets it in again."); }

}  // namespace

void invoke_thing_service(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  if (!found->device.enabled) return reply(disabled());
  services.fleet.invoke_service(
      key_of(found->device), std::string(call.parameters.text("Identifier")), std::string(call.parameters.text("Args")),
      [reply = std::move(reply)](std::optional<Invocation> made) { reply(made ? outcome(*made) : busy()); });
}

/// Of several devices, asynchronous only. All are found and the service is right before the first is called; then the
/// answer is that of the last, or of the first that was not called.
void invoke_things_service(Services& services, const Call& call, Reply reply) {
  const auto names = call.parameters.list("DeviceName");
  if (names.empty()) return reply(gateway_error(400, "MissingDeviceName", "DeviceName is mandatory for this action."));
  if (names.size() > kMostDevices) return reply(refusal(kFailed, "At most 100 devices in one call."));
  const std::string_view identifier = call.parameters.text("Identifier");
  const auto product = services.registry.product(call.parameters.text("ProductKey"));
  if (!product) return reply(refusal(product.problem()));
  const auto model = services.models.of(product->product);
  const thing::Service* service = model->find_service(identifier);
  if (service != nullptr && service->synchronous && product->product.validation != registry::Validation::none)
    return reply(refusal(kFailed, "The service is synchronous; call one device at a time with InvokeThingService."));
  std::vector<DeviceKey> devices;
  for (const std::string& name : names) {
    const auto found = services.registry.device({"", product->product.key, name});
    if (!found) return reply(refusal(found.problem()));
    if (!found->device.enabled) return reply(disabled());
    devices.push_back(key_of(found->device));
  }
  struct Gathered {
    std::size_t missing = 0;
    std::optional<Answer> wrong;
  };
  auto gathered = std::make_shared<Gathered>();
  gathered->missing = devices.size();
  const std::string service_name(identifier), args(call.parameters.text("Args"));
  for (const DeviceKey& device : devices)
    services.fleet.invoke_service(device, service_name, args,
                                  [gathered, reply, name = device.name](std::optional<Invocation> made) {
                                    if (!made && !gathered->wrong) gathered->wrong = busy();
                                    if (made && !made->ticket.sent && !gathered->wrong) {
                                      gathered->wrong = not_sent(made->ticket);
                                      gathered->wrong->body["DeviceName"] = name;
                                    }
                                    if (--gathered->missing == 0)
                                      reply(gathered->wrong ? std::move(*gathered->wrong) : success());
                                  });
}

}  // namespace tercet::openapi
