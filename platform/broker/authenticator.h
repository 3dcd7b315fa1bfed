#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/broker/identity.h"
#include "platform/broker/refusal.h"
#include "platform/runtime/stream.h"
#include "tercet/base/bytes.h"
#include "tercet/base/time.h"

namespace tercet::broker {

/// The rules a listener applies.
enum class PolicyKind : std::uint8_t {
  cloud,     ///< the cloud's: devices with triples, own topics only, its limits
  standard,  ///< ordinary MQTT: user name and password, free topics
};

/// Everything a login shows. Views live as long as the call.
struct LoginAttempt {
  PolicyKind policy = PolicyKind::cloud;
  std::uint8_t protocol_level = 4;  ///< 3, 4 or 5
  std::string_view client_id;
  std::optional<std::string_view> user_name;
  std::optional<Bytes> password;
  std::uint16_t keep_alive_seconds = 0;
  runtime::Address peer;
  bool tls = false;
  std::uint16_t listener_port = 0;
  bool anonymous = false;  ///< the listener takes loopback clients without a user name (standard policy)
  UnixMillis wall;
  Instant now;
};

/// What the broker does with it.
struct Verdict {
  bool accepted = false;
  // when accepted
  Identity identity;
  bool auto_subscribe = false;  ///< `_ss=1`: system topics are delivered without SUBSCRIBE
  std::uint8_t ext = 0;         ///< the `ext` bitmap of the client id
  std::uint64_t tag = 0;        ///< the authenticator's own number for the device, handed back with every message
  // when refused
  std::uint8_t connack_code = 4;    ///< MQTT 3.1.1 return code, 1..5
  std::uint8_t reason_code = 0x86;  ///< MQTT 5 reason code
  Millis delay{0};                  ///< wait this long before answering, so that guessing is slow
  std::optional<Refusal> refusal;   ///< for the journal; always there when refused
};

/// Decides who may log in. One per shard; called on the home shard of home_key(). Never throws: any doubt is a refusal.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// The identity key (Identity::key()) that the attempt *claims*, which chooses the home shard before anything is
  /// believed. Cheap, no look-up. Nothing claimable (no user name, malformed): "" and the connection stays where it is.
  virtual std::string home_key(const LoginAttempt& attempt) const = 0;
  virtual Verdict authenticate(const LoginAttempt& attempt) = 0;
};

}  // namespace tercet::broker
