#pragma once
#include "ports/esp-idf/resolver.h"
#include "tercet/device/port.h"

namespace tercet::idf {

/// One UDP exchange with one host, over a connected socket, so that lwIP drops what others send. Never destroyed: make
/// it static (see Resolver).
class SocketDatagram final : public device::Datagram {
 public:
  Result<void> send(std::string_view host, std::uint16_t port, Bytes bytes) override;
  Result<std::size_t> receive(MutableBytes into) override;
  void close() override;

  int socket() const { return socket_; }  ///< -1: none
  bool is_looking_up() const { return looking_up_; }

 private:
  Result<void> connect(const SocketAddress& address);
  Resolver resolver_;
  bool looking_up_ = false;
  int socket_ = -1;
};

}  // namespace tercet::idf
