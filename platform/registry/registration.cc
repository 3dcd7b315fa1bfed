// Logins that ask for a secret or a token of their own, and those that show such a token (device-protocol 2.8, 2.9).
#include <array>
#include <utility>

#include "platform/registry/login.h"

#include "tercet/alink/registration.h"
#include "tercet/auth/registration_check.h"
#include "tercet/auth/sign.h"
#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

using auth::Cause;
using broker::LoginAttempt;
using broker::Verdict;

// CONNACK codes as the cloud uses them for registrations.
constexpr std::uint8_t kIncomplete = 2, kUnavailable = 3, kDenied = 4, kNotAuthorised = 5;

Verdict handed_over(std::string name, std::string_view topic, const alink::Registered& registered) {
  std::array<std::uint8_t, 512> text;
  Writer out{text};
  alink::write_registered(out, registered);
  Verdict verdict;
  if (!out.ok()) return verdict;
  verdict.accepted = true;
  verdict.connack_code = verdict.reason_code = 0;
  verdict.identity = {broker::Identity::Kind::device, std::move(name)};
  verdict.handover = broker::Handover{std::string(topic), std::string(out.text())};
  return verdict;
}

Cause cause_of(std::string_view code) {
  if (code == "tercet.register.SwitchedOff") return Cause::registration_off;
  if (code == "tercet.register.DeviceActive") return Cause::registration_device_active;
  if (code == "tercet.register.TooManyTokens") return Cause::registration_too_many;
  if (code == "iot.device.InvalidFormattedDeviceName") return Cause::user_name_incomplete;
  return Cause::registration_unavailable;
}

}  // namespace

/// Only who knows the ProductSecret is told more than that.
Verdict LoginAuthenticator::registration(const LoginAttempt& attempt, const auth::Login& login, bool unlisted) {
  const std::string name = claimed_name(login);
  if (!attempt.tls)
    return refuse(attempt, {kIncomplete, name, {Cause::registration_without_tls, "the connection has no TLS"}, false});
  if (login.client_id.random.empty())
    return refuse(attempt,
                  {kIncomplete, name, {Cause::registration_incomplete, "the client id has no random="}, false});
  const Product* product = login.user ? parts_.directory.product(login.user->product) : nullptr;
  if (product == nullptr)
    return refuse(attempt, {kDenied, name, examiner_.unknown(login, attempt.tls, attempt.wall, attempt.now)});
  if (!auth::check_registration(login, product->secret)) {
    std::string evidence = "signmethod=" + std::string(auth::name(login.client_id.sign_method)) +
                           ", random=" + std::string(utf8_prefix(login.client_id.random, 64));
    const Device* device = parts_.directory.device(login.user->product, login.user->device);
    if (device != nullptr && auth::check_registration(login, device->secret))
      evidence += "; it is signed with the DeviceSecret of this device: a board that has that can simply log in";
    return refuse(attempt, {kDenied, name, {Cause::registration_wrong_sign, std::move(evidence)}});
  }
  parts_.throttle.succeeded(name);
  if (!product->dynamic_register)
    return refuse(attempt, {kDenied,
                            name,
                            {Cause::registration_off,
                             "the signature is right; the switch of product " + product->key + " is off"},
                            false});
  return unlisted ? make_token(attempt, login) : tell_secret(attempt, login);
}

Verdict LoginAuthenticator::tell_secret(const LoginAttempt& attempt, const auth::Login& login) {
  const std::string name = claimed_name(login);
  const Device* device = parts_.directory.device(login.user->product, login.user->device);
  if (device == nullptr)
    return refuse(attempt, {kDenied,
                            name,
                            {Cause::unknown_device,
                             "the signature is right, but there is no such device; authType=regnwl makes one"},
                            false});
  if (!device->enabled)
    return refuse(attempt, {kDenied, name, {Cause::device_disabled, "the signature is right"}, false});
  if (!device->may_register())
    return refuse(
        attempt, {kDenied,
                  name,
                  {Cause::registration_device_active,
                   "first login " + std::to_string((attempt.wall.ms - device->activated.ms) / 60'000) + " minutes ago"},
                  false});
  return handed_over(name, alink::kRegisterTopic, {device->product, device->name, device->secret, {}, {}});
}

/// The device may have to be made first, which is for the management thread.
Verdict LoginAuthenticator::make_token(const LoginAttempt& attempt, const auth::Login& login) {
  if (parts_.registrar == nullptr)
    return refuse(
        attempt,
        {kUnavailable, claimed_name(login), {Cause::registration_unavailable, "no device can be made here"}, false});
  Verdict verdict;
  verdict.later = [this, name = claimed_name(login), product = std::string(login.user->product),
                   device = std::string(login.user->device), client_id = std::string(attempt.client_id),
                   attempt](std::function<void(Verdict)> decide) {
    parts_.registrar->register_unlisted(
        product, device, [this, name, client_id, attempt, decide = std::move(decide)](const Answer<DeviceToken>& made) {
          LoginAttempt then = attempt;
          then.client_id = client_id;
          then.user_name.reset();
          then.password.reset();
          then.certificate = nullptr;
          Verdict decided = token_made(then, name, made);
          ++(decided.accepted ? counters_.accepted : counters_.refused);
          decide(std::move(decided));
        });
  };
  return verdict;
}

Verdict LoginAuthenticator::token_made(const LoginAttempt& attempt, const std::string& name,
                                       const Answer<DeviceToken>& made) {
  if (!made) {
    const Cause cause = cause_of(made.problem().code);
    const std::uint8_t code = cause == Cause::registration_unavailable ? kUnavailable : kDenied;
    return refuse(attempt, {code, name, {cause, made.problem().detail}, false});
  }
  const auto slash = name.find('/');
  return handed_over(name, alink::kUnlistedTopic,
                     {std::string_view(name).substr(0, slash),
                      std::string_view(name).substr(slash + 1),
                      {},
                      made->client_id,
                      made->token});
}

Verdict LoginAuthenticator::check_token(const LoginAttempt& attempt, const auth::Login& login) {
  const Product* product = login.user ? parts_.directory.product(login.user->product) : nullptr;
  const Device* device =
      product != nullptr ? parts_.directory.device(login.user->product, login.user->device) : nullptr;
  if (device == nullptr)
    return refuse(attempt,
                  {kDenied, claimed_name(login), examiner_.unknown(login, attempt.tls, attempt.wall, attempt.now)});
  const DeviceToken* found = nullptr;
  if (device->tokens)
    for (const DeviceToken& token : *device->tokens)
      if (token.client_id == login.client_id.id) found = &token;
  if (found == nullptr || !crypto::equals(as_bytes(found->token), as_bytes(login.strings.password)))
    return refuse(attempt, {kDenied,
                            claimed_name(login),
                            {Cause::token_unknown,
                             std::string(found == nullptr ? "the device has no token with the client id "
                                                          : "another deviceToken belongs to the client id ") +
                                 std::string(utf8_prefix(login.client_id.id, 64))}});
  if (!device->enabled)
    return refuse(attempt, {kNotAuthorised,
                            claimed_name(login),
                            {Cause::device_disabled, "the deviceToken is right, the device has been disabled"},
                            false});
  return accept_device(attempt, login, {auth::Verdict::official}, *product, *device);
}

}  // namespace tercet::registry
