#include "platform/registry/login.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "tercet/auth/registration_check.h"
#include "tercet/auth/verify.h"
#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

using auth::Cause;
using broker::LoginAttempt;
using broker::Verdict;

constexpr std::size_t kMostName = 128;
constexpr std::size_t kMostClientId = 256;
constexpr std::size_t kMostWarned = 65536;
constexpr std::uint64_t kEarlierWarning = std::uint64_t{1} << 63;  // beside a device's number
constexpr Millis kWarnAgain = std::chrono::hours{1};

// CONNACK codes of MQTT 3.1.1 and what MQTT 5 calls them.
constexpr std::uint8_t kBadClientId = 2, kUnavailable = 3, kBadPassword = 4, kNotAuthorised = 5;
std::uint8_t reason_code(std::uint8_t connack) {
  switch (connack) {
    case 1:
      return 0x84;
    case kBadClientId:
      return 0x85;
    case kUnavailable:
      return 0x88;
    case kNotAuthorised:
      return 0x87;
    default:
      return 0x86;
  }
}

std::string_view user_name_of(const LoginAttempt& attempt) { return attempt.user_name.value_or(std::string_view()); }

auth::LoginStrings strings_of(const LoginAttempt& attempt) {
  return {attempt.client_id, user_name_of(attempt), as_text(attempt.password.value_or(Bytes{}))};
}

broker::Refusal entry(const LoginAttempt& attempt, std::string name, Cause cause, std::string evidence) {
  broker::Refusal made;
  made.at = attempt.wall;
  made.stage = broker::Refusal::Stage::connect;
  made.name = std::move(name);
  made.address = attempt.peer.text();
  made.client_id = utf8_prefix(attempt.client_id, kMostClientId);
  made.cause = auth::code(cause);
  made.evidence = std::move(evidence);
  return made;
}

Cause unsupported_login(const auth::ClientId& id) {
  return id.auth_type == auth::AuthType::id2 || id.secure_mode == 8 ? Cause::id2_not_offered
                                                                    : Cause::product_secret_login_off;
}

std::string_view timestamp_of(const auth::Login& login) {
  return login.article ? login.article->timestamp : login.client_id.timestamp.value_or(std::string_view());
}

