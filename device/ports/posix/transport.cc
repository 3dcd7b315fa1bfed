#include "ports/posix/transport.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tercet::posix {
namespace {

using device::Stage;

constexpr Millis kTryAddressFor{3'000};
constexpr Millis kLookUpFor{5'000};  // when there are addresses from before

Error error_of(int code) {
  switch (code) {
    case ECONNREFUSED:
      return Error::connect_refused;
    case ETIMEDOUT:
      return Error::timed_out;
    default:
      return Error::io_failed;
  }
}

bool would_block(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

}  // namespace

Result<void> SocketTransport::open(const device::Target& target) {
  close();
  if (target.host.empty() || target.port == 0) return fail(Error::bad_argument);
  host_ = target.host;
  port_ = target.port;
  use_tls_ = target.tls;
  psk_ = target.psk;
  detail_.clear();
  resolver_.begin(host_, port_, SOCK_STREAM);
  stage_ = Stage::resolving;
  try_until_ = has_known() ? clock_.now() + kLookUpFor : Instant::never();
  return {};
}

Result<Stage> SocketTransport::advance() {
  switch (stage_) {
    case Stage::closed:
      return fail(Error::closed);
    case Stage::resolving:
      return resolve();
    case Stage::connecting:
      return connect();
    case Stage::securing:
      return secure();
    case Stage::ready:
      break;
  }
  return stage_;
}

Result<Stage> SocketTransport::resolve() {
  auto found = resolver_.poll();
  if (!found && found.error() == Error::would_block && clock_.now() < try_until_) return stage_;
  if (!found) {
    detail_ = resolver_.error_text();
    if (!has_known()) return fail(found.error());
    found = known_;
  }
  addresses_ = std::move(*found);
  trying_ = 0;
  stage_ = Stage::connecting;
  return begin_connect();
}

/// Starts on addresses_[trying_], or on the ones behind it when that fails at once.
Result<Stage> SocketTransport::begin_connect() {
  int code = 0;
  for (; trying_ < addresses_.size(); ++trying_) {
    const SocketAddress& address = addresses_[trying_];
    close_socket();
    socket_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return fail(Error::no_space);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    try_until_ = clock_.now() + kTryAddressFor;
    if (::connect(socket_, address.get(), address.size) == 0) return connected();
    if (errno == EINPROGRESS) return stage_;
    code = errno;
    detail_ = address.text() + ": " + std::strerror(code);
  }
  return fail(error_of(code));
}

Result<Stage> SocketTransport::connect() {
  pollfd ready{socket_, POLLOUT, 0};
  int code = 0;
  if (::poll(&ready, 1, 0) == 1) {
    socklen_t size = sizeof code;
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &size);
    if (code == 0) return connected();
  } else if (trying_ + 1 < addresses_.size() && clock_.now() >= try_until_) {
    code = ETIMEDOUT;
  }
  if (code == 0) return stage_;
  detail_ = addresses_[trying_].text() + ": " + std::strerror(code);
  if (++trying_ >= addresses_.size()) return fail(error_of(code));
  return begin_connect();
}

Result<Stage> SocketTransport::connected() {
  detail_ = addresses_[trying_].text();
  known_host_ = host_;
  known_ = addresses_;
  if (!use_tls_) return stage_ = Stage::ready;
  stage_ = Stage::securing;
  return stage_;
}

Result<void> SocketTransport::begin_tls() {
  if (psk_) {
    auto context = TlsContext::open_psk();
    if (!context) return fail(context.error());
    tls_ = std::make_unique<TlsSession>(std::move(*context), socket_, *psk_);
    return {};
  }
  if (!context_) {
    auto context = TlsContext::open(trust_, detail_);
    if (!context) return fail(context.error());
    context_ = std::move(*context);
  }
  tls_ = std::make_unique<TlsSession>(context_, socket_, host_, clock_.wall());
  return {};
}

Result<Stage> SocketTransport::secure() {
  if (!tls_)
    if (const auto begun = begin_tls(); !begun) return fail(begun.error());
  const auto done = tls_->shake_hands();
  if (!done && done.error() == Error::would_block) return stage_;
  detail_ = tls_->detail();
  if (!done) return fail(done.error());
  return stage_ = Stage::ready;
}

Result<std::size_t> SocketTransport::read(MutableBytes into) {
  if (stage_ != Stage::ready) return fail(Error::closed);
  if (tls_) {
    const auto got = tls_->read(into);
    if (!got && got.error() != Error::would_block) detail_ = tls_->detail();
    return got;
  }
  const ssize_t got = ::recv(socket_, into.data(), into.size(), 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) return fail(Error::closed);
  if (would_block(errno)) return fail(Error::would_block);
  detail_ = std::strerror(errno);
  return fail(errno == ECONNRESET ? Error::closed : Error::io_failed);
}

Result<std::size_t> SocketTransport::write(Bytes from) {
  if (stage_ != Stage::ready) return fail(Error::closed);
  write_blocked_ = false;
  if (tls_) {
    const auto sent = tls_->write(from);
    write_blocked_ = !sent && sent.error() == Error::would_block && tls_->wants_write();
    return sent;
  }
  const ssize_t sent = ::send(socket_, from.data(), from.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  write_blocked_ = would_block(errno);
  if (write_blocked_) return fail(Error::would_block);
  detail_ = std::strerror(errno);
  return fail(errno == EPIPE || errno == ECONNRESET ? Error::closed : Error::io_failed);
}

void SocketTransport::close() {
  if (tls_ && stage_ == Stage::ready) tls_->say_goodbye();
  tls_.reset();
  close_socket();
  stage_ = Stage::closed;
  write_blocked_ = false;
}

void SocketTransport::close_socket() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

pollfd SocketTransport::interest() const {
  switch (stage_) {
    case Stage::closed:
      return {-1, 0, 0};
    case Stage::resolving:
      return {resolver_.event_fd(), POLLIN, 0};
    case Stage::connecting:
      return {socket_, POLLOUT, 0};
    case Stage::securing:
      // Before the first step of the handshake the socket is writable at once, and that step is wanted.
      return {socket_, static_cast<short>(!tls_ || tls_->wants_write() ? POLLOUT : POLLIN), 0};
    case Stage::ready:
      return {socket_, static_cast<short>(write_blocked_ ? POLLIN | POLLOUT : POLLIN), 0};
  }
  return {-1, 0, 0};
}

}  // namespace tercet::posix
