#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/ack_line.h"
#include "platform/broker/authenticator.h"
#include "platform/broker/config.h"
#include "platform/broker/ingress.h"
#include "platform/broker/output.h"
#include "platform/broker/permission.h"
#include "platform/broker/rate.h"
#include "platform/broker/route.h"
#include "platform/runtime/loop.h"
#include "tercet/auth/cause.h"
#include "tercet/base/time.h"
#include "tercet/mqtt/decode.h"
#include "tercet/mqtt/encode.h"
#include "tercet/mqtt/packet.h"

namespace tercet::broker {

class Connection;
class Session;
class Shard;

/// What only a few connections need, allocated when the first of it comes up.
struct ConnectionExtras {
  AckLine acks;
  std::shared_ptr<Connection*> asked;           ///< by whoever decides about the login; null inside: gone
  std::vector<std::string> aliases;             ///< MQTT 5, by number
  std::uint32_t max_packet_bytes = 0xFFFFFFFF;  ///< what the client takes
  std::string assigned_client_id;
  Rate session_rate;  ///< of `/ext/session/...`
};

/// One client's stream of bytes as MQTT.
///
///   first_byte -(0x16: TLS, 0x10)-> greeting -CONNECT-> open -> closed
///                                       |-(refused, to be answered late)-> delayed -> closed
///                                       |-(to be decided later)-> undecided -> open, delayed, parting or closed
///                                       `-(one message instead of a session)-> parting -> closed
///
/// Packets are decoded where the shard's read buffer holds them; only the front part of an unfinished packet is kept.
/// Owned by its shard, which deletes it at the end of the pass in which it closed.
class Connection final : public runtime::StreamEvents {
 public:
  enum class State : std::uint8_t { first_byte, greeting, undecided, delayed, parting, open, closed };

