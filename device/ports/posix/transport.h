#pragma once
#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#include "ports/posix/resolver.h"
#include "ports/posix/tls.h"
#include "tercet/device/port.h"

namespace tercet::posix {

/// TCP and TLS over non-blocking sockets. Of several addresses of a name each is tried for 3 s before the next.
class SocketTransport final : public device::Transport {
 public:
  /// `clock` judges certificates and outlives the transport. The roots are read at the first TLS connection, and again
  /// at the next one while that fails.
  SocketTransport(Trust trust, const device::Clock& clock) : trust_(std::move(trust)), clock_(clock) {}
  ~SocketTransport() override { close(); }

  Result<void> open(const device::Target& target) override;
  Result<device::Stage> advance() override;
  device::Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override;
  Result<std::size_t> write(Bytes from) override;
  void close() override;
  std::string_view detail() const override { return detail_; }

  /// What to wait for; fd -1 when there is nothing.
  pollfd interest() const;
  /// Until when at most, while an address is being tried.
  Instant next_deadline() const { return stage_ == device::Stage::connecting ? try_until_ : Instant::never(); }

 private:
  Result<device::Stage> resolve();
  Result<device::Stage> connect();
  Result<device::Stage> secure();
  Result<device::Stage> begin_connect();
  Result<device::Stage> connected();
  void close_socket();

  Trust trust_;
  const device::Clock& clock_;
  std::shared_ptr<TlsContext> context_;
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
