#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/registry/directory.h"
#include "tercet/auth/cause.h"
#include "tercet/auth/mistake.h"
#include "tercet/auth/verify.h"
#include "tercet/base/time.h"

namespace tercet::registry {

/// How many wrong logins are looked into. One examination costs up to 2 ms of the shard's time.
struct ExaminerLimits {
  unsigned burst = 40;         ///< of all devices together
  unsigned per_second = 20;    ///< refilled
  unsigned device_burst = 10;  ///< of one name
  Millis device_refill = Seconds{6};
  std::size_t names = 4096;  ///< remembered; beyond that the whole memory is dropped
};

/// Why a login was refused: the first cause, and one line of evidence that also names the other candidates.
struct Explanation {
  auth::Cause cause;
  std::string evidence;
};

/// Finds out what is wrong with a login, within a budget. One per shard.
class Examiner {
 public:
  Examiner(const Directory& directory, ExaminerLimits limits) : directory_(directory), limits_(limits) {}

  /// A wrong password of a known device. Nothing reproduces it: Cause::wrong_password. Over budget: the same, and the
  /// evidence says that it was not examined.
  Explanation wrong_password(const auth::Login& login, const Product& product, const Device& device, bool tls,
                             UnixMillis wall, Instant now);
  /// A user name that names no device, or is none at all. By its form alone.
  Explanation unknown(const auth::Login& login, bool tls, UnixMillis wall, Instant now);

  /// A client id with a fatal defect (ClientIdDefects::any_fatal).
  Explanation client_id(const auth::Login& login, bool tls, UnixMillis wall, Instant now);

  std::uint64_t run() const { return run_; }
  std::uint64_t skipped() const { return skipped_; }

 private:
  bool afford(std::string_view name, Instant now);

  struct Purse {
    double left;
    Instant at;
  };
  const Directory& directory_;
  ExaminerLimits limits_;
  Purse all_{-1, {}};
  std::unordered_map<std::string, Purse> names_;
  std::uint64_t run_ = 0, skipped_ = 0;
};

}  // namespace tercet::registry
