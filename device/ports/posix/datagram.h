#pragma once
#include <poll.h>

#include <string>

#include "ports/posix/resolver.h"
#include "tercet/device/port.h"

namespace tercet::posix {

/// One UDP exchange with one host, over a connected socket so that the kernel drops what others send.
class SocketDatagram final : public device::Datagram {
 public:
  ~SocketDatagram() override { close(); }
  Result<void> send(std::string_view host, std::uint16_t port, Bytes bytes) override;
  Result<std::size_t> receive(MutableBytes into) override;
  void close() override;
  pollfd interest() const;

 private:
  Result<void> connect(const SocketAddress& address);
  Resolver resolver_;
  std::string looking_up_;
  int socket_ = -1;
};

}  // namespace tercet::posix
