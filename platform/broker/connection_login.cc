// What a connection does until it is logged in.
#include <algorithm>

#include "platform/broker/connection.h"
#include "platform/broker/refusal_of.h"
#include "platform/broker/session.h"
#include "platform/broker/shard.h"
#include "tercet/mqtt/reason.h"
#include "tercet/mqtt/topic.h"

namespace tercet::broker {
namespace {

using auth::Cause;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

constexpr Millis kLongestDecision{4'000};  // the vendor's SDKs wait for 5 s
constexpr Millis kParting{15'000};         // device-protocol 2.9

std::uint16_t clamped(Seconds seconds) {
  return static_cast<std::uint16_t>(std::min<std::int64_t>(seconds.count(), 0xFFFF));
}

std::string random_client_id(runtime::Random& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id = "auto-";
  for (std::uint64_t bits = random.next(), i = 0; i < 16; ++i, bits >>= 4) id.push_back(kDigits[bits & 15]);
  return id;
}

}  // namespace

/// CONNECT is here. `unread` begins with it: that is what the home shard gets to read again.
void Connection::say_connect(const mqtt::Frame& frame, Bytes unread) {
  auto connect = mqtt::decode_connect(frame);
  if (!connect) {
    if (connect.error() != Error::unsupported)
      return break_off(ReasonCode::malformed_packet, Cause::malformed_packet, "CONNECT");
    journal(Refusal::Stage::connect, Cause::protocol_version, 1, "neither MQTT 3.1, 3.1.1 nor 5.0");
    return refuse_login(ReasonCode::unsupported_protocol_version, Millis{0});
  }
  version_ = connect->version;
  name_anonymous(*connect);
  LoginAttempt attempt = attempt_of(*connect);
  const auto certificate = stream_->peer_certificate();
  if (certificate) attempt.certificate = &*certificate;
  if (refuse_plain_)
    return refuse_login(ReasonCode::not_authorized, Cause::plain_not_allowed, attempt,
                        "plain TCP on port " + std::to_string(attempt.listener_port));
  if (shard_->is_full()) return refuse_login(ReasonCode::server_unavailable, Cause::server_full, attempt, "");
  Cause cause = Cause::internal;
  if (const auto reason = connect_refusal(*connect, cause)) return refuse_login(*reason, cause, attempt, "CONNECT");

  const std::string key = shard_->authenticator().home_key(attempt);
  const std::size_t home = key.empty() ? shard_->index() : shard_->home_of(key);
  if (home == shard_->index()) return log_in(*connect, attempt);
  if (!shard_->move_home(*this, home, unread))
    note_login(Cause::server_full, 0, attempt, "the shard of this device takes nothing now", false);
  state_ = State::closed;
  shard_->bury(*this);
}

/// An ordinary client without a client id gets one, where MQTT allows that.
void Connection::name_anonymous(mqtt::Connect& connect) {
  if (is_cloud() || !connect.client_id.empty()) return;
  if (!is_v5() && !(version_ == ProtocolVersion::v311 && connect.clean_start)) return;
  auto& assigned = extras().assigned_client_id;
  if (assigned.empty()) assigned = random_client_id(shard_->loop().random());
  connect.client_id = assigned;
}

LoginAttempt Connection::attempt_of(const mqtt::Connect& connect) const {
  LoginAttempt attempt;
  attempt.policy = listener_->policy;
  attempt.protocol_level = static_cast<std::uint8_t>(connect.version);
  attempt.client_id = connect.client_id;
  attempt.user_name = connect.user_name;
  attempt.password = connect.password;
  attempt.keep_alive_seconds = clamped(connect.keep_alive);
  attempt.peer = stream_->peer();
  attempt.tls = stream_->is_tls();
  attempt.listener_port = listener_->address.port;
  attempt.anonymous = listener_->anonymous;
  attempt.wall = shard_->loop().wall();
  attempt.now = now();
  return attempt;
}

/// What is wrong with a CONNECT whoever sends it.
std::optional<ReasonCode> Connection::connect_refusal(const mqtt::Connect& connect, Cause& cause) const {
  cause = Cause::client_id_empty;
  if (connect.client_id.empty() && !is_cloud()) return ReasonCode::client_identifier_not_valid;
  cause = Cause::malformed_packet;
  if (connect.properties.has(mqtt::Property::authentication_method)) return ReasonCode::bad_authentication_method;
  if (!connect.will) return std::nullopt;
  cause = Cause::topic_malformed;
  if (!mqtt::is_valid_topic(connect.will->topic)) return ReasonCode::topic_name_invalid;
  cause = Cause::qos2;
  if (is_cloud() && is_v5() && connect.will->qos == mqtt::Qos::exactly_once) return ReasonCode::qos_not_supported;
  return std::nullopt;
}

void Connection::log_in(const mqtt::Connect& connect, const LoginAttempt& attempt) {
  Verdict verdict = shard_->authenticator().authenticate(attempt);
  if (verdict.later) return ask_later(attempt, verdict.later);
  if (!verdict.accepted || verdict.handover) return conclude(attempt, std::move(verdict));
  const auto keep_alive = keep_alive_of(connect, attempt);
  if (!keep_alive) return;
  if (!shard_->may_log_in(verdict.identity, limits_->connects_per_minute))
    return refuse_login(ReasonCode::connection_rate_exceeded, Cause::connect_rate, attempt,
                        "over " + std::to_string(limits_->connects_per_minute) + " logins per minute");

  std::vector<std::uint8_t> scratch;
  Shard::Login login{.connect = connect, .verdict = verdict, .keep_alive = *keep_alive};
  const std::uint32_t longest = limits_->max_session_expiry_seconds;
  if (!is_v5())
    login.expiry_seconds = connect.clean_start ? 0 : longest;
  else
    login.expiry_seconds = static_cast<std::uint32_t>(
        std::min<std::int64_t>(connect.properties.session_expiry().value_or(Seconds{0}).count(), longest));
  login.window = std::min(limits_->max_in_flight, connect.properties.receive_maximum().value_or(0xFFFF));
  if (connect.will) login.will_properties = passed_on(connect.will->properties, scratch);
  shard_->log_in(*this, login, connect.client_id);
  if (verdict.notice && is_open()) write_unasked(*verdict.notice), touch();
}

/// A login that does not end in a session.
void Connection::conclude(const LoginAttempt& attempt, Verdict verdict) {
  if (verdict.accepted && verdict.handover) {
    if (shard_->may_log_in(verdict.identity, limits_->connects_per_minute)) return hand_over(*verdict.handover);
    return refuse_login(ReasonCode::connection_rate_exceeded, Cause::connect_rate, attempt,
                        "over " + std::to_string(limits_->connects_per_minute) + " logins per minute");
  }
  if (verdict.refusal) shard_->record(std::move(*verdict.refusal));
  const auto spoken = mqtt::connack_reason(ProtocolVersion::v311, verdict.connack_code);
  const auto reason =
      is_v5() ? static_cast<ReasonCode>(verdict.reason_code) : spoken.value_or(ReasonCode::bad_user_name_or_password);
  refuse_login(reason, verdict.delay);
}

/// The verdict may come when the packet, and this connection, are gone. Only what does not end in a session is decided
/// later.
void Connection::ask_later(const LoginAttempt& attempt, const LaterVerdict& later) {
  struct Claim {
    std::string client_id, user_name;
    LoginAttempt attempt;
  };
  auto claim = std::make_shared<Claim>(
      Claim{std::string(attempt.client_id), std::string(attempt.user_name.value_or("")), attempt});
  claim->attempt.client_id = claim->client_id;
  claim->attempt.user_name = claim->user_name;
  claim->attempt.password.reset();
  claim->attempt.certificate = nullptr;
  state_ = State::undecided;
  refusal_ = ReasonCode::server_unavailable;
  timer_.set(shard_->loop(), now() + kLongestDecision);
  auto asked = std::make_shared<Connection*>(this);
  extras().asked = asked;
  later([asked, claim](Verdict verdict) {
    if (*asked == nullptr || (*asked)->state_ != State::undecided) return;
    Connection& connection = **asked;
    connection.timer_.cancel();
    connection.extras_->asked.reset();
    connection.conclude(claim->attempt, std::move(verdict));
  });
}

/// With QoS 0, to a client that has not subscribed to it.
void Connection::write_unasked(const Handover& message) {
  mqtt::Publish packet;
  packet.topic = message.topic;
  packet.payload = as_bytes(message.payload);
  const std::size_t room = mqtt::encoded_size(packet, version_);
  const auto size = mqtt::encode(packet, version_, MutableBytes{output_.reserve(shard_->pool(), room), room});
  TERCET_CHECK(size.has_value());
  output_.commit(*size);
}

void Connection::hand_over(const Handover& handover) {
  write_connack({});
  write_unasked(handover);
  ++shard_->counters().handovers;
  kept_bytes_ = 0;
  state_ = State::parting;
  timer_.set(shard_->loop(), now() + kParting);
  touch();
}

/// The keep-alive that holds: what the client asked for, or the longest allowed. Nothing when it was refused.
std::optional<std::uint16_t> Connection::keep_alive_of(const mqtt::Connect& connect, const LoginAttempt& attempt) {
  const std::uint16_t asked = attempt.keep_alive_seconds;
  const std::string evidence = "keep alive " + std::to_string(asked) + " s";
  if (asked < limits_->min_keep_alive_seconds) {
    const auto reason = is_v5() ? ReasonCode::unspecified_error : ReasonCode::client_identifier_not_valid;
    refuse_login(reason, asked == 0 ? Cause::keep_alive_zero : Cause::keep_alive_too_short, attempt, evidence);
    return std::nullopt;
  }
  static_cast<void>(connect);
  if (asked <= limits_->max_keep_alive_seconds) return asked;
  note_login(Cause::keep_alive_too_long, 0, attempt, evidence, true);
  return limits_->max_keep_alive_seconds;
}

void Connection::note_login(Cause cause, std::uint16_t code, const LoginAttempt& attempt, std::string_view evidence,
                            bool warning) {
  const std::string name = attempt.user_name ? claimed_name(*attempt.user_name) : std::string(attempt.client_id);
  Refusal refusal =
      refusal_of(Refusal::Stage::connect, cause, attempt.wall, attempt.peer, name, attempt.client_id, code, evidence);
  refusal.warning = warning;
  shard_->record(std::move(refusal));
}

void Connection::refuse_login(ReasonCode reason, Cause cause, const LoginAttempt& attempt, std::string_view evidence) {
  note_login(cause, mqtt::connack_code(version_, reason), attempt, evidence, false);
  refuse_login(reason, Millis{0});
}

/// CONNACK with a refusal, at once or after the delay; what comes until then is thrown away. Only so many are kept
/// waiting: their delay is not to cost us the connections of others.
void Connection::refuse_login(ReasonCode reason, Millis delay) {
  ++shard_->counters().logins_refused;
  refusal_ = reason;
  state_ = State::delayed;
  if (delay.count() <= 0 || !shard_->may_delay()) return answer_refused();
  is_delayed_ = true;
  timer_.set(shard_->loop(), now() + delay);
}

void Connection::answer_refused() {
  mqtt::Connack packet;
  packet.reason = refusal_;
  write_connack(packet);
  end(ReasonCode::success);
}

void Connection::write_connack(const mqtt::Connack& packet) {
  const std::size_t room = 16 + packet.properties.encoded().size();
  const auto size = mqtt::encode(packet, version_, MutableBytes{output_.reserve(shard_->pool(), room), room});
  TERCET_CHECK(size.has_value());
  output_.commit(*size);
}

void Connection::open(Session& session, bool session_present, const mqtt::Connect& connect, std::uint16_t keep_alive,
                      std::uint16_t window) {
  state_ = State::open;
  session_ = &session;
  window_ = window;
  keep_alive_limit_ = Millis{std::int64_t{keep_alive} * 1500};
  last_seen_ = now();
  if (keep_alive > 0)
    timer_.set(shard_->loop(), last_seen_ + keep_alive_limit_ + Millis{1});
  else
    timer_.cancel();

  mqtt::Connack packet;
  packet.session_present = session_present;
  std::uint8_t buffer[128];
  mqtt::PropertyWriter writer{buffer};
  if (is_v5()) {
    if (const auto most = connect.properties.maximum_packet_size()) extras().max_packet_bytes = *most;
    const auto asked = connect.properties.session_expiry();
    if (is_cloud()) {  // exactly what the cloud announces (device-protocol 2.7)
      writer.server_keep_alive(Seconds{keep_alive}).session_expiry(Seconds{session.expiry_seconds}).maximum_qos(1);
      writer.retain_available(true).wildcard_subscription_available(true).subscription_identifier_available(false);
      writer.shared_subscription_available(true).topic_alias_maximum(limits_->topic_alias_maximum);
      writer.maximum_packet_size(limits_->max_packet_bytes);
    } else {
      if (asked && asked->count() != session.expiry_seconds) writer.session_expiry(Seconds{session.expiry_seconds});
      if (keep_alive != clamped(connect.keep_alive)) writer.server_keep_alive(Seconds{keep_alive});
      if (extras_ && !extras_->assigned_client_id.empty())
        writer.assigned_client_identifier(extras_->assigned_client_id);
      if (limits_->max_unacknowledged < 0xFFFF)
        writer.receive_maximum(static_cast<std::uint16_t>(limits_->max_unacknowledged));
      writer.topic_alias_maximum(limits_->topic_alias_maximum).maximum_packet_size(limits_->max_packet_bytes);
    }
    packet.properties = writer.view();
  }
  write_connack(packet);
  touch();
}

}  // namespace tercet::broker
