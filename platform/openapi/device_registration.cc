#include "platform/openapi/device_registration.h"

#include <algorithm>

#include "platform/openapi/percent.h"
#include "tercet/auth/registration_check.h"
#include "tercet/base/utf8.h"

namespace tercet::openapi {
namespace {

using alink::Code;
using auth::Cause;

constexpr std::size_t kMostWaiting = 64;
constexpr Millis kLongestWait{20'000};  // the server itself gives up after 30 s
constexpr std::size_t kMostFieldsOfForm = 32;
constexpr std::size_t kMostName = 64;

std::string_view value_of(const NamedTexts& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

}  // namespace

DeviceRegistration::DeviceRegistration(Parts parts, registry::ThrottleLimits limits)
    : parts_(parts),
      throttle_(limits, parts.loop.random().next()),
      due_([](void* self) { static_cast<DeviceRegistration*>(self)->send_due(); }, this) {}

void DeviceRegistration::on_request(HttpRequest request, HttpResponder respond) {
  if (request.method != HttpRequest::Method::post) {
    HttpResponse response = plain_response(405, "A device registers with POST.");
    response.headers.emplace_back("Allow", "POST");
    return respond(std::move(response));
  }
  const Outcome made = answer(request);
  HttpResponse response;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = "{\"code\":" + std::to_string(made.code);
  if (!made.data.empty()) response.body += ",\"data\":" + made.data;
  response.body.append(",\"message\":\"").append(made.message).append("\"}");
  if (!made.guess) return respond(std::move(response));
  const Millis delay = std::min(throttle_.failed("", request.peer, parts_.loop.now()), kLongestWait);
  if (delay.count() <= 0 || waiting_.size() >= kMostWaiting) return respond(std::move(response));
  waiting_.emplace(parts_.loop.now() + delay, Waiting{std::move(respond), std::move(response)});
  due_.set(parts_.loop, waiting_.begin()->first);
}

void DeviceRegistration::send_due() {
  while (!waiting_.empty() && waiting_.begin()->first <= parts_.loop.now()) {
    Waiting next = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    next.respond(std::move(next.response));
  }
  if (!waiting_.empty()) due_.set(parts_.loop, waiting_.begin()->first);
}

/// Only who knows the ProductSecret is told more than that.
DeviceRegistration::Outcome DeviceRegistration::answer(const HttpRequest& request) {
  const NamedTexts fields = parse_fields(request.body, Plus::blank, kMostFieldsOfForm);
  const auth::RegistrationForm form{value_of(fields, "productKey"), value_of(fields, "deviceName"),
                                    value_of(fields, "random"), value_of(fields, "sign"),
                                    value_of(fields, "signMethod")};
  const std::string name =
      std::string(utf8_prefix(form.product, kMostName)) + "/" + std::string(utf8_prefix(form.device, kMostName));
  const auto refused = [&](Code code, Cause cause, std::string evidence) {
    return refuse(request, name, code, cause, std::move(evidence));
  };
  const auto product = parts_.registry.product(form.product);
  switch (auth::check_form(form, product ? std::string_view(product->product.secret) : std::string_view())) {
    case auth::FormVerdict::incomplete:
      return refused(Code::parameter_error, Cause::registration_incomplete,
                     "the form has " + std::to_string(fields.size()) +
                         " fields; productKey, deviceName, random, sign and signMethod are wanted");
    case auth::FormVerdict::unknown_method:
      return refused(Code::sign_method_unsupported, Cause::client_id_bad_sign_method,
                     "signMethod=" + std::string(utf8_prefix(form.sign_method, kMostName)));
    case auth::FormVerdict::wrong_sign:
      if (!product) {
        Outcome unknown = refused(Code::product_not_found, Cause::unknown_product,
                                  "no product " + std::string(utf8_prefix(form.product, kMostName)));
        unknown.guess = true;
        return unknown;
      } else {
        Outcome wrong = refused(Code::register_sign_failed, Cause::registration_wrong_sign,
                                "over HTTPS, signMethod=" + std::string(utf8_prefix(form.sign_method, kMostName)) +
                                    ", random=" + std::string(utf8_prefix(form.random, kMostName)));
        wrong.guess = true;
        return wrong;
      }
    case auth::FormVerdict::good:
      break;
  }
  if (!product->product.dynamic_register)
    return refused(Code::registration_off, Cause::registration_off,
                   "the signature is right; the switch of product " + product->product.key + " is off");
  const auto device = parts_.registry.device({{}, product->product.key, std::string(form.device)});
  if (!device)
    return refused(Code::device_not_found, Cause::unknown_device,
                   "the signature is right, but there is no such device");
  if (!device->device.enabled) return refused(Code::registration_off, Cause::device_disabled, "the signature is right");
  if (!device->device.may_register())
    return refused(Code::already_active, Cause::registration_device_active, "asked over HTTPS");
  if (device->device.secret.empty())
    return refused(Code::system_exception, Cause::internal, "the stored secret of the device is damaged");
  return {200, "success",
          "{\"productKey\":\"" + device->device.product + "\",\"deviceName\":\"" + device->device.name +
              "\",\"deviceSecret\":\"" + device->device.secret + "\"}"};
}

DeviceRegistration::Outcome DeviceRegistration::refuse(const HttpRequest& request, std::string_view name, Code code,
                                                       Cause cause, std::string evidence) {
  broker::Refusal entry;
  entry.at = parts_.loop.wall();
  entry.stage = broker::Refusal::Stage::connect;
  entry.name = name;
  entry.address = request.peer.text();
  entry.code = static_cast<std::uint16_t>(alink::number(code));
  entry.cause = auth::code(cause);
  entry.evidence = std::move(evidence);
  parts_.journal.record(std::move(entry));
  return {alink::number(code), alink::message(code)};
}

}  // namespace tercet::openapi
