#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "ports/contract/bench.h"
#include "ports/contract/peers/certificates.h"

struct ssl_ctx_st;
struct ssl_st;

namespace tercet::contract {

/// Where the peers are.
struct PeersConfig {
  std::string host = "localhost";            ///< what their certificates carry, and what the port connects to
  std::string address = "127.0.0.1";         ///< where they listen
  std::uint16_t first_port = 0;              ///< kind n listens at first_port + n; 0: wherever there is room
  std::int64_t good_time_s = 1'765'000'000;  ///< the middle of the certificates' year
};

/// The other ends of the suite, for Linux: OpenSSL, a thread for each kind, one connection at a time.
class Peers {
 public:
  /// Ends the process when a port cannot be had.
  explicit Peers(const PeersConfig& config);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  Peer at(PeerKind kind) const;
  /// The root that the port is to believe.
  std::string root_pem() const { return root_.pem(); }
  UnixMillis good_time() const { return {config_.good_time_s * 1000}; }

 private:
  struct Listener {
    PeerKind kind;
    int socket = -1;
    std::uint16_t port = 0;
    ssl_ctx_st* context = nullptr;
    std::atomic<int> peer{-1};
    std::thread thread;
  };
  void open(Listener& listener);
  void present(Listener& listener, const Certificate& certificate);
  void serve_stream(Listener& listener);
  void serve_one(Listener& listener, int peer);
  void serve_tls(PeerKind kind, ssl_st* session, int peer);
  void serve_datagrams(Listener& listener);
  bool pause(int milliseconds) const;  ///< false when the peers are being stopped

  PeersConfig config_;
  std::array<std::int64_t, 2> year_;
  Certificate root_, stranger_, good_, untrusted_, self_signed_, expired_, not_yet_, other_name_;
  std::array<Listener, kPeerKinds> listeners_;
  int stop_[2] = {-1, -1};  ///< a pipe, readable when it is over
  std::atomic<bool> stopping_{false};
};

}  // namespace tercet::contract
