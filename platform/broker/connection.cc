#include "platform/broker/connection.h"

#include <algorithm>
#include <cstring>

#include "platform/broker/refusal_of.h"
#include "platform/broker/session.h"
#include "platform/broker/shard.h"
#include "platform/runtime/web_socket_stream.h"

namespace tercet::broker {
namespace {

using auth::Cause;
using runtime::Io;

constexpr int kReadsPerEvent = 4;                     // of one connection, then others have their turn
constexpr std::size_t kKeepInPlace = 4096;            // an unfinished packet larger than this is read where it is kept
constexpr std::size_t kMostWhileDelayed = 64 * 1024;  // bytes of one whose refusal is delayed, then it goes
constexpr std::uint8_t kJournalPerMinute = 10;        // refusals of one connection
constexpr std::uint8_t kTlsHandshake = 0x16;
constexpr std::uint8_t kConnect = 0x10;

Cause cause_of(const runtime::StreamFailure& failure) {
  using Kind = runtime::StreamFailure::Kind;
  switch (failure.kind) {
    case Kind::tls_alert_unknown_ca:
      return Cause::tls_alert_unknown_ca;
    case Kind::tls_alert_certificate_expired:
      return Cause::tls_alert_expired;
    case Kind::tls_alert_other:
      return Cause::tls_alert_other;
    case Kind::tls_not_tls:
      return Cause::tls_expected;
    case Kind::tls_psk_malformed:
      return Cause::tls_psk_identity;
    case Kind::tls_psk_unknown:
      return Cause::tls_psk_unknown;
    case Kind::tls_psk_wrong_key:
      return Cause::tls_psk_key;
    case Kind::web_socket_refused:
      return Cause::web_socket_refused;
    case Kind::web_socket_broken:
      return Cause::web_socket_broken;
    default:
      break;
  }
  const auto says = [&failure](std::string_view word) { return failure.detail.find(word) != std::string::npos; };
  if (says("cipher")) return Cause::tls_no_common_cipher;
  if (says("version") || says("protocol")) return Cause::tls_no_common_version;
  return Cause::tls_handshake_failed;
}

}  // namespace

Connection::Connection(Shard& shard, std::unique_ptr<runtime::Stream> stream, const ListenerConfig& listener)
    : shard_(&shard),
      stream_(std::move(stream)),
      listener_(&listener),
      limits_(listener.policy == PolicyKind::cloud ? &shard.config().cloud : &shard.config().standard),
      timer_(&Connection::on_timer, this) {
  if (listener.mode == PortMode::sniff && !stream_->is_tls()) state_ = State::first_byte;
}

Connection::~Connection() {
  if (extras_ && extras_->asked) *extras_->asked = nullptr;
  output_.clear(shard_->pool());
  if (stream_ && attached_) shard_->loop().detach(*stream_);
}

Instant Connection::now() const { return shard_->loop().now(); }

ConnectionExtras& Connection::extras() {
  if (!extras_) extras_ = std::make_unique<ConnectionExtras>();
  return *extras_;
}

void Connection::begin(Instant connect_by, Bytes unread, std::string_view assigned_client_id) {
  if (!assigned_client_id.empty()) extras().assigned_client_id = assigned_client_id;
  timer_.set(shard_->loop(), connect_by);
  shard_->loop().attach(*stream_, *this);
  attached_ = true;
  if (unread.empty()) return;
  state_ = State::greeting;
  refuse_plain_ = listener_->mode == PortMode::sniff && !stream_->is_tls() && !listener_->allow_plain;
  consume(unread);
}

// --- bytes in ---

void Connection::on_readable() {
  for (int i = 0; i < kReadsPerEvent; ++i)
    if (pause_reading() || !read_once()) return;
  if (!stream_->has_buffered()) return;  // the loop tells again while the socket has more
  shard_->loop().detach(*stream_);
  shard_->loop().attach(*stream_, *this);
  if (waits_for_room_) shard_->loop().want_write(*stream_);
}

/// Leaves what comes from a client over its bandwidth with the kernel, which slows the client down.
bool Connection::pause_reading() {
  const Millis wait = bytes_.wait(limits_->bytes_per_second, now());
  if (wait.count() == 0 || state_ != State::open) return false;
  note_held();
  shard_->loop().detach(*stream_);
  attached_ = false;
  is_paused_ = true;
  shard_->pump_at(*this, now() + wait);
  return true;
}

void Connection::go_on() {
  if (!is_paused_) return;
  if (const Millis wait = bytes_.wait(limits_->bytes_per_second, now()); wait.count() > 0)
    return shard_->pump_at(*this, now() + wait);
  is_paused_ = false;
  shard_->loop().attach(*stream_, *this);
  attached_ = true;
  if (waits_for_room_ || stream_->wants_write()) shard_->loop().want_write(*stream_);
}

void Connection::note_held() {
  const auto minute = static_cast<std::uint32_t>(now().since_start.count() / 60'000);
  if (std::exchange(held_minute_, minute) == minute) return;
  const bool by_bytes = bytes_.wait(limits_->bytes_per_second, now()).count() > 0;
  const std::uint32_t limit = by_bytes ? limits_->bytes_per_second : limits_->down_per_second;
  journal(Refusal::Stage::message, by_bytes ? Cause::bandwidth : Cause::down_rate, 0,
          "over " + std::to_string(limit) + (by_bytes ? " bytes per second" : " messages per second to the device"));
}

/// Where the next bytes go: behind the kept part of an unfinished packet. Before login no more than the little that is
/// held for a stranger.
MutableBytes Connection::read_space() {
  if (throws_away()) return shard_->read_buffer();
  if (kept_room_ > kKeepInPlace) return {kept_.get() + kept_bytes_, kept_room_ - kept_bytes_};
  MutableBytes space = shard_->read_buffer();
  if (kept_bytes_ > 0) std::memcpy(space.data(), kept_.get(), kept_bytes_);
  space = space.subspan(kept_bytes_);
  if (state_ == State::open) return space;
  if (state_ == State::first_byte) return space.first(1);
  return space.first(std::min<std::size_t>(space.size(), limits_->max_connect_bytes - kept_bytes_));
}

/// What there is to decode after `bytes` more came; nothing while a large packet is still unfinished.
Bytes Connection::received(std::size_t bytes, std::unique_ptr<std::uint8_t[]>& held) {
  const std::size_t total = kept_bytes_ + bytes;
  if (kept_room_ > kKeepInPlace) {
    kept_bytes_ = static_cast<std::uint32_t>(total);
    if (kept_bytes_ < kept_room_) return {};
    held = std::move(kept_);
  }
  kept_.reset();
  kept_bytes_ = kept_room_ = 0;
  return {held ? held.get() : shard_->read_buffer().data(), total};
}

bool Connection::read_once() {
  const Io io = stream_->read(read_space());
  if (stream_->wants_write()) shard_->loop().want_write(*stream_);
  if (io.bytes > 0) {
    shard_->counters().bytes_in += io.bytes;
    bytes_.spend(limits_->bytes_per_second, io.bytes, now());
    stir();
    if (state_ == State::first_byte) {
      secure_or_greet(shard_->read_buffer()[0]);
      return state_ != State::closed;
    }
    if (throws_away()) {  // kept_bytes_ counts it
      kept_bytes_ += static_cast<std::uint32_t>(io.bytes);
      if (kept_bytes_ > kMostWhileDelayed) end(mqtt::ReasonCode::success);
    } else {
      std::unique_ptr<std::uint8_t[]> held;
      const Bytes bytes = received(io.bytes, held);
      if (!bytes.empty()) consume(bytes);
    }
    if (state_ == State::closed) return false;
  }
  if (io.state == Io::State::closed) {
    end(mqtt::ReasonCode::success);
    return false;
  }
  if (io.state == Io::State::failed) {
    stream_failed();
    return false;
  }
  return io.state == Io::State::more;
}

/// The first byte on a port that takes both.
void Connection::secure_or_greet(std::uint8_t first) {
  state_ = State::greeting;
  const Bytes bytes = shard_->read_buffer().first(1);
  if (first != kTlsHandshake) {
    refuse_plain_ = !listener_->allow_plain;
    return consume(bytes);
  }
  shard_->loop().detach(*stream_);
  attached_ = false;
  auto secured = listener_->secure(std::move(stream_), bytes);
  if (!secured) {
    timer_.cancel();
    state_ = State::closed;
    return shard_->bury(*this);
  }
  stream_ = std::move(*secured);
  shard_->loop().attach(*stream_, *this);
  attached_ = true;
}

std::size_t Connection::largest_packet() const {
  return state_ == State::open ? limits_->max_packet_bytes : limits_->max_connect_bytes;
}

void Connection::consume(Bytes bytes) {
  while (!bytes.empty() && (state_ == State::open || state_ == State::greeting)) {
    if (state_ == State::greeting && speaks_http(bytes[0])) return greet_web_socket(bytes);
    if (state_ == State::greeting && !is_mqtt(bytes[0])) return;
    const auto frame = mqtt::next_frame(bytes, largest_packet());
    if (!frame) {
      if (frame.error() == Error::need_more) return keep(bytes);
      const bool large = frame.error() == Error::too_large;
      if (state_ == State::greeting && large)
        return break_off(mqtt::ReasonCode::packet_too_large, Cause::connect_too_large,
                         "CONNECT of over " + std::to_string(limits_->max_connect_bytes) + " bytes");
      return break_off(large ? mqtt::ReasonCode::packet_too_large : mqtt::ReasonCode::malformed_packet,
                       large ? Cause::packet_too_large : Cause::malformed_packet, "fixed header");
    }
    if (state_ == State::greeting) {
      say_connect(*frame, bytes);
    } else {
      handle(*frame);
    }
    bytes = bytes.subspan(frame->size);
  }
  if (state_ == State::open && output_.size() > 2 * std::size_t{limits_->max_output_bytes})
    break_off(mqtt::ReasonCode::quota_exceeded, Cause::in_flight_exceeded, "the client does not read its answers");
}

/// Keeps the front part of a packet. Of a large one, with room for all of it.
void Connection::keep(Bytes rest) {
  std::size_t room = rest.size();
  const auto fixed = mqtt::decode_fixed_header(rest, largest_packet());
  if (fixed && fixed->packet_bytes() > kKeepInPlace && state_ == State::open) room = fixed->packet_bytes();
  auto kept = std::make_unique_for_overwrite<std::uint8_t[]>(room);
  std::memcpy(kept.get(), rest.data(), rest.size());
  kept_ = std::move(kept);
  kept_bytes_ = static_cast<std::uint32_t>(rest.size());
  kept_room_ = static_cast<std::uint32_t>(room);
}

/// The first letter of GET, on a port that takes WebSockets.
bool Connection::speaks_http(std::uint8_t first) const {
  return first == 'G' && shard_->config().web_sockets && !stream_->is_web_socket();
}

/// MQTT over WebSocket on a port for MQTT: from here on the stream gives what its frames carry.
void Connection::greet_web_socket(Bytes first) {
  shard_->loop().detach(*stream_);
  stream_ = runtime::WebSocketStream::greet(std::move(stream_), first, !listener_->anonymous);
  shard_->loop().attach(*stream_, *this);
}

bool Connection::is_mqtt(std::uint8_t first) {
  if (first == kConnect) return true;
  if (first == kTlsHandshake && !stream_->is_tls()) {
    break_off(mqtt::ReasonCode::protocol_error, Cause::plain_expected, "the first bytes are a TLS handshake");
  } else if (mqtt::decode_fixed_header(Bytes{&first, 1}, 1).error() == Error::need_more) {
    break_off(mqtt::ReasonCode::protocol_error, Cause::packet_out_of_order, "the first packet is not CONNECT");
  } else {
    break_off(mqtt::ReasonCode::protocol_error, Cause::not_mqtt, "first byte " + std::to_string(first));
  }
  return false;
}

void Connection::stream_failed() {
  const auto failure = stream_->failure();
  using Kind = runtime::StreamFailure::Kind;
  if (failure.kind != Kind::none && failure.kind != Kind::reset)
    journal(Refusal::Stage::transport, cause_of(failure), 0, failure.detail, failure.claimed);
  end(mqtt::ReasonCode::success);
}

// --- bytes out ---

void Connection::touch() {
  if (dirty_ || waits_for_room_ || state_ == State::closed) return;
  dirty_ = true;
  shard_->mark_dirty(*this);
}

void Connection::flush() {
  dirty_ = false;
  if (state_ == State::closed) return;
  Io io;
  do {
    io = stream_->write(output_.pending());
    shard_->counters().bytes_out += io.bytes;
    output_.consume(shard_->pool(), io.bytes);
  } while (io.state == Io::State::more && !output_.empty());
  if (io.state == Io::State::failed) return stream_failed();
  if (!output_.empty() || stream_->wants_write()) {
    waits_for_room_ = true;
    return shard_->loop().want_write(*stream_);
  }
  if (session_ != nullptr && session_->has_backlog() && !pump_due_) shard_->pump(*session_);
}

void Connection::on_writable() {
  waits_for_room_ = false;
  flush();
}

// --- the end ---

void Connection::on_timer(void* self) { static_cast<Connection*>(self)->deadline_passed(); }

void Connection::deadline_passed() {
  if (state_ == State::closed || !stream_) return;
  if (state_ == State::delayed || state_ == State::undecided) return answer_refused();
  if (state_ == State::parting) return end(mqtt::ReasonCode::success);
  if (state_ != State::open) {
    journal(Refusal::Stage::transport, Cause::no_connect, 0,
            stream_->is_tls() && stream_->tls_description().empty()
                ? std::string("the TLS handshake was not finished")
                : "after " + std::to_string(kept_bytes_) + " bytes");
    return end(mqtt::ReasonCode::success);
  }
  const Instant due = last_seen_ + keep_alive_limit_ + Millis{1};
  if (now() < due) return timer_.set(shard_->loop(), due);
  ++shard_->counters().keep_alive_timeouts;
  end(mqtt::ReasonCode::keep_alive_timeout);
}

void Connection::break_off(mqtt::ReasonCode reason, Cause cause, std::string_view evidence) {
  ++shard_->counters().protocol_errors;
  journal(is_open() ? Refusal::Stage::message : Refusal::Stage::connect, cause, is_v5() ? mqtt::code(reason) : 0,
          evidence);
  end(reason);
}

void Connection::end(mqtt::ReasonCode reason, bool will_due) {
  if (state_ == State::closed) return;
  const bool say = state_ == State::open && is_v5() && reason != mqtt::ReasonCode::success;
  state_ = State::closed;
  if (is_delayed_) shard_->delay_over();
  is_delayed_ = false;
  if (extras_ && extras_->asked) *std::exchange(extras_->asked, nullptr) = nullptr;
  timer_.cancel();
  if (session_ != nullptr) shard_->left(*std::exchange(session_, nullptr), will_due);
  if (say) {
    std::uint8_t packet[8];
    const auto size = mqtt::encode(mqtt::Disconnect{reason, {}}, version_, packet);
    if (size) output_.append(shard_->pool(), Bytes{packet, *size});
  }
  stop_stream(!output_.empty());
  shard_->bury(*this);
}

/// Closes the stream; `farewell`: after what waits has been written and the peer has had time to read it.
void Connection::stop_stream(bool farewell) {
  if (!stream_) return;
  if (attached_) shard_->loop().detach(*stream_);
  attached_ = false;
  auto stream = std::move(stream_);
  if (!farewell) return;
  const Io io = stream->write(output_.pending());
  shard_->counters().bytes_out += io.bytes;
  output_.clear(shard_->pool());
  if (io.state == Io::State::failed) return;
  stream->shut_down();
  shard_->linger(std::move(stream));
}

void Connection::journal(Refusal::Stage stage, Cause cause, std::uint16_t code, std::string_view evidence,
                         std::string_view claimed) {
  const auto minute = static_cast<std::uint32_t>(now().since_start.count() / 60'000);
  if (minute != journal_minute_) journaled_ = 0;
  journal_minute_ = minute;
  if (journaled_ >= kJournalPerMinute) return;
  ++journaled_;
  shard_->record(refusal_of(stage, cause, shard_->loop().wall(), stream_->peer(),
                            session_ != nullptr ? session_->identity.name : claimed,
                            session_ != nullptr ? session_->client_id() : std::string_view{}, code, evidence));
}

}  // namespace tercet::broker
