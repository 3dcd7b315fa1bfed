#include "cli/fleet_board.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <vector>

using namespace tercet;
using namespace tercet::cli;

namespace {

constexpr int kSmall = 4'096;  // what a socket keeps, so that a few thousand answers fill it

Instant now() { return {std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch())}; }

/// The other end, without TLS: loopback, buffers as small as the system allows.
struct Server {
  Server() {
    listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &kSmall, sizeof kSmall);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    address.size = sizeof address.storage;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address.storage), &address.size);
  }
  ~Server() { ::close(listener), ::close(peer); }

  void accept() {
    peer = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    REQUIRE(peer >= 0);
  }
  /// How many bytes came; 0 when there are none now.
  std::size_t read(std::vector<std::uint8_t>& into) const {
    std::array<std::uint8_t, 4'096> bytes;
    const ssize_t got = ::recv(peer, bytes.data(), bytes.size(), 0);
    if (got > 0) into.insert(into.end(), bytes.begin(), bytes.begin() + got);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

  int listener = -1, peer = -1;
  posix::SocketAddress address{};
};

/// A QoS 1 message of its own packet id, which is answered by four bytes.
void add_publish(std::vector<std::uint8_t>& into, std::uint16_t id) {
  const std::uint8_t packet[] = {0x32, 6, 0, 1, 't', static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id),
                                 'x'};
  into.insert(into.end(), std::begin(packet), std::end(packet));
}

}  // namespace

TEST_CASE("a board whose answers cannot be written yet loses none of what it has received") {
  Server server;
  FleetOptions options;
  options.plain = true;
  FleetShared shared{options, server.address, nullptr, {}};
  FleetBoard board(shared, {{*ProductKey::parse("a1"), *DeviceName::parse("b")}, *DeviceSecret::parse("secret")});
  board.start(now());
  board.pass(now());
  REQUIRE(board.wants_socket());
  board.open(now());
  server.accept();
  ::setsockopt(board.socket(), SOL_SOCKET, SO_SNDBUF, &kSmall, sizeof kSmall);
  const auto settle = [&](short events) {
    pollfd ready{board.socket(), events, 0};
    return ::poll(&ready, 1, 20) == 1;
  };
  std::vector<std::uint8_t> heard;
  for (int i = 0; i < 200 && heard.empty(); ++i) {
    static_cast<void>(settle(POLLOUT));
    board.on_ready(now());
    server.read(heard);
  }
  REQUIRE(!heard.empty());
  const std::uint8_t connack[] = {0x20, 2, 0, 0};
  REQUIRE(::send(server.peer, connack, sizeof connack, 0) == 4);
  for (int i = 0; i < 200 && !board.is_online(); ++i) {
    static_cast<void>(settle(POLLIN));
    board.on_ready(now());
  }
  REQUIRE(board.is_online());

  constexpr std::uint16_t kMessages = 40'000;
  std::vector<std::uint8_t> messages, answers;
  for (std::uint16_t id = 1; id <= kMessages; ++id) add_publish(messages, id);
  std::size_t told = 0;
  bool was_held_back = false;
  for (int idle = 0; answers.size() < 4 * kMessages && board.is_online() && idle < 250;) {
    bool moved = false;
    const ssize_t sent = ::send(server.peer, messages.data() + told, messages.size() - told, MSG_NOSIGNAL);
    if (sent > 0) told += static_cast<std::size_t>(sent), moved = true;
    if (settle(static_cast<short>(board.interest()))) board.on_ready(now());
    board.flush(now());
    was_held_back |= (board.interest() & EPOLLOUT) != 0;
    if (was_held_back || idle > 10) moved |= server.read(answers) > 0;  // not before, so that they pile up
    idle = moved ? 0 : idle + 1;
  }
  CHECK(was_held_back);
  CHECK(board.is_online());
  CHECK(shared.counts.broken == 0);
  REQUIRE(answers.size() == 4 * kMessages);
  bool in_order = true;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const std::uint8_t* at = answers.data() + 4 * i;
    in_order &= at[0] == 0x40 && at[1] == 2 && static_cast<std::size_t>(at[2] << 8 | at[3]) == i + 1;
  }
  CHECK(in_order);
}
