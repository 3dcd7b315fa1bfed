#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet.h"
#include "ports/posix/resolver.h"
#include "ports/posix/tls.h"
#include "tercet/auth/sign.h"
#include "tercet/mqtt/client.h"

namespace tercet::cli {

using Nanoseconds = std::chrono::nanoseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

/// What all boards of a thread share.
struct FleetShared {
  const FleetOptions& options;
  posix::SocketAddress address;
  std::shared_ptr<posix::TlsContext> tls;  ///< null: plain TCP
  FleetResult counts;                      ///< of this thread
  std::uint32_t online = 0;
  std::uint32_t connecting = 0;  ///< sockets between open and CONNACK
  std::uint32_t random = 1;
  bool measuring = false;
  SteadyTime now{};  ///< of this pass
  std::vector<std::uint8_t> input = std::vector<std::uint8_t>(64 * 1024);
};

/// One virtual board: the SDK's client machine over a socket of its own.
class FleetBoard {
 public:
  FleetBoard(FleetShared& shared, const Triple& triple);
  ~FleetBoard();
  FleetBoard(const FleetBoard&) = delete;
  FleetBoard& operator=(const FleetBoard&) = delete;

  void start(Instant now) { client_.start(now); }
  /// Runs timers and events; then wants_socket() may be true.
  void pass(Instant now);
  /// The client asked for a connection and none was begun yet: begin one when the fleet has a place for it.
  bool wants_socket() const { return wants_socket_; }
  void open(Instant now);
  /// The socket is readable, writable, or broken.
  void on_ready(Instant now);
  void close_politely(Instant now);

  /// One more post, due at `due`. False when the window is full or the board is not online.
  bool post(Instant now, SteadyTime due);
  /// Closed loop: fills the window.
  void fill(Instant now);
  /// Writes what has been gathered.
  void flush(Instant now);

  bool is_online() const { return client_.is_online(); }
  std::size_t in_flight() const { return client_.in_flight(); }
  int socket() const { return socket_; }
  /// What epoll should report; 0 when there is no socket.
  std::uint32_t interest() const;
  Instant next_deadline() const { return client_.next_deadline(); }
  std::uint32_t watched = 0;  ///< what epoll was told last

 private:
  struct Sent {
    std::uint32_t id = 0;
    std::uint16_t packet_id = 0;
    SteadyTime due{};
    bool measured = false;
  };
  void connect_step(Instant now);
  void log_in(Instant now);
  void handle(const mqtt::ClientEvent& event, Instant now);
  void on_reply(Bytes payload);
  void lose(Instant now, Error error);
  void close_socket();
  void settle_login();
  void read(Instant now);
  void take(Bytes bytes, Instant now);
  void write(Instant now);
  std::string payload(std::uint32_t id);
  Result<std::size_t> receive(MutableBytes into);
  Result<std::size_t> send(Bytes from);

  FleetShared& shared_;
  Triple triple_;
  std::vector<std::uint8_t> memory_;
  std::vector<mqtt::Outbox::Window::Entry> window_;
  mqtt::Client client_;
  std::string topic_;
  std::unique_ptr<posix::TlsSession> tls_;
  std::vector<std::uint8_t> unread_;  ///< received, and to be handled when the answers to what came before are written
  std::vector<Sent> sent_;            ///< ring by message id
  std::uint32_t next_id_ = 1;
  std::uint32_t outstanding_ = 0;  ///< posts not yet acknowledged, or not yet replied to (await_reply)
  int socket_ = -1;
  enum class Step : std::uint8_t { closed, connecting, securing, open } step_ = Step::closed;
  bool wants_socket_ = false, counted_connecting_ = false, counted_online_ = false, write_blocked_ = false;
};

}  // namespace tercet::cli
