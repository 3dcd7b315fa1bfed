#include "cli/fleet_board.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "tercet/alink/envelope.h"

namespace tercet::cli {
namespace {

constexpr std::size_t kInputBytes = 1024, kOutputBytes = 4096, kBytesPerPost = 400;

mqtt::ClientConfig config_of(const FleetOptions& options) {
  mqtt::ClientConfig config;
  config.clean_start = true;
  config.keep_alive = Seconds{options.keep_alive_s};
  return config;
}

std::uint32_t next_random(void* state) {
  auto& value = *static_cast<std::uint32_t*>(state);
  value = value * 1'664'525u + 1'013'904'223u;
  return value ^ value >> 16;
}

std::size_t window_of(const FleetOptions& options) { return options.qos == 0 ? 1 : options.window; }

mqtt::ClientStorage storage_of(std::vector<std::uint8_t>& memory, std::vector<mqtt::Outbox::Window::Entry>& window) {
  mqtt::ClientStorage storage;
  storage.input = MutableBytes{memory}.first(kInputBytes);
  storage.output = MutableBytes{memory}.subspan(kInputBytes, kOutputBytes);
  storage.outbox = MutableBytes{memory}.subspan(kInputBytes + kOutputBytes);
  storage.sending = window;
  return storage;
}

std::uint32_t number_of(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char c : digits) value = value * 10 + static_cast<std::uint32_t>(c - '0');
  return value;
}

}  // namespace

FleetBoard::FleetBoard(FleetShared& shared, const Triple& triple)
    : shared_(shared),
      triple_(triple),
      memory_(kInputBytes + kOutputBytes + window_of(shared.options) * kBytesPerPost),
      window_(window_of(shared.options)),
      client_(config_of(shared.options), {}, storage_of(memory_, window_), next_random, &shared.random),
      sent_(std::bit_ceil(shared.options.window * 4)) {
  topic_ = "/sys/" + std::string(triple.id.product.str()) + '/' + std::string(triple.id.device.str()) +
           "/thing/event/property/post";
}

FleetBoard::~FleetBoard() { close_socket(); }

void FleetBoard::open(Instant now) {
  wants_socket_ = false;
  socket_ = ::socket(shared_.address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return lose(now, Error::no_space);
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ++shared_.connecting;
  counted_connecting_ = true;
  step_ = Step::connecting;
  if (::connect(socket_, shared_.address.get(), shared_.address.size) != 0 && errno != EINPROGRESS)
    return lose(now, errno == ECONNREFUSED ? Error::connect_refused : Error::io_failed);
}

void FleetBoard::connect_step(Instant now) {
  if (step_ == Step::connecting) {
    pollfd ready{socket_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1) return;
    int code = 0;
    socklen_t size = sizeof code;
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) return lose(now, code == ECONNREFUSED ? Error::connect_refused : Error::io_failed);
    if (!shared_.tls) return log_in(now);
    step_ = Step::securing;
    const UnixMillis wall{
        std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count()};
    tls_ = std::make_unique<posix::TlsSession>(shared_.tls, socket_, shared_.options.host, wall);
  }
  const auto done = tls_->shake_hands();
  if (done) return log_in(now);
  if (done.error() != Error::would_block) lose(now, done.error());
}

void FleetBoard::log_in(Instant now) {
  step_ = Step::open;
  auth::LoginOptions login;
  login.secure_mode = shared_.tls ? auth::SecureMode::tls : auth::SecureMode::tcp;
  login.auto_subscribe = shared_.options.replies;
  login.version = "tercet-fleet";
  const auto made = auth::make_credentials(triple_, login);
  if (!made) return lose(now, made.error());
  client_.credentials({made->client_id.str(), made->user_name.str(), as_bytes(made->password.str())});
  client_.transport_up(now);
  client_.credentials({});
}

void FleetBoard::pass(Instant now) {
  while (const auto event = client_.next_event(now)) handle(*event, now);
}

void FleetBoard::handle(const mqtt::ClientEvent& event, Instant now) {
  if (const auto* received = std::get_if<mqtt::Received>(&event)) {
    on_reply(received->publish.payload);
    return;
  }
  if (const auto* delivered = std::get_if<mqtt::Delivered>(&event)) {
    if (!shared_.options.await_reply && outstanding_ > 0) --outstanding_;
    for (Sent& sent : sent_) {
      if (sent.packet_id != delivered->packet_id) continue;
      sent.packet_id = 0;
      if (shared_.measuring) ++shared_.counts.acks;
      if (sent.measured && shared_.measuring)
        shared_.counts.ack_us.push_back(static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(shared_.now - sent.due).count()));
      break;
    }
    return;
  }
  if (std::holds_alternative<mqtt::OpenTransport>(event)) {
    wants_socket_ = true;
    return;
  }
  if (std::holds_alternative<mqtt::Online>(event)) {
    settle_login();
    ++shared_.counts.logins;
    ++shared_.online;
    counted_online_ = true;
    return;
  }
  if (const auto* offline = std::get_if<mqtt::Offline>(&event)) {
    const bool is_refusal =
        offline->error >= Error::refused_protocol && offline->error <= Error::refused_not_authorized;
    ++(is_refusal ? shared_.counts.refused : shared_.counts.broken);
    close_socket();
  }
  static_cast<void>(now);
}

void FleetBoard::on_reply(Bytes payload) {
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply) return;
  if (reply->code != 200) ++shared_.counts.bad_replies;
  if (shared_.measuring) ++shared_.counts.replies;
  if (shared_.options.await_reply && outstanding_ > 0) --outstanding_;
  const std::uint32_t id = number_of(reply->id);
  const Sent& sent = sent_[id % sent_.size()];
  if (sent.id != id || !sent.measured || !shared_.measuring) return;
  shared_.counts.reply_us.push_back(static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(shared_.now - sent.due).count()));
}

