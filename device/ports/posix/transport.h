#pragma once
#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#include "ports/posix/resolver.h"
#include "ports/posix/tls.h"
#include "tercet/device/port.h"

namespace tercet::posix {

/// TCP and TLS over non-blocking sockets. Of several addresses of a name each is tried for 3 s before the next. When a
/// name cannot be looked up, or not within 5 s, the addresses that last led to a connection are tried: name servers
/// fail more often than servers move. A TLS session is gone on with where the server allows it.
class SocketTransport final : public device::Transport {
 public:
  /// `clock` judges certificates and outlives the transport. The roots are read at the first TLS connection, and again
  /// at the next one while that fails.
  SocketTransport(Trust trust, const device::Clock& clock, Resolver::System look_up = &::getaddrinfo)
      : trust_(std::move(trust)), clock_(clock), resolver_(look_up) {}
  /// With a context that others use too.
  SocketTransport(std::shared_ptr<TlsContext> context, const device::Clock& clock)
      : clock_(clock), context_(std::move(context)), resolver_(&::getaddrinfo) {}
  ~SocketTransport() override { close(); }

  Result<void> open(const device::Target& target) override;
  Result<device::Stage> advance() override;
  device::Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override;
  Result<std::size_t> write(Bytes from) override;
  void close() override;
  std::string_view detail() const override { return detail_; }
  std::optional<UnixMillis> chain_expiry() const override { return tls_ ? tls_->chain_expiry() : std::nullopt; }

  /// What to wait for; fd -1 when there is nothing.
  pollfd interest() const;
  /// Until when at most, while an address is being tried.
  Instant next_deadline() const {
    return stage_ == device::Stage::connecting || stage_ == device::Stage::resolving ? try_until_ : Instant::never();
  }

 private:
  Result<device::Stage> resolve();
  Result<device::Stage> connect();
  Result<device::Stage> secure();
  Result<device::Stage> begin_connect();
  Result<device::Stage> connected();
  void close_socket();
  Result<void> begin_tls();
  bool has_known() const { return !known_.empty() && known_host_ == host_; }

  Trust trust_;
  const device::Clock& clock_;
  std::shared_ptr<TlsContext> context_;
  std::optional<device::PreSharedKey> psk_;
  std::string known_host_;            ///< whose addresses known_ are
  std::vector<SocketAddress> known_;  ///< they led to a connection once
  Resolver resolver_;
  std::unique_ptr<TlsSession> tls_;
  std::string host_, detail_;
  std::vector<SocketAddress> addresses_;
  std::size_t trying_ = 0;
  Instant try_until_ = Instant::never();
  int socket_ = -1;
  std::uint16_t port_ = 0;
  bool use_tls_ = true;
  bool write_blocked_ = false;
  device::Stage stage_ = device::Stage::closed;
};

}  // namespace tercet::posix
