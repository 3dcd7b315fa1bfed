#include "ports/contract/peers/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace tercet::contract {
namespace {

constexpr std::int64_t kDay = 86'400, kHalfYear = 182 * kDay;
constexpr std::string_view kGoodbye = "goodbye";

bool is_udp(PeerKind kind) { return kind >= PeerKind::udp_echo; }
bool is_tls(PeerKind kind) { return kind <= PeerKind::tls_other_name; }
bool listens(PeerKind kind) { return kind != PeerKind::refused && kind != PeerKind::unknown_name; }

/// Reads until the client goes, and forgets what it says.
void wait_for_the_end(int peer) {
  char buffer[1024];
  while (::recv(peer, buffer, sizeof buffer, 0) > 0) continue;
}

void must(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(2);
}

}  // namespace

Peers::Peers(const PeersConfig& config)
    : config_(config),
      year_{config.good_time_s - kHalfYear, config.good_time_s + kHalfYear},
      root_({"contract root", true, year_[0], year_[1]}, nullptr),
      stranger_({"unknown root", true, year_[0], year_[1]}, nullptr),
      good_({config.host, false, year_[0], year_[1]}, &root_),
      untrusted_({config.host, false, year_[0], year_[1]}, &stranger_),
      self_signed_({config.host, false, year_[0], year_[1]}, nullptr),
      expired_({config.host, false, year_[0], config.good_time_s - 30 * kDay}, &root_),
      not_yet_({config.host, false, config.good_time_s + 30 * kDay, year_[1]}, &root_),
      other_name_({"elsewhere.invalid", false, year_[0], year_[1]}, &root_) {
  must(::pipe(stop_) == 0, "pipe");
  for (std::size_t i = 0; i < kPeerKinds; ++i) {
    listeners_[i].kind = static_cast<PeerKind>(i);
    if (listeners_[i].kind != PeerKind::unknown_name) open(listeners_[i]);
  }
}

Peers::~Peers() {
  stopping_ = true;
  static_cast<void>(!::write(stop_[1], "x", 1));
  for (Listener& listener : listeners_) {
    if (listener.socket >= 0) ::shutdown(listener.socket, SHUT_RDWR);
    if (const int peer = listener.peer; peer >= 0) ::shutdown(peer, SHUT_RDWR);
    if (listener.thread.joinable()) listener.thread.join();
    if (listener.socket >= 0) ::close(listener.socket);
    SSL_CTX_free(listener.context);
  }
  ::close(stop_[0]), ::close(stop_[1]);
}

Peer Peers::at(PeerKind kind) const {
  if (kind == PeerKind::unknown_name) return {"no-such-host.invalid", 8883};
  return {config_.host, listeners_[static_cast<std::size_t>(kind)].port};
}

