#include "platform/runtime/listen_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <vector>

#include "platform/runtime/tcp_stream.h"

namespace tercet::runtime {
namespace {

constexpr int kBacklog = 4096;  // a burst of connects must not lose a SYN: its retry comes a second later

/// The listening sockets of this process, so that several loops can share one.
struct Table {
  std::mutex mutex;
  std::vector<std::weak_ptr<ListenSocket>> sockets;
};
Table& table() {
  static Table the_table;
  return the_table;
}

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool prepare(int fd, const KernelAddress& at) {
  if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
  if (!set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1)) return false;  // accepted sockets inherit it
  if (at.storage.ss_family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) return false;
  return ::bind(fd, at.get(), at.size) == 0 && ::listen(fd, kBacklog) == 0;
}

}  // namespace

ListenSocket::~ListenSocket() { ::close(fd_); }

Result<std::shared_ptr<ListenSocket>> ListenSocket::bind_new(const Address& address, std::string& why) {
  const KernelAddress at(address);
  const int fd = ::socket(at.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (fd < 0 || !prepare(fd, at) || ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    why = "listen on " + address.text() + ": " + std::system_category().message(errno);
    if (fd >= 0) ::close(fd);
    return fail(Error::io_failed);
  }
  return std::shared_ptr<ListenSocket>(new ListenSocket(fd, address_of(bound)));
}

Result<std::shared_ptr<ListenSocket>> ListenSocket::open(const Address& address, std::string& why) {
  Table& known = table();
  const std::lock_guard lock(known.mutex);
  std::erase_if(known.sockets, [](const auto& socket) { return socket.expired(); });
  for (const auto& weak : known.sockets) {
    auto socket = weak.lock();
    if (socket != nullptr && address.port != 0 && socket->address() == address) return socket;
  }
  auto made = bind_new(address, why);
  if (made) known.sockets.push_back(*made);
  return made;
}

}  // namespace tercet::runtime
