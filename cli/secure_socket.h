#pragma once
#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ports/posix/resolver.h"
#include "tercet/base/bytes.h"

namespace tercet::cli {

/// A blocking connection with a deadline for every call, which says precisely why something failed: for the doctor,
/// whose whole job that is. (Boards and the server have non-blocking ones of their own.)
class SecureSocket {
 public:
  explicit SecureSocket(posix::Resolver::System look_up = &::getaddrinfo) : resolver_(look_up) {}
  ~SecureSocket();
  SecureSocket(const SecureSocket&) = delete;
  SecureSocket& operator=(const SecureSocket&) = delete;

  enum class Failure : std::uint8_t {
    none,
    host_unknown,     ///< the name does not resolve
    resolver_failed,  ///< no resolver answers
    refused,          ///< nobody listens
    unreachable,      ///< no route
    timed_out,
    reset,          ///< closed by the other end
    ca_unreadable,  ///< the CA file is no PEM certificate
    not_tls,        ///< the other end does not speak TLS
    no_common,      ///< no common version or cipher
    untrusted,      ///< the chain ends in no root that we have
    expired,
    not_yet_valid,
    wrong_host,
    tls_other,
  };
  struct Step {
    Failure failure = Failure::none;
    std::string detail;  ///< in the words of the system or of OpenSSL
    bool ok() const { return failure == Failure::none; }
  };

  Step resolve(const std::string& host, std::uint16_t port, std::chrono::milliseconds within);
  Step connect(std::chrono::milliseconds within);
  Step start_tls(const std::string& host, const std::string& ca_file, std::chrono::milliseconds within);
  Step write(Bytes bytes, std::chrono::milliseconds within);
  /// Adds what arrives to `into`; at least one byte, or a failure.
  Step read(std::vector<std::uint8_t>& into, std::chrono::milliseconds within);

  const std::string& address() const { return address_; }
  std::string tls_description() const;
  std::string certificate_description() const;  ///< subject, issuer, last day

 private:
  bool wait(short events, std::chrono::steady_clock::time_point until) const { return wait(socket_, events, until); }
  static bool wait(int file, short events, std::chrono::steady_clock::time_point until);
  Step verify_failure(long result) const;
  struct Freed {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  posix::Resolver resolver_;
  std::vector<posix::SocketAddress> candidates_;
  int socket_ = -1;
  std::string address_;
  std::string refused_certificate_;  ///< where the check of the chain stopped
  std::unique_ptr<SSL_CTX, Freed> context_;
  std::unique_ptr<SSL, Freed> ssl_;
};

}  // namespace tercet::cli
