#include "ports/esp-idf/transport.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sdkconfig.h>
#include <sys/select.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tercet::idf {
namespace {

using device::Stage;

Error error_of(int code) {
  switch (code) {
    case ECONNREFUSED:
    case ECONNRESET:  // how lwIP reports a refused connection
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
  if (const auto fits = host_.assign(target.host); !fits) return fail(Error::bad_argument);
  port_ = target.port;
  use_tls_ = target.tls;
  if (psk_.has_value() != target.psk.has_value()) tls_.forget_session();
  psk_ = target.psk;
#ifndef CONFIG_TERCET_SECURITY_PSK
  if (psk_) return fail(Error::unsupported);
#endif
  detail_.clear();
  if (!(host_ == known_host_)) tls_.forget_session();
  if (const auto begun = resolver_.begin(target.host, port_); !begun) return begun;
  stage_ = Stage::resolving;
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
  const auto found = resolver_.poll();
  if (found) return begin_connect(*found);
  if (found.error() == Error::would_block) return stage_;
  if (host_ == known_host_ && !host_.empty()) {
    SocketAddress old = known_address_;
    known_host_.clear();  // once: an address that has moved must not hide the look-up's failure
    return begin_connect(old);
  }
  say("the resolver does not know the name");
  return fail(found.error());
}

Result<Stage> SocketTransport::begin_connect(const SocketAddress& address) {
  stage_ = Stage::connecting;
  address_ = address;
  detail_.clear();
  say(text_of(address_).str());
  socket_ = ::socket(address.family(), SOCK_STREAM, 0);
  if (socket_ < 0) return fail(Error::io_failed);
  const int flags = ::fcntl(socket_, F_GETFL, 0), on = 1;
  if (::fcntl(socket_, F_SETFL, flags | O_NONBLOCK) < 0) return fail(Error::io_failed);
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, address_.get(), address_.size) == 0) return connected();
  if (errno == EINPROGRESS) return stage_;
  return fail(error_of(errno));
}

Result<Stage> SocketTransport::connect() {
  fd_set writable, broken;
  FD_ZERO(&writable);
  FD_ZERO(&broken);
  FD_SET(socket_, &writable);
  FD_SET(socket_, &broken);
  timeval at_once{};
  if (::select(socket_ + 1, nullptr, &writable, &broken, &at_once) <= 0) return stage_;
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code == 0) return connected();
  return fail(error_of(code));
}

Result<Stage> SocketTransport::connected() {
  known_host_ = host_;
  known_address_ = address_;
  return stage_ = use_tls_ ? Stage::securing : Stage::ready;
}

Result<void> SocketTransport::begin_tls() {
  if (psk_) return tls_.begin(socket_, *psk_);
  char host[129];
  std::memcpy(host, host_.str().data(), host_.size());
  host[host_.size()] = 0;
  return tls_.begin(socket_, host, trust_);
}

std::optional<UnixMillis> SocketTransport::chain_expiry() const {
  if (stage_ != Stage::ready || !use_tls_ || psk_) return std::nullopt;
  return trust_.chain_expiry();
}

Result<Stage> SocketTransport::secure() {
  if (!tls_.is_open()) {
    const auto begun = begin_tls();
    if (!begun) {
      say(tls_.detail());
      return fail(begun.error() == Error::bad_argument ? Error::bad_argument : Error::tls_failed);
    }
  }
  const auto done = tls_.shake_hands();
  if (!done && done.error() == Error::would_block) return stage_;
  say(tls_.detail());
  if (!done) return fail(done.error());
  return stage_ = Stage::ready;
}

Result<std::size_t> SocketTransport::read(MutableBytes into) {
  if (stage_ != Stage::ready) return fail(Error::closed);
  if (use_tls_) {
    const auto got = tls_.read(into);
    if (!got && got.error() != Error::would_block) say(tls_.detail());
    return got;
  }
  const auto got = ::recv(socket_, into.data(), into.size(), 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) return fail(Error::closed);
  if (would_block(errno)) return fail(Error::would_block);
  return fail(errno == ECONNRESET ? Error::closed : Error::io_failed);
}

Result<std::size_t> SocketTransport::write(Bytes from) {
  if (stage_ != Stage::ready) return fail(Error::closed);
  write_blocked_ = false;
  if (use_tls_) {
    const auto sent = tls_.write(from);
    if (!sent && sent.error() != Error::would_block) say(tls_.detail());
    write_blocked_ = !sent && sent.error() == Error::would_block && tls_.wants_write();
    return sent;
  }
  const auto sent = ::send(socket_, from.data(), from.size(), 0);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  write_blocked_ = would_block(errno);
  if (write_blocked_) return fail(Error::would_block);
  return fail(errno == EPIPE || errno == ECONNRESET ? Error::closed : Error::io_failed);
}

void SocketTransport::close() {
  tls_.end();
  close_socket();
  stage_ = Stage::closed;
  write_blocked_ = false;
}

void SocketTransport::close_socket() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

SocketTransport::Interest SocketTransport::interest() const {
  switch (stage_) {
    case Stage::closed:
      return {};
    case Stage::resolving:
      return {.soon = true};
    case Stage::connecting:
      return {.socket = socket_, .writable = true};
    case Stage::securing:
      return {.socket = socket_,
              .readable = !tls_.wants_write(),
              .writable = tls_.wants_write(),
              .at_once = !tls_.is_open() || tls_.is_busy()};
    case Stage::ready:
      return {.socket = socket_, .readable = true, .writable = write_blocked_, .at_once = use_tls_ && tls_.is_busy()};
  }
  return {};
}

}  // namespace tercet::idf
