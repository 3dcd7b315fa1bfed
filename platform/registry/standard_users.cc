#include "platform/registry/standard_users.h"

#include <openssl/rand.h>

#include <algorithm>

#include "platform/registry/password.h"
#include "tercet/base/check.h"
#include "tercet/crypto/digest.h"

namespace tercet::registry {

StandardUsers::StandardUsers(StandardPolicy policy, unsigned slow_checks_per_second)
    : policy_(std::move(policy)),
      process_key_(32, '\0'),
      slow_per_second_(slow_checks_per_second),
      slow_left_(slow_checks_per_second) {
  for (const StandardUser& user : policy_.users) hashes_.insert_or_assign(user.name, user.password_hash);
  TERCET_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(process_key_.data()), 32) == 1);
}

bool StandardUsers::is_proved(std::string_view user, Bytes password) const {
  const auto proved = proved_.find(std::string(user));
  if (proved == proved_.end()) return false;
  const crypto::Digest digest = crypto::hmac(crypto::Algorithm::sha256, process_key_, as_text(password));
  return crypto::equals(digest.view(), as_bytes(proved->second));
}

StandardUsers::Answer StandardUsers::check(std::string_view user, Bytes password, Instant now) {
  const std::string name(user);
  const auto known = hashes_.find(name);
  if (known == hashes_.end()) return Answer::wrong;
  if (is_proved(user, password)) return Answer::right;
  const crypto::Digest digest = crypto::hmac(crypto::Algorithm::sha256, process_key_, as_text(password));

  const double most = slow_per_second_;
  slow_left_ = std::min(most, slow_left_ + most * static_cast<double>((now - slow_at_).count()) / 1000);
  slow_at_ = now;
  if (slow_left_ < 1) return Answer::busy;
  slow_left_ -= 1;
  if (!check_password(as_text(password), known->second)) return Answer::wrong;
  proved_[name] = as_text(digest.view());
  return Answer::right;
}

}  // namespace tercet::registry
