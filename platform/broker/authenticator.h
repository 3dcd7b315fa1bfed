#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "platform/broker/identity.h"
#include "platform/broker/refusal.h"
#include "platform/runtime/stream.h"
#include "tercet/auth/cause.h"
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
  const runtime::PeerCertificate* certificate = nullptr;  ///< null: the client has shown none
};

/// One message and goodbye, instead of a session: how a device is told the secret it has registered for
/// (device-protocol 2.9). It is sent with QoS 0 and without SUBSCRIBE; what the client sends is not looked at, and it
/// has 15 s to go.
struct Handover {
  std::string topic;
  std::string payload;
};

struct Verdict;
/// Decides later: calls what it is given, once, on the shard's thread. Kept beyond the call.
using LaterVerdict = std::function<void(std::function<void(Verdict)>)>;

/// What the broker does with it.
struct Verdict {
  bool accepted = false;
  // when accepted
  Identity identity;
  bool auto_subscribe = false;  ///< `_ss=1`: system topics are delivered without SUBSCRIBE
  std::uint8_t ext = 0;         ///< the `ext` bitmap of the client id
  std::uint64_t tag = 0;        ///< the authenticator's own number for the device, handed back with every message
  std::optional<Handover> handover = {};  ///< there is to be no session but this
  std::optional<Handover> notice = {};    ///< sent right after the login, with QoS 0 and without SUBSCRIBE
  /// Neither accepted nor refused yet. The client waits for 4 s at the most, then it is told to come again.
  LaterVerdict later = {};
  // when refused
  std::uint8_t connack_code = 4;    ///< MQTT 3.1.1 return code, 1..5
  std::uint8_t reason_code = 0x86;  ///< MQTT 5 reason code
  Millis delay{0};                  ///< wait this long before answering, so that guessing is slow
  std::optional<Refusal> refusal;   ///< for the journal; always there when refused
};

/// Why a custom topic of its own is not for a device, and what to write down beside the topic.
struct TopicRefusal {
  auth::Cause cause;
  std::string evidence;
};

/// Decides who may log in. One per shard; called on the home shard of home_key(). Never throws: any doubt is a refusal.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// The identity key (Identity::key()) that the attempt *claims*, which chooses the home shard before anything is
  /// believed. Cheap, no look-up. Nothing claimable (no user name, malformed): "" and the connection stays where it is.
  virtual std::string home_key(const LoginAttempt& attempt) const = 0;
  virtual Verdict authenticate(const LoginAttempt& attempt) = 0;
  /// Whether a device's product lets it publish to (or subscribe to) a custom topic of its own, `/{pk}/{dn}/...`, that
  /// the policy allows. Asked for each message and filter. Default: anything.
  virtual std::optional<TopicRefusal> custom_topic_refusal(const Identity& device, std::string_view topic,
                                                           bool publishes) const {
    static_cast<void>(device), static_cast<void>(topic), static_cast<void>(publishes);
    return std::nullopt;
  }
};

}  // namespace tercet::broker
