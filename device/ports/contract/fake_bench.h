#pragma once
#include <optional>

#include "ports/contract/bench.h"
#include "ports/fake/board.h"
#include "ports/fake/flash.h"

namespace tercet::contract {

/// The board in memory. Its network fails as it is told, so it has no echo and no certificates of its own.
class FakeBench : public Bench {
 public:
  FakeBench() {
    flash_.forgives = true;  // the suite asks for what the flash must refuse
    board.secrets.owner = provisioned()->id;
  }
  fake::Board board;

  device::Port port() override {
    auto parts = board.port();
    parts.flash = &flash_;
    return parts;
  }
  void wait(Millis at_most) override { board.clock.advance(at_most); }
  bool restart() override { return true; }  // everything that is kept is in `board`

  std::optional<Peer> peer(PeerKind kind) override {
    using device::Stage;
    auto& network = board.transport;
    network.mend();
    board.time_servers.servers[0] = {"silent.example", fake::TimeServers::Mood::silent, {}};
    switch (kind) {
      case PeerKind::tls_silent:
        network.half_open = true;
        return Peer{"platform.example", 8883};
      case PeerKind::tcp_mute:  // with TLS on top it would stay silent; without, it is ready
        network.hang_at(Stage::securing);
        return Peer{"platform.example", 1883};
      case PeerKind::udp_silent:
        return Peer{"silent.example", 123};
      case PeerKind::unknown_name:
        return breaks(Stage::resolving, Error::dns_failed);
      case PeerKind::refused:
        return breaks(Stage::connecting, Error::connect_refused);
      case PeerKind::tcp_hang_up:
      case PeerKind::tls_cut_handshake:
        return breaks(Stage::securing, Error::closed);
      case PeerKind::tcp_plain:
        return breaks(Stage::securing, Error::tls_failed);
      case PeerKind::tls_untrusted:
      case PeerKind::tls_self_signed:
        return breaks(Stage::securing, Error::tls_untrusted);
      case PeerKind::tls_expired:
      case PeerKind::tls_not_yet:
        return breaks(Stage::securing, Error::tls_expired);
      case PeerKind::tls_other_name:
        return breaks(Stage::securing, Error::tls_wrong_host);
      default:
        return std::nullopt;
    }
  }
  UnixMillis good_time() const override { return {1'765'000'000'000}; }

  std::optional<Triple> provisioned() override {
    return Triple{{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")},
                  *DeviceSecret::parse(board.secrets.secret)};
  }
  bool expose_secret(bool exposed) override {
    board.secrets.broken = exposed ? std::optional(Error::denied) : std::nullopt;
    return true;
  }
  bool break_store(bool broken) override {
    board.store.full = broken;
    return true;
  }

 private:
  Peer breaks(device::Stage stage, Error error) {
    board.transport.break_at(stage, error);
    return {"platform.example", 8883};
  }
  fake::Flash flash_{4, 4096, 4};
};

}  // namespace tercet::contract
