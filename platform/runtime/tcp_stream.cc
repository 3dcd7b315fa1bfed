#include "platform/runtime/tcp_stream.h"

#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "platform/runtime/epoll_loop.h"

namespace tercet::runtime {
namespace {

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

KernelAddress::KernelAddress(const Address& address) {
  if (std::equal(std::begin(kMapped), std::end(kMapped), address.ip)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, address.ip + 12, 4);
    std::memcpy(&storage, &in, sizeof in);
    size = sizeof in;
    return;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(address.port);
  std::memcpy(&in.sin6_addr, address.ip, 16);
  std::memcpy(&storage, &in, sizeof in);
  size = sizeof in;
}

Address address_of(const sockaddr_storage& storage) {
  Address address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::copy(std::begin(kMapped), std::end(kMapped), address.ip);
    std::memcpy(address.ip + 12, &in.sin_addr, 4);
    address.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(address.ip, &in.sin6_addr, 16);
    address.port = ntohs(in.sin6_port);
  }
  return address;
}

TcpStream::TcpStream(int fd, const Address& peer, int error)
    : fd_(fd), peer_(peer), error_(static_cast<std::uint16_t>(error) & 0x7FFFU), write_armed_(0) {
  static_assert(sizeof(TcpStream) <= 40, "every idle connection pays for this");
}

TcpStream::~TcpStream() {
  if (events_ != nullptr) {
    if (EpollLoop* loop = EpollLoop::current()) loop->forget(*this);
  }
  ::close(fd_);
}

Io TcpStream::fail_with(int error) {
  error_ = static_cast<std::uint16_t>(error) & 0x7FFFU;
  return {Io::State::failed, 0};
}

Io TcpStream::read(MutableBytes into) {
  if (error_ != 0) return {Io::State::failed, 0};
  for (;;) {
    const ssize_t n = ::recv(fd_, into.data(), into.size(), 0);
    if (n > 0) {
      const auto got = static_cast<std::size_t>(n);
      return {got < into.size() ? Io::State::drained : Io::State::more, got};
    }
    if (n == 0) return {into.empty() ? Io::State::more : Io::State::closed, 0};
    if (would_block(errno)) return {Io::State::drained, 0};
    if (errno != EINTR) return fail_with(errno);
  }
}

Io TcpStream::write(Bytes from) {
  if (error_ != 0) return {Io::State::failed, 0};
  if (from.empty()) return {Io::State::more, 0};
  for (;;) {
    const ssize_t n = ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      const auto sent = static_cast<std::size_t>(n);
      return {sent < from.size() ? Io::State::drained : Io::State::more, sent};
    }
    if (would_block(errno)) return {Io::State::drained, 0};
    if (errno != EINTR) return fail_with(errno);
  }
}

void TcpStream::shut_down() { ::shutdown(fd_, SHUT_WR); }

StreamFailure TcpStream::failure() const {
  if (error_ == 0) return {};
  const bool never_stood = error_ == ECONNREFUSED || error_ == EHOSTUNREACH || error_ == ENETUNREACH;
  return {never_stood ? StreamFailure::Kind::connect_refused : StreamFailure::Kind::reset,
          std::system_category().message(error_)};
}

}  // namespace tercet::runtime
