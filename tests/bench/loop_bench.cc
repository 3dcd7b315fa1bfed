// CPU of a server thread per echoed message: EpollLoop beside Boost.Asio in one run, on loopback. The client half is
// the same plain blocking sockets for all. Usage: loop_bench [messages per run, 200000] [connections, 100] [runs, 5]
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "platform/runtime/epoll_loop.h"

using namespace tercet;
using namespace tercet::runtime;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t kMessage = 75;       // a property post without its topic's alias, as in docs/performance.md
constexpr std::size_t kBuffer = 64 << 10;  // what a shard reads into

double thread_cpu() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) * 1e-9;
}

/// A server that echoes what it reads, in a thread of its own until stopped. Gives the thread's CPU seconds.
struct Server {
  std::uint16_t port = 0;
  std::function<double()> stop;
};

// --- ours ---

struct OurEcho final : StreamEvents {
  OurEcho(EpollLoop& on, std::unique_ptr<Stream> with, bool keep_alive)
      : loop(on), stream(std::move(with)), alive(keep_alive) {
    loop.attach(*stream, *this);
  }
  void on_readable() override {
    static std::array<std::uint8_t, kBuffer> buffer;
    const Io io = stream->read(buffer);
    if (io.state == Io::State::closed || io.state == Io::State::failed) return loop.detach(*stream);
    (void)stream->write({buffer.data(), io.bytes});
    if (alive) timer.set(loop, loop.now() + Seconds{90});
  }
  void on_writable() override {}
  EpollLoop& loop;
  std::unique_ptr<Stream> stream;
  bool alive;
  Timer timer{[](void*) {}, nullptr};
};

Server start_ours(bool keep_alive) {
  auto loop = std::make_shared<std::unique_ptr<EpollLoop>>(std::move(*EpollLoop::open()));
  auto echoes = std::make_shared<std::vector<std::unique_ptr<OurEcho>>>();
  EpollLoop& on = **loop;
  const auto address =
      on.listen(*make_address("127.0.0.1", 0), [&on, echoes, keep_alive](std::unique_ptr<Stream> stream) {
        echoes->push_back(std::make_unique<OurEcho>(on, std::move(stream), keep_alive));
      });
  auto cpu = std::make_shared<std::future<double>>(std::async(std::launch::async, [&on, echoes] {
    on.run();
    echoes->clear();
    return thread_cpu();
  }));
  return {address->port, [loop, cpu, &on] {
            on.stop();
            return cpu->get();
          }};
}

// --- Boost.Asio ---

/// As its tutorials do it: an asynchronous read into the connection's own buffer.
struct AsioRead : std::enable_shared_from_this<AsioRead> {
  AsioRead(tcp::socket s, bool keep_alive) : socket(std::move(s)), timer(socket.get_executor()), alive(keep_alive) {
    socket.set_option(tcp::no_delay(true));
    socket.non_blocking(true);
  }
  void go() {
    socket.async_read_some(asio::buffer(buffer), [self = shared_from_this()](const auto& error, std::size_t n) {
      if (error) return;
      self->echo(n);
      self->go();
    });
  }
  void echo(std::size_t n) {
    boost::system::error_code ignored;
    socket.write_some(asio::buffer(buffer.data(), n), ignored);
    if (!alive) return;
    timer.expires_after(std::chrono::seconds(90));
    timer.async_wait([](const auto&) {});
  }
  tcp::socket socket;
  asio::steady_timer timer;
  bool alive;
  std::array<char, 4096> buffer;
};

