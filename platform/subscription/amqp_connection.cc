#include "platform/subscription/amqp_connection.h"

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/sasl.h>
#include <proton/sasl_plugin.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace tercet::subscription {
namespace {

constexpr Millis kToClose{2'000};
constexpr std::uint32_t kMaxFrame = 65'536;
constexpr int kReadsPerPass = 8;
constexpr const char* kNotAllowed = "amqp:not-allowed";

void put_condition(pn_condition_t* condition, const char* name, const char* text) {
  pn_condition_set_name(condition, name);
  pn_condition_set_description(condition, text);
}

std::string text_of(pn_condition_t* condition) {
  if (!pn_condition_is_set(condition)) return {};
  const char* const name = pn_condition_get_name(condition);
  const char* const text = pn_condition_get_description(condition);
  std::string out(name == nullptr ? "" : name);
  if (text != nullptr && *text != 0) out.append(": ").append(text);
  return out.substr(0, 300);
}

}  // namespace

// Proton asks its SASL implementation; the context is the connection.
const pnx_sasl_implementation& AmqpConnection::sasl() {
  static const pnx_sasl_implementation kPlain{
      [](pn_transport_t*) {},
      [](pn_transport_t*) -> const char* { return "PLAIN"; },
      [](pn_transport_t* transport) {
        pnx_sasl_set_desired_state(transport, SASL_POSTED_MECHANISMS);
        return true;
      },
      [](pn_transport_t*) { return false; },
      [](pn_transport_t*) {},
      [](pn_transport_t* transport, const char*, const pn_bytes_t* response) {
        static_cast<AmqpConnection*>(pnx_sasl_get_context(transport))->on_sasl({response->start, response->size});
      },
      [](pn_transport_t* transport, const pn_bytes_t*) {
        pnx_sasl_set_failed(transport);
        pnx_sasl_set_desired_state(transport, SASL_POSTED_OUTCOME);
      },
      [](pn_transport_t*, const char*) { return false; },
      [](pn_transport_t*, const pn_bytes_t*) {},
      [](pn_transport_t*, const pn_bytes_t*) {},
      [](pn_transport_t*) { return false; },
      [](pn_transport_t*) -> ssize_t { return 0; },
      [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) -> ssize_t { return 0; },
      [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) -> ssize_t { return 0; },
  };
  return kPlain;
}

AmqpConnection::AmqpConnection(runtime::Loop& loop, std::uint64_t id, std::unique_ptr<runtime::Stream> stream,
                               AmqpEvents& events, const AmqpLimits& limits)
    : loop_(loop),
      id_(id),
      stream_(std::move(stream)),
      events_(events),
      limits_(limits),
      deadline_([](void* self) { static_cast<AmqpConnection*>(self)->on_deadline(); }, this),
      tick_([](void* self) { static_cast<AmqpConnection*>(self)->flush(); }, this) {
  pn_connection_driver_init(&driver_, nullptr, nullptr);
  pn_transport_set_server(driver_.transport);
  pn_transport_require_auth(driver_.transport, true);
  pn_transport_set_max_frame(driver_.transport, kMaxFrame);
  pn_transport_set_channel_max(driver_.transport, 7);
  pn_sasl(driver_.transport);
  pnx_sasl_set_implementation(driver_.transport, &sasl(), this);
  pn_connection_set_container(driver_.connection, "tercet");
  pn_connection_driver_bind(&driver_);
  loop_.attach(*stream_, *this);
  deadline_.set(loop_, loop_.now() + limits_.to_log_in);
}

AmqpConnection::~AmqpConnection() {
  if (state_ != State::gone) loop_.detach(*stream_);
  pn_connection_driver_destroy(&driver_);
}

// --- bytes ---

void AmqpConnection::on_readable() {
  for (int i = 0; i < kReadsPerPass && state_ != State::gone; ++i) {
    const pn_rwbytes_t room = pn_connection_driver_read_buffer(&driver_);
    if (room.size == 0) {
      work();
      if (state_ == State::gone || pn_connection_driver_read_closed(&driver_)) break;
      continue;
    }
    const runtime::Io io = stream_->read({reinterpret_cast<std::uint8_t*>(room.start), room.size});
    if (io.bytes != 0) pn_connection_driver_read_done(&driver_, io.bytes);
    if (io.state == runtime::Io::State::failed) return end(stream_->failure().detail);
    if (io.state == runtime::Io::State::closed) {
      pn_connection_driver_read_close(&driver_);
      work();
      return end("the consumer has closed the connection");
    }
    if (io.state == runtime::Io::State::drained) break;
  }
  if (state_ == State::gone) return;
  if (stream_->wants_write()) loop_.want_write(*stream_);
  flush();
}

void AmqpConnection::on_writable() { flush(); }

void AmqpConnection::flush() {
  if (state_ == State::gone) return;
  work();
  if (state_ == State::gone || !write_out()) return;
  tick();
  if (has_room()) events_.on_credit(*this);
}

bool AmqpConnection::write_out() {
  while (true) {
    const pn_bytes_t bytes = pn_connection_driver_write_buffer(&driver_);
    if (bytes.size == 0) break;
    const runtime::Io io = stream_->write({reinterpret_cast<const std::uint8_t*>(bytes.start), bytes.size});
    if (io.bytes != 0) pn_connection_driver_write_done(&driver_, io.bytes);
    if (io.state == runtime::Io::State::failed || io.state == runtime::Io::State::closed) {
      end("the connection broke: " + stream_->failure().detail);
      return false;
    }
    if (io.state == runtime::Io::State::drained && io.bytes < bytes.size) {
      loop_.want_write(*stream_);
      return true;
    }
  }
  if (!pn_connection_driver_finished(&driver_) && !pn_connection_driver_write_closed(&driver_)) return true;
  stream_->shut_down();
  end(cause_.empty() ? "closed" : cause_);
  return false;
}

/// Heartbeats, and the end of a connection on which none come.
void AmqpConnection::tick() {
  const std::int64_t now = std::max<std::int64_t>(loop_.now().since_start.count(), 1);
  const std::int64_t next = pn_transport_tick(driver_.transport, now);
  if (next == 0) return;
  tick_.set(loop_, loop_.now() + Millis{std::max<std::int64_t>(next - now, 1)});
  if (pn_connection_driver_write_buffer(&driver_).size != 0) loop_.want_write(*stream_);
}

// --- the protocol ---

void AmqpConnection::work() {
  if (is_working_) return;
  is_working_ = true;
  if (std::exchange(has_login_, false)) on_login();
  for (pn_event_t* event = nullptr;
       state_ != State::gone && (event = pn_connection_driver_next_event(&driver_)) != nullptr;)
    handle(event);
  is_working_ = false;
}

void AmqpConnection::handle(pn_event_t* event) {
  switch (pn_event_type(event)) {
    case PN_CONNECTION_REMOTE_OPEN:
      return on_open();
    case PN_SESSION_REMOTE_OPEN:
      pn_session_open(pn_event_session(event));
      return;
    case PN_LINK_REMOTE_OPEN:
      return on_link(pn_event_link(event));
    case PN_LINK_FLOW:
      if (has_room()) events_.on_credit(*this);
      return;
    case PN_DELIVERY:
      return on_delivery(pn_event_delivery(event));
    case PN_LINK_REMOTE_CLOSE:
    case PN_LINK_REMOTE_DETACH:
      if (pn_event_link(event) == link_) {
        give_back_all();
        link_ = nullptr;
        if (state_ == State::consuming) state_ = State::open;
        deadline_.set(loop_, loop_.now() + limits_.to_attach);
      }
      pn_link_close(pn_event_link(event));
      return;
    case PN_SESSION_REMOTE_CLOSE:
      if (link_ != nullptr && pn_link_session(link_) == pn_event_session(event)) {
        give_back_all();
        link_ = nullptr;
        if (state_ == State::consuming) state_ = State::open;
        deadline_.set(loop_, loop_.now() + limits_.to_attach);
      }
      pn_session_close(pn_event_session(event));
      return;
    case PN_CONNECTION_REMOTE_CLOSE: {
      const std::string why = text_of(pn_connection_remote_condition(driver_.connection));
      if (cause_.empty()) cause_ = why.empty() ? "the consumer has closed the connection" : why;
      give_back_all();
      link_ = nullptr;
      state_ = State::closing;
      pn_connection_close(driver_.connection);
      deadline_.set(loop_, loop_.now() + kToClose);
      return;
    }
    case PN_TRANSPORT_ERROR:
      if (cause_.empty()) cause_ = text_of(pn_transport_condition(driver_.transport));
      return;
    default:
      return;
  }
}

/// Proton is in the middle of its input here: work() takes it up.
void AmqpConnection::on_sasl(std::string_view response) {
  if (has_login_ || asked_login_) {  // nothing further of such a client is read
    cause_ = "a second login was tried on one connection";
    pnx_sasl_set_failed(driver_.transport);
    pnx_sasl_set_desired_state(driver_.transport, SASL_POSTED_OUTCOME);
    return;
  }
  login_ = response;
  has_login_ = true;
}

void AmqpConnection::on_login() {
  // authorization identity, NUL, user name, NUL, password
  const std::string response = std::exchange(login_, {});
  const std::size_t first = response.find('\0');
  const std::size_t second = first == std::string::npos ? first : response.find('\0', first + 1);
  if (second == std::string::npos) return turn_away("the SASL PLAIN response has no user name and password");
  asked_login_ = true;
  const std::string_view all(response);
  events_.on_login(*this, all.substr(first + 1, second - first - 1), all.substr(second + 1));
}

void AmqpConnection::admit(const std::string& user) {
  if (state_ != State::login) return;
  state_ = State::admitted;
  pnx_sasl_set_succeeded(driver_.transport, user.c_str(), user.c_str());
  pnx_sasl_set_desired_state(driver_.transport, SASL_POSTED_OUTCOME);
  if (!is_working_) flush();
}

void AmqpConnection::turn_away(std::string_view cause) {
  if (state_ != State::login) return;
  cause_ = cause;
  state_ = State::closing;
  pnx_sasl_set_failed(driver_.transport);
  pnx_sasl_set_desired_state(driver_.transport, SASL_POSTED_OUTCOME);
  deadline_.set(loop_, loop_.now() + kToClose);
  if (!is_working_) flush();
}

void AmqpConnection::on_open() {
  if (state_ != State::admitted) return;
  const Millis idle{pn_transport_get_remote_idle_timeout(driver_.transport)};
  // What Proton's clients announce is half of what they were told, so that heartbeats come in time.
  const bool is_fit = idle >= limits_.idle_least / 2 && idle <= limits_.idle_most;
  pn_transport_set_idle_timeout(driver_.transport,
                                static_cast<pn_millis_t>(std::max(idle, limits_.idle_least).count()));
  pn_connection_open(driver_.connection);
  state_ = State::open;
  deadline_.set(loop_, loop_.now() + limits_.to_attach);
  if (is_fit) return;
  refuse(auth::Cause::consumer_idle_time_out, "amqp:invalid-field",
         "idle-time-out is " + std::to_string(idle.count()) +
             " ms (0: none was given); set the client's heartbeat or idle time-out to 30,000 to 300,000 ms (9601)");
}

void AmqpConnection::on_link(pn_link_t* link) {
  if (state_ != State::open && state_ != State::consuming) return;
  if (pn_link_is_receiver(link))
    return refuse_link(link, kNotAllowed, "consumers only receive: messages to devices go through the OpenAPI (Pub)");
  if (link_ != nullptr)
    return refuse_link(link, "amqp:resource-limit-exceeded", "a connection has one receiver: open another connection");
  pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
  pn_terminus_copy(pn_link_target(link), pn_link_remote_target(link));
  // Addresses mean nothing here, the user name names the group; but an answer without a source would be a refusal.
  if (pn_terminus_get_type(pn_link_source(link)) == PN_UNSPECIFIED) {
    pn_terminus_set_type(pn_link_source(link), PN_SOURCE);
    pn_terminus_set_address(pn_link_source(link), "default");
  }
  is_presettled_ = pn_link_remote_snd_settle_mode(link) == PN_SND_SETTLED;
  pn_link_set_snd_settle_mode(link, is_presettled_ ? PN_SND_SETTLED : PN_SND_UNSETTLED);
  pn_link_set_rcv_settle_mode(link, PN_RCV_FIRST);
  pn_link_open(link);
  link_ = link;
  state_ = State::consuming;
  deadline_.cancel();
}

void AmqpConnection::refuse(auth::Cause cause, const char* condition, const std::string& text) {
  events_.on_refused(*this, cause, text);
  close(condition, text);
}

void AmqpConnection::refuse_link(pn_link_t* link, const char* condition, const char* text) {
  events_.on_refused(*this, auth::Cause::consumer_link, text);
  pn_link_open(link);
  put_condition(pn_link_condition(link), condition, text);
  pn_link_close(link);
}

void AmqpConnection::on_delivery(pn_delivery_t* delivery) {
  pn_link_t* const link = pn_delivery_link(delivery);
  if (pn_link_is_receiver(link)) {  // of a link that was refused
    pn_delivery_settle(delivery);
    return;
  }
  if (!pn_delivery_updated(delivery)) return;
  const std::uint64_t state = pn_delivery_remote_state(delivery);
  const bool is_terminal = state == PN_ACCEPTED || state == PN_REJECTED || state == PN_RELEASED || state == PN_MODIFIED;
  if (!is_terminal && !pn_delivery_settled(delivery)) return;
  const auto token = std::bit_cast<std::uintptr_t>(pn_delivery_get_context(delivery));
  const auto outcome = state == PN_ACCEPTED   ? AmqpEvents::Outcome::accepted
                       : state == PN_RELEASED ? AmqpEvents::Outcome::released
                       : is_terminal          ? AmqpEvents::Outcome::refused
                                              : AmqpEvents::Outcome::none;
  pn_delivery_settle(delivery);
  events_.on_outcome(*this, token, outcome);
}

/// What the consumer has and will not answer any more.
void AmqpConnection::give_back_all() {
  if (link_ == nullptr) return;
  std::vector<std::uint64_t> tokens;
  for (pn_delivery_t* one = pn_unsettled_head(link_); one != nullptr; one = pn_unsettled_next(one))
    tokens.push_back(std::bit_cast<std::uintptr_t>(pn_delivery_get_context(one)));
  for (const std::uint64_t token : tokens) events_.on_outcome(*this, token, AmqpEvents::Outcome::none);
}

bool AmqpConnection::has_room() const {
  return state_ == State::consuming && link_ != nullptr && pn_link_credit(link_) > 0 &&
         pn_session_outgoing_bytes(pn_link_session(link_)) < limits_.waiting_bytes;
}

void AmqpConnection::send(std::uint64_t token, Bytes message) {
  char tag[sizeof tags_];
  ++tags_;
  std::memcpy(tag, &tags_, sizeof tags_);
  pn_delivery_t* const delivery = pn_delivery(link_, pn_dtag(tag, sizeof tag));
  pn_delivery_set_context(delivery, std::bit_cast<void*>(static_cast<std::uintptr_t>(token)));
  pn_link_send(link_, reinterpret_cast<const char*>(message.data()), message.size());
  pn_link_advance(link_);
  if (!is_presettled_) return;
  pn_delivery_settle(delivery);
  events_.on_outcome(*this, token, AmqpEvents::Outcome::accepted);
}

void AmqpConnection::close(const char* condition, const std::string& text) {
  if (state_ == State::closing || state_ == State::gone) return;
  cause_ = text;
  give_back_all();
  link_ = nullptr;
  const bool was_open = state_ == State::open || state_ == State::consuming;
  state_ = State::closing;
  deadline_.set(loop_, loop_.now() + kToClose);
  if (was_open) {
    put_condition(pn_connection_condition(driver_.connection), condition, text.c_str());
    pn_connection_close(driver_.connection);
  } else {
    pn_connection_driver_close(&driver_);
  }
  if (!is_working_) flush();
}

void AmqpConnection::on_deadline() {
  if (state_ == State::closing) return end(cause_);
  if (state_ == State::login) return end("nobody logged in within 15 seconds");
  refuse(auth::Cause::consumer_link, "amqp:resource-limit-exceeded",
         state_ == State::admitted ? "no Open came within 15 seconds of the login"
                                   : "no receiver was attached within 15 seconds: open one after the connection");
}

void AmqpConnection::end(std::string_view cause) {
  if (state_ == State::gone) return;
  give_back_all();
  link_ = nullptr;
  state_ = State::gone;
  deadline_.cancel();
  tick_.cancel();
  loop_.detach(*stream_);
  const std::string why(cause_.empty() ? cause : std::string_view(cause_));
  events_.on_gone(*this, why);
}

}  // namespace tercet::subscription
