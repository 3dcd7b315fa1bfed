#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/broker/authenticator.h"
#include "platform/broker/refusal.h"
#include "platform/registry/certificate_index.h"
#include "platform/registry/directory.h"
#include "platform/registry/examiner.h"
#include "platform/registry/records.h"
#include "platform/registry/standard_users.h"
#include "platform/registry/throttle.h"

namespace tercet::registry {

/// What the platform tells of logins. Called on the shard's thread; posts on to the management thread.
class LoginEvents {
 public:
  virtual void on_first_login(std::uint64_t device_number, UnixMillis at) = 0;
  virtual void on_login(std::uint64_t device_number, UnixMillis at, const runtime::Address& peer) = 0;

 protected:
  ~LoginEvents() = default;
};

/// Where a board is registered that nobody registered beforehand. Called on the shard's thread.
class Registrar {
 public:
  using Done = std::function<void(Answer<DeviceToken>)>;
  /// `done` is called on that thread, now or later, when the shards know the device; not at all when the platform is
  /// going down.
  virtual void register_unlisted(std::string product, std::string device, Done done) = 0;

 protected:
  ~Registrar() = default;
};

struct LoginCounters {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t article = 0;       ///< accepted in the tutorial's dialect
  std::uint64_t examinations = 0;  ///< of refused logins; a right password is never examined
  std::uint64_t examinations_skipped = 0;
  std::uint64_t failures = 0;  ///< exceptions: each was a refusal
};

/// Decides who may log in, one per shard.
/// `cloud` policy: user name -> product and device of the Directory -> the official signature, or the article's dialect
/// where the product takes it -> clock policy. A right login costs one HMAC and no allocation but the identity's name.
/// `standard` policy: StandardUsers. Every refusal has a cause and evidence; bad ones wait (Throttle).
class LoginAuthenticator final : public broker::Authenticator {
 public:
  struct Parts {
    Directory& directory;
    Throttle& throttle;
    StandardUsers& users;
    broker::Journal& journal;  ///< for warnings about logins that are accepted; refusals go back in the Verdict
    LoginEvents& events;
    Registrar* registrar = nullptr;                  ///< null: boards without pre-registration are told to come later
    const CertificateIndex* certificates = nullptr;  ///< null: no device logs in with one
  };
  explicit LoginAuthenticator(Parts parts, ExaminerLimits limits = {});

  std::string home_key(const broker::LoginAttempt& attempt) const override;
  broker::Verdict authenticate(const broker::LoginAttempt& attempt) override;
  std::optional<broker::TopicRefusal> custom_topic_refusal(const broker::Identity& device, std::string_view topic,
                                                           bool publishes) const override;
  const LoginCounters& counters() const;

 private:
  broker::Verdict cloud(const broker::LoginAttempt& attempt);
  broker::Verdict standard(const broker::LoginAttempt& attempt);
  // Dynamic registration and its tokens (registration.cc)
  broker::Verdict registration(const broker::LoginAttempt& attempt, const auth::Login& login, bool unlisted);
  broker::Verdict tell_secret(const broker::LoginAttempt& attempt, const auth::Login& login);
  broker::Verdict make_token(const broker::LoginAttempt& attempt, const auth::Login& login);
  broker::Verdict token_made(const broker::LoginAttempt& attempt, const std::string& name,
                             const Answer<DeviceToken>& made);
  broker::Verdict check_token(const broker::LoginAttempt& attempt, const auth::Login& login);

  // X.509 certificates (certificate_login.cc)
  static bool is_nameless(const auth::Login& login);
  bool is_by_certificate(const broker::LoginAttempt& attempt, const auth::Login& login) const;
  broker::Verdict check_certificate(const broker::LoginAttempt& attempt, const auth::Login& login);

  broker::Verdict check_device(const broker::LoginAttempt& attempt, const auth::Login& login);
  broker::Verdict accept_device(const broker::LoginAttempt& attempt, const auth::Login& login,
                                const auth::Verification& found, const Product& product, const Device& device);
  broker::Verdict refuse_earlier(const broker::LoginAttempt& attempt, const auth::Login& login, const Device& device);
  void warn_earlier(const broker::LoginAttempt& attempt, const Device& device);
  broker::Verdict accept_client(const broker::LoginAttempt& attempt);
  /// Why a login is refused, and what follows from it.
  struct Reason {
    std::uint8_t connack;
    std::string name;  ///< for the journal and the throttle
    Explanation why;
    bool guess = true;  ///< it may have been a guess: counted against the name and the address
  };
  static std::string claimed_name(const auth::Login& login);
  broker::Verdict refuse(const broker::LoginAttempt& attempt, Reason reason);
  void warn(const broker::LoginAttempt& attempt, const auth::Login& login, const auth::Verification& found,
            const Product& product, const Device& device);
  bool may_warn(std::uint64_t device_number, Instant now);

  Parts parts_;
  Examiner examiner_;
  mutable LoginCounters counters_;
  std::unordered_map<std::uint64_t, Instant> warned_;  // device number -> when; bounded
};

}  // namespace tercet::registry