/// As design rules want it: wait for readiness, then read into the thread's one buffer.
struct AsioWait : std::enable_shared_from_this<AsioWait> {
  AsioWait(tcp::socket s, bool keep_alive) : socket(std::move(s)), timer(socket.get_executor()), alive(keep_alive) {
    socket.set_option(tcp::no_delay(true));
    socket.non_blocking(true);
  }
  void go() {
    socket.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const auto& error) {
      if (error || !self->echo()) return;
      self->go();
    });
  }
  bool echo() {
    static std::array<char, kBuffer> buffer;
    boost::system::error_code error;
    const std::size_t n = socket.read_some(asio::buffer(buffer), error);
    if (error) return error == asio::error::would_block;
    socket.write_some(asio::buffer(buffer.data(), n), error);
    if (!alive) return true;
    timer.expires_after(std::chrono::seconds(90));
    timer.async_wait([](const auto&) {});
    return true;
  }
  tcp::socket socket;
  asio::steady_timer timer;
  bool alive;
};

template <typename Echo>
void accept_next(tcp::acceptor& acceptor, bool keep_alive) {
  acceptor.async_accept([&acceptor, keep_alive](const auto& error, tcp::socket socket) {
    if (error) return;
    std::make_shared<Echo>(std::move(socket), keep_alive)->go();
    accept_next<Echo>(acceptor, keep_alive);
  });
}

template <typename Echo>
Server start_asio(bool keep_alive) {
  auto io = std::make_shared<asio::io_context>(1);
  auto acceptor = std::make_shared<tcp::acceptor>(*io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  accept_next<Echo>(*acceptor, keep_alive);
  auto cpu = std::make_shared<std::future<double>>(std::async(std::launch::async, [io] {
    io->run();
    return thread_cpu();
  }));
  return {acceptor->local_endpoint().port(), [io, acceptor, cpu] {
            io->stop();
            return cpu->get();
          }};
}

// --- the client half ---

std::vector<int> connect_all(std::uint16_t port, int count) {
  std::vector<int> sockets;
  for (int i = 0; i < count; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::perror("connect"), std::exit(1);
    sockets.push_back(fd);
  }
  return sockets;
}

/// Microseconds of server CPU per message, one message at a time on each connection.
double measure(const Server& server, int messages, int connections) {
  const std::vector<int> sockets = connect_all(server.port, connections);
  std::array<char, kMessage> message{};
  int sent = 0;
  while (sent < messages) {
    for (const int fd : sockets)
      if (::send(fd, message.data(), message.size(), MSG_NOSIGNAL) != kMessage) std::perror("send"), std::exit(1);
    for (const int fd : sockets)
      if (::recv(fd, message.data(), message.size(), MSG_WAITALL) != kMessage) std::perror("recv"), std::exit(1);
    sent += connections;
  }
  const double cpu = server.stop();
  for (const int fd : sockets) ::close(fd);
  return cpu / sent * 1e6;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int messages = argc > 1 ? std::atoi(argv[1]) : 200'000;
  const int connections = argc > 2 ? std::atoi(argv[2]) : 100;
  const int runs = argc > 3 ? std::atoi(argv[3]) : 5;
  struct Variant {
    const char* name;
    Server (*start)(bool keep_alive);
    std::vector<double> plain, keep_alive;
  };
  Variant variants[] = {{"EpollLoop", &start_ours, {}, {}},
                        {"Asio, wait + shared buffer", &start_asio<AsioWait>, {}, {}},
                        {"Asio, async_read_some", &start_asio<AsioRead>, {}, {}}};
  for (int run = 0; run < runs; ++run)
    for (Variant& variant : variants) {
      variant.plain.push_back(measure(variant.start(false), messages, connections));
      variant.keep_alive.push_back(measure(variant.start(true), messages, connections));
    }
  std::printf("echo of %zu bytes, %d connections, median of %d runs: server CPU us per message (ratio to EpollLoop)\n",
              kMessage, connections, runs);
  const double plain = median(variants[0].plain), keep_alive = median(variants[0].keep_alive);
  for (const Variant& variant : variants)
    std::printf("%-28s %6.2f (%.2f)   with a keep-alive timer moved per message %6.2f (%.2f)\n", variant.name,
                median(variant.plain), median(variant.plain) / plain, median(variant.keep_alive),
                median(variant.keep_alive) / keep_alive);
  return 0;
}
