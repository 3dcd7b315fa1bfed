#pragma once
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/base/result.h"

namespace tercet::posix {

/// An address with its port, as the socket calls want it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::string text() const;  ///< "192.0.2.1:8883"
};

/// Names to addresses without making the caller wait: getaddrinfo runs on a thread of its own, one per look-up, which
/// may outlive the resolver (nothing can cancel it). Literal addresses need no thread. One owner, one look-up at a
/// time.
class Resolver {
 public:
  /// `system` is getaddrinfo, or something like it that is safe to call on any thread.
  using System = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  explicit Resolver(System system = &::getaddrinfo);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Drops an earlier look-up and begins this one.
  void begin(std::string_view host, std::uint16_t port, int socket_type);
  /// The addresses in the order to try them. Errors: would_block; dns_failed, error_text() has the system's words.
  Result<std::vector<SocketAddress>> poll();
  const std::string& error_text() const { return error_text_; }
  /// After dns_failed: an answer came, and it was that there is no such name.
  bool is_unknown() const { return unknown_; }
  /// Becomes readable when poll() will know; -1 while nothing is looked up.
  int event_fd() const;

 private:
  struct Lookup;
  System system_;
  std::shared_ptr<Lookup> lookup_;
  std::string error_text_;
  bool unknown_ = false;
};

}  // namespace tercet::posix
