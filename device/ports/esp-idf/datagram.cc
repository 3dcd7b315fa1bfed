#include "ports/esp-idf/datagram.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace tercet::idf {

Result<void> SocketDatagram::send(std::string_view host, std::uint16_t port, Bytes bytes) {
  if (socket_ < 0) {
    if (!looking_up_)
      if (const auto begun = resolver_.begin(host, port); !begun) return fail(Error::dns_failed);
    const auto address = resolver_.poll();
    looking_up_ = !address && address.error() == Error::would_block;
    if (!address) return fail(address.error());
    if (const auto made = connect(*address); !made) return made;
  }
  if (::send(socket_, bytes.data(), bytes.size(), 0) >= 0) return {};
  return fail(Error::io_failed);
}

Result<void> SocketDatagram::connect(const SocketAddress& address) {
  socket_ = ::socket(address.family(), SOCK_DGRAM, 0);
  if (socket_ < 0) return fail(Error::io_failed);
  const int flags = ::fcntl(socket_, F_GETFL, 0);
  if (::fcntl(socket_, F_SETFL, flags | O_NONBLOCK) >= 0 && ::connect(socket_, address.get(), address.size) == 0)
    return {};
  close();
  return fail(Error::io_failed);
}

Result<std::size_t> SocketDatagram::receive(MutableBytes into) {
  if (socket_ < 0) return fail(Error::io_failed);
  const auto got = ::recv(socket_, into.data(), into.size(), 0);
  if (got >= 0) return static_cast<std::size_t>(got);
  return fail(errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Error::would_block : Error::io_failed);
}

void SocketDatagram::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  looking_up_ = false;
}

}  // namespace tercet::idf
