#include <algorithm>

#include "tercet/auth/psk.h"
#include "tercet/base/writer.h"
#include "tercet/device/client.h"

// The way from a cold board to a CONNECT: link, address, time, then whatever the transport needs. Each step has its own
// deadline, and each failure ends the attempt and leaves the next one to the client machine's back-off.
namespace tercet::device {
namespace {

constexpr Millis kLookAgain{500};  // at link and address, which have no event

Rung rung_of(Stage stage) {
  switch (stage) {
    case Stage::closed:
    case Stage::resolving:
      return Rung::dns;
    case Stage::connecting:
      return Rung::tcp;
    case Stage::securing:
    case Stage::ready:
      return Rung::tls;
  }
  return Rung::tls;
}

}  // namespace

void Device::enter(Step step, Millis timeout, Instant now) {
  step_ = step;
  step_until_ = now + timeout;
}

void Device::begin_attempt(Instant now) {
  ladder_.begin(now);
  enter(Step::link, options_.link_timeout, now);
}

void Device::climb(Instant now) {
  if (step_ == Step::link || step_ == Step::address) wait_for_network(now);
  if (step_ == Step::time) settle_time(now);
  if (step_ == Step::transport) advance_transport(now);
}

void Device::wait_for_network(Instant now) {
  if (step_ == Step::link) {
    if (!port_.network.has_link()) {
      if (now >= step_until_) break_off(Rung::link, Error::timed_out, now);
      return;
    }
    pass(Rung::link, now);
    enter(Step::address, options_.link_timeout, now);
  }
  if (!port_.network.has_address()) {
    if (now >= step_until_) break_off(Rung::address, Error::timed_out, now);
    return;
  }
  pass(Rung::address, now);
  step_until_ = Instant::never();
  step_ = Step::time;
}

/// Certificates cannot be judged by a clock below the floor, so TLS does not begin before this is through.
void Device::settle_time(Instant now) {
  if (!endpoint().tls || options_.psk) return open_transport(now);
  const auto settled = time_.settle(now);
  report_step();
  if (settled) return open_transport(now);
  if (settled.error() == Error::would_block) return;
  const bool no_names = settled.error() == Error::dns_failed;
  break_off(no_names ? Rung::dns : Rung::tls, settled.error(), now);
}

void Device::open_transport(Instant now) {
  enter(Step::transport, options_.dns_timeout, now);
  const auto to = target();
  if (!to) return break_off(Rung::tls, to.error(), now);
  const auto opened = port_.transport.open(*to);
  if (!opened) break_off(Rung::dns, opened.error(), now);
}

Result<Target> Device::target() {
  const Endpoint& to = endpoint();
  Target made{to.host, to.port, to.tls};
  if (!to.tls || !options_.psk) return made;
#ifdef TERCET_NO_TLS_PSK
  return fail(Error::unsupported);
#else
  const auto secret = port_.secrets.secret_of(*id_);
  if (!secret) return fail(secret.error());
  auto psk = auth::make_psk_credentials({*id_, *secret});
  if (!psk) return fail(psk.error());
  // The output buffer has nothing in it before CONNECT.
  Writer out{storage_.mqtt.output};
  out.text(psk->identity.str()), out.text(psk->key.str());
  if (!out.ok()) return fail(Error::no_space);
  made.psk = PreSharedKey{out.text().substr(0, psk->identity.size()), out.text().substr(psk->identity.size())};
  return made;
#endif
}

/// Where to go next time follows from whether anybody was there.
void Device::count_attempt(bool reached) {
  constexpr std::uint8_t kTries = 2;
  if (reached) in_vain_ = 0;
  if (reached || options_.other.host.empty() || ++in_vain_ < kTries) return;
  in_vain_ = 0;
  on_other_ = !on_other_;
}

void Device::advance_transport(Instant now) {
  const Stage before = port_.transport.stage();
  const auto stage = port_.transport.advance();
  if (!stage) return break_off(rung_of(port_.transport.stage()), stage.error(), now);
  if (*stage == Stage::ready) {
    if (ladder_.climbing() <= Rung::tcp) pass(Rung::tcp, now);
    if (endpoint().tls) {
      if (!options_.psk) time_.confirm();
      pass(Rung::tls, now);
    } else {
      ladder_.passed(Rung::tls, now);  // skipped, and not worth a word
    }
    return log_in(now);
  }
  if (*stage == before && now >= step_until_) return break_off(rung_of(*stage), Error::timed_out, now);
  if (*stage == before) return;
  if (*stage >= Stage::connecting && ladder_.climbing() == Rung::dns) pass(Rung::dns, now);
  if (*stage == Stage::connecting) step_until_ = now + options_.tcp_timeout;
  if (*stage == Stage::securing) {
    pass(Rung::tcp, now);
    step_until_ = now + options_.tls_timeout;
  }
}

/// Signs and hands the three strings to the client machine, which copies them into CONNECT at once; none is kept here.
void Device::log_in(Instant now) {
  auth::LoginOptions login;
  login.client_id = options_.client_id;
  login.secure_mode = endpoint().tls ? auth::SecureMode::tls : auth::SecureMode::tcp;
  login.auto_subscribe = options_.auto_subscribe;
  login.version = options_.version;
  const auto make = [&]() -> Result<auth::Credentials> {
#ifndef TERCET_NO_OTHER_LOGINS
    if (options_.login != nullptr) return options_.login->credentials(*id_, login);
#endif
    const auto secret = port_.secrets.secret_of(*id_);
    if (!secret) return fail(secret.error());
    return auth::make_credentials({*id_, *secret}, login);
  };
  auto made = make();
  if (!made) return break_off(Rung::connect, made.error(), now);
  step_ = Step::session;
  step_until_ = Instant::never();
  password_on_wire_ = true;
  client_->credentials({made->client_id.str(), made->user_name.str(), as_bytes(made->password.str())});
  client_->transport_up(now);
  client_->credentials({});
  made->password.wipe();
}

/// CONNECT lies in the output buffer until it has been written; then its place is cleared.
void Device::wipe_login() {
  if (!password_on_wire_ || !client_->outgoing().empty()) return;
  password_on_wire_ = false;
  wipe_output();
}

void Device::wipe_output() {
  volatile std::uint8_t* bytes = storage_.mqtt.output.data();
  for (std::size_t i = 0; i < storage_.mqtt.output.size(); ++i) bytes[i] = 0;
}

void Device::pass(Rung rung, Instant now) {
  const auto from = ladder_.climbing();
  if (!from || *from > rung) return;
  // Asked anew: the arithmetic of TLS took its time since this pass began.
  ladder_.passed(rung, std::max(now, port_.clock.now()));
  const std::string_view detail = rung == Rung::tls ? port_.transport.detail() : std::string_view{};
  events_.on_rung(rung, ladder_.record(rung), detail);
}

void Device::break_off(Rung rung, Error error, Instant now) {
  ladder_.failed(rung, error, std::max(now, port_.clock.now()));
  const std::string_view detail = port_.transport.detail();
  log(LogLevel::warning, name(rung), detail.empty() ? name(error) : detail);
  events_.on_rung(rung, ladder_.record(rung), detail);
  if (error == Error::tls_expired) time_.doubt();
  if (options_.psk) wipe_output();
  step_ = Step::idle;
  step_until_ = Instant::never();
  broken_ = rung;
  if (rung >= Rung::dns) count_attempt(false);
  port_.transport.close();
  client_->transport_down(now, error);
}

void Device::report_step() {
  if (const auto step = time_.take_step()) events_.on_time(*step);
}

Instant Device::next_deadline() const {
  if (!client_) return Instant::never();
  const Instant now = port_.clock.now();
  if (more_to_do_) return now;
  Instant at = std::min({client_->next_deadline(), step_until_, reply_until_});
  if (spool_->has_flash() && !spool_->is_ram_empty()) at = std::min(at, spill_at_);
  if (is_online() && spool_->is_paused()) at = std::min(at, std::max(now, flash_again_));
  if (is_online() && !may_post(now) && spool_->counters().waiting > 0)
    at = std::min(at, posted_until_ - kPostsAtOnce * options_.post_interval);
  if (step_ == Step::time) at = std::min(at, time_.next_deadline());
  if (step_ == Step::link || step_ == Step::address) at = std::min(at, now + kLookAgain);
  return at;
}

}  // namespace tercet::device
