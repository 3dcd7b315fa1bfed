#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tercet/base/bytes.h"
#include "tercet/base/time.h"

namespace tercet::registry {

/// A user of listeners with the `standard` policy, as configured. The password is a line of hash_password().
struct StandardUser {
  std::string name;
  std::string password_hash;
};

struct StandardPolicy {
  std::vector<StandardUser> users;
  bool anonymous_on_loopback = false;
};

/// Checks the users of `standard` listeners. One per shard. The slow hash runs once per user and password (then a keyed
/// digest of the right password is remembered), and wrong ones at most `slow_checks_per_second` times a second.
class StandardUsers {
 public:
  explicit StandardUsers(StandardPolicy policy, unsigned slow_checks_per_second = 10);

  enum class Answer : std::uint8_t { right, wrong, busy };
  /// busy: too many unproved passwords just now; refuse as "server unavailable".
  Answer check(std::string_view user, Bytes password, Instant now);
  /// Whether this password has been found right before; costs one keyed digest.
  bool is_proved(std::string_view user, Bytes password) const;
  bool anonymous_on_loopback() const { return policy_.anonymous_on_loopback; }

 private:
  StandardPolicy policy_;
  std::unordered_map<std::string, std::string> hashes_;  // name -> hash
  std::unordered_map<std::string, std::string> proved_;  // name -> keyed digest of the right password
  std::string process_key_;
  unsigned slow_per_second_;
  double slow_left_;
  Instant slow_at_{};
};

}  // namespace tercet::registry
