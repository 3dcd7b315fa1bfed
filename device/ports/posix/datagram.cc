#include "ports/posix/datagram.h"

#include <unistd.h>

#include <cerrno>

namespace tercet::posix {

Result<void> SocketDatagram::send(std::string_view host, std::uint16_t port, Bytes bytes) {
  if (socket_ < 0) {
    const std::string wanted = std::string(host) + ':' + std::to_string(port);
    if (looking_up_ != wanted) {
      looking_up_ = wanted;
      resolver_.begin(host, port, SOCK_DGRAM);
    }
    const auto addresses = resolver_.poll();
    if (!addresses && addresses.error() == Error::would_block) return fail(Error::would_block);
    looking_up_.clear();
    if (!addresses) return fail(addresses.error());
    if (const auto made = connect(addresses->front()); !made) return made;
  }
  if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0) return {};
  return fail(Error::io_failed);
}

Result<void> SocketDatagram::connect(const SocketAddress& address) {
  socket_ = ::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return fail(Error::io_failed);
  if (::connect(socket_, address.get(), address.size) == 0) return {};
  close();
  return fail(Error::io_failed);
}

Result<std::size_t> SocketDatagram::receive(MutableBytes into) {
  if (socket_ < 0) return fail(Error::io_failed);
  const ssize_t got = ::recv(socket_, into.data(), into.size(), 0);
  if (got >= 0) return static_cast<std::size_t>(got);
  return fail(errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Error::would_block : Error::io_failed);
}

void SocketDatagram::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  looking_up_.clear();
}

pollfd SocketDatagram::interest() const {
  if (socket_ >= 0) return {socket_, POLLIN, 0};
  return {looking_up_.empty() ? -1 : resolver_.event_fd(), POLLIN, 0};
}

}  // namespace tercet::posix