  Connection(Shard& shard, std::unique_ptr<runtime::Stream> stream, const ListenerConfig& listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Takes up the stream. `unread` came from it already, on another shard.
  void begin(Instant connect_by, Bytes unread, std::string_view assigned_client_id);

  void on_readable() override;
  void on_writable() override;

  // --- for the shard ---
  State state() const { return state_; }
  bool is_open() const { return state_ == State::open; }
  Session* session() const { return session_; }
  const ListenerConfig& listener() const { return *listener_; }
  const Limits& limits() const { return *limits_; }
  mqtt::ProtocolVersion version() const { return version_; }
  bool is_v5() const { return version_ == mqtt::ProtocolVersion::v5; }
  bool is_cloud() const { return listener_->policy == PolicyKind::cloud; }
  std::uint32_t max_packet_bytes() const { return extras_ ? extras_->max_packet_bytes : 0xFFFFFFFF; }
  std::uint16_t window() const { return window_; }  ///< messages that may be sent and not acknowledged
  const runtime::Address& peer() const { return stream_->peer(); }
  Output& output() { return output_; }
  bool takes_more() const { return output_.size() <= limits_->max_output_bytes; }
  /// How long the rates still hold back the next PUBLISH to the client; zero: not at all.
  Millis held_for() {
    if ((limits_->down_per_second | limits_->bytes_per_second) == 0) [[likely]]
      return Millis{0};
    return std::max(down_.wait(limits_->down_per_second * devices_, now()),
                    bytes_.wait(limits_->bytes_per_second, now()));
  }
  /// A PUBLISH of that many bytes has been put into the output.
  void count_sent(std::size_t bytes) {
    down_.spend(limits_->down_per_second * devices_, 1, now());
    bytes_.spend(limits_->bytes_per_second, bytes, now());
  }
  /// Something was held back: the journal is told which limit it is, once a minute.
  void note_held();
  /// Its turn in the shard's list has come.
  void go_on();

  /// The login has succeeded: CONNACK, and from now on the session's packets. keep_alive: what holds.
  void open(Session& session, bool session_present, const mqtt::Connect& connect, std::uint16_t keep_alive,
            std::uint16_t window);
  /// Sub-devices have come or gone: who may publish where is decided anew.
  void sub_devices_changed();
  /// Answers a withheld acknowledgement.
  void acknowledge(std::uint32_t ticket, mqtt::ReasonCode reason);
  void write_suback(std::uint16_t packet_id, std::string_view codes);
  void write_unsuback(std::uint16_t packet_id, std::string_view codes);
  void write_ack(mqtt::PacketType type, std::uint16_t packet_id, mqtt::ReasonCode reason = mqtt::ReasonCode::success);
  /// There is output: write it at the end of this pass.
  void touch();
  /// Writes what there is. Called once at the end of a pass, and when the stream takes bytes again.
  void flush();
  /// Ends the connection, with DISCONNECT in MQTT 5 when `reason` says something. The will is due unless told
  /// otherwise.
  void end(mqtt::ReasonCode reason, bool will_due = true);
  /// Records a refusal of what this client wanted, unless it has had many this minute.
  /// `claimed`: whom a client names that is not logged in.
  void journal(Refusal::Stage stage, auth::Cause cause, std::uint16_t code, std::string_view evidence,
               std::string_view claimed = {});
  /// As end(), for what breaks the protocol.
  void break_off(mqtt::ReasonCode reason, auth::Cause cause, std::string_view evidence);

 private:
  friend class Shard;
  static void on_timer(void* self);
  void deadline_passed();

  // bytes (connection.cc)
  void secure_or_greet(std::uint8_t first);
  bool read_once();
  Bytes received(std::size_t bytes, std::unique_ptr<std::uint8_t[]>& held);
  MutableBytes read_space();
  bool pause_reading();
  void consume(Bytes bytes);
  void keep(Bytes rest);
  void stream_failed();
  void stop_stream(bool farewell);
  std::size_t largest_packet() const;
  void stir() {  // the client lives
    if (keep_alive_limit_.count() > 0) last_seen_ = now();
  }
  Instant now() const;

  // login (connection_login.cc)
  bool speaks_http(std::uint8_t first) const;
  void greet_web_socket(Bytes first);
  bool is_mqtt(std::uint8_t first);
  void say_connect(const mqtt::Frame& frame, Bytes unread);
  void name_anonymous(mqtt::Connect& connect);
  void log_in(const mqtt::Connect& connect, const LoginAttempt& attempt);
  LoginAttempt attempt_of(const mqtt::Connect& connect) const;
  std::optional<mqtt::ReasonCode> connect_refusal(const mqtt::Connect& connect, auth::Cause& cause) const;
  std::optional<std::uint16_t> keep_alive_of(const mqtt::Connect& connect, const LoginAttempt& attempt);
  void refuse_login(mqtt::ReasonCode reason, Millis delay);
  void refuse_login(mqtt::ReasonCode reason, auth::Cause cause, const LoginAttempt& attempt, std::string_view evidence);
  void note_login(auth::Cause cause, std::uint16_t code, const LoginAttempt& attempt, std::string_view evidence,
                  bool warning);
  void answer_refused();
  void conclude(const LoginAttempt& attempt, Verdict verdict);
  void ask_later(const LoginAttempt& attempt, const LaterVerdict& later);
  void hand_over(const Handover& handover);
  void write_unasked(const Handover& message);
  bool throws_away() const {  // what comes from the client
    return state_ == State::delayed || state_ == State::undecided || state_ == State::parting;
  }
  void write_connack(const mqtt::Connack& packet);

  // packets (connection_packets.cc)
  void handle(const mqtt::Frame& frame);
  void on_publish(const mqtt::Frame& frame);
  bool resolve_alias(mqtt::Publish& packet);
  bool rate_allows(const mqtt::Publish& packet);
  void judge(Route& route);
  void refuse_publish(const mqtt::Publish& packet, auth::Cause cause, std::string_view evidence);
  bool judge_for_sub_device(Route& route, const TopicLimits& limits);
  Inbound inbound_of(const mqtt::Publish& packet) const;
  void to_ingress(const mqtt::Publish& packet);
  void to_sub_device(const mqtt::Publish& packet, std::string_view name);
  void to_router(const mqtt::Publish& packet, std::string_view topic, Route& route);
  void answer(const mqtt::Publish& packet, mqtt::ReasonCode reason = mqtt::ReasonCode::success);
  bool take_qos2(const mqtt::Publish& packet);
  bool leaves_too_much();
  void on_pubrel(const mqtt::Ack& ack);
  void on_disconnect(const mqtt::Frame& frame);
  void release_acks();
  ConnectionExtras& extras();

  Shard* shard_;
  std::unique_ptr<runtime::Stream> stream_;
  const ListenerConfig* listener_;
  const Limits* limits_;
  Session* session_ = nullptr;
  std::unique_ptr<Route> route_;
  std::unique_ptr<ConnectionExtras> extras_;
  std::unique_ptr<std::uint8_t[]> kept_;  ///< the front part of an unfinished packet
  runtime::Timer timer_;
  Instant last_seen_;
  Output output_;
  Instant pump_at_;
  std::uint32_t kept_bytes_ = 0;
  std::uint32_t kept_room_ = 0;
  Millis keep_alive_limit_{0};
  Rate rates_[2];              ///< of QoS 0; of the others
  Meter down_;                 ///< PUBLISH to the client
  Meter bytes_;                ///< both ways
  std::uint32_t devices_ = 1;  ///< that it speaks for: rates are theirs together
  std::uint32_t place_ = 0;    ///< in the shard's list
  std::uint32_t journal_minute_ = 0;
  std::uint32_t held_minute_ = 0xFFFFFFFF;  ///< in which the journal was told of a message held back
  std::uint16_t window_ = 0;
  std::uint8_t journaled_ = 0;
  State state_ = State::greeting;
  mqtt::ProtocolVersion version_ = mqtt::ProtocolVersion::v311;
  mqtt::ReasonCode refusal_ = mqtt::ReasonCode::success;  ///< what the delayed CONNACK will say
  bool dirty_ : 1 = false;
  bool waits_for_room_ : 1 = false;
  bool attached_ : 1 = false;
  bool refuse_plain_ : 1 = false;
  bool is_delayed_ : 1 = false;  ///< and counted among those of the shard
  bool is_paused_ : 1 = false;   ///< nothing is read: over its bandwidth
  bool pump_due_ : 1 = false;    ///< the shard's list of sessions to pump has it, at pump_at_
};

}  // namespace tercet::broker
