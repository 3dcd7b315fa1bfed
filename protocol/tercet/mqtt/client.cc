#include "tercet/mqtt/client.h"

#include <algorithm>

#include "tercet/mqtt/encode.h"
#include "tercet/mqtt/reason.h"

namespace tercet::mqtt {
namespace {

/// How long DISCONNECT may take to be written.
constexpr Millis kClosingTime{2'000};
/// How often 3.x sends everything again on a live connection before giving it up. (5.0 forbids it [MQTT-4.4.0-1].)
constexpr std::uint8_t kMaxResends = 3;

}  // namespace

Client::Client(const ClientConfig& config, const Credentials& credentials, const ClientStorage& storage, Random random,
               void* random_context)
    : config_(config),
      credentials_(credentials),
      storage_(storage),
      outbox_(storage.outbox, storage.sending),
      receiving_(storage.receiving),
      backoff_(config.backoff_first, config.backoff_limit),
      random_(random),
      random_context_(random_context) {
  TERCET_CHECK(config.version != ProtocolVersion::v5 || is_v5(config.version));  // left out: TERCET_NO_MQTT5
  for (ClientSubscription& slot : storage_.subscriptions) slot = {};  // of the client that had this memory before
}

void Client::start(Instant now) {
  stopping_ = false;  // a closing session is followed by a new one
  if (state_ != State::stopped) return;
  state_ = State::waiting;
  deadline_ = now;
}

void Client::configure(const ClientConfig& config) {
  TERCET_CHECK(state_ == State::stopped);
  config_ = config;
  backoff_ = Backoff{config.backoff_first, config.backoff_limit};
}

void Client::stop(Instant now) {
  stopping_ = true;
  backoff_.reset();
  switch (state_) {
    case State::stopped:
    case State::closing:
      return;
    case State::waiting:
      state_ = State::stopped;
      return;
    case State::opening:
    case State::connecting:
      return lose(now, Error::closed);
    case State::online:
      return close_with(now, Error::closed, ReasonCode::normal_disconnection);
  }
}

void Client::transport_up(Instant now) {
  if (state_ != State::opening) return;
  state_ = State::connecting;
  deadline_ = now + config_.connect_timeout;
  last_sent_ = last_received_ = now;
  send_connect(now);
}

void Client::transport_down(Instant now, Error error) {
  if (state_ == State::closing) return lose(now, lost_error_, lost_reason_);
  lose(now, error);
}

/// The attempt or session is over; the transport is to be closed.
void Client::lose(Instant now, Error error, ReasonCode reason) {
  if (state_ == State::stopped || state_ == State::waiting) return;
  if (online_since_ != Instant::never() && now - online_since_ >= config_.stable_after) backoff_.reset();
  online_since_ = pinged_at_ = ack_since_ = Instant::never();
  out_begin_ = out_end_ = in_begin_ = in_end_ = skip_left_ = 0;
  ack_id_ = 0;
  resends_ = 0;
  wrote_ = false;
  state_ = stopping_ ? State::stopped : State::waiting;
  deadline_ = stopping_ ? Instant::never() : now + backoff_.next(random_(random_context_));
  lost_error_ = error;
  lost_reason_ = reason;
  offline_wanted_ = true;
}

/// Says DISCONNECT first where that is right: always when we stop, and in 5.0 to tell the reason. A 3.x server is not
/// told, so that it publishes the will [MQTT-3.14.4-3].
void Client::close_with(Instant now, Error error, ReasonCode reason) {
  const bool tell = state_ == State::online && (stopping_ || is_v5(config_.version));
  const auto written = tell ? encode(Disconnect{reason, {}}, config_.version, output_space()) : fail(Error::bad_state);
  if (!written) return lose(now, error, reason);
  out_end_ += static_cast<std::uint32_t>(*written);
  state_ = State::closing;
  deadline_ = now + kClosingTime;
  lost_error_ = error;
  lost_reason_ = reason;
}

void Client::enter_online(Instant now, const Connack& connack) {
  const Properties& properties = connack.properties;
  const bool resumed = connack.session_present && !config_.clean_start;
  keep_alive_ = properties.server_keep_alive().value_or(config_.keep_alive);
  server_max_packet_ = properties.maximum_packet_size().value_or(0xFFFFFFFF);
  server_window_ = properties.receive_maximum().value_or(0xFFFF);
  server_max_qos_ = static_cast<Qos>(properties.maximum_qos().value_or(2));
  server_retains_ = properties.retain_available().value_or(true);
  outbox_.reconnect(resumed);
  if (!resumed) receiving_.clear();
  for (ClientSubscription& slot : storage_.subscriptions) {
    using Held = ClientSubscription::State;
    const bool held = slot.state == Held::granted || slot.state == Held::refused;
    if (slot.state == Held::asked || (held && !resumed)) slot.state = Held::wanted;
    if (slot.state == Held::leaving) slot.state = Held::unwanted;
  }
  state_ = State::online;
  online_since_ = now;
}

std::optional<ClientEvent> Client::next_event(Instant now) {
  run_timers(now);
  if (ack_id_ != 0 && has_session()) {
    if (!put(Ack{.type = ack_type_, .packet_id = ack_id_})) return std::nullopt;
    ack_id_ = 0;
  }
  auto event = offline_wanted_ ? std::nullopt : advance(now);
  if (wrote_) last_sent_ = now;
  wrote_ = false;
  if (event || !offline_wanted_) return event;
  offline_wanted_ = false;
  return Offline{lost_error_, lost_reason_,
                 state_ == State::waiting ? std::max(Millis{0}, deadline_ - now) : Millis{0}};
}

std::optional<ClientEvent> Client::advance(Instant now) {
  switch (state_) {
    case State::stopped:
    case State::opening:
      return std::nullopt;
    case State::waiting:
      if (now < deadline_) return std::nullopt;
      state_ = State::opening;
      return OpenTransport{};
    case State::closing:
      if (outgoing().empty()) lose(now, lost_error_, lost_reason_);
      return std::nullopt;
    case State::connecting:
    case State::online:
      if (auto event = next_packet(now)) return event;
      if (state_ == State::online) pump(now);
      if (const auto finished = outbox_.take_finished()) return Delivered{finished->packet_id, finished->reason};
      return std::nullopt;
  }
  return std::nullopt;
}

void Client::run_timers(Instant now) {
  if (state_ == State::connecting && now >= deadline_) lose(now, Error::timed_out);
  if (state_ == State::closing && now >= deadline_) lose(now, lost_error_, lost_reason_);
  if (state_ == State::online) keep_alive(now);
  if (state_ == State::online && now >= ack_since_ + config_.ack_timeout) on_silence(now);
}

/// Pings when either direction has been silent for the keep-alive time, so that a link which still takes our bytes but
/// brings none is noticed too. Bytes of any kind answer a ping.
void Client::keep_alive(Instant now) {
  if (keep_alive_ == Millis{0}) return;
  if (pinged_at_ != Instant::never()) {
    if (now >= pinged_at_ + config_.ping_timeout) lose(now, Error::timed_out);
    return;
  }
  if (now < std::min(last_sent_, last_received_) + keep_alive_) return;
  put(kPingreq);  // with a full output the bytes in it are probe enough
  pinged_at_ = now;
}

/// Nothing has been acknowledged for too long although the link is alive.
void Client::on_silence(Instant now) {
  ack_since_ = now;
  if (!outgoing().empty()) return;  // a slow link: it has not even heard the question
  if (is_v5(config_.version) || resends_ == kMaxResends)
    return close_with(now, Error::timed_out, ReasonCode::unspecified_error);
  ++resends_;
  outbox_.retransmit();
  for (ClientSubscription& slot : storage_.subscriptions) {
    if (slot.state == ClientSubscription::State::asked) slot.state = ClientSubscription::State::wanted;
    if (slot.state == ClientSubscription::State::leaving) slot.state = ClientSubscription::State::unwanted;
  }
}

/// The server has acknowledged something: the clock of the rest starts again, or stops if there is none.
void Client::note_ack(Instant now) {
  resends_ = 0;
  ack_since_ = Instant::never();
  for (std::size_t i = 0; i < outbox_.size(); ++i)
    if (outbox_.window()[i].message.transmitted) ack_since_ = now;
  for (const ClientSubscription& slot : storage_.subscriptions)
    if (slot.state == ClientSubscription::State::asked || slot.state == ClientSubscription::State::leaving)
      ack_since_ = now;
}

Instant Client::next_deadline() const {
  if (state_ != State::online) return deadline_of_state();
  Instant next = ack_since_ + config_.ack_timeout;
  if (pinged_at_ != Instant::never()) return std::min(next, pinged_at_ + config_.ping_timeout);
  if (keep_alive_ != Millis{0}) next = std::min(next, std::min(last_sent_, last_received_) + keep_alive_);
  return next;
}

Instant Client::deadline_of_state() const {
  const bool timed = state_ == State::waiting || state_ == State::connecting || state_ == State::closing;
  return timed ? deadline_ : Instant::never();
}

}  // namespace tercet::mqtt
