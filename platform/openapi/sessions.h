#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/runtime/loop.h"

namespace tercet::openapi {

/// Who is logged in to the console, and the one-time tokens that log in. In memory: a restart logs everybody out.
/// Management thread; time is handed in.
class Sessions {
 public:
  static constexpr Seconds kIdle{12 * 3600};         ///< a session ends so long after its last request
  static constexpr Seconds kTokenLife{24 * 3600};    ///< an unused login token
  static constexpr std::size_t kMostSessions = 256;  ///< the longest idle one makes room
  static constexpr std::size_t kMostTokens = 16;

  explicit Sessions(runtime::Random& random) : random_(random) {}

  /// A new session's secret, 64 hexadecimal digits: the cookie.
  std::string open(Instant now);
  /// Whether the secret is that of a living session, which then lives on.
  bool touch(std::string_view secret, Instant now);
  void close(std::string_view secret);
  /// What may be kept of a secret, to ask later whether its session still lives; asking is no use of the session.
  static std::string hash_of(std::string_view secret);
  bool lives(const std::string& hash, Instant now) const;
  std::size_t size() const { return sessions_.size(); }

  /// A token that one login may use instead of the password.
  std::string make_login_token(Instant now);
  bool use_login_token(std::string_view token, Instant now);

 private:
  void drop_old(Instant now);
  runtime::Random& random_;
  std::unordered_map<std::string, Instant> sessions_;  // hash of the secret -> last use
  std::unordered_map<std::string, Instant> tokens_;    // hash of the token -> made
};

/// Slows down guessing: wrong passwords per network (network_of()) and in total. Many wrong ones from everywhere make
/// each try wait its turn, but lock nobody out. Time is handed in.
class LoginBrake {
 public:
  static constexpr unsigned kPerNetwork = 5;  ///< wrong ones in a minute; then refused
  static constexpr unsigned kInTotal = 60;    ///< then one try a turn
  static constexpr Seconds kWindow{60};

  enum class Verdict : unsigned char { go, wait, refuse };
  Verdict judge(std::string_view network, Instant now);
  void count_wrong(std::string_view network, Instant now);

 private:
  void renew(Instant now);
  Instant window_start_{};
  unsigned total_ = 0;
  std::map<std::string, unsigned, std::less<>> wrong_;
};

}  // namespace tercet::openapi