std::string FleetBoard::payload(std::uint32_t id) {
  std::array<std::uint8_t, 256> buffer;
  std::array<std::uint8_t, 12> digits;
  Writer number{digits}, out{buffer};
  number.decimal(std::uint64_t{id});
  alink::RequestWriter request{out, number.text(), "thing.event.property.post"};
  const std::uint32_t noise = next_random(&shared_.random);
  request.params().begin_object();
  request.params().key("temperature").number(15 + (noise % 2'000) / 100.0);
  request.params().key("humidity").number(40 + (noise / 2'048 % 3'000) / 100.0);
  request.params().end_object();
  request.finish();
  return std::string(out.text());
}

bool FleetBoard::post(Instant now, SteadyTime due) {
  if (!client_.is_online() || outstanding_ >= shared_.options.window) return false;
  const std::uint32_t id = next_id_;
  const std::string text = payload(id);
  mqtt::Publish message;
  message.topic = topic_;
  message.payload = as_bytes(text);
  message.qos = shared_.options.qos == 0 ? mqtt::Qos::at_most_once : mqtt::Qos::at_least_once;
  auto packet = client_.publish(message);
  if (!packet && packet.error() == Error::would_block) {
    flush(now);
    packet = client_.publish(message);
  }
  if (!packet) return false;
  ++next_id_;
  sent_[id % sent_.size()] = {id, *packet, due, shared_.measuring};
  if (shared_.options.qos != 0 || shared_.options.await_reply) ++outstanding_;
  if (shared_.measuring) ++shared_.counts.posts;
  return true;
}

void FleetBoard::fill(Instant now) {
  while (post(now, shared_.now)) {
    if (shared_.options.qos == 0 && !shared_.options.await_reply) break;
  }
}

void FleetBoard::on_ready(Instant now) {
  if (step_ == Step::connecting || step_ == Step::securing) {
    connect_step(now);
    pass(now);
    return flush(now);
  }
  if (!unread_.empty()) return flush(now);  // which reads on, once it has written
  read(now);
}

void FleetBoard::read(Instant now) {
  for (bool more = step_ == Step::open; more;) {
    const auto got = receive(shared_.input);
    if (!got) {
      if (got.error() != Error::would_block) lose(now, got.error());
      break;
    }
    take(Bytes{shared_.input}.first(*got), now);
    more = step_ == Step::open && unread_.empty() && (*got == shared_.input.size() || tls_ != nullptr);
  }
}

/// Hands bytes to the client. It takes none while there is no room for its answers: those are written first, and what
/// it cannot take until the socket is writable again is kept, and nothing more is read.
void FleetBoard::take(Bytes bytes, Instant now) {
  while (!bytes.empty() && step_ == Step::open) {
    const std::size_t taken = client_.receive(bytes, now);
    bytes = bytes.subspan(taken);
    pass(now);
    if (taken > 0) continue;
    write(now);
    if (write_blocked_) break;
  }
  if (step_ == Step::open) unread_.assign(bytes.begin(), bytes.end());
}

void FleetBoard::flush(Instant now) {
  write(now);
  while (step_ == Step::open && !write_blocked_ && !unread_.empty()) {
    const std::vector<std::uint8_t> waiting = std::move(unread_);
    unread_.clear();
    take(waiting, now);
    if (unread_.empty()) read(now);
    write(now);
  }
}

void FleetBoard::write(Instant now) {
  write_blocked_ = false;
  while (step_ == Step::open) {
    pass(now);
    const Bytes waiting = client_.outgoing();
    if (waiting.empty()) return;
    const auto taken = send(waiting);
    if (taken) {
      client_.sent(*taken);
      continue;
    }
    write_blocked_ = taken.error() == Error::would_block;
    if (!write_blocked_) lose(now, taken.error());
    return;
  }
}

Result<std::size_t> FleetBoard::receive(MutableBytes into) {
  if (tls_) return tls_->read(into);
  const ssize_t got = ::recv(socket_, into.data(), into.size(), 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return fail(Error::would_block);
  return fail(Error::closed);
}

Result<std::size_t> FleetBoard::send(Bytes from) {
  if (tls_) return tls_->write(from);
  const ssize_t sent = ::send(socket_, from.data(), from.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return fail(Error::would_block);
  return fail(Error::closed);
}

void FleetBoard::lose(Instant now, Error error) {
  close_socket();
  client_.transport_down(now, error);
  pass(now);
}

void FleetBoard::settle_login() {
  if (!counted_connecting_) return;
  counted_connecting_ = false;
  --shared_.connecting;
}

void FleetBoard::close_socket() {
  settle_login();
  if (counted_online_) --shared_.online;
  counted_online_ = false;
  outstanding_ = static_cast<std::uint32_t>(shared_.options.await_reply ? 0 : client_.in_flight());
  tls_.reset();
  unread_.clear();
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  step_ = Step::closed;
  watched = 0;
}

void FleetBoard::close_politely(Instant now) {
  client_.stop(now);
  const auto broken = shared_.counts.broken;
  flush(now);
  close_socket();
  shared_.counts.broken = broken;
}

std::uint32_t FleetBoard::interest() const {
  switch (step_) {
    case Step::closed:
      return 0;
    case Step::connecting:
      return EPOLLOUT;
    case Step::securing:
      return tls_ != nullptr && tls_->wants_write() ? EPOLLOUT : EPOLLIN;
    case Step::open:
      if (!unread_.empty()) return EPOLLOUT;
      return write_blocked_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
  }
  return 0;
}

}  // namespace tercet::cli
