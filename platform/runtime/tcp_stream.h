#pragma once
#include <sys/socket.h>

#include <cstdint>

#include "platform/runtime/stream.h"
#include "tercet/base/bytes.h"

namespace tercet::runtime {

class StreamEvents;

/// An address as the kernel takes it.
struct KernelAddress {
  explicit KernelAddress(const Address& address);
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
Address address_of(const sockaddr_storage& storage);

/// A connected TCP socket, or one that is connecting. Forty bytes: no buffer of its own in either direction.
class TcpStream final : public Stream {
 public:
  /// Takes the descriptor, which is non-blocking. `error`: an errno with which connecting has failed already.
  TcpStream(int fd, const Address& peer, int error = 0);
  ~TcpStream() override;
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  Io read(MutableBytes into) override;
  Io write(Bytes from) override;
  void shut_down() override;
  const Address& peer() const override { return peer_; }
  StreamFailure failure() const override;
  int descriptor() const { return fd_; }

 private:
  friend class EpollLoop;
  Io fail_with(int error);

  StreamEvents* events_ = nullptr;  ///< whom the loop tells; set while attached
  int fd_;
  Address peer_;
  std::uint16_t error_ : 15;
  std::uint16_t write_armed_ : 1;  ///< EPOLLOUT is asked for
};

}  // namespace tercet::runtime
