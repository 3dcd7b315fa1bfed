#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "platform/broker/identity.h"
#include "platform/runtime/stream.h"
#include "tercet/base/bytes.h"
#include "tercet/base/error.h"
#include "tercet/base/time.h"

namespace tercet::broker {

/// Names a session of this shard for as long as it exists; a stale one is simply not found.
struct SessionRef {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const SessionRef&, const SessionRef&) = default;
};

/// A PUBACK (or PUBREC) that is being withheld until the message is durable.
struct AckToken {
  SessionRef session;
  std::uint32_t connection_generation = 0;
  std::uint32_t ticket = 0;  ///< position in the connection's order of acknowledgements [MQTT-4.6.0-2]
};

/// A message as it came in. Views live as long as the call.
struct Inbound {
  SessionRef session;
  const Identity& identity;
  std::uint64_t tag;       ///< Verdict::tag of the login
  std::uint8_t ext;        ///< Verdict::ext
  std::string_view topic;  ///< with its `?query`, if any
  Bytes payload;
  std::uint8_t qos;
  AckToken token;
};

/// What the platform does with messages to system topics (`/sys`, `/ext`, `/ota`, `/shadow`) of a device. One per
/// shard, called on the device's home shard. Implemented by the thing module; the broker knows no Alink.
class Ingress {
 public:
  virtual ~Ingress() = default;
  enum class Taken : std::uint8_t {
    done,   ///< acknowledge now
    later,  ///< Egress::acknowledge(token) or disconnect(token) will be called on this shard; until then no PUBACK
  };
  virtual Taken on_message(const Inbound& message) = 0;
  /// A device's session came online (after CONNACK was queued) or went offline.
  virtual void on_online(SessionRef session, const Identity& identity, std::uint64_t tag, const runtime::Address& peer,
                         std::string_view client_id) = 0;
  virtual void on_offline(const Identity& identity, std::uint64_t tag) = 0;
};

/// What others may ask of a shard's broker. Called on that shard.
class Egress {
 public:
  virtual ~Egress() = default;
  /// Answers a withheld acknowledgement. Stale tokens are ignored.
  virtual void acknowledge(const AckToken& token) = 0;
  /// The message of a withheld acknowledgement could not be kept: closes the connection it came on, so that the device
  /// sends it again on the next one. MQTT 5 clients are told why. Stale tokens are ignored. on_offline runs inside.
  virtual void disconnect(const AckToken& token, Error why) = 0;
  /// Sends to this device if it has subscribed to the topic, explicitly or by `_ss=1`. Payload is copied.
  /// QoS 1 to a persistent session that is offline is queued. Returns whether it was written or queued.
  virtual bool send(SessionRef session, std::string_view topic, Bytes payload, std::uint8_t qos) = 0;
  virtual bool send_to(std::string_view identity_key, std::string_view topic, Bytes payload, std::uint8_t qos) = 0;
  /// Closes the device's connection (disabled, deleted). Session state is dropped when `forget`.
  virtual void disconnect(std::string_view identity_key, bool forget) = 0;
  virtual bool is_online(std::string_view identity_key) const = 0;
};

}  // namespace tercet::broker
