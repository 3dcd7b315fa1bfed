#include "platform/registry/examiner.h"

#include <algorithm>
#include <utility>

#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

constexpr std::size_t kMostEvidence = 1000;
constexpr std::size_t kMostShown = 64;  // of a claimed name

std::string shown(std::string_view name) { return std::string(utf8_prefix(name, kMostShown)); }

auth::Transport transport(bool tls) { return tls ? auth::Transport::tls : auth::Transport::tcp; }

/// The most telling mistake; the others are named behind its evidence.
Explanation ranked(const std::vector<auth::Mistake>& mistakes, Explanation otherwise) {
  if (mistakes.empty()) return otherwise;
  Explanation made{mistakes.front().cause, mistakes.front().evidence};
  for (std::size_t i = 1; i < mistakes.size(); ++i)
    made.evidence.append(i == 1 ? "; also: " : ", ").append(auth::code(mistakes[i].cause));
  made.evidence.resize(utf8_prefix(made.evidence, kMostEvidence).size());
  return made;
}

}  // namespace

/// Two purses: one of the name, so that one board cannot spend what others need, and one of the whole shard.
bool Examiner::afford(std::string_view name, Instant now) {
  const auto refill = [now](Purse& purse, double most, double per_ms) {
    if (purse.left < 0) purse = {most, now};
    purse.left = std::min(most, purse.left + per_ms * static_cast<double>((now - purse.at).count()));
    purse.at = now;
    return purse.left >= 1;
  };
  if (!refill(all_, limits_.burst, limits_.per_second / 1000.0)) return false;
  if (names_.size() >= limits_.names) names_.clear();
  Purse& own = names_.try_emplace(std::string(name.substr(0, 128)), Purse{-1, now}).first->second;
  if (!refill(own, limits_.device_burst, 1.0 / static_cast<double>(limits_.device_refill.count()))) return false;
  all_.left -= 1;
  own.left -= 1;
  return true;
}

Explanation Examiner::wrong_password(const auth::Login& login, const Product& product, const Device& device, bool tls,
                                     UnixMillis wall, Instant now) {
  if (!afford(login.strings.user_name, now)) {
    ++skipped_;
    return {auth::Cause::wrong_password,
            "not examined: this device or this server has had many wrong logins just now; an earlier entry of the "
            "device names the cause, or the next one will"};
  }
  ++run_;
  auth::Known known;
  known.product = product.key;
  known.device = device.name;
  known.device_secret = device.secret;
  known.product_secret = product.secret;
  known.siblings = [&](const std::function<bool(const auth::Sibling&)>& visit) {
    directory_.each_sibling(product.key, [&](std::string_view name, std::string_view secret) {
      return name == device.name || visit({name, secret});
    });
  };
  return ranked(auth::find_mistakes(login.strings, known, transport(tls), wall),
                {auth::Cause::wrong_password,
                 "no usual mistake reproduces the password: most likely it was made with another DeviceSecret"});
}

Explanation Examiner::unknown(const auth::Login& login, bool tls, UnixMillis wall, Instant now) {
  Explanation plain{auth::Cause::user_name_incomplete, "the user name is not DeviceName&ProductKey"};
  if (login.user) {
    const bool product_known = directory_.product(login.user->product) != nullptr;
    plain = product_known ? Explanation{auth::Cause::unknown_device,
                                        "product " + shown(login.user->product) + " is known, device " +
                                            shown(login.user->device) + " is not registered in it"}
                          : Explanation{auth::Cause::unknown_product, "no product " + shown(login.user->product)};
  } else if (login.strings.user_name.empty()) {
    plain = {auth::Cause::user_name_missing, "the user name is empty"};
  }
  if (!afford(login.strings.user_name, now)) {
    ++skipped_;
    return plain;
  }
  ++run_;
  // A device of another shard is known here by its product only, which nobody hits by chance.
  const auto is_device = [this](std::string_view product, std::string_view name) {
    return directory_.product(product) != nullptr &&
           (directory_.device(product, name) != nullptr || directory_.has_sibling(product, name));
  };
  const auto by_name = auth::find_user_name_mistakes(login.strings.user_name, is_device);
  if (!by_name.empty()) return ranked(by_name, plain);
  auth::Known known;
  if (login.user) known.product = login.user->product, known.device = login.user->device;
  const auto by_form = auth::find_mistakes(login.strings, known, transport(tls), wall);
  for (const auth::Mistake& mistake : by_form)
    if (mistake.cause != auth::Cause::wrong_password)
      plain.evidence.append("; also: ")
          .append(auth::code(mistake.cause))
          .append(" (")
          .append(mistake.evidence)
          .append(")");
  if (plain.evidence.size() > kMostEvidence) plain.evidence.resize(kMostEvidence);
  return plain;
}

Explanation Examiner::client_id(const auth::Login& login, bool tls, UnixMillis wall, Instant now) {
  const auth::ClientIdDefects& defects = login.client_id.defects;
  Explanation plain{auth::Cause::client_id_cut, "the client id has an opening | and no closing one"};
  if (defects.empty_id)
    plain = {auth::Cause::client_id_empty, "nothing stands before the first | of the client id"};
  else if (defects.id_too_long)
    plain = {auth::Cause::client_id_too_long, "the part before the first | has " +
                                                  std::to_string(login.client_id.id.size()) +
                                                  " bytes, 64 characters are allowed"};
  else if (defects.unknown_sign_method)
    plain = {auth::Cause::client_id_bad_sign_method, "signmethod=" + shown(login.client_id.sign_method_text)};
  else if (defects.bad_secure_mode)
    plain = {auth::Cause::client_id_bad_secure_mode, "securemode is no number"};
  if (!afford(login.strings.user_name, now)) {
    ++skipped_;
    return plain;
  }
  ++run_;
  // Without a secret only the form is examined.
  auth::Known known;
  if (login.user) known.product = login.user->product, known.device = login.user->device;
  const auto mistakes = auth::find_mistakes(login.strings, known, transport(tls), wall);
  const bool about_it = !mistakes.empty() && auth::text(mistakes.front().cause).connack == 2;
  return about_it ? ranked(mistakes, plain) : plain;
}

}  // namespace tercet::registry