void Peers::open(Listener& listener) {
  const auto index = static_cast<std::uint16_t>(listener.kind);
  const int type = is_udp(listener.kind) ? SOCK_DGRAM : SOCK_STREAM;
  listener.socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  must(listener.socket >= 0, "socket");
  const int on = 1, small = 4096;
  ::setsockopt(listener.socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (type == SOCK_STREAM) ::setsockopt(listener.socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  must(::inet_pton(AF_INET, config_.address.c_str(), &address.sin_addr) == 1, "the address to listen at");
  address.sin_port = htons(config_.first_port == 0 ? 0 : static_cast<std::uint16_t>(config_.first_port + index));
  must(::bind(listener.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  socklen_t size = sizeof address;
  ::getsockname(listener.socket, reinterpret_cast<sockaddr*>(&address), &size);
  listener.port = ntohs(address.sin_port);
  if (!listens(listener.kind)) return;  // bound, so that nobody else listens there
  if (is_udp(listener.kind)) {
    listener.thread = std::thread([this, &listener] { serve_datagrams(listener); });
    return;
  }
  must(::listen(listener.socket, 8) == 0, "listen");
  if (is_tls(listener.kind)) {
    switch (listener.kind) {
      case PeerKind::tls_untrusted:
        present(listener, untrusted_);
        break;
      case PeerKind::tls_self_signed:
        present(listener, self_signed_);
        break;
      case PeerKind::tls_expired:
        present(listener, expired_);
        break;
      case PeerKind::tls_not_yet:
        present(listener, not_yet_);
        break;
      case PeerKind::tls_other_name:
        present(listener, other_name_);
        break;
      default:
        present(listener, good_);
    }
  }
  listener.thread = std::thread([this, &listener] { serve_stream(listener); });
}

void Peers::present(Listener& listener, const Certificate& certificate) {
  listener.context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate(listener.context, certificate.get());
  SSL_CTX_use_PrivateKey(listener.context, certificate.key().get());
}

void Peers::serve_stream(Listener& listener) {
  // A client may go while it is written to.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  for (;;) {
    const int peer = ::accept(listener.socket, nullptr, nullptr);
    if (peer < 0 || stopping_) {
      if (peer >= 0) ::close(peer);
      return;
    }
    listener.peer = peer;
    if (!stopping_) serve_one(listener, peer);
    listener.peer = -1;
    ::close(peer);
  }
}

void Peers::serve_one(Listener& listener, int peer) {
  switch (listener.kind) {
    case PeerKind::tcp_hang_up:
      return;
    case PeerKind::tcp_mute:
      return wait_for_the_end(peer);
    case PeerKind::tcp_plain:
      static_cast<void>(::send(peer, "220 mail.example ready\r\n", 24, MSG_NOSIGNAL));
      return wait_for_the_end(peer);
    case PeerKind::tcp_goodbye:
      static_cast<void>(::send(peer, kGoodbye.data(), kGoodbye.size(), MSG_NOSIGNAL));
      ::shutdown(peer, SHUT_WR);
      return wait_for_the_end(peer);
    case PeerKind::tcp_echo: {
      char buffer[2048];
      for (ssize_t got = 0; (got = ::recv(peer, buffer, sizeof buffer, 0)) > 0;)
        if (::send(peer, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return;
      return;
    }
    case PeerKind::tls_cut_handshake: {
      char hello[1024];
      static_cast<void>(!::recv(peer, hello, sizeof hello, 0));
      return;
    }
    default: {
      SSL* session = SSL_new(listener.context);
      SSL_set_fd(session, peer);
      if (SSL_accept(session) == 1) serve_tls(listener.kind, session, peer);
      SSL_free(session);
    }
  }
}

void Peers::serve_tls(PeerKind kind, SSL* session, int peer) {
  char buffer[2048];
  if (kind == PeerKind::tls_goodbye || kind == PeerKind::tls_cut) {
    SSL_write(session, kGoodbye.data(), static_cast<int>(kGoodbye.size()));
    if (kind == PeerKind::tls_goodbye) SSL_shutdown(session);
    ::shutdown(peer, SHUT_WR);
    return wait_for_the_end(peer);
  }
  if (kind == PeerKind::tls_stuck) {
    // Until the client has gone, which a poll without interest in data tells too.
    pollfd fds[2] = {{peer, POLLRDHUP, 0}, {stop_[0], POLLIN, 0}};
    ::poll(fds, 2, 60'000);
    return;
  }
  if (kind == PeerKind::tls_echo_late && !pause(700)) return;
  const bool answers = kind == PeerKind::tls_echo || kind == PeerKind::tls_echo_late;
  for (int got = 0; (got = SSL_read(session, buffer, sizeof buffer)) > 0;)
    if (answers && SSL_write(session, buffer, got) != got) return;
}

void Peers::serve_datagrams(Listener& listener) {
  const int other = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (;;) {
    pollfd fds[2] = {{listener.socket, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (stopping_) break;
    char buffer[512];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        ::recvfrom(listener.socket, buffer, sizeof buffer, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 || listener.kind == PeerKind::udp_silent) continue;
    const int answer_from = listener.kind == PeerKind::udp_impostor ? other : listener.socket;
    ::sendto(answer_from, buffer, static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from), size);
  }
  ::close(other);
}

bool Peers::pause(int milliseconds) const {
  pollfd stop{stop_[0], POLLIN, 0};
  return ::poll(&stop, 1, milliseconds) == 0;
}

}  // namespace tercet::contract
