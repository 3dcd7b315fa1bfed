// Logins that a client certificate decides (device-protocol 1.4).
#include <utility>

#include "platform/registry/login.h"

#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

using auth::Cause;
using broker::LoginAttempt;
using broker::Verdict;

constexpr std::uint8_t kNotAuthorised = 5;
constexpr const char* kIdentityTopic = "/ext/auth/identity/response";

std::string description(const runtime::PeerCertificate& certificate) {
  return "certificate " + certificate.serial.substr(0, 64) + " of \"" +
         std::string(utf8_prefix(certificate.subject, 64)) + "\", SHA-256 " + certificate.sha256;
}

std::string day_of(UnixMillis at) {  // civil date from days, Hinnant's algorithm
  const std::int64_t days = (at.ms >= 0 ? at.ms : at.ms - 86'399'999) / 86'400'000 + 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097, of_era = days - era * 146'097;
  const std::int64_t year = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::int64_t of_year = of_era - (365 * year + year / 4 - year / 100), part = (5 * of_year + 2) / 153;
  const std::int64_t day = of_year - (153 * part + 2) / 5 + 1, month = part < 10 ? part + 3 : part - 9;
  const auto two = [](std::int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::to_string(year + era * 400 + (month <= 2 ? 1 : 0)) + "-" + two(month) + "-" + two(day);
}

}  // namespace

/// What the vendor's SDK sends that does not know its names yet: names and secret are empty texts.
bool LoginAuthenticator::is_nameless(const auth::Login& login) {
  return login.strings.user_name.empty() || login.strings.user_name == "&";
}

bool LoginAuthenticator::is_by_certificate(const LoginAttempt& attempt, const auth::Login& login) const {
  if (is_nameless(login)) return attempt.certificate != nullptr;
  const Device* const device = login.user ? parts_.directory.device(login.user->product, login.user->device) : nullptr;
  return device != nullptr && device->by_certificate;
}

/// None of these is a guess: nobody guesses a certificate. The password is not looked at.
Verdict LoginAuthenticator::check_certificate(const LoginAttempt& attempt, const auth::Login& login) {
  const auto refused = [&](std::string name, Cause cause, std::string evidence) {
    return refuse(attempt, {kNotAuthorised, std::move(name), {cause, std::move(evidence)}, false});
  };
  if (attempt.certificate == nullptr || parts_.certificates == nullptr)
    return refused(claimed_name(login), Cause::certificate_missing,
                   attempt.tls ? "TLS without a client certificate" : "plain TCP");
  const runtime::PeerCertificate& shown = *attempt.certificate;
  const auto bound = parts_.certificates->find(shown);
  if (!bound) return refused(claimed_name(login), Cause::certificate_unknown, description(shown));
  const std::string name = bound->product + "/" + bound->name;
  if (login.user && (login.user->product != bound->product || login.user->device != bound->name))
    return refused(claimed_name(login), Cause::certificate_of_another, description(shown) + " is that of " + name);
  const Device* const device = parts_.directory.device(bound->product, bound->name);
  const Product* const product = parts_.directory.product(bound->product);
  if (device == nullptr || product == nullptr || device->number != bound->device || !device->by_certificate)
    return refused(name, Cause::certificate_unknown, description(shown) + "; its device has been deleted");
  if (bound->revoked) return refused(name, Cause::certificate_revoked, description(shown));
  if (attempt.wall.ms < shown.not_before.ms || attempt.wall.ms >= shown.not_after.ms)
    return refused(name, Cause::certificate_not_valid_now,
                   description(shown) + ", valid from " + day_of(shown.not_before) + " to " + day_of(shown.not_after));
  if (bound->authority_ends && attempt.wall.ms >= bound->authority_ends->ms)
    return refused(
        name, Cause::certificate_not_valid_now,
        description(shown) + " is signed by an authority that was valid until " + day_of(*bound->authority_ends));
  if (!device->enabled)
    return refused(name, Cause::device_disabled, "the certificate is right, the device has been disabled");
  Verdict verdict = accept_device(attempt, login, {auth::Verdict::official}, *product, *device);
  if (!is_nameless(login)) return verdict;
  // Neither name has a character that JSON would escape (naming.h).
  verdict.notice = broker::Handover{
      kIdentityTopic, R"({"productKey":")" + device->product + R"(","deviceName":")" + device->name + R"("})"};
  return verdict;
}

}  // namespace tercet::registry
