#pragma once
#include <memory>

#include "platform/runtime/stream.h"
#include "tercet/base/result.h"

namespace tercet::runtime {

/// A listening TCP socket. Loops of this process that ask for the same address get the same socket: each watches it
/// with EPOLLEXCLUSIVE, so a connection wakes one loop, one that is not busy. (SO_REUSEPORT would instead hash
/// connections onto loops whatever they are doing, and would let a second server start on a port in use without a
/// word.)
class ListenSocket {
 public:
  /// Port 0 takes a free one. Any thread. Errors: io_failed, `why` has the text.
  static Result<std::shared_ptr<ListenSocket>> open(const Address& address, std::string& why);
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  int descriptor() const { return fd_; }
  const Address& address() const { return address_; }

 private:
  ListenSocket(int fd, const Address& address) : fd_(fd), address_(address) {}
  static Result<std::shared_ptr<ListenSocket>> bind_new(const Address& address, std::string& why);
  int fd_;
  Address address_;
};

}  // namespace tercet::runtime
