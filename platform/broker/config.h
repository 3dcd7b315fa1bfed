#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "platform/broker/authenticator.h"
#include "platform/runtime/stream.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::broker {

/// What one policy grants a connection. The defaults of cloud() are the documented limits of the cloud
/// (device-protocol 2.6); a rate of 0 means no limit.
struct Limits {
  std::uint32_t max_packet_bytes = 256 * 1024;  ///< fixed header included; larger closes the connection
  std::uint32_t max_connect_bytes = 4096;       ///< what is read, and so kept, of a peer that has not logged in
  std::uint16_t max_in_flight = 100;            ///< QoS 1 and 2 messages sent to the client and not acknowledged
  std::uint32_t max_unacknowledged = 16384;     ///< QoS 1 and 2 messages of the client that we have not yet answered
  std::uint32_t sessions_per_second = 0;        ///< messages to log in or out sub-devices, beside the others
  std::uint32_t qos0_per_second = 0;            ///< PUBLISH of QoS 0 taken from one connection; the surplus is dropped
  std::uint32_t qos1_per_second = 0;            ///< the same of QoS 1 (and 2)
  std::uint32_t down_per_second = 0;      ///< PUBLISH sent to one connection: beyond, QoS 0 is dropped and QoS 1 waits
  std::uint32_t bytes_per_second = 0;     ///< of one connection, both ways: beyond, reading pauses, and messages to it
                                          ///< are treated as over their rate
  std::uint32_t connects_per_minute = 0;  ///< logins of one identity; beyond, CONNECT is refused
  std::uint16_t min_keep_alive_seconds = 0;       ///< shorter, and 0 when this is not 0, is refused with CONNACK 2
  std::uint16_t max_keep_alive_seconds = 0xFFFF;  ///< longer is clamped to it
  std::uint16_t max_subscriptions = 10000;        ///< per session
  std::uint16_t max_filters = 1000;               ///< per SUBSCRIBE or UNSUBSCRIBE
  std::uint16_t max_topic_bytes = 0xFFFF;         ///< of a topic (without `?query`) or a filter
  std::uint16_t max_custom_slashes = 128;         ///< of a custom topic
  std::uint16_t topic_alias_maximum = 20;         ///< MQTT 5: aliases a client may use
  std::uint32_t max_session_expiry_seconds = 7 * 24 * 3600;
  std::uint32_t max_output_bytes = 8u << 20;  ///< unsent bytes of a slow client; beyond, QoS 0 is dropped, QoS 1 waits
  std::uint32_t max_queued_messages = 1000;   ///< waiting for one session that is offline or slow
  std::uint32_t max_queued_seconds = 7 * 24 * 3600;

  static Limits cloud() {
    Limits limits;
    limits.sessions_per_second = 400;  // 200 are answered, the others told 429
    limits.qos0_per_second = 30;
    limits.qos1_per_second = 10;
    limits.down_per_second = 50;
    limits.bytes_per_second = 1024 * 1024;
    limits.connects_per_minute = 5;
    limits.min_keep_alive_seconds = 30;
    limits.max_keep_alive_seconds = 1200;
    limits.max_subscriptions = 100;
    limits.max_filters = 8;
    limits.max_topic_bytes = 128;
    limits.max_custom_slashes = 7;
    limits.max_output_bytes = 1u << 20;
    return limits;
  }
  static Limits standard() { return {}; }
  void switch_off_rates() {
    qos0_per_second = qos1_per_second = down_per_second = bytes_per_second = connects_per_minute = 0;
  }
};

/// One for all shards; does not change while brokers exist.
struct BrokerConfig {
  Limits cloud = Limits::cloud();
  Limits standard = Limits::standard();
  bool web_sockets = true;                     ///< a connection that begins with GET is MQTT over WebSocket
  Millis connect_timeout{10'000};              ///< from accept to the end of CONNECT, TLS handshake included
  Millis linger{2'000};                        ///< how long a refused peer may take to read why
  std::size_t read_buffer_bytes = 512 * 1024;  ///< one per shard; at least twice the largest packet
  std::size_t max_connections =
      1'000'000;  ///< of all shards together; beyond, CONNECT is answered "server unavailable"
  std::size_t max_delayed_refusals = 1000;  ///< per shard, wrong logins kept waiting for their answer; beyond, at once
  std::size_t max_queued_bytes = 256u << 20;  ///< per shard, of all messages that wait for sessions
  std::size_t queued_share = 8;               ///< one session may keep one eighth of that, what is in flight included
  std::size_t max_retained_messages = 100'000;
  std::size_t max_retained_bytes = 64u << 20;           ///< of all together; every shard has a copy of them
  std::size_t max_retained_message_bytes = 256 * 1024;  ///< payload of one
  /// Waiting for one other shard, sent or not: beyond, QoS 0 for it is dropped and QoS 1 and 2 are acknowledged only
  /// when that shard has them; beyond twice as much their publishers are disconnected.
  std::size_t max_link_bytes = 64u << 20;
  std::size_t max_unstored_bytes = 64u << 20;  ///< per shard, waiting for room in the store; beyond, publishers of
                                               ///< messages that would have to be stored are disconnected
};

/// What a port takes.
enum class PortMode : std::uint8_t {
  tls,    ///< TLS from the first byte
  sniff,  ///< the first byte decides: 0x16 TLS, 0x10 plain MQTT (refused, with a journal entry, unless allow_plain)
  plain,  ///< no TLS
};

/// Makes a TLS stream of an accepted plain one. `first` are bytes of it that were read already; they are copied.
/// Errors: no_space, io_failed: the connection is closed.
using SecureStream =
    std::function<Result<std::unique_ptr<runtime::Stream>>(std::unique_ptr<runtime::Stream> plain, Bytes first)>;

/// One listening address. Shared by the shards, immutable, lives until the last broker is gone.
struct ListenerConfig {
  runtime::Address address;  ///< port 0 takes a free one
  PolicyKind policy = PolicyKind::cloud;
  PortMode mode = PortMode::tls;
  bool allow_plain = false;  ///< `sniff` only
  bool anonymous = false;    ///< `standard`: loopback clients need no user name here
  SecureStream secure;       ///< needed by `tls` and `sniff`; called on the accepting shard's thread
  /// True: streams accepted here are handed to all shards in turn before anything is read. Set it when only one shard
  /// listens; leave it off when every shard listens on the same address.
  bool spread = false;
};

}  // namespace tercet::broker
