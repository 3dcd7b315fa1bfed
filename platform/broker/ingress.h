#pragma once
#include <cstdint>
#include <memory>
#include <optional>
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

/// One login of a sub-device over a gateway's connection.
struct Ride {
  std::size_t shard = 0;     ///< the gateway's home
  SessionRef gateway;        ///< there
  std::uint64_t number = 0;  ///< different for each login over gateways of that shard
  bool is_over_same(const Ride& other) const { return shard == other.shard && gateway == other.gateway; }
  friend bool operator==(const Ride&, const Ride&) = default;
};

/// Why a sub-device is no longer logged in, by no doing of its gateway.
enum class RideEnd : std::uint8_t {
  elsewhere,  ///< it has logged in over another gateway, or itself
  disabled,
  removed,
  unbound,  ///< it no longer belongs to the gateway
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
  /// A device has published to a topic of its own (`/{pk}/{dn}/user/...`), and whoever subscribed is getting it.
  /// QoS 0 comes without a token, as does a message whose acknowledgement waits for the store already: what is put into
  /// the store here, before the end of the pass, is durable before that.
  virtual Taken on_custom(const Inbound&) { return Taken::done; }
  /// A device's session came online (after CONNACK was queued) or went offline.
  virtual void on_online(SessionRef session, const Identity& identity, std::uint64_t tag, const runtime::Address& peer,
                         std::string_view client_id) = 0;
  virtual void on_offline(const Identity& identity, std::uint64_t tag) = 0;
  /// A device's SUBSCRIBE has been answered.
  virtual void on_subscribed(std::uint64_t /*tag*/) {}
  /// The device has acknowledged what Egress::send_for_receipt() sent with this number.
  virtual void on_receipt(std::uint64_t /*tag*/, std::uint64_t /*receipt*/) {}
  /// A device has published to a topic of another one that is not logged in over it: the message is dropped and
  /// acknowledged. True: the journal has been told why.
  virtual bool on_stranger(const Inbound&) { return false; }
  /// On the gateway's shard: a sub-device is no longer logged in over this session. name: "<ProductKey>/<DeviceName>".
  virtual void on_ride_over(SessionRef /*gateway*/, std::uint64_t /*tag*/, std::string_view /*name*/, RideEnd) {}
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
  /// The same to a device that is online, at QoS 1, and Ingress::on_receipt() says when it has acknowledged the
  /// message: on this connection or, if its session outlives that, on a later one. Not after a restart. `receipt` is
  /// not 0.
  virtual bool send_for_receipt(std::string_view identity_key, std::string_view topic, Bytes payload,
                                std::uint64_t receipt) = 0;
  /// Whether that receipt may still come.
  virtual bool awaits_receipt(std::string_view identity_key, std::uint64_t receipt) const = 0;
  /// Closes the device's connection (disabled, deleted). Session state is dropped when `forget`.
  virtual void disconnect(std::string_view identity_key, bool forget) = 0;
  virtual bool is_online(std::string_view identity_key) const = 0;

  // Sub-devices. Who may log in is the caller's business; a login is first a session on the sub-device's home shard
  // (take_in), then the gateway's leave to speak for it (admit). QoS 0 downwards, as in the cloud.
  struct SubDeviceLogin {
    Identity identity;
    std::uint64_t tag = 0;
    std::uint8_t ext = 0;
    bool auto_subscribe = false;
    runtime::Address peer;  ///< the gateway's
    std::string client_id;
    Ride ride;
  };
  /// On the sub-device's home shard: opens its session. An older one ends first, its gateway is told. on_offline and
  /// on_online run inside.
  virtual void take_in(const SubDeviceLogin&) {}
  /// On the gateway's shard: from now on its connection carries the sub-device's messages. False: it has gone.
  virtual bool admit(const SubDeviceLogin&) { return false; }
  /// On the gateway's shard, its own wish: the session on the sub-device's home shard ends, after what was published
  /// before. False: it was not logged in over this gateway. For a login that was taken in but not admitted: `ride`.
  virtual bool log_out(SessionRef /*gateway*/, std::string_view /*name*/) { return false; }
  virtual void give_up(const Ride&, std::string_view /*name*/) {}
  /// On the sub-device's home shard: it is no longer logged in over any gateway, which is told. Else nothing happens.
  virtual void end_ride(std::string_view /*identity_key*/, RideEnd) {}
  virtual bool speaks_for(SessionRef /*gateway*/, std::string_view /*name*/) const { return false; }
  virtual std::size_t sub_devices(SessionRef /*gateway*/) const { return 0; }
  virtual std::optional<runtime::Address> address_of(SessionRef) const { return std::nullopt; }
};

}  // namespace tercet::broker
