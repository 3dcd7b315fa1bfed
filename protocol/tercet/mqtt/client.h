#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/mqtt/backoff.h"
#include "tercet/mqtt/decode.h"
#include "tercet/mqtt/inflight.h"
#include "tercet/mqtt/outbox.h"
#include "tercet/mqtt/packet.h"

namespace tercet::mqtt {

/// How a client behaves. The views are kept: what they point to must outlive the client.
struct ClientConfig {
  ProtocolVersion version = ProtocolVersion::v311;
  bool clean_start = true;
  Seconds keep_alive{60};     ///< 0..65535; zero: no pings, a dead link is noticed only by unanswered packets
  Seconds session_expiry{0};  ///< 5.0: how long the server keeps the session; up to kNeverExpires
  std::optional<Will> will{};
  Millis connect_timeout{10'000};  ///< from transport_up() to CONNACK
  Millis ping_timeout{15'000};     ///< silence after PINGREQ that means the link is dead
  Millis ack_timeout{20'000};      ///< silence on acknowledgements that means the server has forgotten us
  Millis stable_after{60'000};     ///< a session this long resets the back-off; a shorter one does not
  Millis backoff_first{1'000};
  Millis backoff_limit{60'000};
};

/// What CONNECT says about who we are. Views are kept until replaced; a signature with a time in it is replaced by
/// credentials() when OpenTransport arrives.
struct Credentials {
  std::string_view client_id{};
  std::optional<std::string_view> user_name{};
  std::optional<Bytes> password{};
};

/// One subscription the client holds; storage is the caller's, content is the client's.
struct ClientSubscription {
  enum class State : std::uint8_t { free, wanted, asked, granted, refused, unwanted, leaving };
  std::string_view filter{};
  std::uint16_t packet_id = 0;
  Qos qos = Qos::at_most_once;
  State state = State::free;
};

/// All the memory a client uses besides itself. Kept by reference for its whole life.
struct ClientStorage {
  MutableBytes input;                           ///< the largest packet it can receive
  MutableBytes output;                          ///< at least CONNECT; what is not yet written to the transport
  MutableBytes outbox;                          ///< QoS 1 and 2 messages, encoded, until acknowledged
  std::span<Outbox::Window::Entry> sending;     ///< how many of them
  std::span<ClientSubscription> subscriptions;  ///< how many filters
  std::span<std::uint16_t> receiving;           ///< incoming QoS 2 messages at a time (0: QoS 2 is refused)
};

/// The arrays behind a ClientStorage, sized at compile time.
template <std::size_t kInput, std::size_t kOutput, std::size_t kOutbox, std::size_t kWindow, std::size_t kFilters,
          std::size_t kReceiving = 0>
struct ClientBuffers {
  std::array<std::uint8_t, kInput> input;
  std::array<std::uint8_t, kOutput> output;
  std::array<std::uint8_t, kOutbox> outbox;
  std::array<Outbox::Window::Entry, kWindow> sending;
  std::array<ClientSubscription, kFilters> subscriptions;
  std::array<std::uint16_t, kReceiving> receiving;
  ClientStorage storage() { return {input, output, outbox, sending, subscriptions, receiving}; }
};

/// Open a connection to the server; answer with transport_up() or transport_down().
struct OpenTransport {};
/// CONNACK accepted us.
struct Online {
  bool session_present = false;
  Properties properties{};
};
/// The attempt or session is over: close the transport if it is open. The client tries again by itself after `retry_in`
/// unless stop() was called. error: refused_* when CONNACK said no, closed, timed_out, malformed, or what the transport
/// reported. reason: the server's, where it gave one.
struct Offline {
  Error error = Error::closed;
  ReasonCode reason = ReasonCode::success;
  Millis retry_in{0};
};
/// A message for us. It is acknowledged when next_event() is called again.
struct Received {
  Publish publish;
};
/// A message larger than the input buffer was skipped, and acknowledged so that it does not come for ever.
struct Skipped {
  std::size_t packet_bytes = 0;
};
/// The end of a QoS 1 or 2 publish: success, or the server's failure code (5.0), or packet_too_large for one that the
/// server's limits, learnt after it was queued, do not let through.
struct Delivered {
  std::uint16_t packet_id = 0;
  ReasonCode reason = ReasonCode::success;
};
/// The server's answer to subscribe(), also after each automatic resubscription. reason: granted_qos_0..2 or a failure.
struct Subscribed {
  std::string_view filter{};
  ReasonCode reason = ReasonCode::granted_qos_0;
};
struct Unsubscribed {
  std::string_view filter{};
  ReasonCode reason = ReasonCode::success;
};

using ClientEvent =
    std::variant<OpenTransport, Online, Offline, Received, Skipped, Delivered, Subscribed, Unsubscribed>;

/// An MQTT 3.1.1 or 5.0 client without input or output: bytes, transport changes and the time go in; bytes, events and
/// the next deadline come out. It connects, keeps alive, notices dead links, subscribes again when the server has lost
/// the session, sends unacknowledged messages again, and backs off with full jitter. It never allocates.
///
///   stopped --start--> waiting --due: OpenTransport--> opening --transport_up: CONNECT--> connecting --CONNACK-->
///   online
///      ^                  ^                               |                                   |                     |
///      +--stop--          +-------------------------------+-------- Offline ------------------+---------------------+
///   stop() while online sends DISCONNECT and is `closing` until it is written.
///
/// One task owns it. After every call that hands something in, and when next_deadline() has come, loop over
/// next_event() until it gives nothing, then write outgoing() to the transport and tell sent().
/// Calls that come too late (bytes after Offline, a second transport_down) are ignored.
class Client {
 public:
  /// Full jitter needs a number per failed attempt: any 32 random bits.
  using Random = std::uint32_t (*)(void* context);

  /// Keeps `storage` and what config and credentials point to. The output buffer must hold the CONNECT packet, else
  /// every attempt ends with Offline{no_space}.
  Client(const ClientConfig& config, const Credentials& credentials, const ClientStorage& storage, Random random,
         void* random_context);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Connects now and stays connected until stop(). Does nothing when started already.
  void start(Instant now);
  /// Says DISCONNECT if online, closes, and forgets the back-off. Subscriptions and messages stay for the next start().
  void stop(Instant now);
  /// Other settings, for the next start(); messages and subscriptions stay. Only while is_stopped().
  void configure(const ClientConfig& config);
  /// For the next CONNECT; see Credentials.
  void credentials(const Credentials& credentials) { credentials_ = credentials; }

  void transport_up(Instant now);
  /// The transport could not be opened, or has gone. error is passed on in Offline.
  void transport_down(Instant now, Error error);

  /// Where received bytes may be put; empty when full (take events first) or not connected.
  MutableBytes input_space();
  /// That many bytes have been put at the front of input_space().
  void received(std::size_t bytes, Instant now);
  /// Copies bytes in and returns how many fitted; hand in the rest after the events have been taken.
  std::size_t receive(Bytes bytes, Instant now);

  /// The next thing the owner should know or do, or nothing. Also runs the timers and fills outgoing(). Views in the
  /// event are valid until the next call of this function.
  std::optional<ClientEvent> next_event(Instant now);
  /// When to call next_event() even if nothing has happened.
  Instant next_deadline() const;

  /// Bytes for the transport, and how many of them it has taken. The view is valid until the next call of anything
  /// else.
  Bytes outgoing() const { return {storage_.output.data() + out_begin_, out_end_ - out_begin_}; }
  void sent(std::size_t bytes);

  /// QoS 0: goes to the output at once; returns 0. Errors: bad_state, not online; would_block, output full, retry after
  /// sent(). QoS 1 and 2: kept until acknowledged, also across connections and before the first; returns the packet id
  /// that Delivered will name. Errors: no_space, retry after Delivered.
  /// All: bad_argument, topic not valid; too_large, over the outbox, the output buffer or the server's limit;
  /// unsupported, a QoS or retain flag that the server has ruled out (5.0). Topic, payload and properties are copied.
  Result<std::uint16_t> publish(const Publish& message);

  /// Subscribes now or when online, and again whenever the server has no session. The filter's text is kept by
  /// reference until Unsubscribed. The same filter again: asks anew. Errors: bad_argument, not a valid filter;
  /// no_space.
  Result<void> subscribe(std::string_view filter, Qos qos);
  /// Errors: not_found.
  Result<void> unsubscribe(std::string_view filter);

  bool is_online() const { return state_ == State::online; }
  bool is_stopped() const { return state_ == State::stopped; }
  /// QoS 1 and 2 messages not yet acknowledged.
  std::size_t in_flight() const { return outbox_.size(); }
  /// The i-th oldest of them, i < in_flight(): its packet as encoded, empty once only PUBREL is left. Valid until the
  /// next call of anything else.
  struct Kept {
    std::uint16_t packet_id = 0;
    Bytes packet{};
  };
  Kept kept(std::size_t i) const {
    const auto& entry = outbox_.window()[i];
    return {entry.packet_id, outbox_.packet(entry)};
  }
  /// How many attempts in a row have failed or were too short.
  std::uint32_t attempts() const { return backoff_.attempts(); }

 private:
  enum class State : std::uint8_t { stopped, waiting, opening, connecting, online, closing };

  // Lifecycle and timers, client.cc.
  void lose(Instant now, Error error, ReasonCode reason = ReasonCode::success);
  void close_with(Instant now, Error error, ReasonCode reason);
  void enter_online(Instant now, const Connack& connack);
  void run_timers(Instant now);
  void keep_alive(Instant now);
  void on_silence(Instant now);
  void note_ack(Instant now);
  std::optional<ClientEvent> advance(Instant now);
  Instant deadline_of_state() const;
  bool has_session() const { return state_ == State::connecting || state_ == State::online; }

  // Sending, client_send.cc.
  MutableBytes output_space();
  bool put(Bytes packet);
  bool put(const Ack& ack);
  void send_connect(Instant now);
  void pump(Instant now);
  void pump_outbox(Instant now);
  void pump_subscriptions(Instant now);
  bool send_subscription(ClientSubscription& slot);
  ReasonCode verdict_on(const Outbox::Window::Entry& entry, Bytes packet) const;
  std::uint16_t take_id();
  ClientSubscription* find_subscription(std::string_view filter);

  // Receiving, client_receive.cc.
  std::optional<ClientEvent> next_packet(Instant now);
  std::optional<ClientEvent> handle(const Frame& frame, Instant now);
  std::optional<ClientEvent> handle_connack(const Frame& frame, Instant now);
  std::optional<ClientEvent> handle_publish(const Frame& frame, Instant now);
  std::optional<ClientEvent> handle_ack(const Frame& frame, Instant now);
  std::optional<ClientEvent> handle_pubrel(const Frame& frame, Instant now);
  std::optional<ClientEvent> handle_suback(const Frame& frame, Instant now);
  std::optional<ClientEvent> handle_unsuback(const Frame& frame, Instant now);
  std::optional<ClientEvent> handle_disconnect(const Frame& frame, Instant now);
  std::optional<ClientEvent> skip_oversized(Bytes in, Instant now);
  std::optional<ClientEvent> protocol_error(Instant now, Error error);
  ClientSubscription* find_asked(std::uint16_t packet_id, ClientSubscription::State state);
  void drop_input(std::size_t bytes);
  void compact_input();

  ClientConfig config_;
  Credentials credentials_;
  ClientStorage storage_;
  Outbox outbox_;
  ReceiveWindow receiving_;
  Backoff backoff_;
  PacketIds ids_;
  Random random_;
  void* random_context_;

  Instant deadline_ = Instant::never();      // of waiting, connecting and closing
  Instant online_since_ = Instant::never();  // never: not yet on this connection
  Instant last_sent_;
  Instant last_received_;
  Instant pinged_at_ = Instant::never();  // never: no PINGREQ is unanswered
  Instant ack_since_ = Instant::never();  // never: nothing waits for an acknowledgement
  Millis keep_alive_{0};                  // of this session
  std::uint32_t out_begin_ = 0, out_end_ = 0;
  std::uint32_t in_begin_ = 0, in_end_ = 0;  // bytes received and not yet taken
  std::uint32_t skip_left_ = 0;              // bytes of an oversized packet still to come
  std::uint32_t server_max_packet_ = 0xFFFFFFFF;
  std::uint16_t server_window_ = 0xFFFF;  // Receive Maximum
  Qos server_max_qos_ = Qos::exactly_once;
  bool server_retains_ = true;
  State state_ = State::stopped;
  bool stopping_ = false;        // closing because of stop()
  bool offline_wanted_ = false;  // an Offline event is due
  bool wrote_ = false;           // output was added since the time was last known
  std::uint8_t resends_ = 0;     // without any acknowledgement in between
  Error lost_error_ = Error::closed;
  ReasonCode lost_reason_ = ReasonCode::success;
  PacketType ack_type_ = PacketType::puback;
  std::uint16_t ack_id_ = 0;  // the message handed out, acknowledged at the next call
};

}  // namespace tercet::mqtt
