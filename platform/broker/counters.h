#pragma once
#include <cstdint>

namespace tercet::broker {

/// What one shard's broker has seen. Plain numbers of that shard: read them on its thread, by post.
struct Counters {
  // now
  std::uint64_t connections = 0;  ///< open sockets, logged in or not
  std::uint64_t online = 0;       ///< sessions with a connection, and sub-devices
  std::uint64_t sessions = 0;     ///< with or without
  std::uint64_t subscriptions = 0;
  std::uint64_t sub_devices = 0;  ///< of those online: over the connection of a gateway
  std::uint64_t retained = 0;
  std::uint64_t retained_bytes = 0;
  std::uint64_t queued_messages = 0;  ///< waiting for sessions
  std::uint64_t queued_bytes = 0;
  // since start
  std::uint64_t accepted = 0;
  std::uint64_t logins = 0;
  std::uint64_t logins_refused = 0;
  std::uint64_t handovers = 0;  ///< logins answered with one message instead of a session
  std::uint64_t take_overs = 0;
  std::uint64_t keep_alive_timeouts = 0;
  std::uint64_t protocol_errors = 0;  ///< connections closed for malformed or misplaced packets
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t messages_in = 0;          ///< PUBLISH taken from clients
  std::uint64_t messages_out = 0;         ///< PUBLISH written to clients
  std::uint64_t messages_in_linked = 0;   ///< taken from other shards
  std::uint64_t messages_out_linked = 0;  ///< handed to other shards
  std::uint64_t routes_resolved = 0;      ///< how often the receivers of a topic were looked up
  std::uint64_t turns = 0;                ///< how often a session was pumped because its time had come
  // messages that went nowhere, by reason
  std::uint64_t dropped_forbidden = 0;
  std::uint64_t dropped_rate = 0;
  std::uint64_t dropped_slow = 0;        ///< QoS 0 to a client that does not read
  std::uint64_t dropped_queue_full = 0;  ///< the session's queue, or the shard's
  std::uint64_t dropped_expired = 0;
  std::uint64_t dropped_too_large = 0;   ///< over the client's own maximum packet size
  std::uint64_t dropped_retained = 0;    ///< to be retained, and over a bound of the retained messages
  std::uint64_t dropped_link_full = 0;   ///< another shard does not keep up
  std::uint64_t dropped_store_full = 0;  ///< the store does not keep up, or has failed
};

}  // namespace tercet::broker