/// What kind of wrong a clock is: the number itself often tells.
Cause clock_cause(const auth::Login& login, UnixMillis now) {
  constexpr std::int64_t kYear = 365 * std::int64_t{86400};
  const auto sent = auth::parse_millis(timestamp_of(login));
  if (!sent || *sent > 1'000 * kYear * 1000)
    return Cause::clock_overflow;  // a negative number, printed as if it were not
  if (*sent > now.ms / 1000 - 10 * kYear && *sent < now.ms / 1000 + kYear) return Cause::clock_seconds;
  if (*sent < 1'000'000'000) return Cause::clock_never_set;    // counted from power-on
  if (*sent <= 0xFFFFFFFF) return Cause::clock_overflow;       // seconds times 1000, kept in 32 bits
  if (*sent < 946'684'800'000) return Cause::clock_never_set;  // before the year 2000
  return Cause::clock_outside_window;
}

std::string off_by(std::string_view timestamp, UnixMillis now) {
  const auto sent = auth::parse_millis(timestamp);
  if (!sent) return "timestamp=" + std::string(timestamp.substr(0, 32)) + " is no time in milliseconds";
  const std::int64_t seconds = (*sent - now.ms) / 1000;
  return "timestamp=" + std::to_string(*sent) + ", the server's clock says " + std::to_string(now.ms) + ": " +
         std::to_string(seconds < 0 ? -seconds : seconds) + (seconds < 0 ? " s behind" : " s ahead");
}

}  // namespace

/// "<ProductKey>/<DeviceName>" as claimed, whatever it is.
std::string LoginAuthenticator::claimed_name(const auth::Login& login) {
  if (!login.user) return std::string(utf8_prefix(login.strings.user_name, kMostName));
  return std::string(utf8_prefix(login.user->product, kMostName / 2))
      .append("/")
      .append(utf8_prefix(login.user->device, kMostName / 2));
}

LoginAuthenticator::LoginAuthenticator(Parts parts, ExaminerLimits limits)
    : parts_(parts), examiner_(parts.directory, limits) {}

const LoginCounters& LoginAuthenticator::counters() const {
  counters_.examinations = examiner_.run();
  counters_.examinations_skipped = examiner_.skipped();
  return counters_;
}

std::string LoginAuthenticator::home_key(const LoginAttempt& attempt) const {
  if (attempt.policy == broker::PolicyKind::standard)
    return attempt.client_id.empty() ? std::string() : "c/" + std::string(attempt.client_id);
  const auto user = auth::parse_user_name(user_name_of(attempt));
  if (attempt.certificate != nullptr && parts_.certificates != nullptr &&
      (user_name_of(attempt).empty() || user_name_of(attempt) == "&")) {
    const auto bound = parts_.certificates->find(*attempt.certificate);
    return bound ? broker::device_key(bound->product, bound->name) : std::string();
  }
  if (!user || user->product.size() > kMostName / 2 || user->device.size() > kMostName / 2) return {};
  return broker::device_key(user->product, user->device);
}

Verdict LoginAuthenticator::authenticate(const LoginAttempt& attempt) {
  try {
    Verdict verdict = attempt.policy == broker::PolicyKind::cloud ? cloud(attempt) : standard(attempt);
    if (!verdict.later) ++(verdict.accepted ? counters_.accepted : counters_.refused);
    return verdict;
  } catch (const std::exception& broken) {
    ++counters_.failures;
    return refuse(attempt, {kUnavailable, {}, {Cause::internal, broken.what()}, false});
  } catch (...) {
    ++counters_.failures;
    return refuse(attempt, {kUnavailable, {}, {Cause::internal, "unknown exception"}, false});
  }
}

Verdict LoginAuthenticator::cloud(const LoginAttempt& attempt) {
  const auth::Login login = auth::parse_login(strings_of(attempt));
  if (is_by_certificate(attempt, login)) return check_certificate(attempt, login);
  if (login.client_id.defects.any_fatal())
    return refuse(attempt, {kBadClientId, claimed_name(login),
                            examiner_.client_id(login, attempt.tls, attempt.wall, attempt.now)});
  switch (auth::kind_of(login.client_id)) {
    case auth::LoginKind::registration:
      return registration(attempt, login, false);
    case auth::LoginKind::unlisted_registration:
      return registration(attempt, login, true);
    case auth::LoginKind::token:
      return check_token(attempt, login);
    case auth::LoginKind::secret:
    case auth::LoginKind::other:
      break;
  }
  return check_device(attempt, login);
}

Verdict LoginAuthenticator::check_device(const LoginAttempt& attempt, const auth::Login& login) {
  const Product* product = login.user ? parts_.directory.product(login.user->product) : nullptr;
  const Device* device =
      product != nullptr ? parts_.directory.device(login.user->product, login.user->device) : nullptr;
  if (device == nullptr)
    return refuse(
        attempt, {kBadPassword, claimed_name(login), examiner_.unknown(login, attempt.tls, attempt.wall, attempt.now)});
  auth::VerifyPolicy policy;
  policy.accept_article = product->article_dialect;
  if (product->clock_policy == ClockPolicy::enforce) policy.official_window = auth::kArticleWindow;
  auth::Verification found = auth::verify(login, device->secret, attempt.wall, policy);
  bool by_earlier = false;
  if (found.verdict == auth::Verdict::wrong_password && device->earlier != nullptr) {
    const auth::Verification earlier = auth::verify(login, device->earlier->secret, attempt.wall, policy);
    by_earlier = earlier.verdict != auth::Verdict::wrong_password;
    if (by_earlier && !device->is_rotating(attempt.wall)) return refuse_earlier(attempt, login, *device);
    if (by_earlier) found = earlier;
  }
  switch (found.verdict) {
    case auth::Verdict::official:
    case auth::Verdict::article:
      if (device->enabled && by_earlier) warn_earlier(attempt, *device);
      if (device->enabled) return accept_device(attempt, login, found, *product, *device);
      return refuse(attempt, {kNotAuthorised,
                              claimed_name(login),
                              {Cause::device_disabled, "the password is right, the device has been disabled"},
                              false});
    case auth::Verdict::outside_window:
      return refuse(attempt, {kBadPassword,
                              claimed_name(login),
                              {clock_cause(login, attempt.wall), off_by(timestamp_of(login), attempt.wall)},
                              false});
    case auth::Verdict::article_not_allowed:
      return refuse(attempt, {kBadPassword,
                              claimed_name(login),
                              {Cause::article_dialect_off,
                               "the password is right in the tutorial's form, which this product does not take"},
                              false});
    case auth::Verdict::not_a_secret_login:
      return refuse(attempt, {kNotAuthorised,
                              claimed_name(login),
                              {unsupported_login(login.client_id),
                               "client id extension " + std::string(utf8_prefix(login.client_id.extension, 200))}});
    case auth::Verdict::wrong_password:
    case auth::Verdict::bad_client_id:
    case auth::Verdict::bad_user_name:
      break;
  }
  return refuse(attempt, {kBadPassword, claimed_name(login),
                          examiner_.wrong_password(login, *product, *device, attempt.tls, attempt.wall, attempt.now)});
}

/// Not counted as a guess: whoever shows this has had the secret.
Verdict LoginAuthenticator::refuse_earlier(const LoginAttempt& attempt, const auth::Login& login,
                                           const Device& device) {
  const std::int64_t minutes = (attempt.wall.ms - device.earlier->until.ms) / 60'000;
  return refuse(attempt, {kBadPassword,
                          claimed_name(login),
                          {Cause::secret_ended, "right with the earlier DeviceSecret, which ended " +
                                                    std::to_string(minutes) + " minutes ago"},
                          false});
}

/// In the journal once an hour of each device, as other warnings are, but beside them.
void LoginAuthenticator::warn_earlier(const LoginAttempt& attempt, const Device& device) {
  if (!may_warn(device.number | kEarlierWarning, attempt.now)) return;
  const std::int64_t minutes = (device.earlier->until.ms - attempt.wall.ms) / 60'000;
  broker::Refusal made = entry(attempt, device.product + "/" + device.name, Cause::secret_earlier,
                               "the earlier DeviceSecret ends in " + std::to_string(minutes) + " minutes");
  made.warning = true;
  parts_.journal.record(std::move(made));
}

Verdict LoginAuthenticator::accept_device(const LoginAttempt& attempt, const auth::Login& login,
                                          const auth::Verification& found, const Product& product,
                                          const Device& device) {
  Verdict verdict;
  verdict.accepted = true;
  verdict.identity.kind = broker::Identity::Kind::device;
  verdict.identity.name.reserve(product.key.size() + 1 + device.name.size());
  verdict.identity.name.append(product.key).append("/").append(device.name);
  verdict.auto_subscribe = login.client_id.auto_subscribe;
  verdict.ext = static_cast<std::uint8_t>(login.client_id.ext);
  verdict.tag = device.number;
  verdict.connack_code = verdict.reason_code = 0;
  parts_.throttle.succeeded(verdict.identity.name);
  if (found.verdict == auth::Verdict::article) ++counters_.article;
  warn(attempt, login, found, product, device);
  if (device.may_register()) {
    parts_.directory.set_activated(device.number, attempt.wall);
    parts_.events.on_first_login(device.number, attempt.wall);
  }
  parts_.events.on_login(device.number, attempt.wall, attempt.peer);
  return verdict;
}

/// Tells the journal what is let through here and would not be, or is odd, elsewhere.
void LoginAuthenticator::warn(const LoginAttempt& attempt, const auth::Login& login, const auth::Verification& found,
                              const Product& product, const Device& device) {
  const int mode = login.client_id.secure_mode.value_or(0);
  const bool contradicts = ((mode == 2 || mode == -2) && !attempt.tls) || (mode == 3 && attempt.tls);
  const bool clock = found.clock_differs && product.clock_policy == ClockPolicy::warn;
  const bool article = found.verdict == auth::Verdict::article;
  if ((!contradicts && !clock && !article) || !may_warn(device.number, attempt.now)) return;
  const auto record = [&](Cause cause, std::string evidence) {
    broker::Refusal made = entry(attempt, product.key + "/" + device.name, cause, std::move(evidence));
    made.warning = true;
    parts_.journal.record(std::move(made));
  };
  if (contradicts)
    record(Cause::secure_mode_contradicts_transport,
           "securemode=" + std::to_string(mode) + (attempt.tls ? " over TLS" : " without TLS"));
  if (clock) record(clock_cause(login, attempt.wall), off_by(timestamp_of(login), attempt.wall));
  if (!article) return;
  for (auth::Mistake& mistake : auth::what_the_real_cloud_would_refuse(login.strings))
    record(mistake.cause, std::move(mistake.evidence));
}

bool LoginAuthenticator::may_warn(std::uint64_t device_number, Instant now) {
  if (warned_.size() >= kMostWarned)
    std::erase_if(warned_, [now](const auto& w) { return now - w.second >= kWarnAgain; });
  if (warned_.size() >= kMostWarned) return false;
  const auto [at, first] = warned_.try_emplace(device_number, now);
  if (!first && now - at->second < kWarnAgain) return false;
  at->second = now;
  return true;
}

Verdict LoginAuthenticator::standard(const LoginAttempt& attempt) {
  if (!attempt.user_name) {
    if (attempt.anonymous && parts_.users.anonymous_on_loopback() && attempt.peer.is_loopback())
      return accept_client(attempt);
    return refuse(
        attempt, {kNotAuthorised, {}, {Cause::user_name_missing, "this listener asks for a user name and a password"}});
  }
  const std::string name(attempt.user_name->substr(0, kMostName));
  // A user that has proved itself before is let in whatever others try in its name.
  const bool proved = parts_.users.is_proved(*attempt.user_name, attempt.password.value_or(Bytes{}));
  if (!proved && parts_.throttle.is_slowed(name, attempt.peer, attempt.now))
    return refuse(
        attempt,
        {kUnavailable, name, {Cause::bad_login_throttled, "too many bad logins just before; not looked at"}, false});
  switch (parts_.users.check(*attempt.user_name, attempt.password.value_or(Bytes{}), attempt.now)) {
    case StandardUsers::Answer::right:
      parts_.throttle.succeeded(name);
      return accept_client(attempt);
    case StandardUsers::Answer::busy:
      return refuse(
          attempt,
          {kUnavailable, name, {Cause::bad_login_throttled, "too many unproved passwords at the same time"}, false});
    case StandardUsers::Answer::wrong:
      break;
  }
  return refuse(attempt, {kBadPassword, name, {Cause::wrong_password, "no such user, or another password"}});
}

Verdict LoginAuthenticator::accept_client(const LoginAttempt& attempt) {
  Verdict verdict;
  verdict.accepted = true;
  verdict.identity.kind = broker::Identity::Kind::client;
  verdict.identity.name = attempt.client_id;
  verdict.connack_code = verdict.reason_code = 0;
  return verdict;
}

Verdict LoginAuthenticator::refuse(const LoginAttempt& attempt, Reason reason) {
  Verdict verdict;
  verdict.connack_code = reason.connack;
  verdict.reason_code = reason_code(reason.connack);
  if (reason.guess) verdict.delay = parts_.throttle.failed(reason.name, attempt.peer, attempt.now);
  verdict.refusal = entry(attempt, std::move(reason.name), reason.why.cause, std::move(reason.why.evidence));
  verdict.refusal->code = attempt.protocol_level >= 5 ? verdict.reason_code : verdict.connack_code;
  return verdict;
}

std::optional<broker::TopicRefusal> LoginAuthenticator::custom_topic_refusal(const broker::Identity& device,
                                                                             std::string_view topic,
                                                                             bool publishes) const {
  const Product* const product = parts_.directory.product(device.product());
  const std::size_t head = device.product().size() + device.device().size() + 3;  // "/{pk}/{dn}/"
  if (product == nullptr || topic.size() < head) return std::nullopt;
  const auto refusal = topic_class_refusal(product->topics, product->free_topics, topic.substr(head), publishes);
  if (!refusal) return std::nullopt;
  std::string evidence(topic);
  if (!refusal->name.empty()) evidence.append(", class user/").append(refusal->name);
  return broker::TopicRefusal{refusal->cause, std::move(evidence)};
}

}  // namespace tercet::registry
