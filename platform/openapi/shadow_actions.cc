#include "platform/openapi/handlers.h"

// Shadows (cloud-side reference 2.9).
namespace tercet::openapi {
namespace {

Answer refusal_of(const thing::ShadowResult& result) {
  if (result.error == Error::not_found) return refusal("iot.device.NotExistedDevice", "There is no such device.");
  if (result.error == Error::io_failed)
    return refusal("iot.system.SystemException",
                   "The disk could not follow, and nothing was changed. Try again later.");
  std::string why(text(result.code));
  if (!result.detail.empty()) why.append(": ").append(result.detail);
  using thing::ShadowError;
  switch (result.code) {
    case ShadowError::malformed:
    case ShadowError::empty_state:
      return refusal("iot.messagebroker.ShadowMessageIsNotJson", why + ".");
    case ShadowError::no_method:
      return refusal("iot.messagebroker.NotFoundMethodInShadowMessage", why + ".");
    case ShadowError::unknown_method:
      return refusal("iot.messagebroker.MethodValueIsNotUpdate", "The method of an application's message is update.");
    case ShadowError::no_state:
      return refusal("iot.messagebroker.NotFoundStateInShadowMessage", why + ".");
    case ShadowError::bad_version:
      return refusal("iot.messagebroker.NotFoundVersionOrNullVersionValue",
                     "The message needs a version: a whole number above that of the shadow (GetDeviceShadow), or -1.");
    case ShadowError::version_conflict:
      return refusal("iot.messagebroker.InvalidVersionValueInShadowMessage",
                     why + ". Read it with GetDeviceShadow and use a higher one.");
    case ShadowError::too_many_attributes:
      return refusal("iot.messagebroker.TooManyElementInDesire", why + ".");
    default:
      return refusal("iot.messagebroker.UpdateDeviceShadowMessageFailed", why + ".");
  }
}

}  // namespace

void get_device_shadow(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  services.fleet.shadow(key_of(found->device),
                        [reply = std::move(reply)](std::optional<std::optional<std::string>> shadow) {
                          if (!shadow) return reply(busy());
                          if (!*shadow)
                            return reply(refusal("iot.device.NotExistedDevice", "There is no such device."));
                          // A text: the typed SDK throws on an object.
                          reply(success({{"ShadowMessage", **shadow}}));
                        });
}

void update_device_shadow(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  const std::string message(call.parameters.text("ShadowMessage"));
  if (message.size() > thing::ShadowLimits{}.max_bytes)
    return reply(refusal("iot.messagebroker.ShadowMessageLengthIsLarge", "A shadow message has at most 16 KB."));
  const bool merges = call.parameters.text("DeltaUpdate") == "true";
  services.fleet.update_shadow(key_of(found->device), message, merges,
                               [reply = std::move(reply)](std::optional<thing::ShadowResult> made) {
                                 if (!made) return reply(busy());
                                 reply(made->kept ? success() : refusal_of(*made));
                               });
}

}  // namespace tercet::openapi
