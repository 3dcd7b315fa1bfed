#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "ports/esp-idf/resolver.h"
#include "ports/esp-idf/tls.h"
#include "ports/esp-idf/trust.h"
#include "tercet/base/fixed_string.h"
#include "tercet/device/port.h"

namespace tercet::idf {

/// TCP and TLS over lwIP's non-blocking sockets. Never destroyed: make it static (see Resolver). A name that once led
/// to a connection is tried at its old address when the look-up fails.
class SocketTransport final : public device::Transport {
 public:
  SocketTransport() = default;

  /// Whom to believe; fill it before the first connection.
  Trust& trust() { return trust_; }

  Result<void> open(const device::Target& target) override;
  Result<device::Stage> advance() override;
  device::Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override;
  Result<std::size_t> write(Bytes from) override;
  void close() override;
  std::string_view detail() const override { return detail_.str(); }
  std::optional<UnixMillis> chain_expiry() const override;

  /// What to wait for. socket -1: nothing can be waited for, `soon` or `at_once` says when to call again.
  struct Interest {
    int socket = -1;
    bool readable = false, writable = false;
    bool soon = false;     ///< in a few milliseconds: a name is being looked up
    bool at_once = false;  ///< there is work that needs no waiting
  };
  Interest interest() const;

 private:
  Result<device::Stage> resolve();
  Result<device::Stage> begin_connect(const SocketAddress& address);
  Result<device::Stage> connect();
  Result<device::Stage> connected();
  Result<device::Stage> secure();
  Result<void> begin_tls();
  void close_socket();
  void say(std::string_view text) { static_cast<void>(detail_.assign(text.substr(0, detail_.capacity()))); }

  Trust trust_;
  TlsSession tls_;
  Resolver resolver_;
  std::optional<device::PreSharedKey> psk_;
  FixedString<128> host_, known_host_;
  SocketAddress address_, known_address_;  ///< known: where known_host_ was reached last
  FixedString<160> detail_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
  bool use_tls_ = true, write_blocked_ = false;
  device::Stage stage_ = device::Stage::closed;
};

}  // namespace tercet::idf
